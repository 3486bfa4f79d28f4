"""docs/cli.md says what the command says of itself."""

from __future__ import annotations

from command_reference import DOCUMENT, commands, written


def test_the_page_is_what_the_command_says() -> None:
    page = DOCUMENT.read_text("utf-8")
    assert written(page) == page, "run: python tools/command_reference.py"


def test_every_command_has_a_section() -> None:
    page = DOCUMENT.read_text("utf-8")
    found = [path.partition(" ")[2] for path, _ in commands()]
    assert {"create", "wait", "characters get"} <= set(found)
    assert [] == [name for name in found if f"\n### {name}\n" not in page]
