"""Run a batch: let its rows be made until nothing is left to do."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from queue import SimpleQueue
from typing import Final, cast

from attrs import evolve, frozen
from sqlalchemy.exc import SQLAlchemyError

from .. import AsyncOpenVideos, BatchError
from . import ledger as states
from .engine import Engine
from .files import check_place
from .ledger import Ledger
from .opening import Estimate, Settings, begin, check_seconds, estimate, locked, open_batch, place_of, url_of
from .pacing import Pace
from .results import write_results
from .rows import Row, read_rows
from .runner import Runner, is_of_the_database

WINDOW: Final = 1000
"""How many rows are enqueued ahead."""
TICK_S: Final = 0.25
TAKE_OVER_S: Final = 5.0
"""Longer than a worker needs to take its lock again: how often others look for it, which take it for dead at the second
look."""
CLEAR_S: Final = 30.0
DATABASE_S: Final = 1.0
INTERRUPTED: Final = "interrupted"


@frozen
class Progress:
    """How far a batch is."""

    counts: Mapping[str, int]
    """How many rows are in each state."""
    videos: int
    """How many videos may have been billed."""
    seconds: int
    """How many seconds of video they have, as far as they were asked for."""
    elapsed: float
    left: float | None
    """Seconds until all rows have ended, at the pace of this run; None if that is not known yet."""
    trouble: str | None
    """What keeps the batch from going on."""
    stopped: str | None = None
    """Why no more jobs are started, if so; "interrupted" by Ctrl-C."""

    @property
    def ended(self) -> int:
        """How many rows have ended."""
        return sum(self.counts[state] for state in states.ENDED)


async def work(
    ledger: Ledger,
    database: str | None,
    client: AsyncOpenVideos,
    settings: Settings,
    on_progress: Callable[[Progress], None],
    ended: SimpleQueue[str] | None = None,
) -> str | None:
    """Make rows until all have ended, or no more can be made; return why creates were stopped, if they were."""
    runner = Runner(
        ledger,
        client,
        Pace(settings.in_flight),
        honours_keys=False,
        settle=settings.settle,
        interval=settings.poll_interval,
        thumbnail=settings.thumbnail,
        retry_failed=settings.retry_failed,
        only_codes=tuple(settings.retry_codes),
    )
    says_so = await runner.server.honours_keys()
    runner.honours_keys = says_so if settings.honours_keys is None else settings.honours_keys
    url = url_of(ledger.batch.out, database)
    engine = Engine(url, runner, most=settings.in_flight)
    try:
        with _interruptible(runner), _hearing(runner, ended):
            await _until_done(ledger, runner, engine, on_progress)
    finally:
        await asyncio.to_thread(engine.close)
    return runner.stopped


async def _until_done(ledger: Ledger, runner: Runner, engine: Engine, on_progress: Callable[[Progress], None]) -> None:
    began, before = time.monotonic(), None
    looked = cleared = float("-inf")
    told = Progress(dict.fromkeys(states.STATES, 0), 0, 0, 0.0, None, None)
    while True:
        try:
            if time.monotonic() - looked > TAKE_OVER_S:
                await asyncio.to_thread(engine.take_over)
                looked = time.monotonic()
            if time.monotonic() - cleared > CLEAR_S:
                await asyncio.to_thread(engine.clear)
                cleared = time.monotonic()
            await asyncio.to_thread(ledger.reread)
            fed = await asyncio.to_thread(_feed, ledger, runner, engine)
            counts, active, _ = await asyncio.to_thread(ledger.counts)
            videos, seconds = await asyncio.to_thread(ledger.spent)
        except SQLAlchemyError as error:
            if not is_of_the_database(error):
                raise
            away = f"the database could not be used ({type(error).__name__}), and is tried again"
            on_progress(evolve(told, elapsed=time.monotonic() - began, trouble=runner.trouble or away))
            await asyncio.sleep(DATABASE_S)
            continue
        ended, elapsed = sum(counts[state] for state in states.ENDED), time.monotonic() - began
        before = ended if before is None else before
        left = (sum(counts.values()) - ended) * elapsed / (ended - before) if ended > before else None
        told = Progress(counts, videos, seconds, elapsed, left, runner.trouble or runner.doubted, runner.stopped)
        on_progress(told)
        if not fed and (not active or (runner.stopped is not None and not runner.is_busy)):
            return
        await asyncio.sleep(TICK_S)


def _feed(ledger: Ledger, runner: Runner, engine: Engine) -> int:
    """Enqueue rows, as far as the limit of videos goes, and not all at once; return how many.

    The limit itself is kept when a create is intended. This only saves the rows a turn that would find it reached.
    """
    if runner.stopped is not None:
        return 0
    _, active, waiting = ledger.counts()
    room = max(0, WINDOW - active)
    fed = engine.enqueue(room, states.GOING)
    if runner.is_over_limit:
        return fed
    most = ledger.batch.settings.get("max_videos")
    if most is not None:
        room = min(room, max(0, most - ledger.spent()[0] - waiting))
    return fed + engine.enqueue(room - fed, (states.PENDING,))


@contextmanager
def _hearing(runner: Runner, ended: SimpleQueue[str] | None) -> Generator[None]:
    """Let the jobs be read at once that others know to have ended."""
    if ended is None:
        yield
        return
    task = asyncio.create_task(_hear(runner, ended))
    try:
        yield
    finally:
        task.cancel()


async def _hear(runner: Runner, ended: SimpleQueue[str]) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        while not ended.empty():
            runner.waiting.hear([ended.get_nowait()])


@contextmanager
def _interruptible(runner: Runner) -> Generator[None]:
    """Let the first Ctrl-C stop the creates, and the second one leave what is under way."""
    loop, task = asyncio.get_running_loop(), cast("asyncio.Task[None]", asyncio.current_task())

    def stop() -> None:
        if runner.stopped is None:
            runner.stopped = INTERRUPTED
        else:
            task.cancel()

    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or no main thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _ended_by_signals(ends: list[int]) -> Generator[None]:
    """Let SIGTERM and SIGHUP that raise an error do so after the end alone, which a second one would break off."""
    loop, task = asyncio.get_running_loop(), cast("asyncio.Task[None]", asyncio.current_task())

    def end(number: int, _: object) -> None:
        ends.append(number)
        if len(ends) == 1:
            loop.call_soon_threadsafe(task.cancel)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    raising = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    if threading.current_thread() is not threading.main_thread():
        raising = {}
    for number in raising:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in raising.items():
            signal.signal(number, handler)


@frozen
class Result:
    """What a batch has come to."""

    batch: str
    """Its id."""
    counts: Mapping[str, int]
    """How many rows are in each state."""
    videos: int
    """How many videos may have been billed."""
    seconds: int
    """How many seconds of video they have, as far as they were asked for."""
    stopped: str | None
    """Why creates were stopped before all rows were made, if they were."""
    is_limited: bool = False
    """Whether the batch has a limit of videos or seconds, which may leave no room for a row."""


def run(
    jobs: str | Path | None,
    out: str | Path | None,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    database: str | None = None,
    batch: str | None = None,
    add: bool = False,
    settings: Settings | None = None,
    confirm: Callable[[Estimate], bool] = lambda _: True,
    on_progress: Callable[[Progress], None] = lambda _: None,
    ended: SimpleQueue[str] | None = None,
) -> Result:
    """Make a video of each row of a file, and return what came of them; a batch that was broken off goes on.

    Nothing is started before the file, the folder and the key are known to be right. A create whose answer is lost is
    sent again only if it surely started no job. docs/batch.md says what is promised on which kind of server. DBOS is
    one in a process, so that two batches cannot run in one at the same time.

    Args:
        jobs: The rows: a path of .csv, .jsonl or .ndjson; None to work at a batch that is there.
        out: Where the files go: a folder, or a URL that fsspec knows, which needs `database`.
        base_url: The address of the API; by default as for `OpenVideos`.
        api_key: The key; by default as for `OpenVideos`. It is not stored.
        database: Where the state is, "postgresql://…"; by default SQLite in the folder.
        batch: The id of the batch, if the database has several.
        add: Take rows in that were added to the file.
        settings: What the run may do.
        confirm: Called with what the run may start before it does; false ends it.
        on_progress: Called several times a second with how far the batch is.
        ended: Ids of jobs that have ended, which another thread puts there when a webhook tells of them; each is read
            at once. With it, `poll_interval` may be long.

    Raises:
        BatchError: The file, the place or the database is wrong, and nothing was started; or the database went away,
            and the same call goes on.
        AuthenticationError: The server refuses the key; nothing was started.
        APIConnectionError: The server cannot be reached; nothing was started.

    """
    chosen = settings or Settings()
    client = AsyncOpenVideos(base_url=base_url, api_key=api_key, idempotent_posts=False)
    place = place_of(out)
    if jobs is not None and place is None:
        raise BatchError("there is no place for the files; give out.")
    rows = list[Row]()
    if jobs is not None and place is not None:
        url_of(place, database)
        rows = read_rows(Path(jobs))
        check_seconds(Path(jobs), rows, chosen.max_seconds_of_video)
        check_place(place)
    try:
        # Whoever has the lock of a folder may begin a batch in it.
        with locked(place) if database is None and place is not None else nullcontext():
            if jobs is None or place is None:
                ledger = open_batch(place, database, name=batch)
            else:
                ledger = begin(Path(jobs), rows, place, database, str(client.base_url), chosen, add=add)
            with closing(ledger):
                if ledger.batch.base_url != str(client.base_url):
                    raise BatchError(f"the batch belongs to {ledger.batch.base_url}; give it as the base URL.")
                try:
                    stopped = _run(ledger, database, client, chosen, confirm, on_progress, ended)
                except BaseException:
                    # If nothing was begun, the file may still be changed.
                    if jobs is None or not ledger.forget():
                        write_results(ledger)
                    raise
                write_results(ledger)
                counts, _, _ = ledger.counts()
                is_limited = any(most is not None for most in ledger.limits.values())
                return Result(ledger.batch.id, counts, *ledger.spent(), stopped, is_limited)
    except SQLAlchemyError as error:
        raise BatchError(
            f"the database cannot be used any more ({type(error).__name__}); run it again later."
        ) from None


def _run(
    ledger: Ledger,
    database: str | None,
    client: AsyncOpenVideos,
    settings: Settings,
    confirm: Callable[[Estimate], bool],
    on_progress: Callable[[Progress], None],
    ended: SimpleQueue[str] | None,
) -> str | None:
    expected = estimate(ledger)
    if expected.videos and not confirm(expected):
        raise BatchError("you said no; nothing was started.")

    ends: list[int] = []

    async def main() -> str | None:
        with _ended_by_signals(ends):
            async with client:
                return await work(ledger, database, client, settings, on_progress, ended)

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if ends:
            signal.raise_signal(ends[0])
        raise KeyboardInterrupt from None  # the second Ctrl-C
