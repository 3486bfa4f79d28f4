"""Make the record of a seeded job, which is added in any state. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .jobs import FAILS_AT, Failure, Job, Pace, Recipe, Status, advanced_to, failure_in

FAILURE: Final = Failure(code="generation_failed", message="The generation failed, because a test planned it.")
"""The failure of a job for which no other is given."""

_JUST_BEGUN: Final = 0.1  # the share from which a job is in progress


@dataclass(frozen=True, slots=True)
class Seed:
    """The description of a seeded job, by default a completed one.

    `progress`, in percent, is for jobs in progress. `completed_at`, in Unix seconds, is for jobs that have ended; if it
    is more than a day ago, the files have expired. A job that has not ended runs with the speed `pace`; without it, the
    job stands still until it is advanced.
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
    remixed_from: str | None = None
    pace: Pace | None = None


def seeded(seed: Seed, *, id_: str, now: float) -> Job:
    """Return the record of a seeded job; `now` is in Unix seconds."""
    ended_at = seed.completed_at if seed.completed_at is not None else now
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
