"""Run a command, and say what went wrong with it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import click

from .. import __version__
from . import creating, files, managing, reading
from .batch import batch
from .completion import VARIABLE, complete, completion
from .doctor import doctor
from .exit_codes import ExitCode
from .invocation import PROGRAM, Invocation
from .telling import Terminated, code_and_message, tell


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
        with suppress(OSError):  # the terminal may be gone, or the disk full
            if invocation.is_debug:
                traceback.print_exception(error)
            tell(invocation, error, invocation.hint)
        return code_and_message(error)[0]


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
