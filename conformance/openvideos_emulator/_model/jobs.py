"""Decide what a job's status and progress are. Pure: no clock, no store, no HTTP.

A job's record never says "in progress". It says when the job began, how often its status was read, how far it was
advanced by hand, and at which pace it runs; `state_of` derives the rest, so that a job goes on by itself, also while no
server runs. `advanced` makes the record that a job has after a step by hand.

The life of a job is one table over its share done, from 0 to 1:

    share        ends well      ends badly
    < 0.1        queued         queued
    < 1          in_progress    in_progress, up to FAILS_AT percent
    1            completed      failed
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from math import isfinite
from typing import Final

FAILS_AT: Final = 60
"""The progress, in percent, at which a job that fails stops."""

_QUEUED_BELOW: Final = 0.1
_UNFINISHED: Final = 1 - 1e-9
_FAILURE_MARK: Final = re.compile(r"\[fail(?::([A-Za-z0-9_.-]{1,64}))?\]")
_SLOW_MARK: Final = re.compile(r"\[slow:([0-9]{1,5}(?:\.[0-9]{1,3})?)\]")
_FAILURE_MESSAGES: Final = {
    "generation_failed": "The generation failed, because the prompt asks for it with [fail].",
    "content_policy_violation": "The prompt was refused by the content policy.",
}
_MAX_POLLS: Final = 1_000_000
_MAX_SECONDS: Final = 86_400.0
_BY_HAND_SECONDS: Final = 10.0
_BY_HAND_POLLS: Final = 10  # as many steps of one poll as end a job that is advanced by hand


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

    Exactly one of the two is set. A job keeps the pace that it was created with. With `by_hand`, the clock does not
    move the job: it lasts `seconds` of those that it is advanced by.
    """

    polls: int | None = None
    seconds: float | None = None
    by_hand: bool = False

    @classmethod
    def parse(cls, text: str) -> Pace:
        """Read `instant`, `polls:N` (N from 1), `seconds:S` (S from 0, fractions allowed) or `manual`, `manual:S`.

        Anything else is a ValueError.
        """
        kind, colon, value = text.partition(":")
        if text == "instant":
            return cls(seconds=0.0)
        if text == "manual":
            return cls(seconds=_BY_HAND_SECONDS, by_hand=True)
        if kind == "polls" and re.fullmatch(r"[0-9]{1,7}", value) and 1 <= int(value) <= _MAX_POLLS:
            return cls(polls=int(value))
        if kind in {"seconds", "manual"} and colon and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,9})?", value):
            seconds = float(value)
            if isfinite(seconds) and (kind == "seconds" or seconds > 0) and seconds <= _MAX_SECONDS:
                return cls(seconds=seconds, by_hand=kind == "manual")
        raise ValueError(
            f"the pace {text!r} is unknown; use instant, polls:N with N from 1, seconds:S with S up to 86400, or manual"
        )

    def __str__(self) -> str:
        """Write the pace as `parse` reads it."""
        if self.polls is not None:
            return f"polls:{self.polls}"
        if not self.seconds:
            return "instant"
        if self == Pace(seconds=_BY_HAND_SECONDS, by_hand=True):
            return "manual"
        kind = "manual" if self.by_hand else "seconds"
        return f"{kind}:{self.seconds:.9f}".rstrip("0").rstrip(".")


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
    """The record of a job. Times are Unix seconds; `advanced` is how many seconds it was moved forward by hand.

    `ended_at` is set once a read or a hand has brought the job to its end; a job that ends by the clock has none.
    """

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
    advanced: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """A step by hand: `seconds` of the clock, `polls` of the status, or, with `to_end`, as much as is left."""

    seconds: float = 0.0
    polls: int = 0
    to_end: bool = False


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


def pace_in(prompt: str, pace: Pace) -> Pace:
    """Find `[slow:SECONDS]` in a prompt, and give the pace that it asks for; else the server's own.

    Where jobs are advanced by hand they still are, and last that many seconds of it.
    """
    mark = _SLOW_MARK.search(prompt)
    seconds = 0.0 if mark is None else min(float(mark[1]), _MAX_SECONDS)
    return Pace(seconds=seconds, by_hand=pace.by_hand) if seconds else pace


def end_of(job: Job) -> float | None:
    """Tell when a job ends or has ended, in Unix seconds; None as long as that is up to reads or to a hand."""
    if job.ended_at is not None:
        return job.ended_at
    if job.pace.seconds is None or job.pace.by_hand:
        return None
    return max(job.started_at, job.started_at + job.pace.seconds - job.advanced)


def is_counted(job: Job) -> bool:
    """Tell whether reading this job's status brings it nearer to its end."""
    return job.ended_at is None and job.pace.polls is not None and job.reads < job.pace.polls


def advanced(job: Job, step: Step, *, now: float) -> Job:
    """Give the record of a job that has not ended after a step by hand.

    A step in seconds moves jobs that run by seconds, one in polls those that run by polls; a job that is advanced by
    hand is moved by either, and a poll is a tenth of it.
    """
    pace = job.pace
    if step.to_end:
        return replace(job, ended_at=now)
    if not (step.polls if pace.polls is not None else step.seconds or (step.polls and pace.by_hand)):
        return job
    if pace.polls is not None:
        job = replace(job, reads=min(job.reads + step.polls, pace.polls))
    else:
        polled = step.polls * (pace.seconds or 0.0) / _BY_HAND_POLLS if pace.by_hand else 0.0
        job = replace(job, advanced=job.advanced + step.seconds + polled)
    return replace(job, ended_at=now) if _share_done(job, now)[0] >= 1 else job


def advanced_to(job: Job, share: float) -> Job:
    """Give the record of a job that has done this share, from 0 to less than 1, of what it has to do."""
    if job.pace.polls is not None:
        return replace(job, reads=int(job.pace.polls * share))
    return replace(job, advanced=(job.pace.seconds or 0.0) * share)


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
    if job.pace.seconds is None or job.pace.by_hand:
        return 100
    left = max(0.0, job.started_at + job.pace.seconds - job.advanced - now)
    return max(20, min(1000, round(job.pace.seconds * 100), round(left * 1000)))


def _share_done(job: Job, now: float) -> tuple[float, float]:
    if job.ended_at is not None:
        return 1.0, job.ended_at
    if job.pace.polls is not None:
        return job.reads / job.pace.polls, now
    seconds = job.pace.seconds or 0.0
    ends_at = end_of(job)
    if ends_at is None:
        return min(1.0, job.advanced / seconds), now
    if now >= ends_at:
        return 1.0, ends_at
    # Rounding must not end a job before the time that `end_of` tells.
    return min(_UNFINISHED, max(0.0, (job.advanced + now - job.started_at) / seconds)), ends_at
