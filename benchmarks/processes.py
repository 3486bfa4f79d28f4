"""The processes of a run: the server of answers, emulators, and a worker for each client."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
Metrics = dict[str, float]


class FailureError(Exception):
    """A client, or a program, did not do what a row asks of it; its own error is above."""


class Bench:
    """What the rows of a run share. Its processes end with the context that made it."""

    def __init__(self, stack: ExitStack, scratch: Path, *, is_quick: bool) -> None:
        """Start the server; `is_quick` makes everything smaller."""
        self.scratch, self.is_quick = scratch, is_quick
        self.environment = {**os.environ, "PYTHONPATH": str(scratch)}
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENVIDEOS_API_KEY", "OPENVIDEOS_BASE_URL"):
            self.environment.pop(name, None)
        self._stack = stack
        self._workers: dict[str, subprocess.Popen[str]] = {}
        server = stack.enter_context(self.running(["-m", "benchmarks.server"]))
        self.base_url = f"http://127.0.0.1:{read_line(server)}"

    @contextlib.contextmanager
    def running(
        self, arguments: list[str], log: Path | None = None, **variables: str
    ) -> Generator[subprocess.Popen[str]]:
        """Run Python with these arguments and further variables of the environment, with pipes to it."""
        with ExitStack() as stack:
            stderr = stack.enter_context(log.open("w")) if log else None
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment | variables,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
            try:
                yield process
            finally:
                process.terminate()
                process.communicate()

    def ask(self, peer: str, order: dict[str, Any], *, is_fresh: bool = False) -> Metrics:
        """Let a client's worker do something; `is_fresh` starts one for it alone, whose memory nothing has used yet."""
        arguments = ["-m", "benchmarks.worker", peer, self.base_url]
        if is_fresh:
            with self.running(arguments) as worker:
                return exchange(worker, order)
        if peer not in self._workers:
            self._workers[peer] = self._stack.enter_context(self.running(arguments))
        try:
            return exchange(self._workers[peer], order)
        except FailureError:
            del self._workers[peer]  # the next row has another
            raise

    def statistics(self) -> Metrics:
        """Return what the server has counted since the last time."""
        with urllib.request.urlopen(f"{self.base_url}/statistics") as response:  # noqa: S310 - of our own server
            counts: Metrics = json.load(response)
        return counts

    @contextlib.contextmanager
    def emulator(self, *options: str, log: Path | None = None) -> Generator[int]:
        """Run an emulator that keeps nothing; yield its port."""
        quiet = "no" if log else "yes"
        arguments = ["-m", "openvideos_emulator", "--port", "0", "--ephemeral", "--quiet", quiet, *options]
        with self.running(arguments, log) as process:
            line = read_line(process)
            found = re.search(r"http://127\.0\.0\.1:([0-9]+)/v1", line)
            if found is None:
                raise SystemExit(f"the emulator does not start: {line!r}")
            yield int(found[1])

    def program(self, *arguments: str) -> Metrics:
        """Run Python with these arguments to its end; return what it took."""
        wall = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            said = process.stderr.read() if process.stderr else ""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise FailureError(f"{' '.join(arguments)[:200]} ended with {process.returncode}: {said[-2000:]}")
        cpu = usage.ru_utime + usage.ru_stime
        return {"wall_s": time.perf_counter() - wall, "cpu_s": cpu}


@contextlib.contextmanager
def bench(*, is_quick: bool) -> Generator[Bench]:
    """Start what a run needs, and generate the client that nobody has touched."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="openvideos-bench-")))
        generate = ["-m", "openapi_python_client", "generate", "--meta", "none", "--path", str(ROOT / "openapi.yaml")]
        # The generator warns about what it leaves out, such as the types of downloads.
        subprocess.run(
            [sys.executable, *generate, "--output-path", str(scratch / "untouched_client")],
            check=True,
            capture_output=True,
        )
        yield Bench(stack, scratch, is_quick=is_quick)


def exchange(worker: subprocess.Popen[str], order: dict[str, Any]) -> Metrics:
    """Send an order to a worker, and return its answer."""
    if worker.stdin is None:
        raise SystemExit("the worker has no standard input")
    worker.stdin.write(json.dumps(order) + "\n")
    worker.stdin.flush()
    line = read_line(worker)
    if not line:
        raise FailureError(f"the worker ended at {order}")
    metrics: Metrics = json.loads(line)
    return metrics


def read_line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    return (process.stdout.readline() if process.stdout else "").strip()
