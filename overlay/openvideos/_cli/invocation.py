"""Hold one call of the command: its common options, where its output goes, and how to go on after an interruption."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from .text import harmless, json_line

if TYPE_CHECKING:
    from rich.console import Console

    from .. import OpenVideos

R = TypeVar("R")

PROGRAM: Final = "openvideos"
OPTION_NAMES: Final = ("--json", "--base-url", "--ask-key", "--debug")
"""The options that all commands have."""


class Invocation:
    """A call of the command. It is no attrs class, since attrs takes a fifth of the time that the command starts in."""

    def __init__(self, *, as_json: bool = False, is_debug: bool = False) -> None:
        """Set the options that count before all others are read."""
        self.as_json = as_json
        self.is_debug = is_debug
        self.base_url: str | None = None
        self.asks_key = False
        self.video_id: str | None = None
        """The job that the command is about, once it is known."""
        self.hint: str | None = None
        """What to do about a job that the command leaves behind, should it break off."""
        self.above_bars: Console | None = None
        """Prints above the progress bars, while there are some."""

    def note(self, text: str) -> None:
        """Write a line for people, to stderr."""
        self._line(harmless(text), to_stderr=True)

    def give(self, text: str, value: Any) -> None:
        """Write a result, to stdout: a line of text that is harmless already, or a line of JSON."""
        self._line(json_line(value) if self.as_json else text, to_stderr=False)

    def _line(self, text: str, *, to_stderr: bool) -> None:
        if self.above_bars is not None and (to_stderr or sys.stdout.isatty()):
            # Whatever else is written to the terminal of the bars would be mixed up with them.
            self.above_bars.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(text, err=to_stderr)

    def command_line(self, name: str, *ids: str, output: Path | None = None, more: Sequence[str] = ()) -> str:
        """Return a command that a shell takes, for the same server, with more options."""
        options = [] if self.base_url is None else ["--base-url", self.base_url]
        options += ["--ask-key"] if self.asks_key else []
        options += [] if output is None else ["--output", str(output)]
        options += more
        # An id that looks like an option is none.
        end = ["--"] if any(each.startswith("-") for each in ids) else []
        return harmless(shlex.join([PROGRAM, *name.split(), *options, *end, *ids]))

    @contextmanager
    def client(self) -> Generator[OpenVideos]:
        """Yield a client of the server that the options and the environment name.

        Raises:
            ConfigurationError: There is no base URL, or a setting is invalid.
            UsageError: The key is to be asked for, and there is no terminal.
        """
        from .. import OpenVideos

        with OpenVideos(base_url=self.base_url, api_key=self.asked_key() if self.asks_key else None) as client:
            yield client

    def asked_key(self) -> str:
        """Ask for the API key.

        Raises:
            UsageError: There is no terminal.
        """
        if not sys.stdin.isatty():
            raise click.UsageError("--ask-key needs a terminal to ask on; set OPENVIDEOS_API_KEY instead.")
        key: str = click.prompt("API key", hide_input=True, err=True)
        return key


def _refuse_key(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "A key among the arguments can be read by other users of the machine; set OPENVIDEOS_API_KEY, or give "
            "--ask-key to be asked for it."
        )


_OPTIONS: Final = (
    click.option("--json", "as_json", is_flag=True, help="Write JSON: one document, or a line for each object."),
    click.option(
        "--base-url", metavar="URL", help="The address of the API.  [default: OPENVIDEOS_BASE_URL or OPENAI_BASE_URL]"
    ),
    click.option("--ask-key", "asks_key", is_flag=True, help="Ask for the API key, without showing it."),
    click.option("--debug", "is_debug", is_flag=True, help="Log each request, and show the traceback of an error."),
    # Whoever tries it learns the way out, and the key is not repeated.
    click.option("--api-key", hidden=True, expose_value=False, callback=_refuse_key, is_eager=True),
)


def common(function: Callable[..., R]) -> Callable[..., R]:
    """Add the common options to a command, whose function takes the invocation first."""

    @wraps(function)
    def invoke(**options: Any) -> R:
        context = click.get_current_context()
        invocation: Invocation = context.obj
        for name in ("as_json", "base_url", "asks_key", "is_debug"):
            setattr(invocation, name, options.pop(name))
        if invocation.is_debug:
            _log_requests(context)
        return function(invocation, **options)

    for option in reversed(_OPTIONS):
        invoke = option(invoke)
    return invoke


def given(*, without: Collection[str] = ()) -> list[str]:
    """Return the options of a command that were given to it, but for those that all commands have, as words."""
    context = click.get_current_context()
    words: list[str] = []
    for option in context.command.params:
        name = option.name or ""
        if option.opts[0] in OPTION_NAMES or name in without or not isinstance(option, click.Option):
            continue
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            value = context.params[name]
            if option.is_flag:
                words.append((option.opts if value else option.secondary_opts)[0])
            else:
                for each in value if option.multiple else [value]:
                    words += [option.opts[0], str(each)]
    return words


def _log_requests(context: click.Context) -> None:
    """Write the SDK's log to stderr, until the command ends. It has no secrets."""
    logger, handler = logging.getLogger("openvideos"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)

    def stop() -> None:
        logger.removeHandler(handler)
        logger.setLevel(level)

    context.call_on_close(stop)
