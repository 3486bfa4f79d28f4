"""Write what `openvideos --help` says, and the exit codes, into docs/cli.md.

tools/tests/test_command_reference.py fails while the page says something else.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from openvideos._cli.exit_codes import MEANINGS
from openvideos._cli.invocation import OPTION_NAMES
from openvideos._cli.main import cli

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
BEGIN: Final = "<!-- Begin of {}: python tools/command_reference.py -->\n"
END: Final = "<!-- End of {} -->\n"
WIDTH: Final = 120


def commands(group: click.Group = cli, path: str = "openvideos") -> Iterator[tuple[str, click.Command]]:
    """Yield each command with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def context_of(command: click.Command) -> click.Context:
    """Return a context of a command as a call has it: the command keeps the help option of its first one."""
    root = cli.make_context("openvideos", [], resilient_parsing=True)
    return click.Context(command, parent=root)


def options_of(command: click.Command, *, common: bool) -> Iterator[str]:
    """Yield a row for each option: those that all commands have, or the others."""
    context = context_of(command)
    for option in command.params:
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None and (option.opts[0] in OPTION_NAMES) == common:
            names, meaning = record
            yield f"| `{names}` | {' '.join(meaning.split())} |\n"


def table(rows: Iterator[str], head: str) -> str:
    """Return a table, or nothing if it has no rows."""
    body = "".join(rows)
    return f"\n| {head} | |\n|---|---|\n{body}" if body else ""


def described(path: str, command: click.Command) -> str:
    """Return the section of a command."""
    usage = " ".join([path, *command.collect_usage_pieces(context_of(command))])
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    text = "\n\n".join(textwrap.fill(each, WIDTH, break_on_hyphens=False) for each in paragraphs)
    _, _, examples = (command.epilog or "").partition(":\n")
    return (
        f"\n### {path.partition(' ')[2]}\n\n`{usage}`\n\n{text}\n"
        f"{table(options_of(command, common=False), 'option')}"
        f"\n```console\n{textwrap.dedent(examples)}\n```\n"
    )


def reference() -> str:
    """Return the description of all commands."""
    common = table(options_of(cli.commands["get"], common=True), "option")
    parts = [described(path, command) for path, command in commands()]
    return f"\nEach command has these options, too:\n{common}{''.join(parts)}\n"


def exit_codes() -> str:
    """Return the table of exit codes."""
    return table((f"| {int(code)} | {meaning} |\n" for code, meaning in MEANINGS.items()), "code") + "\n"


def written(page: str) -> str:
    """Return the page with what it takes from the command."""
    for name, text in {"the commands": reference(), "the exit codes": exit_codes()}.items():
        before, rest = page.split(BEGIN.format(name))
        page = before + BEGIN.format(name) + text + END.format(name) + rest.split(END.format(name))[1]
    return page


def main() -> None:
    """Write the page."""
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
