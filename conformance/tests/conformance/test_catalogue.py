"""Test that each requirement has a check and an existing source, and that the docs agree with the catalogue."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from openvideos_conformance._cli.run import _arguments, _isolated
from openvideos_conformance._core.catalogue import CORE, HARMS, Harm, Level, Requirement, catalogue, client_catalogue
from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.run_result import AREAS, area_of
from openvideos_conformance._pytest.marker import Check, Phase, check_of
from openvideos_conformance._reports.requirements import to_json, to_markdown, to_text
from openvideos_conformance._server.jobs import PLANS

ROOT = Path(__file__).parents[3]
EVERY: list[Requirement] = [*catalogue().values(), *client_catalogue().values()]


class Collected:
    """A pytest plugin that records the collected checks."""

    def __init__(self) -> None:
        self.checks: list[tuple[str, Check | None]] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "openvideos_check(check): as in the plugin of the suite")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.checks = [(item.nodeid, check_of(item)) for item in session.items]


@pytest.fixture(scope="module")
def checks() -> list[tuple[str, Check | None]]:
    found = Collected()
    with _isolated() as directory:
        assert pytest.ExitCode.OK == pytest.main([*_arguments(directory), "--collect-only", "-q"], plugins=[found])
    return found.checks


def test_every_requirement_has_a_check(checks: list[tuple[str, Check | None]]) -> None:
    checked = {check.requirement for _, check in checks if check is not None}
    assert [] == [each for each in catalogue() if each not in checked]


def test_every_check_names_an_existing_requirement(checks: list[tuple[str, Check | None]]) -> None:
    assert [] == [name for name, check in checks if check is None or check.requirement not in catalogue()]


def test_every_check_needs_jobs_that_exist(
    checks: list[tuple[str, Check | None]],
) -> None:
    plans = {plan.name for plan in PLANS}
    for name, check in checks:
        assert check is not None
        assert set(check.jobs) <= plans, name
        assert check.phase in Phase, name
        assert check.layer in {"scenario", "fuzz", "history"}, name


def test_a_requirement_says_its_level_and_why() -> None:
    for each in EVERY:
        words = re.findall(r"\b(MUST|SHOULD|MAY)\b", each.statement)
        assert {each.level} == set(words), each.id
        assert (".", ".") == (each.statement[-1], each.why[-1]), each.id
        assert each.id in client_catalogue() or area_of(each.id) in AREAS, each.id


def test_the_contract_says_it_where_the_source_points() -> None:
    for each in EVERY:
        document, mark, pointer = each.source.partition("#")
        if mark:
            assert "openapi.yaml" == document, each.id
            place = contract().at(f"#{pointer}")
            text = place if isinstance(place, str) else place.get("description", "")
            says = each.statement.removesuffix(".") in " ".join(text.split())
            assert says, f"catalogue.yaml: {each.id} is not at {pointer}: name where the contract says it now"
        else:
            assert re.fullmatch(r"RFC \d{4} \d+(\.\d+)*", each.source), each.id


def test_ids_are_in_order_within_their_area() -> None:
    ids = list(catalogue())
    for area in AREAS:
        own = [each for each in ids if area_of(each) == area]
        assert own == [f"VID-{area}-{number:03}" for number in range(1, len(own) + 1)]
    assert [*AREAS] == [*dict.fromkeys(area_of(each) for each in ids)]


def test_the_requirements_in_the_docs_are_those_of_the_catalogue() -> None:
    path = ROOT / "docs" / "requirements.md"
    assert path.read_text(encoding="utf-8") == to_markdown(), "generate it again: nox -s requirements"


def test_every_harm_has_a_meaning_and_is_that_of_a_requirement() -> None:
    assert [*Harm] == [*HARMS]
    assert {*Harm} == {each.harm for each in catalogue().values()}
    text = to_markdown()
    for harm, meaning in HARMS.items():
        assert f"`{harm}` ({meaning})" in " ".join(text.split())


def test_the_requirements_can_be_listed() -> None:
    entries: list[dict[str, Any]] = json.loads(to_json())
    values: list[dict[str, Any]] = [
        {**each, "level": Level(each["level"]), "harm": Harm(each["harm"])} for each in entries
    ]
    assert [Requirement(**each) for each in values] == [
        *catalogue().values(),
        *client_catalogue().values(),
    ]
    assert len(to_text().splitlines()) == len(entries)
    assert {each["capability"] for each in entries} > {CORE, "remix"}


@pytest.mark.parametrize("path", ["action.yml", "examples/conformance-workflow.yml"])
def test_the_files_for_github_are_yaml_of_the_right_form(path: str) -> None:
    document: dict[Any, Any] = yaml.load((ROOT / path).read_text(encoding="utf-8"), yaml.CSafeLoader)
    if path == "action.yml":
        assert "composite" == document["runs"]["using"]
        assert {"base-url", "api-key", "arguments"} <= document["inputs"].keys()
        for step in document["runs"]["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert "${{" not in step.get("run", "")  # it would be executed
            assert "run" not in step or "bash" == step["shell"]
    else:
        steps = document["jobs"]["conformance"]["steps"]
        given = next(each["with"] for each in steps if "openvideos" in each.get("uses", ""))
        action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        assert given.keys() <= action["inputs"].keys()
