"""Store jobs, characters and idempotency keys in one database.

Every public method acquires the database's lock; `transaction` makes several calls atomic.
"""

from __future__ import annotations

import secrets
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from .._model.jobs import Status
from .rows import COLUMNS, INSERT, job_of, progress_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from .._model.jobs import Job
    from .database import Database

PAGE: Final = 200
"""How many jobs are read, or changed, at once, so that other threads wait for a few milliseconds only."""

_WINDOW: Final = 1000  # jobs that are looked at in the index at once, which takes two milliseconds
KEY_SECONDS: Final = 86_400.0
"""How long an idempotency key is kept: the 24 hours that the contract asks for at the least."""

_LAST: Final = 1 << 62  # later than any creation time
_HAS_ENDED: Final = "(ended_at IS NOT NULL OR coalesce(ends_at <= :now, 0))"
_STATUSES: Final = {
    Status.QUEUED: f"NOT {_HAS_ENDED} AND NOT coalesce(begins_at <= :now, 0)",
    Status.IN_PROGRESS: f"NOT {_HAS_ENDED} AND coalesce(begins_at <= :now, 0)",
    Status.COMPLETED: f"{_HAS_ENDED} AND failure_code IS NULL",
    Status.FAILED: f"{_HAS_ENDED} AND failure_code IS NOT NULL",
}
"""By the status of jobs at the time `now`: the condition that finds them, as `state_of` decides."""

ALL: Final = tuple(Status)
RUNNING: Final = (Status.QUEUED, Status.IN_PROGRESS)
"""The statuses of jobs that have not ended."""


@dataclass(frozen=True, slots=True)
class Character:
    """The record of a character."""

    id: str
    created_at: int
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in the list: after the video with this creation time and row."""

    created_at: int
    row: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A used idempotency key: the fingerprint of its request, and the id of the resource that the request made.

    `used_at` is in Unix seconds.
    """

    key: str
    fingerprint: str
    resource_id: str
    used_at: float


class Store:
    """Jobs, characters, idempotency keys and the clock, in one database."""

    def __init__(self, database: Database) -> None:
        """Store everything in this database, which the caller closes."""
        self.transaction: Callable[[], AbstractContextManager[None]] = database.transaction
        self._lock, self._connection = database.lock, database.connection

    def add(self, job: Job) -> Job:
        """Store a new job; return it with its row in the database."""
        with self.transaction():
            row = self._connection.execute(INSERT, {**values_of(job), "row": None}).lastrowid
        return replace(job, row=row or 0)

    def job(self, video_id: str) -> Job | None:
        """Find a job that is not deleted."""
        rows = self._rows("WHERE id = :id AND NOT deleted", id=video_id)
        return job_of(rows[0]) if rows else None

    def cursor(self, video_id: str) -> Cursor | None:
        """Find the position of a video in the list, deleted or not; None if there never was such a video."""
        with self._lock:
            row = self._connection.execute("SELECT created_at, row FROM videos WHERE id = ?", (video_id,)).fetchone()
        return None if row is None else Cursor(*row)

    def jobs(self, *, after: Cursor | None = None, limit: int, ascending: bool) -> list[Job]:
        """Read up to `limit` jobs after a cursor, ordered by creation time and then by row."""
        way, than = ("ASC", ">") if ascending else ("DESC", "<")
        # Two ranges of the index: SQLite would compare the pair (created_at, row) with all of the same second.
        same, later = f"created_at = :created_at AND row {than} :row", f"created_at {than} :created_at"
        rows: list[tuple[Any, ...]] = []
        with self._lock:
            for place in (same, later):
                clause = f"WHERE NOT deleted AND {place} ORDER BY created_at {way}, row {way} LIMIT :limit"
                rows += self._rows(clause, limit=limit - len(rows), **_values_of(after, ascending=ascending))
        return [job_of(row) for row in rows]

    def scan(
        self, *, after: Cursor | None, ascending: bool, statuses: Collection[Status], now: float
    ) -> tuple[list[Job], Cursor | None]:
        """Look at the next jobs after a cursor, and read those that have one of these statuses at the time `now`.

        However many jobs there are, that takes a few milliseconds: some are looked at, and fewer are read.

        Returns:
            The jobs, ordered by creation time and then by row, and where to go on; None once all have been looked at.

        """
        place = _values_of(after, ascending=ascending)
        chosen = " OR ".join(_STATUSES[status] for status in statuses)
        query = (
            f"SELECT {COLUMNS} FROM (SELECT row AS chosen FROM ({_in_order(ascending=ascending)} LIMIT :window)"  # noqa: S608 - constants
            f" WHERE {chosen} LIMIT :limit) CROSS JOIN videos ON row = chosen"
        )
        values = {"window": _WINDOW, "limit": PAGE, "now": now, **place}
        with self._lock:
            rows = self._connection.execute(query, values).fetchall()
            if len(rows) < PAGE:
                cursor = self._place(after, ascending=ascending, count=_WINDOW)
            else:
                _, row, created_at, *_ = rows[-1]
                cursor = Cursor(created_at, row)
        return [job_of(row) for row in rows], cursor

    def pages(self, *, statuses: Collection[Status] = ALL, now: float = 0.0) -> Iterator[list[Job]]:
        """Yield the jobs with these statuses, the oldest first, some at a time; no lock is held between."""
        cursor: Cursor | None = None
        while True:
            jobs, cursor = self.scan(after=cursor, ascending=True, statuses=statuses, now=now)
            if jobs:
                yield jobs
            if cursor is None:
                return

    def newest(self, *, skip: int, limit: int, status: Status | None, now: float) -> list[Job]:
        """Read the newest jobs, of one status only if that is given, after the first `skip`; some at a time."""
        cursor: Cursor | None = None
        while status is None and skip:
            cursor = self._place(cursor, ascending=False, count=min(skip, _WINDOW))
            skip = max(0, skip - _WINDOW)
            if cursor is None:
                return []
        found: list[Job] = []
        while len(found) < limit:
            statuses = ALL if status is None else (status,)
            jobs, cursor = self.scan(after=cursor, ascending=False, statuses=statuses, now=now)
            found += jobs[skip:]
            skip = max(0, skip - len(jobs))
            if cursor is None:
                break
        return found[:limit]

    def jobs_in(self, rows: Sequence[int]) -> Iterator[Job]:
        """Yield the jobs in these rows, in this order, but for those that are deleted; no lock is held between."""
        for start in range(0, len(rows), PAGE):
            part = rows[start : start + PAGE]
            listed = ", ".join(map(str, part))
            found = {job.row: job for job in map(job_of, self._rows(f"WHERE row IN ({listed}) AND NOT deleted"))}
            yield from (found[row] for row in part if row in found)

    def counts(self, *, now: float) -> dict[Status, int]:
        """Return how many jobs have each status at the time `now`, in Unix seconds; they are counted some at a time."""
        totals = ", ".join(f"total({condition})" for condition in _STATUSES.values())
        query = f"SELECT {totals} FROM ({_in_order(ascending=True)} LIMIT :window)"  # noqa: S608 - constants
        counts = dict.fromkeys(_STATUSES, 0)
        cursor: Cursor | None = None
        while True:
            values = {"window": _WINDOW, "now": now, **_values_of(cursor, ascending=True)}
            with self._lock:
                counted = self._connection.execute(query, values).fetchone()
                cursor = self._place(cursor, ascending=True, count=_WINDOW)
            counts = {status: counts[status] + int(more) for status, more in zip(_STATUSES, counted, strict=True)}
            if cursor is None:
                return counts

    def last_row(self) -> int:
        """Return the row of the job that was stored last; 0 if there is none."""
        with self._lock:
            return int(self._connection.execute("SELECT coalesce(max(row), 0) FROM videos").fetchone()[0])

    def move(self, jobs: Iterable[Job]) -> None:
        """Store the progress and the failure of these jobs."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE videos SET reads = :reads, ended_at = :ended_at, advanced = :advanced,"
                " failure_code = :failure_code, failure_message = :failure_message, begins_at = :begins_at,"
                " ends_at = :ends_at WHERE row = :row",
                map(progress_of, jobs),
            )

    def delete(self, job: Job) -> None:
        """Delete a job, but keep its position in the list, so that its id still works as a cursor."""
        with self.transaction():
            self._connection.execute(
                "UPDATE videos SET deleted = 1, prompt = '', seed = '', sampling = '{}', recipe = '' WHERE row = ?",
                (job.row,),
            )

    def clear(self) -> None:
        """Delete everything, including the positions of deleted jobs."""
        with self.transaction():
            for table in ("videos", "characters", "idempotency"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
            self.set_ahead(0.0)

    def url_secret(self) -> bytes:
        """Return the secret that signs the URLs of files; it is made once, so that a URL survives a restart."""
        with self.transaction():
            made = (secrets.token_bytes(32),)
            self._connection.execute("INSERT OR IGNORE INTO signing VALUES (1, ?)", made)
            return bytes(self._connection.execute("SELECT secret FROM signing").fetchone()[0])

    def clock(self) -> tuple[float, float]:
        """Return the latest time that was stored, in Unix seconds, and how far the clock was advanced by hand."""
        with self._lock:
            latest, ahead = self._connection.execute("SELECT latest, ahead FROM clock").fetchone()
        return float(latest), float(ahead)

    def set_ahead(self, seconds: float) -> None:
        """Store how many seconds the clock was advanced by hand."""
        with self.transaction():
            self._connection.execute("UPDATE clock SET ahead = ?", (seconds,))

    def uses(self, digest: str, *, since: float | None = None) -> bool:
        """Return whether a job has the recipe with this digest, and ended later than `since` or is still to end."""
        terms = "recipe = :digest AND NOT deleted"
        late = ("ends_at IS NULL", "ends_at > :since") if since is not None else ("1",)
        query = f"SELECT {' OR '.join(f'EXISTS (SELECT 1 FROM videos WHERE {terms} AND {each})' for each in late)}"  # noqa: S608 - constants
        with self._lock:
            return bool(self._connection.execute(query, {"digest": digest, "since": since}).fetchone()[0])

    def add_character(self, character: Character) -> None:
        """Store a new character."""
        with self.transaction():
            values = (character.id, character.created_at, character.name, character.digest)
            self._connection.execute("INSERT INTO characters VALUES (?, ?, ?, ?)", values)

    def character(self, character_id: str) -> Character | None:
        """Find a character; None if there is none with this id."""
        with self._lock:
            query = "SELECT id, created_at, name, digest FROM characters WHERE id = ?"
            row = self._connection.execute(query, (character_id,)).fetchone()
        return None if row is None else Character(*row)

    def add_claim(self, claim: Claim) -> None:
        """Store an idempotency key, and forget two at the most that were used too long ago."""
        with self.transaction():
            self._connection.execute(
                "DELETE FROM idempotency WHERE key IN"
                " (SELECT key FROM idempotency WHERE used_at <= ? ORDER BY used_at LIMIT 2)",
                (claim.used_at - KEY_SECONDS,),
            )
            self._connection.execute("INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?)", astuple(claim))

    def claim(self, key: str) -> Claim | None:
        """Find an idempotency key that was used, however long ago; None if it was not."""
        with self._lock:
            query = "SELECT key, fingerprint, resource_id, used_at FROM idempotency WHERE key = ?"
            row = self._connection.execute(query, (key,)).fetchone()
        return None if row is None else Claim(*row)

    def _place(self, after: Cursor | None, *, ascending: bool, count: int) -> Cursor | None:
        """Return the position `count` jobs after a cursor; None if there are fewer."""
        query = f"SELECT created_at, row FROM ({_in_order(ascending=ascending)} LIMIT 1 OFFSET :count)"  # noqa: S608 - constants
        values = {"count": count - 1, **_values_of(after, ascending=ascending)}
        with self._lock:
            row = self._connection.execute(query, values).fetchone()
        return None if row is None else Cursor(*row)

    def _rows(self, clause: str, **values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(f"SELECT {COLUMNS} FROM videos {clause}", values).fetchall()  # noqa: S608 - constants


def _in_order(*, ascending: bool) -> str:
    """Return the query for what the index has of the jobs after `:created_at` and `:row`, in order."""
    way, than = ("ASC", ">") if ascending else ("DESC", "<")
    columns = "created_at, row, ended_at, ends_at, begins_at, failure_code"
    # Two ranges of the index: SQLite would compare the pair (created_at, row) with all of the same second.
    of_a_range = f"SELECT {columns} FROM videos INDEXED BY videos_in_order WHERE NOT deleted AND created_at"  # noqa: S608 - constants
    return (
        f"{of_a_range} = :created_at AND row {than} :row UNION ALL {of_a_range} {than} :created_at"
        f" ORDER BY created_at {way}, row {way}"
    )


def _values_of(after: Cursor | None, *, ascending: bool) -> dict[str, int]:
    first = Cursor(-1, 0) if ascending else Cursor(_LAST, 0)
    return {"created_at": (after or first).created_at, "row": (after or first).row}
