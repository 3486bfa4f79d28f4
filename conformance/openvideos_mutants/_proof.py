"""Run the conformance suite against wrong and odd servers, each in a process of its own, over HTTP."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openvideos_emulator._imitations.servers import IMITATIONS

from ._hosting import EMULATOR, FAILING, SECRET, free_port
from ._registry import KEY, MUTANTS, OTHER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

LAYERS: Final = ("scenario", "history", "fuzz")
_EVENT_AGAIN_WITHIN: Final = "5"
"""How long to wait for a refused event, in seconds; the emulator sends it again after half a second."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of the suite against one server: its exit code, its output and `report.json`."""

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

    def unexplained(self) -> dict[str, str]:
        """Return the requirements that this mutant failed, and whose statements hold: each with what was said of it."""
        if self.name not in MUTANTS:
            return {}
        known = {MUTANTS[self.name].requirement, *MUTANTS[self.name].along}
        said = {result["id"]: str(result["message"]) for result in self.report.get("results", [])}
        return {each: said[each] for each in sorted(self.broken().keys() - known)}

    def of(self, verdict: str) -> list[dict[str, Any]]:
        """Return the results of a verdict."""
        return [result for result in self.report.get("results", []) if result["verdict"] == verdict]

    @property
    def killed_by(self) -> set[str]:
        """The layers that caught this mutant by the id of the requirement that it breaks; empty if none did."""
        return set() if self.name not in MUTANTS else self.broken().get(MUTANTS[self.name].requirement, set())


def trial(
    name: str | None,
    *,
    only: Sequence[str] = (),
    seed: int = 0,
    pace: str | None = None,
    examples: int | None = None,
    options: Sequence[str] = (),
    before_its_end: Callable[[dict[str, Any]], object] = lambda _: None,
) -> Trial:
    """Serve a mutant, an odd server or the emulator itself, and run the suite's command against it.

    `options` are further ones of the command. `before_its_end` is called with `report.json` while the server still
    runs.
    """
    port, hook_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="openvideos-mutants-") as directory:
        scratch = Path(directory)
        with _serving(name, port, hook_port, pace, scratch / "server.log"):
            began = time.monotonic()
            judging = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "openvideos_conformance",
                    *_arguments(port, None if name in IMITATIONS else hook_port, only, seed, examples, scratch),
                    *options,
                ],
                cwd=scratch,
                check=False,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            seconds = time.monotonic() - began
            report = scratch / "report" / "report.json"
            found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
            before_its_end(found)
        return Trial(name, judging.returncode, seconds, found, judging.stdout + judging.stderr)


def trials(names: Sequence[str | None], *, jobs: int = 2, only_own: bool = False, seed: int = 0) -> Iterator[Trial]:
    """Judge several servers, `jobs` at a time; `only_own` checks only the requirement that a mutant breaks."""
    from concurrent.futures import ThreadPoolExecutor

    def one(name: str | None) -> Trial:
        only = [MUTANTS[name].requirement] if only_own and name in MUTANTS else []
        return trial(name, only=only, seed=seed)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(one, names)


@contextlib.contextmanager
def _serving(name: str | None, port: int, hook_port: int, pace: str | None, log: Path) -> Generator[None]:
    """Run a server in a separate process; enter the block once it accepts connections."""
    command = [sys.executable, "-m", "openvideos_mutants", "--serve", name or EMULATOR, "--port", str(port)]
    command += ["--hook-port", str(hook_port), *(["--pace", pace] if pace else [])]
    with log.open("wb") as output, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=output) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            if not server.stdout.readline():
                raise RuntimeError(
                    f"the server {name} does not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}"
                )
            yield
        finally:
            server.terminate()


def _arguments(
    port: int, hook_port: int | None, only: Sequence[str], seed: int, examples: int | None, scratch: Path
) -> list[str]:
    hooks = ("--webhook-port", str(hook_port), "--webhook-secret", SECRET, "--webhook-patience", _EVENT_AGAIN_WITHIN)
    return [
        *("run", "--base-url", f"http://127.0.0.1:{port}/v1", "--api-key", KEY, "--size", "64x48", "--seconds", "1"),
        *("--other-api-key", OTHER_KEY, "--failing-prompt", FAILING),
        # A server that is imitated sends no webhooks, and one of them needs a model.
        *(("--model", "sora-2") if hook_port is None else hooks),
        *(
            "--deadline",
            "60",
            "--seed",
            str(seed),
            "--report",
            str(scratch / "report"),
            "--no-color",
        ),
        *(word for each in only for word in ("--only", each)),
        *(() if examples is None else ("--examples", str(examples), "--generation-time", "200")),
    ]
