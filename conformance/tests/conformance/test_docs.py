"""Test that the command line accepts every command in docs/ and README.md."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from openvideos_conformance._cli.options import parser
from openvideos_conformance._core.catalogue import known

PROJECT = Path(__file__).parents[3]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    texts = (page.read_text("utf-8") for page in PAGES)
    return [code for text in texts for kind, code in BLOCK.findall(text) if kind == language]


COMMANDS = [
    line
    for code in blocks("console")
    for line in code.replace("\\\n", " ").splitlines()
    if line.startswith("openvideos-conformance")
]


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 5


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_that_can_be_given(line: str) -> None:
    assert parser().parse_args(shlex.split(line)[1:]).command in {"run", "compare", "client", "requirements"}


def test_the_expected_failures_name_requirements() -> None:
    tables = [tomllib.loads(code)["expected"] for code in blocks("toml") if "[expected]" in code]
    files = (PROJECT / "conformance" / "targets").iterdir()
    targets = {path.name: tomllib.loads(path.read_text("utf-8")) for path in files}
    tables += [target["expected"] for name, target in targets.items() if name != "unnoticed.toml"]
    assert len(tables) > 2
    assert [known(table) for table in tables] == [list(table) for table in tables]
