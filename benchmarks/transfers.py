"""Downloads to files, each in a process that does nothing else: the time, and the memory beyond that when idle."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from .blocking_peers import KEY, TIMEOUT_S
from .limits import peak


def perform(
    peer: str, base_url: str, *, mebibytes: int, directory: str, is_async: bool, files: int
) -> dict[str, float]:
    """Download so much, in so many files side by side; return what it took."""
    with tempfile.TemporaryDirectory(prefix="openvideos-bench-", dir=directory) as scratch:
        targets = [Path(scratch, f"{number}.mp4") for number in range(files)]
        # Whatever a client imports late, it has imported when the clock starts.
        PEERS[peer](f"{base_url}/1", is_async)([Path(scratch, "first.mp4")])
        ready = PEERS[peer](f"{base_url}/{mebibytes // files}", is_async)
        idle, cpu, wall = peak(), cpu_s(), time.perf_counter()
        ready(targets)
        took = {"cpu_s": cpu_s() - cpu, "wall_s": time.perf_counter() - wall}
        size = sum(target.stat().st_size for target in targets)
        if size != mebibytes << 20:
            raise SystemExit(f"{peer} has downloaded {size} bytes and not {mebibytes} MiB")
        return {**took, "mib_per_s": mebibytes / took["wall_s"], "peak_mib": peak() - idle}


def cpu_s() -> float:
    """Return the CPU time of this process, and of the programs that it has run."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


Ready = Callable[[list[Path]], None]


def _all(one: Callable[[Path], object]) -> Ready:
    """Download all files, in a thread each."""

    def run(targets: list[Path]) -> None:
        if len(targets) == 1:
            one(targets[0])
            return
        with ThreadPoolExecutor(len(targets)) as pool:
            list(pool.map(one, targets))

    return run


def _all_async(many: Callable[[list[Path]], Coroutine[Any, Any, None]]) -> Ready:
    return lambda targets: asyncio.run(many(targets))


def _synced(path: Path) -> None:
    """Let a file reach the disk, as ours do before they get their name."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _httpx(base_url: str, is_async: bool, *, is_synced: bool = False) -> Ready:  # noqa: FBT001 - as all peers
    import httpx

    url = f"{base_url}/videos/video_0/content"
    # Made before the clock starts: to read the certificates takes time, which ours would do over https alone.
    client: Any = (httpx.AsyncClient if is_async else httpx.Client)(timeout=TIMEOUT_S)

    def blocking(target: Path) -> None:
        with client.stream("GET", url) as response, target.open("wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
        if is_synced:
            _synced(target)

    async def many(targets: list[Path]) -> None:
        async with client:

            async def one(target: Path) -> None:
                # As it is usually written: the file is written in the event loop.
                async with client.stream("GET", url) as response:
                    with target.open("wb") as file:
                        async for piece in response.aiter_bytes():
                            file.write(piece)
                if is_synced:
                    await asyncio.to_thread(_synced, target)

            await asyncio.gather(*map(one, targets))

    return _all_async(many) if is_async else _all(blocking)


def _httpx_synced(base_url: str, is_async: bool) -> Ready:  # noqa: FBT001 - as all peers
    return _httpx(base_url, is_async, is_synced=True)


def _curl(base_url: str, is_async: bool) -> Ready:  # noqa: ARG001, FBT001 - as all peers
    program = shutil.which("curl") or "curl"
    url = f"{base_url}/videos/video_0/content"
    return _all(lambda target: subprocess.run([program, "-s", "-f", "-o", str(target), url], check=True))


def _openai(base_url: str, is_async: bool) -> Ready:  # noqa: FBT001 - as all peers
    import openai

    warnings.simplefilter("ignore", DeprecationWarning)
    # Any: its types mark the videos as deprecated.
    client: Any = (openai.AsyncOpenAI if is_async else openai.OpenAI)(base_url=base_url, api_key=KEY)

    def blocking(target: Path) -> None:
        with client.videos.with_streaming_response.download_content("video_0") as response:
            response.stream_to_file(target)

    async def many(targets: list[Path]) -> None:
        async with client:

            async def one(target: Path) -> None:
                async with client.videos.with_streaming_response.download_content("video_0") as response:
                    await response.stream_to_file(target)

            await asyncio.gather(*map(one, targets))

    return _all_async(many) if is_async else _all(blocking)


def _ours(base_url: str, is_async: bool) -> Ready:  # noqa: FBT001 - as all peers
    from openvideos import AsyncOpenVideos, OpenVideos

    client: Any = (AsyncOpenVideos if is_async else OpenVideos)(base_url=base_url, api_key=KEY)

    async def many(targets: list[Path]) -> None:
        async with client:
            await asyncio.gather(*(client.videos.download("video_0", to=target) for target in targets))

    return _all_async(many) if is_async else _all(lambda target: client.videos.download("video_0", to=target))


PEERS: Final[dict[str, Callable[[str, bool], Ready]]] = {
    "httpx": _httpx,
    "httpx-synced": _httpx_synced,
    "curl": _curl,
    "openai": _openai,
    "ours": _ours,
}
