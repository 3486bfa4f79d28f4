"""Load the emulator: many concurrent clients create jobs and poll them to their ends, while clips are rendered.

It starts the emulator as a process of its own, on a database of its own. The clients speak HTTP by hand, so that what
is measured is the server. Prints the numbers as they were measured; exits with 1 if a job was lost or a request failed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Generator

SMALL = {"size": "64x48", "seconds": "1"}
PROBES = 500
LARGE = {"size": "1280x720", "seconds": "8"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=200, help="how many clients there are at once (default: 200)")
    parser.add_argument("--jobs", type=int, default=5000, help="how many jobs they create together (default: 5000)")
    parser.add_argument("--polls", type=int, default=3, help="how many polls a job takes (default: 3)")
    parser.add_argument("--renders", type=int, default=20, help="how many clips are rendered, 2 at least (default: 20)")
    parser.add_argument("--log", action="store_true", help="let the emulator write a line for each request")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--output", type=Path, help="write JSON to this file, too")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="openvideos-bench-") as directory,
        serving(directory, options.polls, log=options.log) as port,
    ):
        numbers = asyncio.run(load(port, options))
    if options.output:
        options.output.write_text(json.dumps(numbers), "utf-8")
    if options.json:
        print(json.dumps(numbers))
    else:
        for name, value in numbers.items():
            print(f"{name:42} {value}")
    return int(bool(numbers["lost"] or numbers["failed"]))


@contextlib.contextmanager
def serving(directory: str, polls: int, *, log: bool) -> Generator[int]:
    """Run the emulator; yield its port. With `log`, it writes a line for each request to a file."""
    command = [sys.executable, "-m", "openvideos_emulator", "--port", "0", "--db", str(Path(directory, "jobs.db"))]
    command += ["--pace", f"polls:{polls}", "--quiet", "no" if log else "yes"]
    with (
        Path(directory, "log.txt").open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr if log else None, text=True) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://127\.0\.0\.1:([0-9]+)/v1", line)
            if found is None:
                raise SystemExit("the emulator does not start")
            yield int(found[1])
        finally:
            process.terminate()


@dataclass(slots=True)
class Tally:
    """The clients' results: seconds by kind of request, unexpected responses, finished jobs."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list[str])
    finished: list[str] = field(default_factory=list[str])


class Client:
    """One kept-alive connection, which sends one request after the other."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port, self._tally = port, tally

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(self, kind: str, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send a request; return the status and the body of its response."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} /v1{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(content)}\r\n"
        head += "content-type: application/json\r\n\r\n" if content else "\r\n"
        started = time.perf_counter()
        self._writer.write(head.encode() + content)
        response = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"\r\ncontent-length: ([0-9]+)", response)
        received = await self._reader.readexactly(int(length[1]) if length else 0)
        self._tally.seconds[kind].append(time.perf_counter() - started)
        status = int(response.split(" ", 2)[1])
        if status != 200:  # noqa: PLR2004 - HTTP's own number
            self._tally.failures.append(f"{kind}: {status} {received[:200]!r}")
        return status, received


async def load(port: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run all clients, and return the numbers."""
    tally = Tally()
    numbers = iter(range(options.jobs))
    async with Client(port, Tally()) as client:
        large = [await create(client, f"Large {number}", LARGE) for number in range(options.renders)]
        for id_ in large:
            await poll(client, id_)
    alone = await probe(port, large)
    first, *others = [asyncio.create_task(render(port, id_)) for id_ in large[:2]]
    while_rendering = await probe(port, large, until=asyncio.gather(first, *others))
    started = time.perf_counter()
    renderers = [asyncio.create_task(render(port, id_)) for id_ in large[2:]]
    workers = [asyncio.create_task(work(port, tally, numbers)) for _ in range(options.clients)]
    for worker in await asyncio.gather(*workers, return_exceptions=True):
        if worker is not None:
            tally.failures.append(repr(worker))
    elapsed = time.perf_counter() - started
    rendered = sum(renderer.done() for renderer in renderers)
    for renderer in renderers:
        renderer.cancel()
    async with Client(port, tally) as client:
        listed = await walk(client)
    requests = sum(len(each) for kind, each in tally.seconds.items() if kind != "list")
    missing = set(tally.finished) - set(listed)
    return {
        "clients": options.clients,
        "jobs": options.jobs,
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "requests": requests,
        "seconds": round(elapsed, 2),
        "requests per second": round(requests / elapsed),
        "p50 of create, ms": quantile(tally.seconds["create"], 0.5),
        "p99 of create, ms": quantile(tally.seconds["create"], 0.99),
        "p50 of retrieve, ms": quantile(tally.seconds["retrieve"], 0.5),
        "p99 of retrieve, ms": quantile(tally.seconds["retrieve"], 0.99),
        "clips rendered meanwhile": rendered,
        "p99 of retrieve by one client, ms": quantile(alone, 0.99),
        "the same while two clips are rendered, ms": quantile(while_rendering, 0.99),
        "lost": options.jobs - len(set(tally.finished)) + len(missing) + (len(listed) - len(set(listed))),
        "failed": len(tally.failures),
        "first failure": tally.failures[0] if tally.failures else None,
    }


async def work(port: int, tally: Tally, numbers: Any) -> None:
    """Create jobs and poll them to their ends, until there are no more numbers."""
    async with Client(port, tally) as client:
        for number in numbers:
            id_ = await create(client, f"Job {number}", SMALL)
            if await poll(client, id_) == "completed":
                tally.finished.append(id_)


async def create(client: Client, prompt: str, fields: dict[str, str]) -> str:
    """Create a job; return its id."""
    _, body = await client.send("create", "POST", "/videos", {"prompt": prompt, **fields})
    return str(json.loads(body).get("id"))


async def poll(client: Client, id_: str) -> str:
    """Poll a job to its end; return its last status."""
    while True:
        status, body = await client.send("retrieve", "GET", f"/videos/{id_}")
        word = str(json.loads(body).get("status"))
        if status != 200 or word in {"completed", "failed"}:  # noqa: PLR2004 - HTTP's own number
            return word


async def probe(port: int, ids: list[str], *, until: asyncio.Future[Any] | None = None) -> list[float]:
    """Retrieve a job repeatedly with one client; return the time of each request, in seconds."""
    tally = Tally()
    async with Client(port, tally) as client:
        while len(tally.seconds["retrieve"]) < PROBES if until is None else not until.done():
            await client.send("retrieve", "GET", f"/videos/{ids[0]}")
    return tally.seconds["retrieve"]


async def render(port: int, id_: str) -> None:
    """Download a clip, which renders it."""
    async with Client(port, Tally()) as client:
        await client.send("download", "GET", f"/videos/{id_}/content")


async def walk(client: Client) -> list[str]:
    """Return the ids of all jobs."""
    ids: list[str] = []
    query = "limit=100"
    while True:
        _, body = await client.send("list", "GET", f"/videos?{query}")
        page = json.loads(body)
        ids += [video["id"] for video in page["data"]]
        if not page["has_more"]:
            return ids
        query = f"limit=100&after={page['last_id']}"


def quantile(seconds: list[float], share: float) -> float:
    """Return this quantile of the measurements, in milliseconds."""
    return round(sorted(seconds)[int(share * (len(seconds) - 1))] * 1000, 1) if seconds else 0.0


if __name__ == "__main__":
    sys.exit(main())
