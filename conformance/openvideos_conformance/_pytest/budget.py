"""Calculate how many jobs a run will start at most, before it starts one: each may cost money. Pure.

Each check, probe and detection declares how many it starts. A server that accepts requests which it should refuse
starts more, and --max-videos limits those, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.catalogue import catalogue
from .._core.target import MAX_GENERATED_JOBS
from .._probes.once import jobs_of
from .._server.capabilities import DETECTION_JOBS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .marker import Check


def most_jobs(
    checks: Iterable[tuple[Check, Collection[str]]], plans: Collection[str], denied: Collection[str], max_videos: int
) -> int:
    """Return how many jobs a run of these checks starts at most. Each check comes with the names of its fixtures."""
    own = 0
    shared: dict[str, int] = dict.fromkeys((f"plan {name}" for name in plans), 1)
    for check, fixtures in checks:
        needed = {catalogue()[check.requirement].capability, check.capability}
        if needed & {*denied}:
            continue
        own += check.starts
        shared |= jobs_of(fixtures)
        shared |= {f"detection of {name}": DETECTION_JOBS[name] for name in needed & DETECTION_JOBS.keys() if name}
        if check.layer == "fuzz":
            shared["fuzz"] = MAX_GENERATED_JOBS
    return min(max_videos, own + sum(shared.values()))
