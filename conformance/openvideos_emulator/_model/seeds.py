"""Make the record of a seeded job, which is added in any state. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .jobs import (
    FAILS_AT,
    KEPT_SECONDS,
    TERMINAL,
    Failure,
    Job,
    Pace,
    Recipe,
    Status,
    advanced_to,
    failure_in,
    state_of,
)
from .refusals import invalid

FAILURE: Final = Failure(code="generation_failed", message="The generation failed, because a test planned it.")
"""The failure of a job for which no other is given."""

_JUST_BEGUN: Final = 0.1  # the share from which a job is in progress


@dataclass(frozen=True, slots=True)
class Seed:
    """The description of a seeded job, by default a completed one.

    `progress`, in percent, is for jobs in progress. `completed_at`, in Unix seconds, is for jobs that have ended; if it
    is more than a day ago, the files have expired, as they have with `expired`. A job that has not ended runs with the
    speed `pace`; without it, the job stands still until it is advanced.
    """

    prompt: str = "A seeded video"
    status: Status = Status.COMPLETED
    model: str = "sora-2"
    size: str = "720x1280"
    seconds: int = 4
    progress: int | None = None
    id: str | None = None
    created_at: int | None = None
    completed_at: int | None = None
    failure: Failure | None = None
    expired: bool = False
    remixed_from: str | None = None
    pace: Pace | None = None


def check(seed: Seed, *, now: float) -> None:
    """Refuse a description of which a part would be dropped, because another part contradicts it.

    `now` is in Unix seconds.

    Raises:
        RefusalError: It contradicts itself.
    """
    job, status = seeded(seed, id_="", now=now), seed.status.value
    state = state_of(job, now=now)
    if seed.progress is not None and seed.progress != state.progress:
        raise invalid(
            f"progress is {seed.progress}, but this job, which is {status}, would show {state.progress}: progress is"
            " for jobs in progress, from 10 on, and up to 59 for one that fails.",
            param="progress",
        )
    if seed.failure is not None and seed.status is Status.COMPLETED:
        raise invalid("error is given, but the job is completed; leave it out, or seed a failed one.", param="error")
    if seed.completed_at is not None and seed.status not in TERMINAL:
        raise invalid(f"completed_at is given, but the job is {status}; leave it out.", param="completed_at")
    if seed.pace is not None and seed.status in TERMINAL:
        raise invalid(f"pace is given, but the job is {status} and moves no more; leave it out.", param="pace")
    if seed.completed_at is not None and seed.created_at is not None and seed.completed_at < seed.created_at:
        raise invalid("completed_at is before created_at.", param="completed_at")
    if seed.expired and (seed.status is not Status.COMPLETED or now < (state.ended_at or now) + KEPT_SECONDS):
        raise invalid(
            "expired is true, but files expire a day after a job was completed; leave out status, created_at and"
            " completed_at, or let them say so.",
            param="expired",
        )


def seeded(seed: Seed, *, id_: str, now: float) -> Job:
    """Return the record of a seeded job; `now` is in Unix seconds."""
    ended_at = seed.completed_at if seed.completed_at is not None else now - (KEPT_SECONDS + 1 if seed.expired else 0)
    created_at = seed.created_at if seed.created_at is not None else int(min(now, ended_at))
    failure = seed.failure or failure_in(seed.prompt)
    pace = seed.pace or Pace.parse("manual")
    job = Job(
        id=id_,
        row=0,
        created_at=created_at,
        started_at=now if seed.status in {Status.QUEUED, Status.IN_PROGRESS} else float(created_at),
        recipe=Recipe(prompt=seed.prompt, model=seed.model, size=seed.size, seconds=seed.seconds),
        pace=pace,
        failure=failure,
        remixed_from=seed.remixed_from,
    )
    if seed.status is Status.QUEUED:
        return job
    if seed.status is Status.IN_PROGRESS:
        top = FAILS_AT if failure else 100
        share = _JUST_BEGUN if seed.progress is None else max(_JUST_BEGUN, (seed.progress + 0.5) / top)
        return advanced_to(job, min(share, 0.999))
    ended = replace(job, ended_at=float(max(ended_at, created_at)))
    return replace(ended, failure=(failure or FAILURE) if seed.status is Status.FAILED else None)
