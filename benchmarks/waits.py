"""Wait for many jobs of the emulator at once, and see how late each is yielded."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from typing import Final

from .blocking_peers import KEY
from .emulator import SMALL, Client, Tally, create
from .limits import peak

CREATORS: Final = 20
INTERVAL_S: Final = 1.0
"""The SDK's pause between two rounds, where the server names none."""


async def perform(peer: str, *, port: int, jobs: int, seconds: float, is_single: bool) -> dict[str, float]:
    """Create so many jobs, each of which takes so many seconds, and wait for all; return what waiting took.

    `requests` is not among it: the parent counts those in the emulator's log.
    """
    if peer != "ours":
        raise SystemExit(f"{peer} waits for no jobs here")
    from openvideos import AsyncOpenVideos

    ends: dict[str, float] = {}
    numbers = iter(range(jobs))
    await asyncio.gather(*(_creator(port, numbers, seconds, ends) for _ in range(min(CREATORS, jobs))))
    delays: list[float] = []
    async with AsyncOpenVideos(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY) as client:
        gc.collect()
        idle, began, cpu = peak(), time.perf_counter(), time.process_time()

        def ended(id_: str) -> None:
            delays.append(time.perf_counter() - max(began, ends[id_]))

        async def one(id_: str) -> None:
            ended((await client.videos.poll(id_)).id)

        if is_single:
            await asyncio.gather(*map(one, ends))
        else:
            async for video in client.videos.wait_many(list(ends)):
                ended(video.id)
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
    if len(delays) != jobs:
        raise SystemExit(f"{len(delays)} of {jobs} jobs were yielded")
    delays.sort()
    return {
        "cpu_us": spent / jobs * 1e6,
        "wall_s": wall,
        "peak_mib": peak() - idle,
        "delay_s": delays[-1],
        "median_delay_s": delays[len(delays) // 2],
        # Each job is read when the wait begins, and then once in each interval until it has ended.
        "single_polls": sum(1 + max(0.0, end - began) // INTERVAL_S + (end > began) for end in ends.values()),
    }


async def _creator(port: int, numbers: Iterator[int], seconds: float, ends: dict[str, float]) -> None:
    async with Client(port, Tally()) as client:
        for number in numbers:
            # The job begins at some moment of the request: its delay is told too large, not too small.
            began = time.perf_counter()
            ends[await create(client, f"Job {number}", SMALL)] = began + seconds
