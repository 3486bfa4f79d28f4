"""Tell the time that jobs see: that of a source, moved ahead by hand, and never back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A clock over a source of Unix seconds, for all threads."""

    def __init__(self, source: Callable[[], float], *, latest: float, ahead: float) -> None:
        """Go on from the `latest` time that was told before, `ahead` of the source."""
        self._source = source
        self._lock = threading.Lock()
        # A source that was set back must not set jobs back: time stands still until it has caught up.
        self._latest, self._ahead = latest, ahead

    def now(self) -> float:
        """Tell the time."""
        with self._lock:
            self._latest = max(self._latest, self._source() + self._ahead)
            return self._latest

    def move(self, seconds: float) -> float:
        """Move ahead by hand; give how far ahead of the source the clock is now."""
        now = self.now()
        with self._lock:
            self._ahead += seconds
            self._latest = now + seconds  # also where the clock stood still, until it had caught up
            return self._ahead

    def reset(self) -> None:
        """Tell the time of the source again, also if that is earlier."""
        with self._lock:
            self._latest = self._ahead = 0.0
