"""The commands in README.md, docs/cli.md and the help are ones that the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from openvideos._cli.exit_codes import ExitCode
from openvideos._cli.main import cli

PROJECT = Path(__file__).parents[3]
PAGES = {name: PROJECT.joinpath(name).read_text("utf-8") for name in ("README.md", "docs/cli.md")}
HELP = cli.get_help(cli.make_context("openvideos", [], resilient_parsing=True))


def calls(page: str) -> list[list[str]]:
    """Return the words of each call of the command in a page."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) or [page]
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    parts = [part.strip().removeprefix("id=$(") for line in lines for part in re.split(r"&&|\||[<>]+", line)]
    return [shlex.split(part)[1:] for part in parts if part.startswith("openvideos ")]


@pytest.mark.parametrize("text", [*PAGES.values(), HELP], ids=[*PAGES, "help"])
def test_calls_have_commands_and_options_that_exist(text: str) -> None:
    found = calls(text)
    assert found
    for words in found:
        command = cli.commands[words[0]]
        if isinstance(command, click.Group):
            command = command.commands[words[1]]
        known = {name for each in command.params for name in each.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_the_variables_are_those_of_the_settings() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGES["docs/cli.md"]))
    sources = "".join(path.read_text("utf-8") for path in PROJECT.joinpath("overlay", "openvideos").rglob("*.py"))
    assert {"OPENVIDEOS_BASE_URL", "SSL_CERT_FILE"} <= named
    assert {name for name in named if name not in sources} <= {"NO_COLOR"}


def test_the_exit_codes_are_all_there() -> None:
    rows = re.findall(r"^\| (\d+) \| \S", PAGES["docs/cli.md"], re.MULTILINE)
    assert [str(int(code)) for code in ExitCode] == rows
