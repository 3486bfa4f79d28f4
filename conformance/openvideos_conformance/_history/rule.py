"""Define what a rule is: a requirement, and a function that judges the traffic and tallies its findings. Pure."""

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
    """The result of a rule: its findings, and how many instances it could judge."""

    findings: list[Finding]
    instances: int


@dataclass(slots=True)
class Tally:
    """Counts the instances that a rule could judge, and collects its findings."""

    findings: list[Finding] = field(default_factory=list[Finding])
    instances: int = 0
    _reported: set[Hashable] = field(default_factory=set["Hashable"])

    def judged(self) -> None:
        """Count an instance that could be judged."""
        self.instances += 1

    def found(self, message: str, *exchanges: Exchange, once: Hashable = None) -> None:
        """Add a finding. Of several with the same `once`, such as a job's id, only the first is added."""
        if once is not None:
            if once in self._reported:
                return
            self._reported.add(once)
        self.findings.append(Finding(message, exchanges))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and the requirement that it judges. `needs` says what traffic exercises it.

    `probes` are sent before it judges, by their names in `_probes/once.py`, and `jobs` are started, by the names of
    their plans: so that a run of this requirement alone exercises it, too.
    """

    requirement: str
    name: str
    needs: str
    tally: Judge
    probes: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()

    def judge(self, traffic: Traffic) -> Judged:
        """Judge the traffic of a run, and return the result."""
        tally = Tally()
        self.tally(traffic, tally)
        return Judged(tally.findings, tally.instances)


def rule(
    requirement: str, name: str, *, needs: str, probes: tuple[str, ...] = (), jobs: tuple[str, ...] = ()
) -> Callable[[Judge], Rule]:
    """Return a decorator that makes a rule of a function. Reports show `name`, and `needs` if nothing exercised it."""

    def make(tally: Judge) -> Rule:
        return Rule(requirement, name, needs, tally, probes, jobs)

    return make
