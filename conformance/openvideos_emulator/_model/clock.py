"""Provide the time that jobs see: the time of a source, plus the seconds by which tests advance it; never back."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Clock:
    """A thread-safe clock on top of a `source` of Unix seconds."""

    source: Callable[[], float]

    def __init__(self, source: Callable[[], float], *, latest: float, ahead: float) -> None:
        """Continue from the `latest` known time, in Unix seconds, and be `ahead` seconds ahead of the source."""
        self.source = source
        self._lock = threading.Lock()
        # If the source is set back, jobs must not go back: the clock stands still until the source has caught up.
        self._latest, self._ahead = latest, ahead

    def now(self) -> float:
        """Return the time, in Unix seconds."""
        with self._lock:
            self._latest = max(self._latest, self.source() + self._ahead)
            return self._latest

    @property
    def ahead(self) -> float:
        """Return by how many seconds tests have advanced the clock."""
        with self._lock:
            return self._ahead

    @contextlib.contextmanager
    def moved(self, seconds: float) -> Generator[float]:
        """Advance the clock by `seconds`, but put it back if what is done inside fails; yield what `move` returns."""
        ahead = self.move(seconds)
        try:
            yield ahead
        except BaseException:
            self.move(-seconds)
            raise

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
