"""Do what takes long and can wait, in a thread of its own: remove files that no job needs, and announce old jobs.

Each step holds the lock of the database about as long as a request does.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from .._model.jobs import KEPT_SECONDS
from .._storage.job_store import RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._media.library import MediaLibrary
    from .._storage.event_outbox import Outbox
    from .._storage.job_store import Cursor, Store

_LOG: Final = logging.getLogger("openvideos_emulator")


class Housekeeping:
    """The chores of one engine."""

    def __init__(self, store: Store, outbox: Outbox, media: MediaLibrary, now: Callable[[], float]) -> None:
        """Start nothing yet; `now` returns the time that jobs see, in Unix seconds."""
        self._store, self._outbox, self._media, self._now = store, outbox, media, now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="housekeeping")
        self._lock, self._is_closing = threading.Lock(), threading.Event()
        self._swept_at = now()

    def close(self) -> None:
        """Stop; what was not done is done after the next start."""
        self._is_closing.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def sweep(self) -> Future[None]:
        """Start to remove the files that have expired, and those that no job needs."""
        self._swept_at = self._now()
        return self._thread.submit(_logged, self._sweep)

    def sweep_unless_since(self, time: float) -> None:
        """Sweep, unless that was begun after this time, in Unix seconds."""
        with self._lock:
            if self._swept_at < time and not self._is_closing.is_set():
                self.sweep()

    def announce(self, since: float) -> None:
        """Write the events of the jobs that had not ended at this time and have none: the first ones at once."""
        cursor = self._announce_some(None, since)
        self._thread.submit(_logged, lambda: self._announce(cursor, since))

    def _announce(self, cursor: Cursor | None, since: float) -> None:
        while cursor is not None:
            if self._is_closing.is_set():
                return
            cursor = self._announce_some(cursor, since)
        self._outbox.finish(since)

    def _announce_some(self, after: Cursor | None, since: float) -> Cursor | None:
        with self._store.transaction():  # so that no job is announced that a reset has forgotten
            jobs, cursor = self._store.scan(after=after, ascending=True, statuses=RUNNING, now=since)
            self._outbox.announce(jobs)
        return cursor

    def _sweep(self) -> None:
        with contextlib.suppress(_ClosingError):
            self._media.sweep(self._needs)

    def _needs(self, digest: str) -> bool:
        if self._is_closing.is_set():
            raise _ClosingError
        return self._store.uses(digest, since=self._now() - KEPT_SECONDS)


class _ClosingError(Exception):
    """The engine is closed, so the sweep ends."""


def _logged(chore: Callable[[], None]) -> None:
    try:
        chore()
    except Exception:
        _LOG.exception("housekeeping failed")
        raise
