"""Decide what a job's status and progress are. Pure: no clock, no store, no HTTP.

A job's record does not contain its status. It contains when the job started, how often it was polled, how far it was
advanced by hand, and its speed. `state_of` derives the status from these, so that a job proceeds by itself, even while
no server runs. `advanced` returns the record of a job after it was advanced by hand.

The status depends on the share of the job that is done, from 0 to 1. `begin_of` and `end_of` say when it changes, so
that a store can find jobs by their status:

    share        completes      fails
    < 0.1        queued         queued
    < 1          in_progress    in_progress, up to FAILS_AT percent
    1            completed      failed
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import astuple, dataclass, replace
from enum import Enum
from fractions import Fraction
from math import isfinite
from typing import Final

FRAME_RATE: Final = 24
"""The frames per second of a clip, unless the request says another number."""

KEPT_SECONDS: Final = 86_400
"""How long the files of a completed job can be downloaded."""

FAILS_AT: Final = 60
"""The progress, in percent, at which a failing job stops."""

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
_BY_HAND_POLLS: Final = 10  # advancing a `manual` job by this many polls ends it


class Status(Enum):
    """The statuses that the emulator sends."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


TERMINAL: Final = frozenset({Status.COMPLETED, Status.FAILED})
"""The statuses that a job never leaves."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A job's speed: it ends after `polls` polls, or after `seconds` (0 for at once).

    Exactly one of the two is set. A job keeps the speed that it was created with. With `by_hand`, the clock does not
    move the job: it ends once it was advanced by `seconds`.
    """

    polls: int | None = None
    seconds: float | None = None
    by_hand: bool = False

    @classmethod
    def parse(cls, text: str) -> Pace:
        """Parse `instant`, `polls:N` (N from 1), `seconds:S` (S from 0, fractions allowed), `manual` or `manual:S`.

        Raises:
            ValueError: The text is none of these.
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
            f"the pace {text!r} is unknown; use instant, polls:N with N from 1, seconds:S with S up to 86400, manual,"
            " or manual:S"
        )

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
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
class Sampling:
    """What a request says about the sampling of a job, by the contract's extension of that name; None: nothing."""

    seed: int | None = None
    negative_prompt: str | None = None
    fps: int | None = None
    num_frames: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """The inputs from which a job's files are rendered. Jobs with equal recipes have the same files, byte for byte.

    `size` is `WxH` in pixels. `seconds` is rounded up where the request names a number of frames. `source` is a hash of
    the upload or of the source video; it is empty if there is neither.
    """

    prompt: str
    model: str
    size: str
    seconds: int
    source: str = ""
    sampling: Sampling = Sampling()

    @property
    def fps(self) -> int:
        """The frames per second of the clip."""
        return self.sampling.fps or FRAME_RATE

    @property
    def frames(self) -> int:
        """The number of frames of the clip."""
        return self.sampling.num_frames or self.seconds * self.fps

    @property
    def duration(self) -> Fraction:
        """The duration of the clip in seconds, exactly."""
        return Fraction(self.frames, self.fps)

    @property
    def identity(self) -> tuple[object, ...]:
        """The values that distinguish this recipe, as a tuple whose `repr` can be hashed."""
        values = (self.prompt, self.model, self.size, self.seconds, self.source)
        # Recipes without sampling keep the files that they had before there was any.
        return values if self.sampling == Sampling() else (*values, *astuple(self.sampling))

    @property
    def digest(self) -> str:
        """A hash of the identity, by which a store finds the jobs with this recipe."""
        return hashlib.sha256(repr(self.identity).encode()).hexdigest()[:40]

    def extended(self, seconds: int) -> Recipe:
        """Return the recipe of a clip that goes on for some seconds."""
        sampling = self.sampling
        if sampling.num_frames is not None:
            sampling = replace(sampling, num_frames=sampling.num_frames + seconds * self.fps)
        return replace(self, seconds=self.seconds + seconds, sampling=sampling)


@dataclass(frozen=True, slots=True)
class Job:
    """The record of a job. Times are Unix seconds; `advanced` is how many seconds it was advanced by hand.

    `row` is its row in the database, 0 before it is stored. `reads` is how often it was polled. `ended_at` is set once
    a poll, or advancing by hand, has ended the job; it stays None for a job that ends by the clock.
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
    """How far to advance a job by hand: by `seconds`, by `polls` or, with `to_end`, to its end."""

    seconds: float = 0.0
    polls: int = 0
    to_end: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A job's status: `progress` in whole percent; `ended_at` in Unix seconds, None until the end."""

    status: Status
    progress: int
    ended_at: float | None


def failure_in(prompt: str) -> Failure | None:
    """Find `[fail]` or `[fail:CODE]` in a prompt, and return how the job is to fail; None if there is neither."""
    mark = _FAILURE_MARK.search(prompt)
    if mark is None:
        return None
    code = mark[1] or "generation_failed"
    message = f"The generation failed with {code}, because the prompt asks for it with [fail:{code}]."
    return Failure(code=code, message=_FAILURE_MESSAGES.get(code, message))


def pace_in(prompt: str, pace: Pace) -> Pace:
    """Find `[slow:SECONDS]` in a prompt, and return that job speed; without the mark, return `pace`, the server's.

    If the server's jobs are advanced by hand, so is this one: it ends once it was advanced by SECONDS.
    """
    mark = _SLOW_MARK.search(prompt)
    seconds = 0.0 if mark is None else min(float(mark[1]), _MAX_SECONDS)
    return Pace(seconds=seconds, by_hand=pace.by_hand) if seconds else pace


def end_of(job: Job) -> float | None:
    """Return when a job ends or ended, in Unix seconds; None if polls, or advancing by hand, are still to end it."""
    if job.ended_at is not None:
        return job.ended_at
    if job.pace.seconds is None or job.pace.by_hand:
        return None
    return max(job.started_at, job.started_at + job.pace.seconds - job.advanced)


def begin_of(job: Job) -> float | None:
    """Return from when on a job that has not ended is in progress, in Unix seconds.

    It is 0 if polls, or advancing by hand, have brought it there; None if they are still to.
    """
    seconds = job.pace.seconds or 0.0
    if job.pace.polls is None and not job.pace.by_hand:
        return job.started_at + (_QUEUED_BELOW * seconds - job.advanced)
    return 0.0 if _share_by_hand(job) >= _QUEUED_BELOW else None


def is_counted(job: Job) -> bool:
    """Return whether a poll of this job moves it forward."""
    return job.ended_at is None and job.pace.polls is not None and job.reads < job.pace.polls


def advanced(job: Job, step: Step, *, now: float) -> Job:
    """Return the record of a job, which has not ended, after it was advanced by a step.

    A step in seconds moves jobs that run by seconds; a step in polls moves jobs that run by polls. Both move a job with
    the speed `manual`, of which a poll is a tenth.
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
    """Return the record of a job of which this share, from 0 to less than 1, is done."""
    if job.pace.polls is not None:
        return replace(job, reads=int(job.pace.polls * share))
    return replace(job, advanced=(job.pace.seconds or 0.0) * share)


def state_of(job: Job, *, now: float) -> State:
    """Derive status and progress from the record and the time.

    As long as `now` and `reads` do not decrease, the status and the progress do not go back.
    """
    share, ended_at = _share_done(job, now)
    if share >= 1:
        status = Status.FAILED if job.failure else Status.COMPLETED
        return State(status, FAILS_AT if job.failure else 100, ended_at)
    begins_at = begin_of(job)
    if begins_at is None or now < begins_at:
        return State(Status.QUEUED, 0, None)
    top = FAILS_AT if job.failure else 100
    return State(Status.IN_PROGRESS, int(top * share), None)


def first_state() -> State:
    """Return the first state of every job, which the response to create shows, even with the speed `instant`."""
    return State(Status.QUEUED, 0, None)


def poll_after_ms(job: Job, *, now: float) -> int:
    """Return the advised poll interval, in milliseconds: for about ten polls a job, at most one a second."""
    if job.pace.seconds is None or job.pace.by_hand:
        return 100
    left = max(0.0, job.started_at + job.pace.seconds - job.advanced - now)
    return max(20, min(1000, round(job.pace.seconds * 100), round(left * 1000)))


def _share_done(job: Job, now: float) -> tuple[float, float]:
    if job.ended_at is not None:
        return 1.0, job.ended_at
    ends_at = end_of(job)
    if ends_at is None:
        return _share_by_hand(job), now
    if now >= ends_at:
        return 1.0, ends_at
    # Rounding must not end a job before the time that `end_of` returns.
    return min(_UNFINISHED, max(0.0, (job.advanced + now - job.started_at) / (job.pace.seconds or 1.0))), ends_at


def _share_by_hand(job: Job) -> float:
    if job.pace.polls is not None:
        return job.reads / job.pace.polls
    return min(1.0, job.advanced / (job.pace.seconds or 1.0))
