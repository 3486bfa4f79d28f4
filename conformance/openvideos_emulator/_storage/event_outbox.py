"""Store the events of jobs in the database of the jobs: a transactional outbox.

An event is written in the transaction that determines when its job ends, so that a crash loses no event. The event of a
job that runs by the clock is written when the job is created, and is due at the job's end.
"""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from .._model.webhook_events import MAX_ATTEMPTS, Attempt, Event, event_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .._model.jobs import Job
    from .database import Database

_PAGE: Final = 500
_COLUMNS: Final = "id, video_id, type, happens_at, next_at, attempts, attempted_at, status, problem, history"


class Outbox:
    """The events of all jobs. If it is not open, no new events are added, but the existing ones are updated."""

    is_open: bool

    def __init__(self, database: Database) -> None:
        """Store the events in this database, which the caller closes. The outbox is not open yet."""
        self._transaction = database.transaction
        self._lock, self._connection = database.lock, database.connection
        self.is_open = False
        self._watcher: Callable[[], None] | None = None
        self._canceller: Callable[[], None] | None = None

    def watch(self, watcher: Callable[[], None], *, canceller: Callable[[], None] | None = None) -> None:
        """Call `watcher` whenever an event may have become due earlier; it must return quickly.

        Call `canceller` once all events were cleared: it stops the attempts that run.
        """
        self._watcher, self._canceller = watcher, canceller

    def wake(self) -> None:
        """Call the watcher: an event may be due."""
        if self._watcher is not None:
            self._watcher()

    def cancel(self) -> None:
        """Call the canceller, with no lock held."""
        if self._canceller is not None:
            self._canceller()

    def plan(self, jobs: Iterable[Job]) -> None:
        """Write the event of each job whose end is known. No job may have ended before its last change."""
        events = _events_of(jobs)
        if not events:
            return
        with self._transaction():
            if self.is_open:
                self._add_missing(events)
            self._connection.executemany(
                "UPDATE events SET type = :type, happens_at = :happens_at, next_at = :next_at"
                " WHERE video_id = :video_id",
                events,
            )
        self.wake()

    def open(self, *, now: float) -> float:
        """Add new events from now on, and return the time from which on the ends of jobs are announced.

        It is now, unless `announce` did not come to its end when the outbox was opened before: then it is that time.
        """
        with self._transaction():
            self.is_open = True
            self._connection.execute("UPDATE clock SET announced_from = coalesce(announced_from, ?)", (now,))
            return float(self._connection.execute("SELECT announced_from FROM clock").fetchone()[0])

    def close(self) -> None:
        """Add no new events from now on."""
        with self._transaction():
            self.is_open = False
            self._connection.execute("UPDATE clock SET announced_from = NULL WHERE announced_from IS NOT NULL")

    def announce(self, jobs: Iterable[Job]) -> None:
        """Write the event of each job that has none, and whose end is known."""
        with self._transaction():
            if self.is_open:
                self._add_missing(_events_of(jobs))
        self.wake()

    def finish(self, announced_from: float) -> None:
        """Store that all jobs are announced that had not ended at the time that `open` returned."""
        with self._transaction():
            self._connection.execute(
                "UPDATE clock SET announced_from = NULL WHERE announced_from = ?", (announced_from,)
            )

    def forget(self, video_id: str, *, now: float) -> None:
        """Delete the event of a deleted job, unless it has happened and is still to be delivered."""
        with self._transaction():
            query = "DELETE FROM events WHERE video_id = ? AND (happens_at > ? OR next_at IS NULL)"
            self._connection.execute(query, (video_id, now))

    def clear(self) -> None:
        """Delete all events."""
        with self._transaction():
            self._connection.execute("DELETE FROM events")

    def due(self, *, now: float, limit: int) -> list[Event]:
        """Return at most `limit` events whose next attempt is due, those with the fewest attempts first."""
        found: list[Event] = []
        for attempts in range(MAX_ATTEMPTS):  # each is found by the index, however many are due
            clause = "WHERE attempts = ? AND next_at <= ? ORDER BY next_at, row LIMIT ?"
            found += self._read(clause, (attempts, now, limit - len(found)))
            if len(found) == limit:
                break
        return found

    def next_at(self, *, now: float) -> float | None:
        """Return when the next attempt after `now` is due, in Unix seconds; None if there is none."""
        query = "SELECT min(next_at) FROM events WHERE attempts = ? AND next_at > ?"
        with self._lock:
            rows = [self._connection.execute(query, (each, now)).fetchone() for each in range(MAX_ATTEMPTS)]
        return min((float(row[0]) for row in rows if row[0] is not None), default=None)

    def record(self, event: Event) -> None:
        """Store the state of an event's delivery; do nothing if the event was deleted meanwhile."""
        with self._transaction():
            self._connection.execute(
                "UPDATE events SET next_at = :next_at, attempts = :attempts, attempted_at = :attempted_at,"
                " status = :status, problem = :problem, history = :history WHERE id = :id",
                asdict(event) | {"history": json.dumps(event.history)},
            )

    def newest(self, *, now: float, limit: int, skip: int) -> list[Event]:
        """Return at most `limit` of the events that have happened, the newest first, after leaving `skip` out."""
        clause = "WHERE happens_at <= ? ORDER BY happens_at DESC, row DESC LIMIT ? OFFSET ?"
        return self._read(clause, (now, limit, skip))

    def walk(self, *, now: float) -> Iterator[Event]:
        """Yield the events that have happened, the oldest first, delivered or not; they are read some at a time."""
        place: tuple[float, int] = (-math.inf, 0)
        while page := self._page(now, *place):
            yield from (_event(*columns) for _, _, *columns in page)
            place = page[-1][:2]

    def _page(self, now: float, happened_at: float, row: int) -> list[Any]:
        found: list[Any] = []
        with self._lock:
            # Two ranges of the index: SQLite would compare the pair (happens_at, row) with all of the same moment.
            for place in ("happens_at = :happened_at AND row > :row", "happens_at > :happened_at"):
                found += self._connection.execute(
                    f"SELECT happens_at, row, {_COLUMNS} FROM events WHERE happens_at <= :now AND {place}"  # noqa: S608 - constants
                    " ORDER BY happens_at, row LIMIT :limit",
                    {"now": now, "happened_at": happened_at, "row": row, "limit": _PAGE - len(found)},
                ).fetchall()
        return found

    def _add_missing(self, events: list[dict[str, Any]]) -> None:
        self._connection.executemany(
            "INSERT INTO events (id, video_id, type, happens_at, next_at)"
            " VALUES (:id, :video_id, :type, :happens_at, :next_at) ON CONFLICT (video_id) DO NOTHING",
            events,
        )

    def _read(self, clause: str, values: tuple[float, ...]) -> list[Event]:
        with self._lock:
            rows = self._connection.execute(f"SELECT {_COLUMNS} FROM events {clause}", values).fetchall()  # noqa: S608 - constants
        return [_event(*row) for row in rows]


def _event(*columns: Any) -> Event:
    return replace(Event(*columns[:-1]), history=tuple(Attempt(*each) for each in json.loads(columns[-1])))


def _events_of(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """Return what a new event of each job would be, as the values of its columns."""
    planned = (event_of(job, id_=f"evt_{secrets.token_hex(16)}") for job in jobs)
    return [asdict(event) for event in planned if event is not None]
