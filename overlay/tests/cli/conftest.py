"""Run the command in this process: plain, on a terminal, or at a server in memory."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from attrs import define
from terminal import Terminal

import openvideos
from openvideos import OpenVideos
from openvideos.__main__ import main


@define
class Ran:
    """How the command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document, or the documents of all lines if there are several."""
        lines = [json.loads(line) for line in self.out.splitlines()]
        return lines[0] if len(lines) == 1 else lines

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()


Run = Callable[..., Ran]
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command where neither stdin nor stdout is a terminal."""

    def run(*argv: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = main([str(each) for each in argv])
        wrote = capsys.readouterr()
        return Ran(code, wrote.out, wrote.err)

    return run


@pytest.fixture
def at_emulator(openvideos_environ: dict[str, str]) -> None:
    """Name an emulator in the environment."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Return what puts a server in memory in the place of the one that the environment names."""
    monkeypatch.setenv("OPENVIDEOS_BASE_URL", "http://server.test/v1")
    monkeypatch.setenv("OPENVIDEOS_API_KEY", "sk-secret-0123456789")

    def serve(answer: Answer) -> None:
        def client(**options: Any) -> OpenVideos:
            return OpenVideos(http_client=httpx.Client(transport=httpx.MockTransport(answer)), **options)

        monkeypatch.setattr(openvideos, "OpenVideos", client)

    return serve


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Terminal]]:
    """Return what makes a terminal, on which the command runs in this process, or in one of its own."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    made: list[Terminal] = []

    def make(columns: int = 100, rows: int = 24, answers: Mapping[bytes, bytes] | None = None) -> Terminal:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(rows))
        made.append(Terminal(columns, rows, answers or {}))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def run_on(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command in this process on a terminal, and return the exit code."""

    def run_on(terminal: Terminal, *argv: object) -> int:
        with monkeypatch.context() as patch, terminal.files() as (stdin, stdout, stderr):
            for name, file in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
                patch.setattr(sys, name, file)
                patch.setattr(sys, f"__{name}__", file)
            code = main([str(each) for each in argv])
        terminal.drain()
        return code

    return run_on
