"""Write every report of a run into a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .badge import to_badge
from .html import to_html
from .json import to_json
from .junit import to_junit
from .markdown import to_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from .._core.run_result import RunResult


def write(result: RunResult, directory: Path) -> list[Path]:
    """Write all reports into a directory, which is created if necessary, and return the files.

    Raises:
        OSError: A file could not be written.

    """
    directory.mkdir(parents=True, exist_ok=True)
    makers = {
        "report.html": to_html,
        "report.json": to_json,
        "junit.xml": to_junit,
        "badge.svg": to_badge,
        "summary.md": to_markdown,
    }
    return [save(directory / name, make(result)) for name, make in makers.items()]


def save(path: Path, text: str) -> Path:
    """Write a text as UTF-8, with lone surrogates escaped, and return the path."""
    path.write_bytes(text.encode("utf-8", "backslashreplace"))
    return path
