"""What a rule of the history is: a requirement, and a function that tallies what the traffic says of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from .._core.outcomes import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from .._core.exchange import Exchange
    from .traffic import Traffic

    Judge = Callable[[Traffic, "Tally"], None]


class Judged(NamedTuple):
    """What a rule says of a history: what breaks it, and how many instances could be judged."""

    findings: list[Finding]
    instances: int


@dataclass(slots=True)
class Tally:
    """What a rule has met so far: how many instances it could judge, and what broke it."""

    findings: list[Finding] = field(default_factory=list[Finding])
    instances: int = 0
    _reported: set[Hashable] = field(default_factory=set["Hashable"])

    def judged(self) -> None:
        """Count one more instance that could be judged."""
        self.instances += 1

    def found(self, message: str, *exchanges: Exchange, once: Hashable = None) -> None:
        """Note what broke the rule; of those with one `once`, such as a job's id, the first alone."""
        if once is not None:
            if once in self._reported:
                return
            self._reported.add(once)
        self.findings.append(Finding(message, exchanges))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the history, and the requirement that it is a check of. `needs` says what exercises it."""

    requirement: str
    name: str
    needs: str
    tally: Judge

    def judge(self, traffic: Traffic) -> Judged:
        """Judge a whole history."""
        tally = Tally()
        self.tally(traffic, tally)
        return Judged(tally.findings, tally.instances)


def rule(requirement: str, name: str, *, needs: str) -> Callable[[Judge], Rule]:
    """Make a rule of a function. `name` is its name in reports; `needs` ends "nothing lets it be judged: …"."""

    def make(tally: Judge) -> Rule:
        return Rule(requirement, name, needs, tally)

    return make
