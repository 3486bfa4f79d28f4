"""Describe jobs at one moment: a job snapshot, a page of them, and what can be done with a job. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from .._model.jobs import KEPT_SECONDS, Job, State, Status, poll_after_ms, state_of
from .._model.refusals import Reason, RefusalError, shown


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job snapshot: the job's record, its state at one moment, and the advised wait before the next poll.

    `poll_after_ms` is in milliseconds; it is None once the job has ended.
    """

    job: Job
    state: State
    poll_after_ms: int | None = None

    @classmethod
    def of(cls, job: Job, *, now: float) -> Self:
        """Return the snapshot of a job at this time, in Unix seconds."""
        state = state_of(job, now=now)
        return cls(job, state, poll_after_ms(job, now=now) if state.ended_at is None else None)

    @property
    def expires_at(self) -> float | None:
        """Return when the files expire, in Unix seconds; None for a job without files."""
        ended_at = self.state.ended_at
        return None if ended_at is None or self.state.status is not Status.COMPLETED else ended_at + KEPT_SECONDS

    def is_expired(self, *, now: float) -> bool:
        """Return whether the files have expired at this time, in Unix seconds."""
        return self.expires_at is not None and now >= self.expires_at

    def check_completed(self, action: str) -> None:
        """Refuse an action, such as `downloaded`, unless the job is completed.

        Raises:
            RefusalError: The job runs, or has failed.
        """
        status = self.state.status
        if status is not Status.COMPLETED:
            way_out = "create another" if status is Status.FAILED else "poll it until it is completed"
            message = (
                f"The video {shown(self.job.id)} is {status.value}; only a completed video can be {action}: {way_out}."
            )
            code = "video_failed" if status is Status.FAILED else "video_not_ready"
            raise RefusalError(Reason.CONFLICT, message, code=code)

    def check_unexpired(self, *, now: float) -> None:
        """Refuse whatever needs the files of a job that have expired.

        Raises:
            RefusalError: They have.
        """
        if self.is_expired(now=now):
            raise RefusalError(
                Reason.GONE,
                f"The content of the video {shown(self.job.id)} expired at {int(self.expires_at or 0)}.",
                code="video_expired",
            )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list."""

    snapshots: tuple[Snapshot, ...]
    has_more: bool
