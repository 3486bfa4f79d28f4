"""Open a batch: find its place and its database, and compare it with its file."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from .. import BatchError
from . import ledger as states
from .database import connect, is_of_another_version
from .ledger import Batch, Ledger
from .rows import Row

DATABASE: Final = "batch.db"
LOCK: Final = "batch.lock"
OWNER: Final = "batch.owner"
"""Has the process that holds the lock, which cannot be read while it is held."""
OWNERS: Final = re.compile(r"\d+ on [\w.-]+")
LONGEST_OWNER: Final = 300
LONGEST_S: Final = 10**9


@frozen
class Estimate:
    """What a run may start, before it does."""

    videos: int
    seconds: int | None
    """The seconds of video that are asked for; None if a row leaves them to the server."""
    spent: int
    """How many videos the batch has started before."""
    max_videos: int | None = None
    """How many it may start in all, as given now or by an earlier run."""
    max_seconds_of_video: int | None = None
    """How many seconds of video it may ask for in all."""


@frozen
class Settings:
    """What a run may do; what is None or false is not limited, or not asked for."""

    in_flight: int = 16
    per_minute: int | None = None
    max_videos: int | None = None
    max_seconds_of_video: int | None = None
    """This limit and the two before it hold for all processes, from when a run with a file gives them."""
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
    """Return a folder as a path without links, and a URL without a slash at its end."""
    return None if out is None else str(out).rstrip("/") if "://" in str(out) else str(Path(out).resolve())


def url_of(out: str, database: str | None) -> str:
    """Return the URL of the database of a batch: in its folder, if none is named.

    Raises:
        BatchError: The place is no folder, and no database is named.
    """
    if database is not None and not database.startswith("postgres"):
        raise BatchError("the database has to be PostgreSQL: postgresql://…; without it, SQLite in the folder is used.")
    if database is not None:
        try:
            sa.make_url(database)
        except (ValueError, SQLAlchemyError):  # whose messages may show its password
            raise BatchError("the URL of the database cannot be read; write it as postgresql://HOST/NAME.") from None
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
    # A folder with a database of its own may have been moved.
    found = [each for each in Ledger.batches(engine) if name in {None, each.id}]
    found = [each for each in found if database is None or out in {None, each.out}]
    if len(found) != 1:
        engine.dispose()
        what = "no such batch" if not found else f"{len(found)} batches; name the id of one"
        raise BatchError(f"the database has {what}.")
    return Ledger(engine, found[0])


def _connected(url: str) -> sa.Engine:
    try:
        engine = connect(url)
        Ledger.prepare(engine)
        is_other = is_of_another_version(engine)
    except (SQLAlchemyError, ImportError) as error:
        raise BatchError(f"the database {_shown(url)} cannot be used: {type(error).__name__}.") from None
    if is_other:
        engine.dispose()
        raise BatchError(
            f"the database {_shown(url)} was made by another version of openvideos; end its batches with that one, or "
            "begin a batch elsewhere."
        )
    return engine


def _shown(url: str) -> str:
    """Return the URL of a database without its password, which may also stand in its query."""
    return sa.make_url(url).set(query={}).render_as_string(hide_password=True)


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
        who = _owner(out)
        raise BatchError(f"another process{who} runs the batch in {out}; wait for it, or end it.") from None
    try:
        with suppress(OSError):  # on a full disk, the lock holds all the same
            Path(out, OWNER).write_text(f"{os.getpid()} on {platform.node()}", encoding="utf-8")
        yield
    finally:
        connection.close()


def _owner(out: str) -> str:
    """Return which process holds the lock of a folder, as far as it is known, for a message."""
    try:
        with Path(out, OWNER).open("rb") as file:
            known = OWNERS.fullmatch(file.read(LONGEST_OWNER).decode("utf-8", "replace"))
    except OSError:
        return ""
    return f", {known[0]}," if known else ""


def check_seconds(jobs: Path, rows: Sequence[Row], most: int | None) -> None:
    """See that the sum of the seconds of these rows of a file can be limited.

    Raises:
        BatchError: There is a limit, and a row has no seconds.
    """
    if most is not None:
        without = next((row for row in rows if row.seconds is None), None)
        if without is not None:
            raise BatchError(
                f"{jobs}:{without.line}: there are no seconds, so that their sum cannot be limited; add them."
            )


def begin(
    jobs: Path,
    rows: Sequence[Row],
    out: str,
    database: str | None,
    base_url: str,
    settings: Settings,
    *,
    add: bool = False,
) -> Ledger:
    """Record the rows of a file as a new batch, or compare them with the batch that is there.

    Raises:
        BatchError: The place is wrong, or is that of another batch.
    """
    limits = {name: getattr(settings, name) for name in ("max_videos", "max_seconds_of_video", "per_minute")}
    engine = _connected(url_of(out, database))
    try:
        found = [each for each in Ledger.batches(engine) if database is None or each.out == out]
        return _begun(engine, found, jobs, rows, Batch(str(uuid.uuid4()), base_url, out, limits), add=add)
    except BaseException:
        engine.dispose()
        raise


def _begun(
    engine: sa.Engine, found: Sequence[Batch], jobs: Path, rows: Sequence[Row], wanted: Batch, *, add: bool
) -> Ledger:
    out, base_url = wanted.out, wanted.base_url
    if not found:
        return Ledger.begin(engine, wanted, rows)
    ledger = Ledger(engine, found[0])
    if found[0].base_url != base_url:
        raise BatchError(f"the batch in {out} belongs to {found[0].base_url}, not to {base_url}; give its --base-url.")
    check_seconds(jobs, rows, {**found[0].settings, **_given(wanted.settings)}.get("max_seconds_of_video"))
    known = ledger.known()
    new = _new_rows(jobs, rows, known, out)
    if new and not add:
        raise BatchError(f"{jobs}:{new[0].line} is not in the batch in {out}; give --add to take added rows in.")
    ledger.add(new)
    # In the order in which workers lock them.
    changed = [row for row in rows if known.get(row.name, row) != row]
    ledger.reword(sorted(changed, key=lambda row: known[row.name].line))
    ledger.change(out=out, settings=wanted.settings)
    return ledger


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _new_rows(jobs: Path, rows: Sequence[Row], known: Mapping[str, Row], out: str) -> list[Row]:
    """Return the rows that were added to a file.

    Raises:
        BatchError: A row was changed, or is gone.
    """
    names = {row.name for row in rows}
    if not names & known.keys():
        raise BatchError(f"{jobs} has no row of the batch in {out}; give it another --out, where its own batch begins.")
    for row in rows:
        if row.name in known and known[row.name].digest != row.digest:
            raise BatchError(
                f"{jobs}:{row.line}: the row {row.name!r} was changed since the batch in {out} was begun; "
                "give it another name to make it anew, or change it back."
            )
    gone = next((name for name in known if name not in names), None)
    if gone is not None:
        raise BatchError(
            f"{jobs}: the row of line {known[gone].line}, {gone!r}, was changed or is gone since the batch in {out} "
            "was begun; put it back, or begin another batch with another --out."
        )
    return [row for row in rows if row.name not in known]


def estimate(ledger: Ledger) -> Estimate:
    """Return what a run may still start."""
    pending = ledger.rows(states=(states.PENDING,))
    seconds = [int(row["sent"]["seconds"]) if "seconds" in row["sent"] else None for row in pending]
    known = [each for each in seconds if each is not None]
    total = sum(known) if len(known) == len(seconds) else None
    return Estimate(len(seconds), total, ledger.spent()[0], **ledger.limits)
