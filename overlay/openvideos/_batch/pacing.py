"""Decide how many jobs are under way at once: fewer when the server is busy, more as it bears them. Pure."""

from __future__ import annotations

from typing import Final

from attrs import define, field

GAIN: Final = 4
"""How many jobs are accepted at a limit, for each that it has, before it grows by one."""


@define
class Pace:
    """A limit that halves when the server is busy, and grows slowly up to `most` while it accepts jobs."""

    most: int
    limit: int = field(init=False)
    not_before: float = field(default=0.0, init=False)
    """Until when no create is sent, on the monotonic clock."""
    _accepted: int = field(default=0, init=False)
    _calm_at: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with all: a server that takes less says so."""
        self.limit = self.most

    def accepted(self) -> None:
        """Note that the server has accepted a job."""
        self._accepted += 1
        if self._accepted >= GAIN * self.limit and self.limit < self.most:
            self._accepted, self.limit = 0, self.limit + 1

    def busy(self, now: float, seconds: float) -> None:
        """Note that the server was busy, and asks for a pause of so many seconds.

        The creates that were sent together are refused together: they halve the limit once.
        """
        self.not_before = max(self.not_before, now + seconds)
        self._accepted = 0
        if now >= self._calm_at:
            self.limit = max(1, self.limit // 2)
        self._calm_at = max(self._calm_at, now + seconds)
