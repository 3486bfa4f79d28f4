"""Run a command, and say in one sentence what went wrong with it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, NoReturn

import click

from .. import OpenVideosError, __version__
from . import creating, files, managing, reading
from .batch import batch
from .completion import VARIABLE, complete, completion
from .doctor import doctor
from .exit_codes import ExitCode, exit_code_of
from .invocation import OPTION_NAMES, PROGRAM, Invocation
from .text import harmless, json_line, sentence

ADVICE: Final = {
    "pass base_url=, or set OPENVIDEOS_BASE_URL": "give --base-url, or set OPENVIDEOS_BASE_URL",
    "Check the API key: api_key=, or OPENVIDEOS_API_KEY": "Check the API key: --ask-key, or OPENVIDEOS_API_KEY",
    "poll it again, or pass a larger poll_timeout_ms": "wait for it again, or give a larger --timeout",
    "wait for `.pending` again, or pass a larger poll_timeout_ms": "wait for them again, or give a larger --timeout",
    " Pass timeout= to wait longer.": " Try again later.",
    "name a file, or write the bytes of download_content there yourself.": "name a file.",
    "pass api_key=, default_headers= with Authorization, or your own http_client=httpx.Client(auth=…)": (
        "leave them out, and give the key by OPENVIDEOS_API_KEY or --ask-key"
    ),
    "pass query parameters as default_query=": "leave it out",
    "OPENVIDEOS_API_KEY with OPENVIDEOS_BASE_URL.": (
        "OPENVIDEOS_API_KEY with OPENVIDEOS_BASE_URL; `openvideos doctor` tells which key goes to which server."
    ),
}
"""What messages of the SDK say to whoever writes Python, and what they say here."""


class Terminated(BaseException):
    """SIGTERM has come, or SIGHUP: the terminal was closed."""

    def __init__(self, number: int) -> None:
        """Store the number of the signal."""
        super().__init__(number)
        self.code = ExitCode.TERMINATED if number == signal.SIGTERM else ExitCode.HUNG_UP


class _Group(click.Group):
    """The commands in their own order, which is that of a video's life."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's name for it
        """Return the names of the commands."""
        return [*self.commands]


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="""\b
Examples:
  openvideos create "A paper boat in the rain" --output boat.mp4
  openvideos list --status completed
  openvideos wait video_123 && openvideos open video_123

\b
Environment:
  OPENVIDEOS_BASE_URL  The address of the API, such as http://127.0.0.1:8000/v1.
  OPENVIDEOS_API_KEY   The key for it.

`openvideos doctor` tells what is in force. All of this, and the exit codes:
https://openvideos.github.io/openvideos/cli.html""",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """Make videos at any server of the Videos API."""


for _command in (
    creating.create,
    reading.get,
    reading.list_,
    reading.wait,
    files.download,
    files.open_,
    creating.remix,
    creating.edit,
    creating.extend,
    managing.delete,
    managing.characters,
    batch,
    doctor,
    completion,
):
    cli.add_command(_command)


def command(argv: Sequence[str]) -> int:
    """Run the command that the arguments name, and return the exit code."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # A daemon's stream may be closed, and a socket or a file that is opened then would take its place.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the process ends
    for stream in (sys.stdout, sys.stderr):
        # A server's text may have characters that the terminal's encoding lacks.
        with suppress(AttributeError):  # whoever calls this in a process of theirs may have other streams
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    # Options that are wrong are told in the same form, too.
    invocation = Invocation(as_json="--json" in argv, is_debug="--debug" in argv)
    try:
        return _run(invocation, argv)
    except click.exceptions.NoArgsIsHelpError as alone:
        click.echo(alone.message)
        return ExitCode.DONE
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        _drop_output()
        return ExitCode.READER_GONE
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told in one sentence
        if isinstance(error, OSError):
            _drop_output()
        code, message = _told(error)
        with suppress(OSError):  # the terminal may be gone, or the disk full
            if invocation.is_debug:
                traceback.print_exception(error)
            _report(invocation, error, code, message)
        return code


def _drop_output() -> None:
    """Let go of what stdout does not take: Python would fail on it again when it flushes stdout at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(invocation: Invocation, argv: Sequence[str]) -> int:
    instruction = os.environ.get(VARIABLE)
    if instruction:
        return complete(cli, instruction)
    with _signals_raise(), cli.make_context(PROGRAM, [*argv], obj=invocation) as context:
        code: int | None = cli.invoke(context)
    sys.stdout.flush()
    return ExitCode.DONE if code is None else code


@contextmanager
def _signals_raise() -> Generator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that it says how to go on."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise Terminated(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(invocation: Invocation, error: BaseException, code: ExitCode, message: str) -> None:
    """Say what went wrong, and how to go on."""
    hint = invocation.hint
    if code == ExitCode.INTERRUPTED and sys.stderr.isatty():
        click.echo(err=True)  # the terminal shows ^C, with no line of its own
    if invocation.as_json:
        known: dict[str, Any] = {"type": type(error).__name__, "message": message, "exit_code": int(code)}
        known |= {"go_on": hint, "video_id": getattr(error, "video_id", None) or invocation.video_id}
        known |= {"request_id": getattr(error, "request_id", None)}
        click.echo(json_line({"error": known}), err=True)
    else:
        click.echo(f"{PROGRAM}: {harmless(message)}", err=True)
        if hint is not None:
            click.echo(f"{PROGRAM}: {hint}", err=True)


def _told(error: BaseException) -> tuple[ExitCode, str]:
    """Return the exit code of an exception, and the sentence that says what is wrong and what to do."""
    match error:
        case OpenVideosError():
            return exit_code_of(error), _for_the_command(error.message)
        case click.ClickException():
            return _told_of_words(error)
        case KeyboardInterrupt() | click.Abort():
            return ExitCode.INTERRUPTED, "interrupted."
        case Terminated():
            return error.code, "the terminal was closed." if error.code == ExitCode.HUNG_UP else "terminated."
        case OSError() if error.strerror:  # the system's own words
            what = "The output" if error.filename is None else repr(error.filename)
            return ExitCode.NO_FILE, f"{what} cannot be written: {error.strerror}."
        case _:
            # Its text is unknown, and may hold a secret.
            return ExitCode.PROBLEM, (
                f"the command has made a mistake of its own ({type(error).__name__}); please report what --debug shows."
            )


def _for_the_command(message: str) -> str:
    for before, after in ADVICE.items():
        message = message.replace(before, after)
    return message


def _told_of_words(error: click.ClickException) -> tuple[ExitCode, str]:
    if isinstance(error, click.NoSuchOption) and error.option_name in OPTION_NAMES:
        name = error.option_name
        return ExitCode.MISUSE, f"{name} stands behind a command, as in: {PROGRAM} list {name}."
    said = sentence(error.format_message())
    if not isinstance(error, click.UsageError):
        return ExitCode.PROBLEM, said
    path = PROGRAM if error.ctx is None else error.ctx.command_path
    return ExitCode.MISUSE, f"{said} See {path} --help."
