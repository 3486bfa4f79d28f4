"""Judge all recorded exchanges at the end of the run by the rules of `_history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .._core.outcomes import NotReachedError, ViolationError
from .._history.registry import RULES, Traffic
from .._probes.final_reads import read_jobs_again
from .._pytest.marker import Check, Phase

if TYPE_CHECKING:
    from .._core.target import Target
    from .._history.registry import Rule
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient


def _checks(rule: Rule) -> pytest.MarkDecorator:
    return pytest.mark.openvideos_check(Check(rule.requirement, Phase.CLOSING, (), "history", None))


@pytest.fixture(scope="module")
def traffic(client: RecordingClient, jobs: JobPool, target: Target) -> Traffic:
    """All exchanges of the run, after each job was read again."""
    read_jobs_again(client, jobs)
    return Traffic(client.history, secrets=[target.api_key] if target.api_key else [])


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name, marks=_checks(rule)) for rule in RULES])
def test_the_history_keeps(rule: Rule, traffic: Traffic) -> None:
    findings, instances = rule.judge(traffic)
    if findings:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise ViolationError(first.message + more, *first.exchanges)
    if not instances:
        raise NotReachedError(f"nothing in this run exercised it; that takes {rule.needs}")
