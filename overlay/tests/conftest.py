"""Give the overlay's tests an emulator to talk to, and clients of it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from openvideos import OpenVideos

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-test-0123456789"
VARIABLES = (
    "OPENVIDEOS_BASE_URL",
    "OPENVIDEOS_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_API_KEY",
    "OPENVIDEOS_WEBHOOK_SECRET",
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tester's own servers and keys out of the tests."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def emulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an emulator whose jobs are done at the second look, and give its base URL."""
    database = tmp_path_factory.mktemp("emulator") / "emulator.db"
    command = [sys.executable, "-m", "openvideos_emulator", "--port", "0", "--pace", "polls:2"]
    command += ["--db", str(database), "--api-key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://[\w.]+:\d+/v1\b", line)
        assert found, f"the emulator does not start: {line!r}"
        yield found.group()
        process.terminate()
        process.communicate()


@pytest.fixture
def in_environment(emulator_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the emulator in the environment, as an application developer does."""
    monkeypatch.setenv("OPENVIDEOS_BASE_URL", emulator_url)
    monkeypatch.setenv("OPENVIDEOS_API_KEY", KEY)


@pytest.fixture
def client(in_environment: None) -> Iterator[OpenVideos]:
    """Give a client of the emulator."""
    with OpenVideos() as client:
        yield client
