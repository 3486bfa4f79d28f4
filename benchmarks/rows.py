"""What is measured: each row with its clients, and what each of them is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from .answers import MEBIBYTE
from .batch_processes import made, restarted, shared
from .growth import emulator_with
from .processes import Bench, Metrics

BLOCKING: Final = ("ours", "httpx", "httpx2", "openai", "untouched")
ASYNC: Final = ("ours", "ours-aiohttp", "httpx", "httpx2", "aiohttp", "openai", "untouched")
AT_ONCE: Final = (1, 50, 200, 1000)
SIZES: Final = (1, 10, 100, 1000, 10_000)
MANY: Final = 1000
"""Of more rows a batch is made by ours alone: it takes minutes."""
QUICK_SIZE: Final = 200
"""The most at once, and the most jobs, in a quick run."""
GROWTH: Final = "How cost grows"
PROFILES: Final = "Where the time goes"
UNITS: Final = {
    "openvideos": "% in our own functions",
    "cpu_us": "µs of CPU",
    "wall_us": "µs",
    "wall_s": "s",
    "cpu_s": "s of CPU",
    "mib_per_s": "MiB/s",
    "per_second": "requests/s",
    "rows_per_second": "rows/s",
}
"""The units of the metrics that rows are shown by."""


@dataclass(frozen=True)
class Row:
    """Something that is measured, of one client after the other, in turns."""

    name: str
    what: str
    group: str
    peers: tuple[str, ...]
    measure: Callable[[Bench, str], Metrics]
    metric: str = "cpu_us"
    rounds: int = 7
    is_quick: bool = True
    """Whether a quick run has it, with one round."""
    is_long: bool = False
    """Whether a run leaves it out unless it is named."""
    size: int | None = None
    """How many there are of what the row's family grows by, for the plots."""


def rows() -> list[Row]:
    """Return all rows, in the order of the table."""
    return [
        *starts(),
        *blocking(),
        *at_once(),
        *transfers(),
        *waits(),
        *batches(),
        *of_emulator(),
        *growth(),
        *profiles(),
        *commands(),
    ]


SCRIPTS: Final = {
    "httpx": (
        "import httpx, json",
        "httpx.Client(headers={{'authorization': 'Bearer k'}})",
        "json.loads(client.get('{url}/videos/video_0').content)",
    ),
    "httpx2": (
        "import httpx2, json",
        "httpx2.Client(headers={{'authorization': 'Bearer k'}})",
        "json.loads(client.get('{url}/videos/video_0').content)",
    ),
    "openai": (
        "import warnings; warnings.simplefilter('ignore'); import openai",
        "openai.OpenAI(base_url='{url}', api_key='k')",
        "client.videos.retrieve('video_0')",
    ),
    "untouched": (
        "import untouched_client; from untouched_client.api.videos import retrieve_video",
        "untouched_client.AuthenticatedClient('{url}', token='k')",
        "retrieve_video.sync('video_0', client=client)",
    ),
    "ours": (
        "from openvideos import OpenVideos",
        "OpenVideos(base_url='{url}', api_key='k')",
        "client.videos.retrieve('video_0')",
    ),
}
"""The beginning of a program: its import, its client, its first call."""


def script(bench: Bench, peer: str, *, parts: int) -> Metrics:
    """Run the first parts of a program, from the start of Python to its end."""
    lines = [part.format(url=f"{bench.base_url}/1") for part in SCRIPTS[peer][:parts]]
    # A client that nothing closes warns at the end of the program, where warnings are shown.
    program = "\n".join([lines[0], *(f"client = {line}" for line in lines[1:2]), *lines[2:]])
    return bench.program("-c", program)


def starts() -> Iterator[Row]:
    """Yield the rows of whole programs."""
    whats = {1: "Python starts, and imports", 3: "the same, makes a client, and retrieves a job"}
    for parts, what in whats.items():
        name = "import" if parts == 1 else "first-call"
        yield Row(name, what, "A whole program", BLOCKING, partial(script, parts=parts), "wall_s", rounds=9)


def ask(bench: Bench, peer: str, *, counts: tuple[int, int], is_fresh: bool = False, **order: Any) -> Metrics:
    """Let a client's worker repeat an operation, more often in a long run than in a quick one."""
    count = counts[1] if bench.is_quick else counts[0]
    return bench.ask(peer, {**order, "count": count}, is_fresh=is_fresh)


def create_file(bench: Bench, peer: str) -> Metrics:
    """Create a job of a file of 50 MiB."""
    path = bench.scratch / "50-mebibytes.png"
    if not path.exists():
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50 * MEBIBYTE - 8))
    order = {"way": "blocking", "operation": "create_file", "given": [str(path)], "count": 1, "is_cold": True}
    return bench.ask(peer, order, is_fresh=True)


def blocking() -> Iterator[Row]:
    """Yield the rows of single calls, one after the other."""
    group = "A call, blocking"
    memory, socket = "in memory", "over loopback"
    for name, what, way, operation, counts in (
        ("construct", "make a client", "blocking", "construct", (20, 5)),
        ("retrieve-memory", f"retrieve a job, {memory}", "memory", "retrieve", (500, 100)),
        ("retrieve", f"retrieve a job, {socket}", "blocking", "retrieve", (500, 100)),
        ("create-memory", f"create a job by a form, {memory}", "memory", "create", (500, 100)),
        ("create", f"create a job by a form, {socket}", "blocking", "create", (500, 100)),
        ("list-memory", f"list 100 jobs, and read the id of each, {memory}", "memory", "list", (60, 20)),
    ):
        yield Row(name, what, group, BLOCKING, partial(ask, way=way, operation=operation, counts=counts))
    # What the page of the row above takes at the least.
    yield Row(
        "decode",
        "json.loads of that page",
        group,
        ("httpx",),
        partial(ask, way="memory", operation="decode", counts=(200, 50)),
    )
    walk = partial(ask, way="blocking", operation="walk", counts=(1, 1), given=[10_000])
    yield Row("walk", "walk over 10,000 jobs, 100 to a page", group, BLOCKING, walk)
    yield Row("create-file", "create a job with a file of 50 MiB", group, BLOCKING, create_file)


def at_once() -> Iterator[Row]:
    """Yield the rows of many calls at once."""
    for operation in ("retrieve", "create"):
        for size in AT_ONCE:
            yield Row(
                f"async-{operation}-{size}",
                f"{operation} a job, {size:,} at once",
                "A call, async",
                ASYNC,
                partial(ask, way="async", operation=operation, at_once=size, counts=(400, 50)),
                is_quick=size <= QUICK_SIZE,
                size=size,
            )
    peers = tuple(peer for peer in ASYNC if peer != "untouched")
    yield Row(
        "create-and-poll",
        "1,000 create_and_poll at once, two polls each",
        "A call, async",
        peers,
        create_and_poll,
        rounds=3,
        is_quick=False,
    )


def create_and_poll(bench: Bench, peer: str) -> Metrics:
    """Create and poll a thousand jobs at once, in a process that does nothing else, and count its connections."""
    bench.statistics()
    order = {"way": "async", "operation": "create_and_poll", "at_once": 1000, "count": 1000, "is_cold": True}
    metrics = bench.ask(peer, order, is_fresh=True)
    return metrics | {"connections": bench.statistics()["most"] - 1}  # one is that which asks for the statistics


def transfer(bench: Bench, peer: str, *, directory: str, is_async: bool, files: int) -> Metrics:
    """Download a GiB, or in a quick run less."""
    order = {"way": "transfer", "mebibytes": 64 if bench.is_quick else 1024, "directory": directory}
    return bench.ask(peer, {**order, "is_async": is_async, "files": files}, is_fresh=True)


def transfers() -> Iterator[Row]:
    """Yield the rows of downloads."""
    peers = ("ours", "httpx-synced", "httpx", "openai", "curl")
    places = {"memory": "/dev/shm", "disk": "."} if Path("/dev/shm").is_dir() else {"disk": "."}  # noqa: S108 - tmpfs
    for place, directory in places.items():
        for is_async, files in ((False, 1), (True, 1), (True, 16)):
            way = "async" if is_async else "blocking"
            name = f"download-{place}-{way}{'' if files == 1 else f'-{files}'}"
            beside = "" if files == 1 else f", in {files} files side by side"
            where = "a file in memory (tmpfs)" if place == "memory" else "a file on the disk"
            yield Row(
                name,
                f"download 1 GiB to {where}{beside}, {way}",
                "A download",
                tuple(peer for peer in peers if (peer, is_async) != ("curl", True) or files > 1),
                partial(transfer, directory=directory, is_async=is_async, files=files),
                "mib_per_s",
                rounds=7 if place == "memory" and files == 1 else 3,
                is_quick=place == "memory" and files == 1,
            )


def wait(bench: Bench, peer: str, *, jobs: int, is_single: bool) -> Metrics:
    """Wait for jobs of an emulator, and count the requests of the wait in its log."""
    log, seconds = bench.scratch / "emulator.log", max(3, jobs // 500)
    order = {"way": "wait", "jobs": jobs, "seconds": seconds, "is_single": is_single}
    with bench.emulator("--pace", f"seconds:{seconds}", log=log) as port:
        metrics = bench.ask(peer, {**order, "port": port}, is_fresh=True)
    requests = len(re.findall(r"\bGET /v1/videos", log.read_text("utf-8")))
    return metrics | {"requests": requests, "requests_per_job": requests / jobs}


def waits() -> Iterator[Row]:
    """Yield the rows of waiting for many jobs."""
    group = "Waiting, on the emulator"
    single = partial(wait, jobs=1000, is_single=True)
    yield Row("poll-1000", "1,000 polls at once", group, ("ours",), single, rounds=3, is_quick=False)
    for jobs, rounds in ((1000, 7), (10_000, 3)):
        measure = partial(wait, jobs=jobs, is_single=False)
        name, what = f"wait-many-{jobs}", f"wait_many of {jobs:,} jobs"
        yield Row(name, what, group, ("ours",), measure, rounds=rounds, is_quick=False, size=jobs)


def batches() -> Iterator[Row]:
    """Yield the rows of batches."""
    group = "A batch, on the emulator"
    for size in (100, 1000, 10_000):
        yield Row(
            f"batch-{size}",
            f"make {size:,} videos, 200 in flight, each a second",
            group,
            ("ours",) if size > MANY else ("ours", "without-engine", "openai"),
            partial(made, rows=size),
            "rows_per_second",
            rounds=1,
            is_quick=size <= QUICK_SIZE,
            size=size,
        )
    what = "from the start of a batch of 10,000 that was killed in its middle to its next create"
    restart = partial(restarted, rows=10_000)
    yield Row("batch-restart", what, group, ("ours",), restart, "wall_s", rounds=1, is_quick=False)
    for workers in (1, 2, 3):
        measure = partial(shared, rows=1000, workers=workers)
        name, what = f"batch-workers-{workers}", f"make 1,000 videos on one PostgreSQL, processes: {workers}"
        yield Row(name, what, group, ("ours",), measure, "rows_per_second", rounds=1, is_quick=False, size=workers)


def load(bench: Bench, _: str) -> Metrics:
    """Load the emulator with 200 clients."""
    jobs, output = 300 if bench.is_quick else 3000, bench.scratch / "load.json"
    arguments = ["--clients", "200", "--jobs", str(jobs), "--renders", "2", "--output", str(output)]
    bench.program("benchmarks/emulator.py", *arguments)
    numbers = json.loads(output.read_text("utf-8"))
    return {
        "per_second": numbers["requests per second"],
        "p99_ms": max(numbers["p99 of retrieve, ms"], numbers["p99 of create, ms"]),
        "p99_of_retrieve_ms": numbers["p99 of retrieve, ms"],
        "p99_of_create_ms": numbers["p99 of create, ms"],
    }


def of_emulator() -> Iterator[Row]:
    """Yield the row of the emulator under load."""
    what = "requests to the emulator, by 200 clients on the same machine"
    yield Row("emulator", what, "The emulator", ("ours",), load, "per_second")


def growth() -> Iterator[Row]:
    """Yield the rows that show how cost grows, beside those that have a size already."""
    group = GROWTH
    for size in SIZES:
        if size not in AT_ONCE:
            measure = partial(ask, way="async", operation="retrieve", at_once=size, counts=(400, 50))
            what = f"retrieve a job, {size:,} at once"
            yield Row(
                f"async-retrieve-{size}",
                what,
                group,
                ("ours",),
                measure,
                rounds=3,
                is_quick=size <= QUICK_SIZE,
                size=size,
            )
    for size in SIZES:
        walk = partial(walked, jobs=size)
        yield Row(
            f"walk-{size}",
            f"walk over {size:,} jobs, each job",
            group,
            ("ours",),
            walk,
            rounds=3,
            is_quick=size <= QUICK_SIZE,
            size=size,
        )
    for size in SIZES[:3]:
        page = partial(walked, jobs=size, way="memory")
        yield Row(
            f"page-{size}", f"list a page of {size:,} jobs, each job", group, ("ours",), page, rounds=3, size=size
        )
    for size in SIZES[:3]:
        waited = partial(wait, jobs=size, is_single=False)
        what, quick = f"wait_many of {size:,} jobs, each job", size == SIZES[1]
        yield Row(f"wait-many-{size}", what, group, ("ours",), waited, rounds=3, is_quick=quick, size=size)
    for size in SIZES:
        stored = partial(emulator_with, jobs=size)
        what = f"retrieve from an emulator that has {size:,} jobs"
        quick = size <= QUICK_SIZE
        yield Row(f"stored-{size}", what, group, ("ours",), stored, "wall_us", rounds=3, is_quick=quick, size=size)


def walked(bench: Bench, peer: str, *, jobs: int, way: str = "blocking") -> Metrics:
    """Walk over a list of so many jobs; return what each job takes."""
    count = max(1, 1000 // jobs)
    metrics = bench.ask(peer, {"way": way, "operation": "walk", "given": [jobs], "count": count})
    return {name: metrics[name] / jobs for name in ("cpu_us", "wall_us")}


def profiles() -> Iterator[Row]:
    """Yield the rows that tell where the time of a call goes."""
    for name, what, order in (
        ("retrieve-memory", "retrieve, in memory", {"way": "memory", "operation": "retrieve"}),
        ("retrieve", "retrieve", {"way": "blocking", "operation": "retrieve"}),
        ("create", "create by a form", {"way": "blocking", "operation": "create"}),
        ("list-memory", "list of 100, in memory", {"way": "memory", "operation": "list"}),
        ("async-1", "retrieve, async", {"way": "async", "operation": "retrieve", "at_once": 1}),
        ("async-200", "retrieve, 200 at once", {"way": "async", "operation": "retrieve", "at_once": 200}),
    ):
        measure = partial(ask, counts=(400, 50), is_profiled=True, **order)
        yield Row(f"profile-{name}", what, PROFILES, ("ours",), measure, "openvideos", rounds=3)


def conformance(bench: Bench, _: str) -> Metrics:
    """Judge the emulator by the whole suite."""
    with bench.emulator("--pace", "polls:2") as port:
        return bench.program("-m", "openvideos_conformance", "run", "--base-url", f"http://127.0.0.1:{port}/v1")


def commands() -> Iterator[Row]:
    """Yield the rows of the project's own commands."""
    regenerate = ("tools/regenerate.py", "--check")
    spec_diff = ("-m", "tools.contract_diff", "openapi.yaml", "openapi.yaml")
    for name, what, measure in (
        ("spec-diff", "compare the contract with itself: `nox -s spec_diff`", partial(command, arguments=spec_diff)),
        (
            "regenerate",
            "make `generated/`, and compare: `nox -s regenerate -- --check`",
            partial(command, arguments=regenerate),
        ),
        ("conformance", "judge the emulator: `openvideos-conformance run`", conformance),
        ("nox", "all that a change must pass: `nox`", partial(command, arguments=("-m", "nox"))),
    ):
        is_long = name == "nox"
        rounds = 1 if is_long or name == "conformance" else 3
        quick = name == "spec-diff"
        group = "The project's own commands"
        yield Row(name, what, group, ("ours",), measure, "wall_s", rounds=rounds, is_quick=quick, is_long=is_long)


def command(bench: Bench, _: str, *, arguments: tuple[str, ...]) -> Metrics:
    """Run a command of the project."""
    return bench.program(*arguments)
