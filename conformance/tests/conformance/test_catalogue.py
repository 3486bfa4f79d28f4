"""Test that each requirement has a check and an existing source, and that the docs agree with the catalogue."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from openvideos_conformance._cli.run import _arguments, _isolated
from openvideos_conformance._core.catalogue import CORE, Level, Requirement, catalogue, client_catalogue
from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.run_result import AREAS, area_of
from openvideos_conformance._pytest.marker import Check, Phase, check_of
from openvideos_conformance._reports.requirements import to_json, to_markdown, to_text
from openvideos_conformance._server.jobs import PLANS

ROOT = Path(__file__).parents[3]
EVERY = [pytest.param(each, id=each.id) for each in [*catalogue().values(), *client_catalogue().values()]]


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


@pytest.mark.parametrize("requirement", EVERY)
def test_a_requirement_says_its_level_and_why(requirement: Requirement) -> None:
    words = re.findall(r"\b(MUST|SHOULD|MAY)\b", requirement.statement)
    assert set(words) == {requirement.level}
    assert requirement.statement.endswith(".")
    assert requirement.why.endswith(".")
    assert requirement.id in client_catalogue() or area_of(requirement.id) in AREAS


@pytest.mark.parametrize("requirement", EVERY)
def test_the_contract_says_it_where_the_source_points(requirement: Requirement) -> None:
    document, mark, pointer = requirement.source.partition("#")
    if mark:
        assert "openapi.yaml" == document
        place = contract().at(f"#{pointer}")
        text = place if isinstance(place, str) else place["description"]
        assert requirement.statement.removesuffix(".") in " ".join(text.split())
    else:
        assert re.fullmatch(r"RFC \d{4} \d+(\.\d+)*", requirement.source)


def test_ids_are_in_order_within_their_area() -> None:
    ids = list(catalogue())
    for area in AREAS:
        own = [each for each in ids if area_of(each) == area]
        assert own == [f"VID-{area}-{number:03}" for number in range(1, len(own) + 1)]
    assert [*AREAS] == [*dict.fromkeys(area_of(each) for each in ids)]


def test_the_requirements_in_the_docs_are_those_of_the_catalogue() -> None:
    path = ROOT / "docs" / "requirements.md"
    assert path.read_text(encoding="utf-8") == to_markdown(), "generate it again: nox -s requirements"


def test_the_requirements_can_be_listed() -> None:
    entries: list[dict[str, Any]] = json.loads(to_json())
    assert [Requirement(**{**each, "level": Level(each["level"])}) for each in entries] == [
        *catalogue().values(),
        *client_catalogue().values(),
    ]
    assert len(to_text().splitlines()) == len(entries)
    assert {each["capability"] for each in entries} > {CORE, "remix"}


@pytest.mark.parametrize("path", ["action.yml", "docs/examples/conformance-workflow.yml"])
def test_the_files_for_github_are_yaml_of_the_right_form(path: str) -> None:
    document: dict[Any, Any] = yaml.load((ROOT / path).read_text(encoding="utf-8"), yaml.CSafeLoader)
    if path == "action.yml":
        assert "composite" == document["runs"]["using"]
        assert {"base-url", "api-key", "version", "arguments"} <= document["inputs"].keys()
        for step in document["runs"]["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert "${{" not in step.get("run", "")  # it would be executed
            assert "run" not in step or "bash" == step["shell"]
    else:
        steps = document["jobs"]["conformance"]["steps"]
        given = next(each["with"] for each in steps if "openvideos" in each.get("uses", ""))
        action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        assert given.keys() <= action["inputs"].keys()
