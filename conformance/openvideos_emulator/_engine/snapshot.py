"""Describe jobs at one moment: a job snapshot, and a page of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .._model.jobs import Job, State, Status

_KEPT_SECONDS: Final = 86_400  # how long the files of a completed job can be downloaded


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job snapshot: the job's record, its state at one moment, and the advised wait before the next poll.

    `poll_after_ms` is in milliseconds; it is None once the job has ended.
    """

    job: Job
    state: State
    poll_after_ms: int | None = None

    @property
    def expires_at(self) -> float | None:
        """Return when the files expire, in Unix seconds; None for a job without files."""
        ended_at = self.state.ended_at
        return None if ended_at is None or self.state.status is not Status.COMPLETED else ended_at + _KEPT_SECONDS


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list."""

    snapshots: tuple[Snapshot, ...]
    has_more: bool
