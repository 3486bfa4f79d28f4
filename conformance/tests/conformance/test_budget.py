"""Test how many jobs a run starts at most, by what each check, probe and detection declares."""

from __future__ import annotations

from openvideos_conformance._core.target import MAX_GENERATED_JOBS
from openvideos_conformance._probes.once import Probe, Probes, jobs_of
from openvideos_conformance._pytest.budget import WRONGLY_STARTED, most_jobs
from openvideos_conformance._pytest.marker import Check, Phase

MANY = 1000


def check(requirement: str = "VID-CREATE-001", *, layer: str = "scenario", starts: int = 0) -> Check:
    return Check(requirement, Phase.EARLY, (), layer, None, starts)


def test_a_probe_counts_once_for_all_checks() -> None:
    one = (check(), ["concurrent_creates", "client"])
    assert sum(jobs_of(["concurrent_creates"]).values()) == most_jobs([one, one, one], [], [], MANY) - WRONGLY_STARTED


def test_the_probe_of_a_rule_counts_with_that_of_a_scenario() -> None:
    rule = Check("VID-CREATE-001", Phase.CLOSING, (), "history", None, probes=("concurrent_creates",))
    expected = sum(jobs_of(["concurrent_creates"]).values()) + WRONGLY_STARTED
    assert expected == most_jobs([(rule, [])], [], [], MANY)
    assert expected == most_jobs([(rule, []), (check(), ["concurrent_creates"])], [], [], MANY)


def test_a_probe_includes_the_probe_that_it_uses() -> None:
    expected = {"concurrent_deletions": 0, **jobs_of(["concurrent_creates"])}
    assert expected == jobs_of(["concurrent_deletions"])


def test_every_probe_is_known_by_the_name_of_its_fixture() -> None:
    probes = {name for name, value in vars(Probes).items() if isinstance(value, Probe)}
    assert probes == jobs_of(probes).keys()
    assert {"remix", "extension", "walks", "unfinished", "character", "deletion"} < probes


def test_the_jobs_of_each_check_are_added() -> None:
    assert 5 + WRONGLY_STARTED == most_jobs([(check(starts=2), []), (check(starts=3), [])], [], [], MANY)


def test_plans_detections_and_generated_requests_count_once() -> None:
    checks: list[tuple[Check, list[str]]] = [
        (check("VID-IDEM-001"), []),
        (check("VID-IDEM-002"), []),
        (check(layer="fuzz"), []),
        (check(layer="fuzz"), []),
    ]
    assert 2 + 2 + MAX_GENERATED_JOBS + WRONGLY_STARTED == most_jobs(checks, ["plain", "json"], [], MANY)


def test_denied_capabilities_start_no_jobs() -> None:
    assert 0 == most_jobs([(check("VID-REMIX-001", starts=4), ["remix"])], [], ["remix"], MANY)


def test_max_videos_limits_the_number() -> None:
    assert 3 == most_jobs([(check(starts=9), [])], [], [], 3)
