"""The suite catches wrong servers by the right id, and lets odd ones pass: the short form of `nox -s mutants`."""

from __future__ import annotations

import pytest
from hypothesis import settings

from openvideos_mutants import _broad, _hosting
from openvideos_mutants._odd import ODD
from openvideos_mutants._proof import trial
from openvideos_mutants._registry import MUTANTS

QUICK = {
    "retrieve_has_another_id": "history",
    "pages_skip_one": "scenario",
}
# With the two, at least one whose fault shows in each layer: scripts, recorded traffic, generated requests.
SAMPLE = {
    "short_prompts_are_refused": "fuzz",
    "events_are_sent_once": "scenario",
}
MORE = {
    "delete_takes_a_neighbour_along": "scenario",
    "the_file_is_too_long": "scenario",
    "keys_hide_other_bodies": "scenario",
    "deletion_needs_no_key": "scenario",
    "the_file_is_cut": "scenario",
}
SCRIPTED = ["VID-CREATE-004", "VID-LIFE-003", "VID-LIST-004", "VID-CONTENT-017", "VID-DELETE-007"]
GENERATED = ["VID-CREATE-001", "VID-DELETE-003", "VID-ERROR-001"]
"""What is judged by generated requests, too, which take most of a minute."""
BROAD = [name for name, each in MUTANTS.items() if each.breaking.__module__ == _broad.__name__]
FEW = 1 if settings().max_examples < 100 else 20
"""How many requests are generated for each operation: in the full run as many as by default."""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        *QUICK.items(),
        *(pytest.param(*each, marks=pytest.mark.full) for each in SAMPLE.items()),
        *(pytest.param(*each, marks=pytest.mark.release) for each in MORE.items()),
    ],
)
def test_a_mutant_is_caught_by_the_id_that_it_breaks(name: str, layer: str) -> None:
    done = trial(name, only=[MUTANTS[name].requirement], examples=FEW)
    assert layer in done.killed_by, done.output
    assert 1 == done.code


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [BROAD[0], *(pytest.param(name, marks=pytest.mark.release) for name in BROAD[1:])])
def test_a_broad_fault_fails_the_requirement_that_names_it_and_no_other(name: str) -> None:
    done = trial(name, examples=FEW)
    assert done.killed_by, done.output
    assert {} == done.unexplained()


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("core_alone", ["--profile", "core"]),
        *(
            pytest.param(name, options, marks=pytest.mark.release)
            for name, options in (
                ("core_alone", []),
                ("standard_alone", ["--profile", "standard"]),
                ("standard_alone", []),
            )
        ),
    ],
)
def test_a_server_of_one_profile_is_judged_on_that(name: str, options: list[str]) -> None:
    done = trial(name, examples=FEW, options=options)
    assert (0, []) == (done.code, done.of("fail") + done.of("error")), done.output
    own, others = ["core"], ["standard", "full"]
    if name == "standard_alone":
        own, others = ["core", "standard"], ["full"]
    found = {each["name"]: each["verdict"] for each in done.report["profiles"]}
    assert {**dict.fromkeys(own, "met"), **dict.fromkeys(others, "not judged")} == found


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("requirements", [SCRIPTED, pytest.param(GENERATED, marks=pytest.mark.release)])
@pytest.mark.parametrize(
    "name",
    [
        *(
            pytest.param(name, marks=pytest.mark.release)
            for name in (_hosting.EMULATOR, "long_winded", "elsewhere", "limited")
        ),
        "crowded",
    ],
)
def test_a_right_server_passes_however_odd_it_is(name: str, requirements: list[str]) -> None:
    done = trial(name, only=requirements, examples=FEW)
    assert name in ODD or _hosting.EMULATOR == name
    assert (0, []) == (done.code, done.of("fail") + done.of("error")), done.output
    assert set(requirements) == {result["id"] for result in done.of("pass")}
