"""Profiles: what each has by the contract, the verdict of a run on each, and how reports show it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._cli.main import command
from openvideos_conformance._core.catalogue import Level, capabilities, catalogue
from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.operations import OPERATIONS
from openvideos_conformance._core.outcomes import BOUND_REACHED
from openvideos_conformance._core.profiles import (
    CONDITIONS,
    ProfileResult,
    ProfileVerdict,
    beyond,
    judge_profiles,
    profiles,
    promised,
    requirements_of,
)
from openvideos_conformance._core.target import Target, TargetError
from openvideos_conformance._core.verdicts import Outcome, Result, Verdict, judge
from openvideos_conformance._reports.badge import to_badge
from openvideos_conformance._reports.html import to_html
from openvideos_conformance._reports.json import report
from openvideos_conformance._reports.junit import to_junit
from openvideos_conformance._reports.terminal import summary

from .runs import observation, run

URL = "http://server.test/v1"
REVISION = "2026-12-01"
EVERY = {*capabilities()}
IDS = [*catalogue()]
Outcomes = dict[str, Outcome]
"""How a run ended for some requirements; it met all others."""

outcomes = st.dictionaries(st.sampled_from(IDS), st.sampled_from(Outcome), max_size=6)
named = st.sampled_from(profiles())


def results(some: Outcomes) -> list[Result]:
    """Return the results of a run."""
    every = {**dict.fromkeys(IDS, Outcome.PASSED), **some}
    return judge(catalogue().values(), [observation(id_, outcome, "seen") for id_, outcome in every.items()])


def judged(some: Outcomes, **known: Any) -> dict[str, ProfileResult]:
    """Return the verdict of a run on each profile, by its name."""
    return {each.name: each for each in judge_profiles(results(some), revision=REVISION, **known)}


def lacking(*names: str) -> Outcomes:
    """Return the outcomes of a server that does not offer these capabilities."""
    return {each.id: Outcome.UNSUPPORTED for each in catalogue().values() if each.capability in names}


# ---------------------------------------------------------------- what a profile has
def test_profiles_are_those_of_the_contract_and_each_has_more_than_the_one_before() -> None:
    assert profiles() == tuple(contract().document["x-profiles"])
    for small, large in zip(profiles(), profiles()[1:], strict=False):
        assert promised(small) < promised(large)
        assert {each.id for each in requirements_of(small)} < {each.id for each in requirements_of(large)}


def test_every_capability_of_a_profile_has_a_requirement() -> None:
    for name in profiles():
        assert promised(name) <= {each.capability for each in requirements_of(name)}


@given(named, st.lists(st.sampled_from(sorted(EVERY))), st.lists(st.sampled_from(sorted(EVERY))))
def test_what_the_operator_says_beside_a_profile_holds(name: str, more: list[str], less: list[str]) -> None:
    words = ",".join([*more, *(f"-{each}" for each in less)])
    target = Target.of({"base_url": URL, "profile": name, "capabilities": words}, {})
    assert target.declared >= {*more} - {*less}
    assert target.denied >= {*less}
    assert not target.declared & target.denied
    assert EVERY - target.declared - target.denied <= CONDITIONS
    for each in EVERY - {*more} - {*less}:
        assert (each in beyond(name)) == (each in target.denied)
        assert (each in promised(name)) == (each in target.declared)


@pytest.mark.parametrize("name", ["", "Core", "sora", "core,full"])
def test_a_profile_that_the_contract_does_not_have_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TargetError, match=r"--profile .* is no profile; use core, standard, full"):
        Target.of({"base_url": URL, "profile": name}, {})
    assert 2 == command(["requirements", "--profile", name])
    assert "there are core, standard, full" in capsys.readouterr().err


@pytest.mark.parametrize("name", profiles())
def test_the_requirements_of_a_profile_can_be_listed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == command(["requirements", "--profile", name])
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert [each.id for each in requirements_of(name)] == listed
    assert ("VID-LIST-001" in listed) == (name != "core")


def test_the_page_of_all_requirements_is_of_no_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == command(["requirements", "--profile", "core", "--markdown"])
    assert "leave out --profile or --markdown" in capsys.readouterr().err


# ---------------------------------------------------------------- verdicts
def test_a_server_that_meets_everything_meets_all_profiles() -> None:
    assert {ProfileVerdict.MET} == {each.verdict for each in judged({}).values()}


@given(outcomes)
def test_a_profile_is_not_met_for_exactly_the_must_of_it_that_failed(some: Outcomes) -> None:
    failed = {each.requirement.id for each in results(some) if each.verdict is Verdict.FAIL}
    for name, each in judged(some).items():
        own = tuple(one.id for one in requirements_of(name) if one.id in failed)
        expected = {
            ProfileVerdict.MET: ((), False),
            ProfileVerdict.NOT_MET: (own, False),
            ProfileVerdict.NOT_JUDGED: (own, True),
        }[each.verdict]
        assert expected == (each.failed, bool(each.reason))
        assert not own or each.verdict is not ProfileVerdict.MET
        assert each.verdict is not ProfileVerdict.NOT_MET or each.failed


@given(outcomes)
def test_a_profile_is_met_only_if_those_that_it_includes_are(some: Outcomes) -> None:
    verdicts = [each.verdict is ProfileVerdict.MET for each in judged(some).values()]
    assert verdicts == sorted(verdicts, reverse=True)


@given(outcomes, outcomes)
def test_what_is_beyond_a_profile_does_not_count(some: Outcomes, more: Outcomes) -> None:
    for name in profiles():
        left_out = beyond(name)
        without = {id_: outcome for id_, outcome in more.items() if catalogue()[id_].capability in left_out}
        assert judged(some)[name] == judged({**some, **without})[name]


@given(outcomes, st.sampled_from([id_ for id_, each in catalogue().items() if each.level is Level.SHOULD]))
def test_a_should_does_not_count(some: Outcomes, id_: str) -> None:
    warned, passed = (judged({**some, id_: outcome}) for outcome in (Outcome.VIOLATED, Outcome.PASSED))
    assert warned == passed


@given(named, named)
def test_a_run_of_one_profile_judges_it_and_those_that_it_includes(name: str, other: str) -> None:
    each = judged(lacking(*beyond(name)), within=name)[other]
    is_included = profiles().index(other) <= profiles().index(name)
    assert (ProfileVerdict.MET if is_included else ProfileVerdict.NOT_JUDGED) == each.verdict
    assert is_included or each.reason == f"the run judges the profile {name}"


@given(st.sets(st.sampled_from(sorted(EVERY - CONDITIONS - {"webhooks"})), min_size=1))
def test_a_profile_whose_capability_is_not_offered_is_not_judged(names: set[str]) -> None:
    for name, each in judged(lacking(*names)).items():
        missing = names & promised(name)
        assert (each.verdict is ProfileVerdict.NOT_JUDGED) == bool(missing)
        assert all(one in each.reason for one in missing)
        assert not missing or each.reason.endswith("offered")


@given(named, st.sampled_from([Outcome.NOT_REACHED, Outcome.UNSUPPORTED]))
def test_a_profile_of_which_an_operation_was_not_exercised_is_not_judged(name: str, outcome: Outcome) -> None:
    for operation, facts in OPERATIONS.items():
        found = judged({facts.requirement: outcome})[name]
        is_own = facts.capability in promised(name) and operation != "retrieve_character"
        if is_own and facts.capability == "core":
            assert found.reason == f"{operation} was not exercised: seen"
        elif not is_own and facts.capability not in promised(name):
            assert found.verdict is ProfileVerdict.MET


def test_without_the_options_for_them_webhooks_are_the_reason_and_failed_jobs_are_none() -> None:
    found = judged(lacking("webhooks", *CONDITIONS))
    assert [ProfileVerdict.MET, ProfileVerdict.MET, ProfileVerdict.NOT_JUDGED] == [
        each.verdict for each in found.values()
    ]
    assert "webhooks was not exercised: seen" == found["full"].reason


@given(outcomes, st.sampled_from(IDS))
def test_a_run_that_is_not_whole_judges_no_profile_of_which_it_lacks_a_requirement(some: Outcomes, id_: str) -> None:
    part = [each for each in results(some) if each.requirement.id != id_]
    for each in judge_profiles(part, revision=REVISION):
        if id_ in {one.id for one in requirements_of(each.name)}:
            assert each.verdict is ProfileVerdict.NOT_JUDGED
    assert {"it broke off"} == {each.reason for each in judge_profiles(part, revision=REVISION, problem="it broke off")}


# ---------------------------------------------------------------- reports
STANDARD_FAILS = [observation("VID-LIST-003", Outcome.VIOLATED, "no"), observation("VID-LIST-004", Outcome.VIOLATED)]
NO_REMIX = [observation(id_, outcome, "no such path") for id_, outcome in lacking("remix").items()]


def test_every_report_tells_each_profile() -> None:
    made = run(*STANDARD_FAILS, *NO_REMIX)
    lines = ["Core 2026-12: met", "Standard 2026-12: 2 MUST fail", "Full 2026-12: not judged: remix is not offered"]
    assert lines == [line for line in summary(made).splitlines() if "2026-12" in line]
    assert all(f"<li>{line}</li>" in to_html(made) for line in lines)
    assert all(f'value="{line}"' in to_junit(made) for line in lines)
    standard = {"name": "standard", "revision": REVISION, "verdict": "not met", "reason": ""}
    assert {**standard, "failed": ["VID-LIST-003", "VID-LIST-004"]} == report(made)["profiles"][1]


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (run(), "Full 2026-12: met"),
        (run(*STANDARD_FAILS), "Core 2026-12: met"),
        (run(*NO_REMIX), "Standard 2026-12: met"),
        (run(observation("VID-CREATE-001", Outcome.VIOLATED)), "MUST"),
        (run(problem="nobody answers"), "no verdict"),
    ],
)
def test_the_badge_names_the_largest_profile_that_is_met(made: Any, shown: str) -> None:
    assert shown in to_badge(made)


def test_a_profile_of_which_a_bound_left_something_out_is_not_judged() -> None:
    message = f"{BOUND_REACHED}3 videos is reached; raise it with --max-videos"
    cut = run(observation("VID-VALID-001", Outcome.NOT_REACHED, message))
    assert [f"1 MUST were not exercised: {message}"] * 3 == [each.reason for each in cut.profiles]
    assert "met" not in to_badge(cut)


def test_what_is_not_offered_is_told_before_what_needs_an_option() -> None:
    left = run(*NO_REMIX, observation("VID-HOOK-001", Outcome.NOT_REACHED, "no --webhook-port was given"))
    assert "remix is not offered" == left.profiles[2].reason


def test_a_run_without_a_verdict_says_so_once() -> None:
    lines = [line for line in summary(run(is_interrupted=True)).splitlines() if "not judged" in line]
    assert ["profiles: not judged: the run did not come to its end"] == [*lines[:1]]


def test_a_client_is_judged_by_no_profile() -> None:
    made = run(target={"base_url": "", "command": "python client.py"})
    assert [] == report(made)["profiles"]
    assert "2026-12" not in summary(made)
