"""Derive the verdict on each requirement from the observations of checks. Pure."""

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
    """The verdict of a run on a requirement."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    WARN = "warn"
    UNSUPPORTED = "unsupported"
    NOT_REACHED = "not_reached"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The outcome of one check of a requirement, with redacted exchanges as evidence.

    `statuses` are those that were expected, if the violation is about a status. `more` are further findings, each with
    `message`, `statuses` and `exchanges`, which are empty if an earlier finding has the same shape. `seconds` is how
    long the check took.
    """

    requirement: str
    check: str
    layer: str
    outcome: Outcome
    message: str = ""
    evidence: tuple[Mapping[str, Any], ...] = ()
    statuses: tuple[int, ...] = ()
    more: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The verdict on one requirement, and the observations that it is derived from."""

    requirement: Requirement
    verdict: Verdict
    message: str = ""
    observations: tuple[Observation, ...] = field(default=())
    expected: str | None = None
    """Why this failure is expected; None if it is not."""
    is_stale: bool = False
    """Whether a failure was expected, but the requirement passed."""

    @property
    def seconds(self) -> float:
        """How long its checks took."""
        return sum(each.seconds for each in self.observations)

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

    Any violation decides the verdict, then any error of the suite, so that a check that broke is never a pass.
    `expected` gives the reason for each expected failure; if that requirement passes, the entry is stale, and fails the
    run. With `strict`, a violated SHOULD fails, too. `unreached` is the message of requirements without observations.
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


# The outcome that decides comes first. A passed check outweighs one that was not exercised.
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
