"""Decide what becomes of a job that a test advances. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .jobs import Status, Step, advanced
from .seeds import FAILURE

if TYPE_CHECKING:
    from .jobs import Failure, Job


@dataclass(frozen=True, slots=True)
class Advance:
    """How to advance jobs: by seconds, by polls or, if neither is given or `to` says how, to their ends.

    `to` ends jobs as `COMPLETED` or, with `failure` as the reason, as `FAILED`, whatever their prompts say. With
    `moves_clock`, the clock is moved by the seconds, so that jobs that run by it have moved already.
    """

    seconds: float | None = None
    polls: int | None = None
    to: Status | None = None
    failure: Failure | None = None
    moves_clock: bool = True

    def of(self, job: Job, *, now: float) -> Job:
        """Return the record of a job, which had not ended, after it was advanced."""
        if self.to is Status.COMPLETED:
            job = replace(job, failure=None)
        elif self.to is Status.FAILED:
            job = replace(job, failure=self.failure or job.failure or FAILURE)
        to_end = self.to is not None or (self.seconds is None and self.polls is None)
        seconds = (self.seconds or 0.0) if job.pace.by_hand or not self.moves_clock else 0.0
        return advanced(job, Step(seconds=seconds, polls=self.polls or 0, to_end=to_end), now=now)
