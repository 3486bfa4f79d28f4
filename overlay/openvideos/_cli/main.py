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
from .completion import VARIABLE, complete, completion
from .doctor import doctor
from .exit_codes import ExitCode, exit_code_of
from .invocation import OPTION_NAMES, PROGRAM, Invocation
from .text import harmless, json_line

ADVICE: Final = {
    "pass base_url=, or set OPENVIDEOS_BASE_URL": "give --base-url, or set OPENVIDEOS_BASE_URL",
    "Check the API key: api_key=, or OPENVIDEOS_API_KEY": "Check the API key: --ask-key, or OPENVIDEOS_API_KEY",
    "poll it again, or pass a larger poll_timeout_ms": "wait for it again, or give a larger --timeout",
    "wait for `.pending` again, or pass a larger poll_timeout_ms": "wait for them again, or give a larger --timeout",
    " Pass timeout= to wait longer.": " Try again later.",
    "name a file, or write the bytes of download_content there yourself.": "name a file.",
}
"""What messages of the SDK say to whoever writes Python, and what they say here."""


class _Terminated(BaseException):
    """SIGTERM has come."""


class _Group(click.Group):
    """The commands in their own order, which is that of a video's life."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's name for it
        """Return the names of the commands."""
        return [*self.commands]


@click.group(
    cls=_Group,
    invoke_without_command=True,
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

`openvideos doctor` tells what is in force. The exit codes are in docs/cli.md.""",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Make videos at any server of the Videos API."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


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
    doctor,
    completion,
):
    cli.add_command(_command)


def command(argv: Sequence[str]) -> int:
    """Run the command that the arguments name, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A server's text may have characters that the terminal's encoding lacks.
        with suppress(AttributeError):  # whoever calls this in a process of theirs may have other streams
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    # Options that are wrong are told in the same form, too.
    invocation = Invocation(as_json="--json" in argv, is_debug="--debug" in argv)
    try:
        return _run(invocation, argv)
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        # Python would fail on it again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.READER_GONE
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told in one sentence
        if invocation.is_debug:
            traceback.print_exception(error)
        return _report(invocation, error)


def _run(invocation: Invocation, argv: Sequence[str]) -> int:
    instruction = os.environ.get(VARIABLE)
    if instruction:
        return complete(cli, instruction)
    with _sigterm_raises(), cli.make_context(PROGRAM, [*argv], obj=invocation) as context:
        code: int | None = cli.invoke(context)
    sys.stdout.flush()
    return ExitCode.DONE if code is None else code


@contextmanager
def _sigterm_raises() -> Generator[None]:
    """Let SIGTERM end a command as Ctrl-C does, so that it says how to go on."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _report(invocation: Invocation, error: BaseException) -> int:
    """Say what went wrong, and how to go on, and return the exit code."""
    code, message = _told(error)
    hint = invocation.hint
    if code == ExitCode.INTERRUPTED and sys.stderr.isatty():
        click.echo(err=True)  # the terminal shows ^C, with no line of its own
    if invocation.as_json:
        known: dict[str, Any] = {"type": type(error).__name__, "message": message, "exit_code": int(code)}
        known |= {"go_on": hint} | {name: getattr(error, name, None) for name in ("video_id", "request_id")}
        click.echo(json_line({"error": known}), err=True)
    else:
        click.echo(f"{PROGRAM}: {harmless(message)}", err=True)
        if hint is not None:
            click.echo(f"{PROGRAM}: {hint}", err=True)
    return code


def _told(error: BaseException) -> tuple[ExitCode, str]:
    """Return the exit code of an exception, and the sentence that says what is wrong and what to do."""
    match error:
        case OpenVideosError():
            message = error.message
            for before, after in ADVICE.items():
                message = message.replace(before, after)
            return exit_code_of(error), message
        case click.NoSuchOption() if error.option_name in OPTION_NAMES:
            name = error.option_name
            return ExitCode.MISUSE, f"{name} stands behind a command, as in: {PROGRAM} list {name}."
        case click.ClickException():
            path = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
            more = f" See {path} --help." if isinstance(error, click.UsageError) else ""
            code = ExitCode.MISUSE if isinstance(error, click.UsageError) else ExitCode.PROBLEM
            return code, f"{error.format_message()}{more}"
        case KeyboardInterrupt() | click.Abort():
            return ExitCode.INTERRUPTED, "interrupted."
        case _Terminated():
            return ExitCode.TERMINATED, "terminated."
        case _:
            # Its text is unknown, and may hold a secret.
            return ExitCode.PROBLEM, (
                f"the command has made a mistake of its own ({type(error).__name__}); please report what --debug shows."
            )
