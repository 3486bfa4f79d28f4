"""Advance jobs, some that are named, or all that have not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._model.jobs import state_of
from .._storage.job_store import RUNNING

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractContextManager

    from .._model.clock import Clock
    from .._model.jobs import Job
    from .._model.steering import Advance
    from .._storage.event_outbox import Outbox
    from .._storage.job_store import Cursor, Store


class Advances:
    """How the jobs of one store are advanced. Each method returns the rows of those that have changed."""

    def __init__(self, store: Store, outbox: Outbox, clock: Clock, lock: AbstractContextManager[Any]) -> None:
        """Advance the jobs in this store, which the lock is for, and move this clock."""
        self._store, self._outbox, self._clock, self._lock = store, outbox, clock, lock

    def of_all(self, advance: Advance) -> list[int]:
        """Advance all jobs, some at a time, but for those that are created meanwhile."""
        changed: list[int] = []
        then, last = self._clock.now(), self._store.last_row()
        cursor: Cursor | None = None
        while True:
            more = advance.seconds or 0.0 if cursor is None else 0.0
            # The lock is held until the clock has been put back, so that no reset comes between.
            with self._lock, self._clock.moved(more) as ahead, self._store.transaction():
                if more:
                    self._store.set_ahead(ahead)
                    self._outbox.wake()
                page, cursor = self._store.scan(after=cursor, ascending=True, statuses=RUNNING, now=then)
                changed += self.of_some([job for job in page if job.row <= last], advance, then=then)
            if cursor is None:
                return changed

    def of_some(self, jobs: Collection[Job], advance: Advance, *, then: float) -> list[int]:
        """Advance those of these jobs that had not ended `then`, in Unix seconds, in the caller's transaction."""
        stood = {job.row: state for job in jobs if (state := state_of(job, now=then)).ended_at is None}
        moved = [advance.of(job, now=self._clock.now()) for job in jobs if job.row in stood]
        self._store.move(moved)
        self._outbox.plan(moved)
        return [job.row for job in moved if state_of(job, now=self._clock.now()) != stood[job.row]]
