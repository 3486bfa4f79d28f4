"""One client in a process of its own, which does what each line of its standard input says, and answers with a line.

A process for each client, so that what one imports, caches and leaves behind costs no other; all of them live through a
run, so that they can take turns without starting anew.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from . import async_peers, batches, blocking_peers, profiles, transfers, waits
from .limits import peak, raise_limits

Metrics = dict[str, float]


class Worker:
    """A client, in each way in which it was used so far."""

    def __init__(self, peer: str, base_url: str, runner: asyncio.Runner) -> None:
        """Use this client against this server."""
        self.peer, self.base_url, self.runner = peer, base_url, runner
        self._blocking: dict[str, blocking_peers.Operations] = {}
        self._async: async_peers.Operations = {}
        self._stack = AsyncExitStack()
        self._warm: set[tuple[str, ...]] = set()

    def perform(self, order: dict[str, Any]) -> Metrics:
        """Do what an order says, and return what it took."""
        way = order.pop("way")
        if way == "transfer":
            return transfers.perform(self.peer, self.base_url, **order)
        if way == "batch":
            return batches.perform(self.peer, **order)
        if way == "wait":
            return self.runner.run(waits.perform(self.peer, **order))
        if way == "async":
            return self.runner.run(self._at_once(**order))
        return self._repeated(way, **order)

    def _repeated(
        self,
        way: str,
        operation: str,
        count: int,
        given: tuple[Any, ...] = (),
        *,
        is_cold: bool = False,
        is_profiled: bool = False,
    ) -> Metrics:
        if way not in self._blocking:
            self._blocking[way] = blocking_peers.operations(self.peer, self.base_url if way == "blocking" else None)
        function = self._blocking[way][operation]
        if is_cold:  # what is measured has run never before, but the client has: it has imported and connected
            self._blocking[way]["retrieve"]()
        elif (way, operation) not in self._warm:
            self._warm.add((way, operation))
            function(*given)
        if is_profiled:
            return profiles.profiled(function, count)
        idle, meter = peak(), Meter()
        for _ in range(count):
            function(*given)
        return meter.read(count) | {"peak_mib": peak() - idle}

    async def _at_once(
        self, operation: str, count: int, at_once: int, *, is_cold: bool = False, is_profiled: bool = False
    ) -> Metrics:
        if not self._async:
            self._async = await self._stack.enter_async_context(async_peers.operations(self.peer, self.base_url))
        function = self._async[operation]
        if is_cold:
            await self._async["retrieve"]()
        else:  # opens as many connections as the client keeps, which may have been closed since the last round
            await batch(function, at_once)
        rounds = max(1, count // at_once)
        if is_profiled:
            return await profiles.profiled_async(lambda: batch(function, at_once), rounds)
        idle, meter = peak(), Meter()
        for _ in range(rounds):
            await batch(function, at_once)
        return meter.read(rounds * at_once) | {"peak_mib": peak() - idle}

    async def close(self) -> None:
        """Close the async client."""
        await self._stack.aclose()


class Meter:
    """Measures time from when it is made: the CPU's, of this process alone, and the wall's."""

    def __init__(self) -> None:
        """Begin, without what earlier rounds left to collect."""
        gc.collect()
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self, count: int = 1) -> Metrics:
        """Return what one of so many operations took, in microseconds."""
        cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        return {"cpu_us": cpu / count * 1e6, "wall_us": wall / count * 1e6}


async def batch(function: Callable[[], Awaitable[object]], at_once: int) -> None:
    """Call a function so often at once."""
    if at_once == 1:
        await function()
        return
    await asyncio.gather(*(function() for _ in range(at_once)))


def main(peer: str, base_url: str) -> None:
    """Perform orders until there are no more."""
    raise_limits()
    with asyncio.Runner() as runner:
        worker = Worker(peer, base_url, runner)
        for line in sys.stdin:
            print(json.dumps(worker.perform(json.loads(line))), flush=True)
        runner.run(worker.close())


if __name__ == "__main__":
    main(*sys.argv[1:])
