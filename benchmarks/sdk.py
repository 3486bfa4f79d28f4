"""Measure the SDK, bare httpx and openai-python in one run, and print the ratios and their limits.

Times of calls are CPU times over a transport in memory; a download is timed over loopback. Exits with 1 if a bar is
missed. Run it on a machine that does nothing else.
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
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

MEBIBYTE = 1 << 20
CHUNK = MEBIBYTE
VIDEO = {
    "id": "video_0",
    "object": "video",
    "created_at": 1,
    "model": "sora-2",
    "status": "completed",
    "progress": 100,
    "completed_at": 3,
    "expires_at": 4,
    "prompt": "A cat on a piano",
    "size": "720x1280",
    "seconds": "4",
    "remixed_from_video_id": None,
    "error": None,
}
WAYS = ("bare", "bare synced", "bare async", "bare async synced", "sync", "async")
BASE_URL = "http://127.0.0.1:9/v1"


@dataclass(frozen=True)
class Number:
    """A measured number, and the limit that it should keep."""

    what: str
    value: float
    bar: float | None = None
    is_most: bool = True
    """Whether the limit is a maximum; otherwise it is a minimum."""
    unit: str = "x"

    @property
    def is_missed(self) -> bool:
        """Whether the value misses the limit."""
        if self.bar is None:
            return False
        return self.value > self.bar if self.is_most else self.value < self.bar

    def __str__(self) -> str:
        """Return a line for a person."""
        bar = "" if self.bar is None else f"{'<=' if self.is_most else '>='} {self.bar:g} {self.unit}"
        return f"{self.what:64} {self.value:8.2f} {self.unit:4} {bar:12} {'MISSED' if self.is_missed else ''}".rstrip()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mebibytes", type=int, default=1024, help="how large the download is (default: 1024)")
    parser.add_argument("--rounds", type=int, default=15, help="how often each import is timed (default: 15)")
    options = parser.parse_args(arguments)
    numbers = [*imports(options.rounds), *calls(), *downloads(options.mebibytes)]
    print(*numbers, sep="\n")
    return int(any(number.is_missed for number in numbers))


def imports(rounds: int) -> list[Number]:
    """Time imports, each in a separate process and in turns, minus the start of Python."""
    statements = {
        "nothing": "pass",
        "bare": "import httpx, attr",
        "ours": "import openvideos",
        "client": "from openvideos import OpenVideos",
        "openai": "import openai",
    }
    seconds: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds + 1):
        for name, statement in statements.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True)
            seconds[name].append(time.perf_counter() - began)
    # The first round reads from the disk and writes bytecode, so it is not counted.
    spent = {name: median(each[1:]) for name, each in seconds.items()}
    net = {name: value - spent["nothing"] for name, value in spent.items()}
    return [
        Number("import openvideos / import httpx, attr", net["ours"] / net["bare"], 1.25),
        Number("import openai / import openvideos", net["openai"] / net["ours"], 6, is_most=False),
        Number("from openvideos import OpenVideos / import httpx, attr", net["client"] / net["bare"]),
        Number("import openai / from openvideos import OpenVideos", net["openai"] / net["client"]),
    ]


def calls() -> list[Number]:
    """Time calls over a transport in memory."""
    import httpx
    import httpx2
    import openai

    from openvideos import OpenVideos

    one = json.dumps(VIDEO).encode()
    page = {"object": "list", "data": [{**VIDEO, "id": f"video_{index}"} for index in range(100)]}
    hundred = json.dumps({**page, "first_id": "video_0", "last_id": "video_99", "has_more": False}).encode()
    headers = {"content-type": "application/json"}

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=hundred if request.url.path.endswith("/videos") else one, headers=headers)

    def answer2(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=hundred if request.url.path.endswith("/videos") else one, headers=headers)

    bare = httpx.Client(
        base_url=BASE_URL, headers={"authorization": "Bearer k"}, transport=httpx.MockTransport(respond)
    )
    ours = OpenVideos(
        base_url=BASE_URL, api_key="sk-bench", http_client=httpx.Client(transport=httpx.MockTransport(respond))
    )
    theirs: Any = openai.OpenAI(  # Any: its types mark the videos as deprecated
        base_url=BASE_URL, api_key="sk-bench", http_client=httpx2.Client(transport=httpx2.MockTransport(answer2))
    )
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # openai-python warns at each call that its videos are deprecated
    retrieve = in_turns(
        {
            "bare": lambda: json.loads(bare.get("/videos/video_0").content),
            "ours": lambda: ours.videos.retrieve("video_0"),
            "openai": lambda: theirs.videos.retrieve("video_0"),
        },
        1000,
    )
    pages = in_turns(
        {"ours": lambda: ours.videos.list(limit=100), "openai": lambda: theirs.videos.list(limit=100)}, 100
    )
    return [
        Number("videos.retrieve, CPU / bare httpx and json.loads", retrieve["ours"] / retrieve["bare"], 1.4),
        Number("openai's CPU / videos.retrieve", retrieve["openai"] / retrieve["ours"], 2.5, is_most=False),
        Number("openai's CPU / videos.list(limit=100)", pages["openai"] / pages["ours"], 4, is_most=False),
    ]


def in_turns(functions: dict[str, Callable[[], object]], count: int, rounds: int = 9) -> dict[str, float]:
    """Return the CPU seconds of each function's call: the median of rounds that take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            began = time.process_time()
            for _ in range(count):
                function()
            seconds[name].append((time.process_time() - began) / count)
    return {name: median(each) for name, each in seconds.items()}


def downloads(mebibytes: int) -> list[Number]:
    """Time downloads over loopback, each in a process of its own, in turns; and see what memory they take."""
    command = [sys.executable, __file__]
    with subprocess.Popen([*command, "serve", str(mebibytes)], stdout=subprocess.PIPE, text=True) as server:
        try:
            port = (server.stdout.readline() if server.stdout else "").strip()
            found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
            for _ in range(3):
                for way, runs in found.items():
                    with tempfile.TemporaryDirectory(prefix="openvideos-bench-") as directory:
                        run = subprocess.run(
                            [*command, way, port, directory], check=True, capture_output=True, text=True
                        )
                    seconds, mebibytes_used = run.stdout.split()
                    runs.append((float(seconds), float(mebibytes_used)))
        finally:
            server.terminate()
    best = {way: min(seconds for seconds, _ in runs) for way, runs in found.items()}
    memory = {way: max(each for _, each in runs) for way, runs in found.items()}
    ratios = {
        f"{ours} / {bare}": best[bare] / best[ours]
        for ours, bares in (("sync", WAYS[:2]), ("async", WAYS[2:4]))
        for bare in bares
    }
    speed = {way: f"{mebibytes / seconds:.0f} MiB/s" for way, seconds in best.items()}
    return [
        Number(
            f"download, to a file at {speed['sync']}: bare httpx at {speed['bare']}",
            ratios["sync / bare"],
            0.9,
            is_most=False,
        ),
        Number(f"  bare httpx that syncs the file, too, at {speed['bare synced']}", ratios["sync / bare synced"]),
        Number(
            f"the same, async, at {speed['async']}: at {speed['bare async']}",
            ratios["async / bare async"],
            0.9,
            is_most=False,
        ),
        Number(f"  that syncs the file, too, at {speed['bare async synced']}", ratios["async / bare async synced"]),
        Number("download, peak memory above idle", memory["sync"], 16, unit="MiB"),
        Number("the same, async", memory["async"], 16, unit="MiB"),
        Number("bare httpx, peak memory above idle", memory["bare"], unit="MiB"),
    ]


async def serve(mebibytes: int) -> None:
    """Respond to every request on loopback with this many bytes; print the port."""
    piece = bytes(CHUNK)

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = mebibytes * MEBIBYTE
        head = f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode())
        for _ in range(length // CHUNK):
            writer.write(piece)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def download(way: str, port: int, directory: Path) -> None:
    """Download once, after everything is imported and connected; print the seconds and the memory, in MiB."""
    import httpx

    from openvideos import AsyncOpenVideos, OpenVideos

    base_url, target = f"http://127.0.0.1:{port}/v1", directory / "video.mp4"
    url = f"{base_url}/videos/video_0/content"
    idle = peak()
    began = time.perf_counter()
    if way.startswith("bare async"):
        asyncio.run(bare_async(url, target))
    elif way.startswith("bare"):
        with httpx.stream("GET", url) as response, target.open("wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
    elif way == "sync":
        with OpenVideos(base_url=base_url, api_key="sk-bench") as client:
            client.videos.download("video_0", to=target)
    else:

        async def main() -> None:
            async with AsyncOpenVideos(base_url=base_url, api_key="sk-bench") as client:
                await client.videos.download("video_0", to=target)

        asyncio.run(main())
    if way.endswith("synced"):
        with target.open("ab") as file:
            os.fsync(file.fileno())
    print(time.perf_counter() - began, peak() - idle)


async def bare_async(url: str, target: Path) -> None:
    """Stream to a file as it is usually written."""
    import httpx

    async with httpx.AsyncClient() as client, client.stream("GET", url) as response:
        with target.open("wb") as file:
            async for piece in response.aiter_bytes():
                file.write(piece)


def peak() -> float:
    """Return the peak memory of this process, in MiB."""
    with contextlib.suppress(OSError):  # only Linux has this file
        peak_line = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
        return int(peak_line[1]) / 1024 if peak_line else 0
    import resource

    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes / (MEBIBYTE if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", mebibytes]:
            asyncio.run(serve(int(mebibytes)))
        case [way, port, directory] if way in WAYS:
            download(way, int(port), Path(directory))
        case _:
            sys.exit(main())
