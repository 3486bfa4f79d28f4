"""Whose functions the time of a call is spent in, as `cProfile` sees it."""

from __future__ import annotations

import cProfile
import pstats
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final

PARTS: Final = {
    "openvideos": r"/openvideos/|<attrs generated .* openvideos\.",
    "the raw client": r"/openvideos_raw/|<attrs generated .* openvideos_raw\.",
    "httpx": r"/httpx/",
    "httpcore and h11": r"/(httpcore|h11)/",
    "anyio and asyncio": r"/(anyio|asyncio|sniffio)/|/selectors\.py",
    "the system": r"_socket|poll|ssl",
}
"""The parts that are told, by the files of their functions; built-in functions have names alone."""
OTHERS: Final = "other"


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Return how much of the time each part took, in percent."""
    seconds = defaultdict[str, float](float)
    stats: Any = pstats.Stats(profile)  # Any: its attributes have no types
    for (file, _, function), (_, _, own, _, _) in stats.stats.items():
        seconds[part_of(f"{file} {function}")] += own
    total = sum(seconds.values())
    return {part: 100 * seconds[part] / total for part in (*PARTS, OTHERS)}


def part_of(function: str) -> str:
    """Return the part that a function is of."""
    # The name of the checkout may be that of the SDK, so that the last folder of a name decides.
    found = {
        part: match[-1].start() for part, pattern in PARTS.items() if (match := list(re.finditer(pattern, function)))
    }
    return max(found, key=lambda part: found[part]) if found else OTHERS


def profiled(function: Callable[[], object], count: int) -> dict[str, float]:
    """Profile a function that blocks."""
    profile = cProfile.Profile(time.process_time)  # so that waiting is no time
    with profile:
        for _ in range(count):
            function()
    return shares(profile)


async def profiled_async(function: Callable[[], Awaitable[object]], count: int) -> dict[str, float]:
    """Profile an async function, with its event loop."""
    profile = cProfile.Profile(time.process_time)  # so that waiting is no time
    with profile:
        for _ in range(count):
            await function()
    return shares(profile)
