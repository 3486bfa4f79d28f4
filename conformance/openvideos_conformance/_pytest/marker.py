"""Mark a scenario: which requirement it checks, which jobs it needs, and when in a run it comes."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


class Phase(IntEnum):
    """When in a run a check comes. What needs no finished job goes first, while the jobs are at work."""

    EARLY = 0
    FUZZ = 1
    LATE = 2
    CLOSING = 3
    """After all traffic: what is judged by the recorded history."""


class Check(NamedTuple):
    """What a scenario says of itself."""

    requirement: str
    phase: Phase
    jobs: tuple[str, ...]
    layer: str
    capability: str | None
    starts: int = 0
    """How many jobs it starts itself, and shares with no other check."""


def checks(
    requirement: str,
    *,
    phase: Phase = Phase.EARLY,
    jobs: tuple[str, ...] = (),
    layer: str = "scenario",
    capability: str | None = None,
    starts: int = 0,
) -> Callable[[F], F]:
    """Mark a test as a check of a requirement, which needs these kinds of jobs.

    `capability` is what the check needs beyond the requirement's own, `starts` how many jobs it starts itself.
    """

    def mark(function: F) -> F:
        marked: F = pytest.mark.openvideos_check(Check(requirement, phase, jobs, layer, capability, starts))(function)
        return marked

    return mark


def check_of(item: pytest.Item) -> Check | None:
    """Return what a collected test says of itself; None if it is no check."""
    mark = item.get_closest_marker("openvideos_check")
    if mark is None:
        return None
    check: Check = mark.args[0]
    return check
