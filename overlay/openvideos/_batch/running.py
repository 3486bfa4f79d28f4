"""Run a batch: open it, compare it with its file, and let its rows be made until nothing is left to do."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final, cast

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from .. import AsyncOpenVideos
from . import ledger as states
from .engine import Engine
from .files import check_place
from .ledger import Batch, Ledger, connect
from .pacing import Pace
from .results import write_results
from .rows import BatchError, Row, read_rows
from .runner import Runner

DATABASE: Final = "batch.db"
LOCK: Final = "batch.lock"
WINDOW: Final = 1000
"""How many rows are enqueued ahead."""
TICK_S: Final = 0.25
TAKE_OVER_S: Final = 10.0
INTERRUPTED: Final = "interrupted"
LONGEST_S: Final = 10**9


@frozen
class Estimate:
    """What a run may start, before it does."""

    videos: int
    seconds: int | None
    """The seconds of video that are asked for; None if a row leaves them to the server."""
    spent: int
    """How many videos the batch has started before."""


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

    @property
    def ended(self) -> int:
        """How many rows have ended."""
        return sum(self.counts[state] for state in states.ENDED)


@frozen
class Settings:
    """What a run may do; what is None or false is not limited, or not asked for."""

    in_flight: int = 16
    per_minute: int | None = None
    max_videos: int | None = None
    max_seconds_of_video: int | None = None
    retry_failed: int = 0
    retry_codes: Sequence[str] = ()
    thumbnail: bool = False
    honours_keys: bool | None = None
    """Whether the server honours Idempotency-Key; by default what it says of itself."""
    settle: float = 60.0
    poll_interval: float = 2.0

    def __attrs_post_init__(self) -> None:
        """Check the numbers.

        Raises:
            BatchError: One is out of its range.
        """
        least = {"in_flight": 1, "per_minute": 1, "max_videos": 1, "max_seconds_of_video": 1, "retry_failed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < low):
                raise BatchError(f"{name} is {value!r}; it must be a whole number from {low}.")
        for name in ("settle", "poll_interval"):
            if not 0 < getattr(self, name) < LONGEST_S:
                raise BatchError(f"{name} is {getattr(self, name)!r}; it must be a number of seconds above zero.")


def place_of(out: str | Path | None) -> str | None:
    """Return a folder as an absolute path, and a URL as it is."""
    return None if out is None else str(out if "://" in str(out) else Path(out).absolute())


def url_of(out: str, database: str | None) -> str:
    """Return the URL of the database of a batch: in its folder, if none is named.

    Raises:
        BatchError: The place is no folder, and no database is named.
    """
    if database is not None:
        # SQLAlchemy would take another driver than the one that DBOS brings.
        return database.replace("postgresql://", "postgresql+psycopg://", 1).replace(
            "postgres://", "postgresql+psycopg://", 1
        )
    if "://" in out:
        raise BatchError(f"{out} is no folder, where the state of the batch could be; give --database, too.")
    return f"sqlite:///{Path(out).absolute() / DATABASE}"


def open_batch(out: str | None, database: str | None, *, name: str | None = None) -> Ledger:
    """Open a batch that is there: the one in a folder, or the one of this id, or the only one, in a database.

    Raises:
        BatchError: There is none.
    """
    url = url_of(out or "", database)
    if url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists():
        raise BatchError(f"there is no batch in {out}; `openvideos batch run JOBS --out {out}` begins one.")
    engine = _connected(url)
    found = [each for each in Ledger.batches(engine) if name in {None, each.id} and out in {None, each.out}]
    if len(found) != 1:
        engine.dispose()
        what = "no such batch" if not found else f"{len(found)} batches; name the id of one"
        raise BatchError(f"the database has {what}.")
    return Ledger(engine, found[0])


def _connected(url: str) -> sa.Engine:
    try:
        engine = connect(url)
        Ledger.prepare(engine)
    except (SQLAlchemyError, ImportError) as error:
        place = sa.make_url(url).render_as_string(hide_password=True) if "://" in url else "the URL"
        raise BatchError(f"the database {place} cannot be used: {type(error).__name__}.") from None
    return engine


@contextmanager
def locked(out: str) -> Generator[None]:
    """Hold the lock of a folder, which goes with the process, so that no two run one batch.

    Raises:
        BatchError: Another process holds it.
    """
    connection = sqlite3.connect(Path(out) / LOCK, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        connection.close()
        raise BatchError(f"another process runs the batch in {out}; wait for it, or end it.") from None
    try:
        yield
    finally:
        connection.close()


def begin(jobs: Path, out: str, database: str | None, base_url: str, settings: Settings, *, add: bool) -> Ledger:
    """Record the rows of a file as a new batch, or compare them with the batch that is there.

    Raises:
        BatchError: The file or the place is wrong, or is that of another batch.
    """
    rows = read_rows(jobs)
    if settings.max_seconds_of_video is not None:
        without = next((row for row in rows if row.seconds is None), None)
        if without is not None:
            raise BatchError(
                f"{jobs}:{without.line}: there are no seconds, so that their sum cannot be limited; add them."
            )
    check_place(out)
    engine = _connected(url_of(out, database))
    try:
        return _begun(engine, jobs, rows, out, base_url, settings, add=add)
    except BaseException:
        engine.dispose()
        raise


def _begun(
    engine: sa.Engine, jobs: Path, rows: Sequence[Row], out: str, base_url: str, settings: Settings, *, add: bool
) -> Ledger:
    found = [each for each in Ledger.batches(engine) if each.out == out]
    limits = {"max_videos": settings.max_videos, "max_seconds_of_video": settings.max_seconds_of_video}
    if not found:
        ledger = Ledger.begin(engine, Batch(str(uuid.uuid4()), base_url, out, limits))
        ledger.add(rows)
        return ledger
    ledger = Ledger(engine, found[0])
    if found[0].base_url != base_url:
        raise BatchError(f"the batch in {out} belongs to {found[0].base_url}, not to {base_url}; give its --base-url.")
    new = _new_rows(jobs, rows, ledger.digests(), out)
    if new and not add:
        raise BatchError(f"{jobs}:{new[0].line} is not in the batch in {out}; give --add to take added rows in.")
    ledger.add(new)
    ledger.change(limits)
    return ledger


def _new_rows(jobs: Path, rows: Sequence[Row], known: Mapping[str, tuple[str, int]], out: str) -> list[Row]:
    """Return the rows that were added to a file.

    Raises:
        BatchError: A row was changed, or is gone.
    """
    for row in rows:
        if row.name in known and known[row.name][0] != row.digest:
            raise BatchError(
                f"{jobs}:{row.line}: the row {row.name!r} was changed since the batch in {out} was begun; "
                "give it another name to make it anew, or change it back."
            )
    names = {row.name for row in rows}
    gone = next((name for name in known if name not in names), None)
    if gone is not None:
        raise BatchError(
            f"{jobs}: the row of line {known[gone][1]}, {gone!r}, was changed or is gone since the batch in {out} was "
            "begun; put it back, or begin another batch with another --out."
        )
    return [row for row in rows if row.name not in known]


def estimate(ledger: Ledger) -> Estimate:
    """Return what a run may still start."""
    pending = ledger.rows(states=(states.PENDING,))
    seconds = [int(row["sent"]["seconds"]) if "seconds" in row["sent"] else None for row in pending]
    known = [each for each in seconds if each is not None]
    return Estimate(len(seconds), sum(known) if len(known) == len(seconds) else None, ledger.spent()[0])


async def work(
    ledger: Ledger,
    database: str | None,
    client: AsyncOpenVideos,
    settings: Settings,
    on_progress: Callable[[Progress], None],
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
    engine = Engine(url, runner, most=settings.in_flight, per_minute=settings.per_minute)
    try:
        with _interruptible(runner):
            await asyncio.to_thread(engine.clear)
            await _until_done(ledger, runner, engine, on_progress)
    finally:
        await asyncio.to_thread(engine.close)
    return runner.stopped


async def _until_done(ledger: Ledger, runner: Runner, engine: Engine, on_progress: Callable[[Progress], None]) -> None:
    began, looked, before = time.monotonic(), float("-inf"), None
    while True:
        if time.monotonic() - looked > TAKE_OVER_S:
            await asyncio.to_thread(engine.take_over)
            looked = time.monotonic()
        fed = await asyncio.to_thread(_feed, ledger, runner, engine)
        counts, active, _ = await asyncio.to_thread(ledger.counts)
        videos, seconds = await asyncio.to_thread(ledger.spent)
        ended, elapsed = sum(counts[state] for state in states.ENDED), time.monotonic() - began
        before = ended if before is None else before
        left = (sum(counts.values()) - ended) * elapsed / (ended - before) if ended > before else None
        on_progress(Progress(counts, videos, seconds, elapsed, left, runner.trouble))
        if not fed and (not active or (runner.stopped is not None and not runner.is_busy)):
            return
        await asyncio.sleep(TICK_S)


def _feed(ledger: Ledger, runner: Runner, engine: Engine) -> int:
    """Enqueue rows, as far as the limit of videos goes, and not all at once; return how many.

    The limit itself is kept when a create is intended. This only saves the rows a turn that would find it reached.
    """
    _, active, waiting = ledger.counts()
    room = max(0, WINDOW - active)
    fed = engine.enqueue(room, states.GOING)
    if runner.stopped is not None or runner.is_over_limit:
        return fed
    most = ledger.batch.settings.get("max_videos")
    if most is not None:
        room = min(room, max(0, most - ledger.spent()[0] - waiting))
    return fed + engine.enqueue(room - fed, (states.PENDING,))


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

    Raises:
        BatchError: The file, the place or the database is wrong; nothing was started.
        AuthenticationError: The server refuses the key; nothing was started.
        APIConnectionError: The server cannot be reached; nothing was started.

    """
    chosen = settings or Settings()
    client = AsyncOpenVideos(base_url=base_url, api_key=api_key, idempotent_posts=False)
    place = place_of(out)
    if jobs is None:
        ledger = open_batch(place, database, name=batch)
    elif place is None:
        raise BatchError("there is no place for the files; give out.")
    else:
        ledger = begin(Path(jobs), place, database, str(client.base_url), chosen, add=add)
    with closing(ledger):
        if ledger.batch.base_url != str(client.base_url):
            raise BatchError(f"the batch belongs to {ledger.batch.base_url}; give it as the base URL.")
        with locked(ledger.batch.out) if database is None else nullcontext():
            stopped = _run(ledger, database, client, chosen, confirm, on_progress)
        counts, _, _ = ledger.counts()
        return Result(ledger.batch.id, counts, *ledger.spent(), stopped)


def _run(
    ledger: Ledger,
    database: str | None,
    client: AsyncOpenVideos,
    settings: Settings,
    confirm: Callable[[Estimate], bool],
    on_progress: Callable[[Progress], None],
) -> str | None:
    expected = estimate(ledger)
    if expected.videos and not confirm(expected):
        raise BatchError("you said no; nothing was started.")

    async def main() -> str | None:
        async with client:
            return await work(ledger, database, client, settings, on_progress)

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # the second Ctrl-C
    finally:
        write_results(ledger)
