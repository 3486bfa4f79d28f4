"""Provide the time that jobs see: the time of a source, plus the seconds by which tests advance it; never back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A thread-safe clock on top of a source of Unix seconds."""

    def __init__(self, source: Callable[[], float], *, latest: float, ahead: float) -> None:
        """Continue from the `latest` known time, in Unix seconds, and be `ahead` seconds ahead of the source."""
        self._source = source
        self._lock = threading.Lock()
        # If the source is set back, jobs must not go back: the clock stands still until the source has caught up.
        self._latest, self._ahead = latest, ahead

    def now(self) -> float:
        """Return the time, in Unix seconds."""
        with self._lock:
            self._latest = max(self._latest, self._source() + self._ahead)
            return self._latest

    def move(self, seconds: float) -> float:
        """Advance the clock by `seconds`; return how many seconds it is ahead of the source now."""
        now = self.now()
        with self._lock:
            self._ahead += seconds
            self._latest = now + seconds  # also if the clock stands still until the source has caught up
            return self._ahead

    def reset(self) -> None:
        """Return to the time of the source, even if that is earlier."""
        with self._lock:
            self._latest = self._ahead = 0.0
