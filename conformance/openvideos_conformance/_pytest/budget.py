"""Reckon how many jobs a run will start, before it starts the first: each costs money on a real server. Pure.

A server that accepts what it should refuse starts more of them, and --max-videos bounds those, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.catalogue import catalogue
from .._fuzz.engine import MAX_JOBS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .marker import Check

_SCENES: Final = {
    "unfinished": {"unfinished": 1},
    "at_once": {"at_once": 5},
    "race": {"at_once": 5},
    "remix": {"remix": 1},
    "extension": {"extension": 1},
    "walks": {"walks": 1},
}
"""The jobs that a fixture starts: by the scene that is played for it, which is played once."""

_OWN: Final = {"VID-EDIT-001": 1, "VID-EDIT-002": 1, "VID-IDEM-003": 1, "VID-IDEM-005": 1}
"""The jobs that the checks of a requirement start themselves, and share with none."""

_DETECTED: Final = {"idempotency": 2}
"""The jobs that it takes to see whether a server has a capability."""


def reckoned(
    checks: Iterable[tuple[Check, Collection[str]]], plans: Collection[str], denied: Collection[str], max_videos: int
) -> int:
    """Return how many jobs a run of these checks, each with the names of its fixtures, starts at the most."""
    parts: dict[str, int] = dict.fromkeys((f"plan {name}" for name in plans), 1)
    has_fuzz = False
    for check, fixtures in checks:
        capability = catalogue()[check.requirement].capability
        if capability in denied or check.capability in denied:
            continue
        has_fuzz = has_fuzz or check.layer == "fuzz"
        for fixture in fixtures:
            parts.update({f"scene {name}": number for name, number in _SCENES.get(fixture, {}).items()})
        if check.requirement in _OWN:
            parts[check.requirement] = _OWN[check.requirement]
        for name in {capability, check.capability} & _DETECTED.keys():
            parts[f"detection {name}"] = _DETECTED[str(name)]
    return min(max_videos, sum(parts.values()) + (MAX_JOBS if has_fuzz else 0))
