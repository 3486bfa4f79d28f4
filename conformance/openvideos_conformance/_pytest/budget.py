"""Calculate how many jobs a run will start at most, before it starts one: each may cost money. Pure.

Each check, probe and detection declares how many it starts. A server that accepts requests which it should refuse
starts a few more. A run starts no more than this number: the recording client holds it to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.catalogue import catalogue
from .._core.target import MAX_GENERATED_JOBS
from .._probes.once import jobs_of
from .._server.capabilities import DETECTION_JOBS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .marker import Check


WRONGLY_STARTED: Final = 5
"""How many jobs creates that should be refused may start."""


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
        shared |= jobs_of([*fixtures, *check.probes])
        shared |= {f"detection of {name}": DETECTION_JOBS[name] for name in needed & DETECTION_JOBS.keys() if name}
        if check.layer == "fuzz":
            shared["fuzz"] = MAX_GENERATED_JOBS
    planned = own + sum(shared.values())
    return min(max_videos, planned + WRONGLY_STARTED) if planned else 0
