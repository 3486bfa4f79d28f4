"""Make a batch of rows in this process: by the SDK, and by what people write without it. The files are the same."""

from __future__ import annotations

import asyncio
import functools
import tempfile
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any, Final

from .blocking_peers import KEY
from .emulator import SMALL
from .limits import peak

IN_FLIGHT: Final = 200
INTERVAL_S: Final = 1.0
DIRECT: Final = ("intend", "doubt", "place", "release", "set", "leave", "renew", "row", "counts", "spent", "workflows")
"""What of the ledger takes time of its own; `enqueue` has the engine's in it."""


def perform(peer: str, *, port: int, rows: int, folder: str) -> dict[str, float]:
    """Make so many videos, and return what each took; `whole_mib` is all memory of this process at its peak."""
    base_url = f"http://127.0.0.1:{port}/v1"
    with tempfile.TemporaryDirectory(prefix="batch-", dir=folder) as scratch:
        jobs, out = Path(scratch, "jobs.csv"), Path(scratch, "out")
        jobs.write_text(table(rows), "utf-8")
        out.mkdir()
        wall, cpu = time.perf_counter(), time.process_time()
        in_ledger = PEERS[peer](base_url, jobs, out)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        made = len([*out.glob("*.mp4")])
    if made != rows:
        raise SystemExit(f"{peer} has made {made} of {rows} videos")
    took = {"rows_per_second": rows / wall, "wall_s": wall, "cpu_us": cpu / rows * 1e6, "whole_mib": peak()}
    return took | ({} if in_ledger is None else {"ledger_us": in_ledger / rows * 1e6})


def table(rows: int) -> str:
    """Return a file of so many rows, each with a prompt of its own."""
    lines = (f"Row {number},{SMALL['seconds']},{SMALL['size']}" for number in range(rows))
    return "\n".join(["prompt,seconds,size", *lines, ""])


def _ours(base_url: str, jobs: Path, out: Path) -> float:
    from openvideos import batch
    from openvideos._batch.ledger import Ledger

    meter = _Meter()
    for name in DIRECT:
        setattr(Ledger, name, meter.metered(getattr(Ledger, name)))
    settings = batch.Settings(in_flight=IN_FLIGHT, poll_interval=INTERVAL_S)
    batch.run(jobs, out, base_url=base_url, api_key=KEY, settings=settings)
    return meter.seconds


class _Meter:
    """Sums the CPU of some functions, in whichever thread they are called."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def metered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                with self._lock:
                    self.seconds += time.thread_time() - began

        return call


def _without_engine(base_url: str, jobs: Path, out: Path) -> float:
    """Make them by the same flow and the same ledger, and let asyncio run it: what it lacks is the engine's share."""
    from openvideos._batch import runner, running

    of_runner: Any = runner
    of_running: Any = running
    of_runner._step = _step  # noqa: SLF001 - nothing public says how a step is recorded
    of_runner.DBOS = of_running.Engine = _Tasks
    return _ours(base_url, jobs, out)


async def _step(_: str, function: Callable[[], Awaitable[Any]]) -> Any:
    return await function()


class _Tasks:
    """What the flow needs of an engine, by tasks that nothing records."""

    workflow_id = None

    def __init__(self, _: str, runner: Any, *, most: int, **__: Any) -> None:
        self._runner, self._loop = runner, asyncio.get_running_loop()
        self._slots, self._tasks = asyncio.Semaphore(most), set[asyncio.Task[None]]()

    def enqueue(self, most: int, states: Collection[str]) -> int:
        def put(_: object, __: str, name: str) -> None:
            self._loop.call_soon_threadsafe(self._begin, name)

        fed: int = self._runner.ledger.enqueue(put, most, states, self._runner.parked)
        return fed

    def _begin(self, name: str) -> None:
        task = self._loop.create_task(self._make(name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make(self, name: str) -> None:
        async with self._slots:
            await self._runner.make(name)

    def clear(self) -> None:
        pass

    take_over = close = clear


def _openai(base_url: str, jobs: Path, out: Path) -> None:
    """Make them by a loop that knows nothing after a crash."""
    import csv

    import openai

    warnings.simplefilter("ignore", DeprecationWarning)

    async def main() -> None:
        slots = asyncio.Semaphore(IN_FLIGHT)
        async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY) as typed:
            client: Any = typed  # Any: its types mark the videos as deprecated

            async def one(number: int, row: dict[str, str]) -> None:
                async with slots:
                    video = await client.videos.create_and_poll(**row, poll_interval_ms=int(INTERVAL_S * 1000))
                    async with client.videos.with_streaming_response.download_content(video.id) as response:
                        await response.stream_to_file(out / f"{number}.mp4")

            with jobs.open(encoding="utf-8") as file:
                rows = [*csv.DictReader(file)]
            await asyncio.gather(*(one(number, row) for number, row in enumerate(rows)))

    asyncio.run(main())


PEERS: Final[dict[str, Callable[[str, Path, Path], float | None]]] = {
    "ours": _ours,
    "without-engine": _without_engine,
    "openai": _openai,
}
