"""Mark a test as a check: its requirement, the jobs that it needs, and its phase in a run."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pytest

from .._core.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.target import Target

F = TypeVar("F", bound="Callable[..., Any]")


class Phase(IntEnum):
    """The part of a run in which a check runs. Checks that need no finished job run first, while the jobs run."""

    EARLY = 0
    FUZZ = 1
    LATE = 2
    CLOSING = 3
    """After all other traffic, for checks of the recorded history."""


class Check(NamedTuple):
    """The properties of a check."""

    requirement: str
    phase: Phase
    jobs: tuple[str, ...]
    layer: str
    capability: str | None
    starts: int = 0
    """How many jobs the check starts itself and shares with no other check."""
    probes: tuple[str, ...] = ()
    """The probes that are sent for the check, beside those that are its fixtures."""


def checks(
    requirement: str,
    *,
    phase: Phase = Phase.EARLY,
    jobs: tuple[str, ...] = (),
    layer: str = "scenario",
    capability: str | None = None,
    starts: int = 0,
) -> Callable[[F], F]:
    """Mark a test as a check of a requirement that needs these kinds of jobs.

    `capability` is one that the check needs beside that of the requirement; `starts` is how many jobs the check starts
    itself.
    """

    def mark(function: F) -> F:
        marked: F = pytest.mark.openvideos_check(Check(requirement, phase, jobs, layer, capability, starts))(function)
        return marked

    return mark


def denial(check: Check, target: Target) -> str | None:
    """Return why a run with these options does not judge by a check; None if it does."""
    names = filter(None, (catalogue()[check.requirement].capability, check.capability))
    return next(filter(None, map(target.denial, names)), None)


def check_of(item: pytest.Item) -> Check | None:
    """Return the check of a collected test; None if the test is not a check."""
    mark = item.get_closest_marker("openvideos_check")
    if mark is None:
        return None
    check: Check = mark.args[0]
    return check
