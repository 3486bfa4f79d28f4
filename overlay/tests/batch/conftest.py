"""Give the tests of batches an emulator whose jobs end soon, and files of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from openvideos.batch import Settings

Rows = Callable[..., Path]


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Return what writes a file of rows: a prompt for each, or the lines of a CSV as they are."""

    def rows(*prompts: str, lines: Sequence[str] = (), name: str = "jobs.csv") -> Path:
        path = tmp_path / name
        text = lines or ["prompt,seconds,size", *(f"{prompt},1,128x96" for prompt in prompts)]
        path.write_text("\n".join(text) + "\n", encoding="utf-8")
        return path

    return rows


@pytest.fixture
def soon() -> Settings:
    """Return settings with which nothing takes long."""
    return Settings(settle=0.05, poll_interval=0.05)
