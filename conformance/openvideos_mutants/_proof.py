"""Run the conformance suite against wrong and odd servers, each in a process of its own, over HTTP."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openvideos_mutants._hosting import FAILING, KEY, SECRET, free_port, serve
from openvideos_mutants._registry import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FORK: Final = multiprocessing.get_context("fork")
STARTING_SECONDS: Final = 60.0
LAYERS: Final = ("scenario", "history", "fuzz")


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of the suite against one server: the exit code, and what `report.json` says."""

    name: str | None
    code: int
    seconds: float
    report: dict[str, Any] = field(default_factory=dict[str, Any])
    output: str = ""

    def broken(self) -> dict[str, set[str]]:
        """Return the requirements that were found to be broken, each with the layers that found it."""
        found: dict[str, set[str]] = {}
        for result in self.report.get("results", []):
            layers = {check["layer"] for check in result["checks"] if check["outcome"] == "violated"}
            if layers:
                found[result["id"]] = layers
        return found

    def of(self, verdict: str) -> list[dict[str, Any]]:
        """Return the results of a verdict."""
        return [result for result in self.report.get("results", []) if result["verdict"] == verdict]

    @property
    def killed_by(self) -> set[str]:
        """The layers that caught this mutant by the id of the requirement that it breaks; empty if none did."""
        return set() if self.name not in MUTANTS else self.broken().get(MUTANTS[self.name].requirement, set())


def trial(name: str | None, *, only: Sequence[str] = (), seed: int = 0, pace: str | None = None) -> Trial:
    """Serve a mutant, an odd server or the emulator itself, and judge it as its author would: by the command."""
    port, hook_port = free_port(), free_port()
    ready = _FORK.Event()
    with tempfile.TemporaryDirectory(prefix="openvideos-mutants-") as scratch:
        server = _FORK.Process(
            target=_served, args=(name, port, hook_port, pace, ready, Path(scratch) / "server.log"), daemon=True
        )
        server.start()
        try:
            if not ready.wait(STARTING_SECONDS):
                message = f"the server {name} does not start: {(Path(scratch) / 'server.log').read_text()[-2000:]}"
                raise RuntimeError(message)
            began = time.monotonic()
            judge = _FORK.Process(target=_judged, args=(port, hook_port, list(only), seed, Path(scratch)), daemon=True)
            judge.start()
            judge.join()
            seconds = time.monotonic() - began
        finally:
            server.terminate()
            server.join()
        report = Path(scratch) / "report" / "report.json"
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
        return Trial(
            name, judge.exitcode or 0, seconds, found, (Path(scratch) / "judge.log").read_text("utf-8", "replace")
        )


def trials(names: Sequence[str | None], *, jobs: int = 2, only_own: bool = False, seed: int = 0) -> Iterator[Trial]:
    """Judge several servers, `jobs` at a time; `only_own` checks nothing but the requirement that a mutant breaks."""
    from concurrent.futures import ThreadPoolExecutor

    def one(name: str | None) -> Trial:
        only = [MUTANTS[name].requirement] if only_own and name in MUTANTS else []
        return trial(name, only=only, seed=seed)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(one, names)


def _served(name: str | None, port: int, hook_port: int, pace: str | None, ready: Any, log: Path) -> None:
    _redirected(log)
    serve(name, port, hook_port, pace=pace, ready=ready.set)


def _judged(port: int, hook_port: int, only: list[str], seed: int, scratch: Path) -> None:
    _redirected(scratch / "judge.log")
    os.chdir(scratch)
    from openvideos_conformance.__main__ import main

    arguments = [
        *("run", "--base-url", f"http://127.0.0.1:{port}/v1", "--api-key", KEY, "--size", "64x48", "--seconds", "1"),
        *("--failing-prompt", FAILING, "--webhook-port", str(hook_port), "--webhook-secret", SECRET),
        *("--deadline", "60", "--seed", str(seed), "--report", str(scratch / "report"), "--no-color"),
    ]
    for each in only:
        arguments += ["--only", each]
    sys.exit(main(arguments))


def _redirected(log: Path) -> None:
    """Send what a process writes to a file."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
