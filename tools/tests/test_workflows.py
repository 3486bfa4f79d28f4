"""The workflows of GitHub run sessions that there are, and what they run is what a contributor runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .project import PROJECT

WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
FORMS = [path for path in sorted((PROJECT / ".github/ISSUE_TEMPLATE").glob("*.yml")) if path.name != "config.yml"]


def runs(path: Path) -> list[str]:
    """Return what the steps of a workflow run."""
    jobs: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    return [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_sessions_exist(path: Path) -> None:
    wanted = {name for run in runs(path) for name in re.findall(r"nox -s ([\w ]+?)(?= --|$)", run, re.MULTILINE)}
    tree = ast.parse((PROJECT / "noxfile.py").read_text("utf-8"))
    sessions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) if node.decorator_list}
    assert set() == {name for words in wanted for name in words.split()} - sessions


def test_ci_is_what_a_contributor_runs() -> None:
    assert "bash .ci/run" in runs(PROJECT / ".github/workflows/ci.yml")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_asks_for_something_once(path: Path) -> None:
    form: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    assert {"name", "description", "labels", "body"} == form.keys()
    names = [field["id"] for field in form["body"]]
    assert len(names) == len(set(names)) > 3
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_the_form_of_a_contract_change_asks_what_the_documentation_asks() -> None:
    form: dict[str, Any] = yaml.safe_load((PROJECT / ".github/ISSUE_TEMPLATE/contract-change.yml").read_text("utf-8"))
    section = (PROJECT / "docs/contract.md").read_text("utf-8").partition("## How to propose a change")[2]
    asked = re.findall(r"^\d\. \*\*([^*]+)\*\*", section.partition("\n## ")[0], re.MULTILINE)
    assert 7 == len(asked)
    assert asked == [field["attributes"]["label"] for field in form["body"]]
