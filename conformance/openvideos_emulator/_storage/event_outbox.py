"""Store the events of jobs in the database of the jobs: a transactional outbox.

An event is written in the transaction that determines when its job ends, so that a crash loses no event. The event of a
job that runs by the clock is written when the job is created, and is due at the job's end.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from .._model.webhook_events import Event, event_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._model.jobs import Job
    from .database import Database

_COLUMNS: Final = "id, video_id, type, happens_at, next_at, attempts, attempted_at, status, problem"


class Outbox:
    """The events of all jobs. If it is not open, no new events are added, but the existing ones are updated."""

    is_open: bool

    def __init__(self, database: Database, *, is_open: bool) -> None:
        """Store the events in this database, which the caller closes."""
        self._transaction = database.transaction
        self._lock, self._connection = database.lock, database.connection
        self.is_open = is_open
        self._watcher: Callable[[], None] | None = None

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever an event may have become due earlier; it must return quickly."""
        self._watcher = watcher

    def wake(self) -> None:
        """Call the watcher: an event may be due."""
        if self._watcher is not None:
            self._watcher()

    def plan(self, jobs: Iterable[Job]) -> None:
        """Write the event of each job whose end is known. No job may have ended before its last change."""
        planned = (event_of(job, id_=f"evt_{secrets.token_hex(16)}") for job in jobs)
        events = [asdict(event) for event in planned if event is not None]
        if not events:
            return
        with self._transaction():
            if self.is_open:
                self._connection.executemany(
                    "INSERT INTO events (id, video_id, type, happens_at) VALUES (:id, :video_id, :type, :happens_at)"
                    " ON CONFLICT (video_id) DO NOTHING",
                    events,
                )
            self._connection.executemany(
                "UPDATE events SET type = :type, happens_at = :happens_at, next_at = :next_at"
                " WHERE video_id = :video_id",
                events,
            )
        self.wake()

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
        return self._read("WHERE next_at <= ? ORDER BY attempts, happens_at, row LIMIT ?", (now, limit))

    def next_at(self, *, now: float) -> float | None:
        """Return when the next attempt after `now` is due, in Unix seconds; None if there is none."""
        with self._lock:
            row = self._connection.execute("SELECT min(next_at) FROM events WHERE next_at > ?", (now,)).fetchone()
        return None if row[0] is None else float(row[0])

    def record(self, event: Event) -> None:
        """Store the state of an event's delivery; do nothing if the event was deleted meanwhile."""
        with self._transaction():
            self._connection.execute(
                "UPDATE events SET next_at = ?, attempts = ?, attempted_at = ?, status = ?, problem = ? WHERE id = ?",
                (event.next_at, event.attempts, event.attempted_at, event.status, event.problem, event.id),
            )

    def happened(self, *, now: float) -> list[Event]:
        """Return the events that have happened, the oldest first, delivered or not."""
        return self._read("WHERE happens_at <= ? ORDER BY happens_at, row", (now,))

    def latest(self) -> float:
        """Return the time of the last attempt, in Unix seconds; 0 if there was none."""
        with self._lock:
            row = self._connection.execute("SELECT max(attempted_at) FROM events").fetchone()
        return float(row[0] or 0.0)

    def _read(self, clause: str, values: tuple[float, ...]) -> list[Event]:
        with self._lock:
            rows = self._connection.execute(f"SELECT {_COLUMNS} FROM events {clause}", values).fetchall()  # noqa: S608 - constants
        return [Event(*row) for row in rows]
