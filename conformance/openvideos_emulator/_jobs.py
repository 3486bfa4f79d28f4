"""Decide what a job's status and progress are. Pure: no clock, no store, no HTTP.

A job's record never says "in progress". It says when the job began, how often its status was read, and at which
pace it runs; `state_of` derives the rest, so that a job goes on by itself, also while no server runs.

The life of a job is one table over its share done, from 0 to 1:

    share        ends well      ends badly
    < 0.1        queued         queued
    < 1          in_progress    in_progress, up to FAILS_AT percent
    1            completed      failed
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Final

FAILS_AT: Final = 60
"""The progress, in percent, at which a job that fails stops."""

_QUEUED_BELOW: Final = 0.1
_FAILURE_MARK: Final = re.compile(r"\[fail(?::([A-Za-z0-9_.-]{1,64}))?\]")
_FAILURE_MESSAGES: Final = {
    "generation_failed": "The generation failed, because the prompt asks for it with [fail].",
    "content_policy_violation": "The prompt was refused by the content policy.",
}
_MAX_POLLS: Final = 1_000_000
_MAX_SECONDS: Final = 86_400.0


class Status(Enum):
    """The statuses that this server sends."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


TERMINAL: Final = frozenset({Status.COMPLETED, Status.FAILED})
"""The statuses that a job never leaves."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a job runs: by reads of its status (`polls`), or by the clock (`seconds`, 0 for at once).

    Exactly one of the two is set. A job keeps the pace that it was created with.
    """

    polls: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> Pace:
        """Read `instant`, `polls:N` (N from 1) or `seconds:S` (S from 0, fractions allowed); ValueError otherwise."""
        kind, colon, value = text.partition(":")
        if text == "instant":
            return cls(seconds=0.0)
        if kind == "polls" and re.fullmatch(r"[0-9]{1,7}", value) and 1 <= int(value) <= _MAX_POLLS:
            return cls(polls=int(value))
        if kind == "seconds" and colon and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,9})?", value):
            seconds = float(value)
            if isfinite(seconds) and seconds <= _MAX_SECONDS:
                return cls(seconds=seconds)
        message = f"the pace {text!r} is unknown; use instant, polls:N with N from 1, or seconds:S with S up to 86400"
        raise ValueError(message)

    def __str__(self) -> str:
        """Write the pace as `parse` reads it."""
        if self.polls is not None:
            return f"polls:{self.polls}"
        return f"seconds:{self.seconds:.9f}".rstrip("0").rstrip(".") if self.seconds else "instant"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job fails: `code` for programs, `message` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a job makes. Two jobs with equal recipes make the same bytes.

    `seed` stands for whatever was uploaded or referred to; it is empty when there is only a prompt.
    """

    prompt: str
    model: str
    size: str
    seconds: int
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """The record of a job. Times are Unix seconds; `ended_at` is set once a read has seen the end of a `polls` job."""

    id: str
    row: int
    created_at: int
    started_at: float
    recipe: Recipe
    pace: Pace
    failure: Failure | None = None
    remixed_from: str | None = None
    reads: int = 0
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """How far a job is: `progress` in whole percent, `ended_at` in Unix seconds, None until the end."""

    status: Status
    progress: int
    ended_at: float | None


def failure_in(prompt: str) -> Failure | None:
    """Find `[fail]` or `[fail:CODE]` in a prompt, and tell how the job is to fail; None if it is not."""
    mark = _FAILURE_MARK.search(prompt)
    if mark is None:
        return None
    code = mark[1] or "generation_failed"
    message = f"The generation failed with {code}, because the prompt asks for it with [fail:{code}]."
    return Failure(code=code, message=_FAILURE_MESSAGES.get(code, message))


def is_counted(job: Job) -> bool:
    """Tell whether reading this job's status brings it nearer to its end."""
    return job.pace.polls is not None and job.reads < job.pace.polls


def state_of(job: Job, *, now: float) -> State:
    """Derive status and progress from the record and the time. Never goes back while `now` and `reads` do not."""
    share, ended_at = _share_done(job, now)
    if share >= 1:
        status = Status.FAILED if job.failure else Status.COMPLETED
        return State(status, FAILS_AT if job.failure else 100, ended_at)
    if share < _QUEUED_BELOW:
        return State(Status.QUEUED, 0, None)
    top = FAILS_AT if job.failure else 100
    return State(Status.IN_PROGRESS, int(top * share), None)


def first_state() -> State:
    """Give the state in which every job is born, and in which create answers it, also at the pace `instant`."""
    return State(Status.QUEUED, 0, None)


def poll_after_ms(job: Job, *, now: float) -> int:
    """Advise how long to wait before the next poll, in milliseconds: about ten polls a job, at most one a second."""
    if job.pace.seconds is None:
        return 100
    left = max(0.0, job.started_at + job.pace.seconds - now)
    return max(20, min(1000, round(job.pace.seconds * 100), round(left * 1000)))


def _share_done(job: Job, now: float) -> tuple[float, float]:
    if job.pace.polls is not None:
        ended_at = job.ended_at if job.ended_at is not None else now
        return job.reads / job.pace.polls, ended_at
    seconds = job.pace.seconds or 0.0
    elapsed = now - job.started_at
    if elapsed >= seconds:
        return 1.0, job.started_at + seconds
    return max(0.0, elapsed / seconds), job.started_at + seconds
