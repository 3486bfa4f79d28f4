"""The suite finds in an imitation what its target holds, each with the departure that causes it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from openvideos_conformance._core.catalogue import catalogue
from openvideos_emulator._imitations.servers import IMITATIONS
from openvideos_mutants import _imitated, _servers_page
from openvideos_mutants._imitated import Failure, causes, failures, target, target_text, unnoticed
from openvideos_mutants._proof import Trial, trial

SAMPLE = ["VID-RETRIEVE-004", "VID-CONTENT-005", "VID-CONTENT-007", "VID-LIST-009", "VID-ERROR-002", "VID-HEADER-001"]
ONE = "vllm-omni"
"""The imitation that CI judges; the others are judged before a release."""
PROJECT = Path(__file__).parents[3]


def departures(name: str) -> set[str]:
    return {each.name for each, _ in IMITATIONS[name].departures}


@pytest.mark.parametrize("name", IMITATIONS)
def test_each_failure_has_the_departures_that_cause_it(name: str) -> None:
    known = target(name)
    assert known
    assert set() == known.keys() - catalogue().keys()
    assert {} == {each: reason for each, reason in known.items() if not set(causes(reason)) <= departures(name)}


def test_each_departure_is_noticed_or_stands_with_the_reason_why_not() -> None:
    silent = {
        name: departures(name) - {each for reason in target(name).values() for each in causes(reason)}
        for name in IMITATIONS
    }
    assert unnoticed().keys() == set().union(*silent.values())
    assert [] == [name for name, reason in unnoticed().items() if not reason.strip()]


def test_each_target_is_of_an_imitation_or_of_a_server_itself() -> None:
    assert {*IMITATIONS, "litellm-proxy", "unnoticed"} == {path.stem for path in _imitated.TARGETS.glob("*.toml")}


def test_the_pages_name_each_imitation() -> None:
    assert (PROJECT / "docs" / "imitations.md").read_text("utf-8") == _servers_page.imitations_page(), (
        "run python -m openvideos_mutants --describe > docs/imitations.md"
    )
    servers = (PROJECT / "docs" / "servers.md").read_text("utf-8")
    emulator = (PROJECT / "docs" / "emulator.md").read_text("utf-8")
    assert [] == [name for name in IMITATIONS if f"| `{name}` |" not in servers or f"`{name}`" not in emulator]


def test_what_is_new_is_unexplained_and_what_is_known_keeps_its_departures() -> None:
    found = {
        "VID-CONTENT-005": Failure("VID-CONTENT-005", "MUST", ("variants_are_ignored",)),
        "VID-HEADER-001": Failure("VID-HEADER-001", "SHOULD", ("head_is_refused", "responses_lack_request_ids")),
    }
    text = target_text("fastvideo", found, {"VID-CONTENT-005": "variants_are_ignored: as it was", "VID-GONE-001": "x"})
    assert (
        'VID-CONTENT-005 = "variants_are_ignored: Send the video for every variant, also for an unknown one."' in text
    )
    assert 'VID-HEADER-001 = "unexplained: one of head_is_refused, responses_lack_request_ids"' in text
    assert "VID-GONE-001" not in text


def test_a_run_without_a_verdict_is_no_result() -> None:
    with pytest.raises(RuntimeError, match="fastvideo has no verdict: it cannot be reached"):
        failures(Trial("fastvideo", 2, 1.0, {"problem": "it cannot be reached", "results": []}))


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_sample_fails_as_the_target_says() -> None:
    found = failures(trial("fastvideo", only=SAMPLE, examples=1))
    assert found.keys() == target("fastvideo").keys() & set(SAMPLE)


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == ONE else pytest.mark.release) for name in IMITATIONS]
)
def test_an_imitation_fails_what_its_target_holds_and_nothing_else(name: str) -> None:
    done = trial(name)
    assert failures(done).keys() == target(name).keys()
    assert _servers_page.row(name, done.report) in _servers_page.PAGE.read_text("utf-8")
