"""What the emulator takes for a request when it has so many jobs."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import Final

from .emulator import SMALL, Client, Tally, create
from .processes import Bench, Metrics

CREATORS: Final = 20
REQUESTS: Final = 200
LISTS: Final = 30


def emulator_with(bench: Bench, _: str, *, jobs: int) -> Metrics:
    """Fill an emulator with jobs, and time single requests."""
    with bench.emulator("--pace", "instant") as port:
        return asyncio.run(_times(port, jobs))


async def _times(port: int, jobs: int) -> Metrics:
    numbers = iter(range(jobs))
    ids: list[str] = []

    async def creator() -> None:
        async with Client(port, Tally()) as client:
            ids.extend([await create(client, f"Job {number}", SMALL) for number in numbers])

    began = time.perf_counter()
    await asyncio.gather(*(creator() for _ in range(min(jobs, CREATORS))))
    created = (time.perf_counter() - began) / jobs
    tally = Tally()
    async with Client(port, tally) as client:
        for number in range(REQUESTS):
            await client.send("retrieve", "GET", f"/videos/{ids[number * len(ids) // REQUESTS]}")
        after = f"&after={ids[len(ids) // 2]}"
        for _ in range(LISTS):
            await client.send("list", "GET", f"/videos?limit=100{after}")
    if tally.failures:
        raise SystemExit(f"the emulator fails: {tally.failures[0]}")
    return {
        "wall_us": median(tally.seconds["retrieve"]) * 1e6,
        "list_us": median(tally.seconds["list"]) * 1e6,
        "create_us": created * 1e6,
    }
