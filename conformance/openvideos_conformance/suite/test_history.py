"""What the recorded traffic says when all is done: a rule looks at every exchange of the run, whoever sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from openvideos_conformance._history import RULES, Traffic
from openvideos_conformance._last_look import look_again
from openvideos_conformance._outcomes import NotReachedError, ViolationError
from openvideos_conformance._suite import Check, Phase

if TYPE_CHECKING:
    from openvideos_conformance._history import Rule
    from openvideos_conformance._jobs import JobPool
    from openvideos_conformance._target import Target
    from openvideos_conformance._wire import Wire


def _checks(rule: Rule) -> pytest.MarkDecorator:
    return pytest.mark.openvideos_check(Check(rule.requirement, Phase.CLOSING, (), "history", None))


@pytest.fixture(scope="module")
def traffic(wire: Wire, jobs: JobPool, target: Target) -> Traffic:
    """All that was exchanged, with a last look at each job."""
    look_again(wire, jobs)
    return Traffic(wire.history, secrets=[target.api_key] if target.api_key else [])


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name, marks=_checks(rule)) for rule in RULES])
def test_the_history_keeps(rule: Rule, traffic: Traffic) -> None:
    findings, instances = rule.judge(traffic)
    if findings:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise ViolationError(first.message + more, *first.exchanges)
    if not instances:
        message = f"nothing in the traffic of this run lets it be judged: {rule.needs}"
        raise NotReachedError(message)
