"""The steps of `.github/workflows/contract.yml`, run with a nox and a gh that write down what they are given."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .project import PROJECT

WORKFLOW: dict[Any, Any] = yaml.safe_load((PROJECT / ".github/workflows/contract.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = [step for step in WORKFLOW["jobs"]["compare"]["steps"] if step.get("shell") == "bash"]
BASE = "0123456789abcdef0123"
NOX = """#!/bin/sh
echo "$@" >>given.txt
echo "nox > Running session" >&2
case "$FAILS" in
  "") echo "what \\`$3\\` says" ;;
  long) head -c 100000 /dev/zero | tr '\\0' x ;;
  "$3")
    [ "$3" = spec_diff ] || echo "stale: contract/openapi.yaml"
    echo "$PROGRAM: the first line" >&2
    echo "and the second" >&2
    echo "nox > Session failed" >&2
    exit 1 ;;
esac
"""
GH = """#!/bin/sh
echo gh "$@" >>given.txt
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.name == "nt" or shutil.which("bash") is None, reason="the workflow runs on Ubuntu, with bash"
    ),
]


def run_steps(directory: Path, fails: str = "") -> tuple[list[int], list[str], str]:
    """Run the steps; return their codes, what the programs were given, and the comment."""
    for name, script in (("nox", NOX), ("gh", GH)):
        program = directory / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(script, "utf-8")
        program.chmod(0o755)
    summary = directory / "summary.md"
    environment = {
        **os.environ,
        "PATH": f"{directory / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "BASE": BASE,
        "DIFF": "success",
        "CHECK": "failure",
        "NUMBER": "7",
        "FAILS": fails,
        "PROGRAM": {"spec_diff": "contract_diff"}.get(fails, fails),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    codes = [
        subprocess.run(["bash", "-e", "-c", step["run"]], cwd=directory, env=environment, check=False).returncode
        for step in STEPS
    ]
    return codes, (directory / "given.txt").read_text("utf-8").splitlines(), summary.read_text("utf-8")


def test_the_comment_is_commented(tmp_path: Path) -> None:
    codes, given, comment = run_steps(tmp_path)
    assert [0] * len(STEPS) == codes
    assert [
        f"--non-interactive -s spec_diff -- {BASE}:openapi.yaml openapi.yaml",
        "--non-interactive -s regenerate -- --check",
        "gh pr comment 7 --edit-last --create-if-none --body-file comment.md",
    ] == given
    assert comment == (tmp_path / "comment.md").read_text("utf-8")
    assert f"`nox -s spec_diff -- {BASE[:12]}:openapi.yaml openapi.yaml` (success)" in comment
    assert "what 'spec_diff' says" in comment, "a mark that ends the fence would be the author's to place"
    assert "`nox -s regenerate -- --check` (failure)" in comment
    assert 4 == comment.count("```")


@pytest.mark.parametrize(("session", "step"), [("spec_diff", "diff"), ("regenerate", "check")])
def test_the_whole_reason_is_told_and_nothing_of_nox(session: str, step: str, tmp_path: Path) -> None:
    """The reason of the generator has several lines, after what is stale."""
    codes, _, comment = run_steps(tmp_path, session)
    assert [int(each.get("id") == step) for each in STEPS] == codes
    assert ": the first line\nand the second\n" in comment
    assert (session == "regenerate") == ("stale: contract/openapi.yaml" in comment)
    assert "nox >" not in comment


def test_it_is_bounded(tmp_path: Path) -> None:
    _, _, comment = run_steps(tmp_path, "long")
    assert 40_000 < len(comment) < 41_000


def test_it_is_run_with_what_it_needs() -> None:
    """What GitHub gives to the steps is not run here, so it is compared as it is written."""
    job = WORKFLOW["jobs"]["compare"]
    steps = {step.get("name", step.get("uses", "").partition("@")[0]): step for step in job["steps"]}
    assert 0 == steps["actions/checkout"]["with"]["fetch-depth"], "the releases are tags"
    assert "${{ github.event.pull_request.base.sha }}" == job["env"]["BASE"]
    env = {"DIFF": "${{ steps.diff.outcome }}", "CHECK": "${{ steps.check.outcome }}"}
    assert env == steps["Write the comment"]["env"]
    forks = "${{ !cancelled() && github.event.pull_request.head.repo.full_name == github.repository }}"
    assert forks == steps["Comment it"]["if"], "a fork may not comment"


def test_its_commands_are_those_that_are_run_by_hand() -> None:
    page = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    commands = re.findall(r"nox --non-interactive (-s \S+ -- (?:--check)?)", "\n".join(step["run"] for step in STEPS))
    assert ["-s spec_diff -- ", "-s regenerate -- --check"] == commands
    assert [] == [command for command in commands if f"nox {command}" not in page]


def test_it_runs_for_changes_of_the_contract_alone() -> None:
    assert {"pull_request": {"paths": ["openapi.yaml"]}} == WORKFLOW[True], "YAML reads `on` as true"
    assert {"contents": "read", "pull-requests": "write"} == WORKFLOW["permissions"]
