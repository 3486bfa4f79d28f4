"""In a run of one requirement alone, its rule is exercised: by the probes and the jobs that the rule names.

Where a scenario judges the requirement, too, that one sends the requests.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict

import pytest

from openvideos_conformance import suite
from openvideos_conformance._core.catalogue import catalogue
from openvideos_conformance._core.target import Target
from openvideos_conformance._history.registry import RULES, Rule, Traffic
from openvideos_conformance._probes.final_reads import read_jobs_again
from openvideos_conformance._probes.once import Probe, Probes, jobs_of, send_all
from openvideos_conformance._server.capabilities import Capabilities
from openvideos_conformance._server.downloads import Files
from openvideos_conformance._server.jobs import PLANS, JobPool
from openvideos_conformance._server.recording_client import RecordingClient
from openvideos_emulator.testing import OpenVideosServer

NOT_HERE = {
    "VID-ERROR-010": "the emulator is never busy",
}
"""The requirements whose rules nothing exercises that a run could ask of the emulator."""

SCENARIOS = {
    mark.args[0].requirement
    for module in pkgutil.iter_modules(suite.__path__, f"{suite.__name__}.")
    for function in vars(importlib.import_module(module.name)).values()
    for mark in getattr(function, "pytestmark", ())
    if mark.name == "openvideos_check"
}
"""The requirements that a scenario judges, too: that one sends the requests."""

BY_NEEDS: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Rule]] = defaultdict(list)
"""The rules by the probes and the jobs that they name: those of equal ones are exercised by the same run."""
for _rule in (rule for rule in RULES if rule.requirement not in SCENARIOS | NOT_HERE.keys()):
    BY_NEEDS[_rule.probes, _rule.jobs].append(_rule)


def _name(value: tuple[str, ...]) -> str:
    return ",".join(value) or "none"


def test_rules_name_probes_and_jobs_that_there_are() -> None:
    probes = {name for name, value in vars(Probes).items() if isinstance(value, Probe)}
    assert {name for rule in RULES for name in rule.probes} <= probes
    assert {name for rule in RULES for name in rule.jobs} <= {plan.name for plan in PLANS}


def test_what_is_not_exercised_here_is_a_requirement_with_a_rule() -> None:
    assert NOT_HERE.keys() <= {rule.requirement for rule in RULES} <= set(catalogue())


@pytest.mark.openvideos(pace="polls:3", api_key="sk-openvideos-exercised")
@pytest.mark.parametrize(("probes", "jobs"), BY_NEEDS, ids=_name)
def test_the_probes_and_jobs_of_a_rule_exercise_it(
    probes: tuple[str, ...],
    jobs: tuple[str, ...],
    openvideos_server: OpenVideosServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("openvideos_conformance._server.jobs._FIRST_PAUSE", 0.0)
    monkeypatch.setattr("openvideos_conformance._probes.final_reads._APART", 0.0)
    target = Target(
        base_url=openvideos_server.base_url,
        api_key=openvideos_server.api_key,
        size="64x48",
        seconds="1",
        failing_prompt="[fail:content_policy_violation] A prompt that fails",
    )
    with RecordingClient(target) as client:
        pool = JobPool(client)
        pool.start({"plain", *jobs})
        send_all(Probes(client, pool, Files(client, pool), Capabilities(client, pool)), probes)
        read_jobs_again(client, pool)
        pool.stop()
        traffic, started = Traffic(client.history), client.videos_started
    judged = {rule.name: rule.judge(traffic) for rule in BY_NEEDS[probes, jobs]}
    assert started <= len({"plain", *jobs}) + sum(jobs_of(probes).values()), "more than the run would say before"
    assert {} == {name: found for name, found in judged.items() if found.findings or not found.instances}
