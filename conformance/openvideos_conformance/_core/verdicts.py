"""Make verdicts of what the checks saw. Pure, and the only place that knows what a verdict is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .catalogue import Level, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Outcome(StrEnum):
    """How one check of one requirement ended."""

    PASSED = "passed"
    VIOLATED = "violated"
    NOT_REACHED = "not_reached"
    UNSUPPORTED = "unsupported"
    ERROR = "error"


class Verdict(StrEnum):
    """What a run says of a requirement."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    WARN = "warn"
    UNSUPPORTED = "unsupported"
    NOT_REACHED = "not_reached"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one check saw: whose requirement, in which layer, how it ended, and the exchanges that show it, redacted."""

    requirement: str
    check: str
    layer: str
    outcome: Outcome
    message: str = ""
    evidence: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The verdict on one requirement, with the observations that led to it."""

    requirement: Requirement
    verdict: Verdict
    message: str = ""
    observations: tuple[Observation, ...] = field(default=())
    expected: str | None = None
    """Why this failure is expected, if it is."""
    is_stale: bool = False
    """Whether a failure was expected, and did not come."""

    @property
    def counts(self) -> bool:
        """Whether this result makes the run fail."""
        return self.is_stale or (self.verdict is Verdict.FAIL and self.expected is None)


def judge(
    requirements: Iterable[Requirement],
    observations: Iterable[Observation],
    *,
    expected: Mapping[str, str] | None = None,
    strict: bool = False,
    unreached: str = "no check of it was run",
) -> list[Result]:
    """Return a result for each requirement.

    One violation decides, then one error of the suite: what could not be checked is never a pass. `expected` gives the
    reason of each failure that is expected; one that does not come is stale, and fails. `strict` fails a SHOULD, too.
    """
    seen: dict[str, list[Observation]] = {}
    for observation in observations:
        seen.setdefault(observation.requirement, []).append(observation)
    return [_result(each, seen.get(each.id, []), expected or {}, unreached, strict=strict) for each in requirements]


def _result(
    requirement: Requirement,
    observations: list[Observation],
    expected: Mapping[str, str],
    unreached: str,
    *,
    strict: bool,
) -> Result:
    deciding = min(observations, key=lambda each: _ORDER.index(each.outcome), default=None)
    if deciding is None:
        verdict, message = Verdict.NOT_REACHED, unreached
    else:
        verdict, message = _verdict(requirement.level, deciding.outcome, strict=strict), deciding.message
    reason = expected.get(requirement.id)
    is_broken = verdict in {Verdict.FAIL, Verdict.WARN}
    return Result(
        requirement=requirement,
        verdict=verdict,
        message="" if verdict is Verdict.PASS else message,
        observations=tuple(observations),
        expected=reason if is_broken else None,
        is_stale=reason is not None and verdict is Verdict.PASS,
    )


# What decides, first to last. A passed check outweighs one that was not reached: something was checked.
_ORDER = (Outcome.VIOLATED, Outcome.ERROR, Outcome.PASSED, Outcome.NOT_REACHED, Outcome.UNSUPPORTED)


def _verdict(level: Level, outcome: Outcome, *, strict: bool) -> Verdict:
    if outcome is Outcome.VIOLATED:
        return Verdict.FAIL if level is Level.MUST or (strict and level is Level.SHOULD) else Verdict.WARN
    return {
        Outcome.PASSED: Verdict.PASS,
        Outcome.NOT_REACHED: Verdict.NOT_REACHED,
        Outcome.UNSUPPORTED: Verdict.UNSUPPORTED,
        Outcome.ERROR: Verdict.ERROR,
    }[outcome]
