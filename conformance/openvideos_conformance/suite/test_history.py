"""Judge all recorded exchanges at the end of the run by the rules of `_history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .._core.catalogue import catalogue
from .._core.operations import capability_of
from .._core.outcomes import NotReachedError, ViolationError
from .._history.registry import RULES, Traffic
from .._probes.final_reads import read_jobs_again
from .._probes.once import send_all
from .._pytest.marker import Check, Phase, check_of

if TYPE_CHECKING:
    from .._core.target import Target
    from .._history.registry import Rule
    from .._probes.once import Probes
    from .._server.capabilities import Capabilities
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient


def _checks(rule: Rule) -> pytest.MarkDecorator:
    check = Check(rule.requirement, Phase.CLOSING, rule.jobs, "history", None, probes=rule.probes)
    return pytest.mark.openvideos_check(check)


@pytest.fixture(scope="module")
def traffic(
    request: pytest.FixtureRequest,
    client: RecordingClient,
    jobs: JobPool,
    probes: Probes,
    offered: Capabilities,
    target: Target,
) -> Traffic:
    """The exchanges of the run, except those of operations that are not offered.

    Before that, the probes of all rules that will judge them are sent, and each job is read again.
    """
    needing = [check for item in request.session.items if (check := check_of(item)) is not None and check.probes]
    judging = [check for check in needing if offered.has(catalogue()[check.requirement].capability)]
    send_all(probes, (name for check in judging for name in check.probes))
    read_jobs_again(client, jobs)
    judged = [each for each in client.history if each.operation is None or offered.has(capability_of(each.operation))]
    return Traffic(judged, secrets=[*filter(None, (target.api_key, target.other_api_key))])


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name, marks=_checks(rule)) for rule in RULES])
def test_the_history_keeps(rule: Rule, traffic: Traffic) -> None:
    findings, instances = rule.judge(traffic)
    if findings:
        raise ViolationError.of(findings)
    if not instances:
        raise NotReachedError(f"nothing in this run exercised it; that takes {rule.needs}")
