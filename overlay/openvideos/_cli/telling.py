"""Say in one sentence what went wrong with a command, or with one of its videos."""

from __future__ import annotations

import signal
import sys
from typing import Any, Final

import click

from .. import OpenVideosError
from .exit_codes import ExitCode, exit_code_of
from .invocation import OPTION_NAMES, PROGRAM, Invocation
from .text import json_line, sentence

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


def tell(invocation: Invocation, error: BaseException, go_on: str | None = None) -> ExitCode:
    """Write what went wrong, and how to go on, to stderr; return the exit code that says it, too."""
    code, message = code_and_message(error)
    if code == ExitCode.INTERRUPTED and sys.stderr.isatty():
        click.echo(err=True)  # the terminal shows ^C, with no line of its own
    if invocation.as_json:
        known: dict[str, Any] = {"type": type(error).__name__, "message": message, "exit_code": int(code)}
        known |= {"go_on": go_on, "video_id": getattr(error, "video_id", None) or invocation.video_id}
        known |= {"request_id": getattr(error, "request_id", None)}
        invocation.note(json_line({"error": known}))
    else:
        invocation.note(f"{PROGRAM}: {message}")
        if go_on is not None:
            invocation.note(f"{PROGRAM}: {go_on}")
    return code


def code_and_message(error: BaseException) -> tuple[ExitCode, str]:
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
