"""The picture of the command shows the command as it is."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from command_picture import PICTURE, take


def shown(picture: Path) -> str:
    """Return the text in a picture."""
    lines = re.findall(r"<text[^>]*>(.*?)</text>", picture.read_text("utf-8"))
    return unescape(" ".join(lines)).replace("\xa0", " ")


def check(picture: Path) -> None:
    text = shown(picture)
    for expected in ("$ openvideos list", "A lighthouse in the fog", "$ openvideos create", "in_progress"):
        assert expected in text
    assert "http" not in picture.read_text("utf-8").replace("http://www.w3.org", "").replace(
        "https://www.textualize.io", ""
    )


def test_the_picture_shows_the_command_and_fetches_nothing() -> None:
    check(PICTURE)


@pytest.mark.full
def test_the_picture_can_be_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENVIDEOS_BASE_URL", "OPENVIDEOS_API_KEY", "COLORTERM", "COLUMNS", "LINES", "TERM"):
        monkeypatch.setenv(name, "")  # so that the end of the test restores it
    take(tmp_path / "picture.svg")
    check(tmp_path / "picture.svg")
