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
STEPS: list[dict[str, Any]] = [step for step in WORKFLOW["jobs"]["verdict"]["steps"] if step.get("shell") == "bash"]
BASE = "0123456789abcdef0123"
NOX = """#!/bin/sh
echo "$@" >>given.txt
echo "nox > Running session" >&2
if [ "$3" = "$FAILS" ]; then echo "contract_diff: openapi.yaml:7: is no YAML" >&2; exit 1; fi
echo "what \\`$3\\` says"
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
    """Run the steps; return their codes, what the programs were given, and the verdict."""
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
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    codes = [
        subprocess.run(["bash", "-e", "-c", step["run"]], cwd=directory, env=environment, check=False).returncode
        for step in STEPS
    ]
    return codes, (directory / "given.txt").read_text("utf-8").splitlines(), summary.read_text("utf-8")


def test_the_verdict_is_commented(tmp_path: Path) -> None:
    codes, given, verdict = run_steps(tmp_path)
    assert [0] * len(STEPS) == codes
    assert [
        f"--non-interactive -s spec_diff -- {BASE}:openapi.yaml openapi.yaml",
        "--non-interactive -s regenerate -- --check",
        "gh pr comment 7 --edit-last --create-if-none --body-file verdict.md",
    ] == given
    assert verdict == (tmp_path / "verdict.md").read_text("utf-8")
    assert f"`nox -s spec_diff -- {BASE[:12]}:openapi.yaml openapi.yaml` (success)" in verdict
    assert "what 'spec_diff' says" in verdict, "a mark that ends the fence would be the author's to place"
    assert "`nox -s regenerate -- --check` (failure)" in verdict
    assert 4 == verdict.count("```")


def test_a_contract_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    codes, _, verdict = run_steps(tmp_path, "spec_diff")
    assert [1, *[0] * (len(STEPS) - 1)] == codes
    assert "contract_diff: openapi.yaml:7: is no YAML" in verdict
    assert "nox >" not in verdict


def test_its_commands_are_those_that_are_run_by_hand() -> None:
    page = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    commands = re.findall(r"nox --non-interactive (-s \S+ -- (?:--check)?)", "\n".join(step["run"] for step in STEPS))
    assert ["-s spec_diff -- ", "-s regenerate -- --check"] == commands
    assert [] == [command for command in commands if f"nox {command}" not in page]


def test_it_runs_for_changes_of_the_contract_alone() -> None:
    assert {"pull_request": {"paths": ["openapi.yaml"]}} == WORKFLOW[True], "YAML reads `on` as true"
    assert {"contents": "read", "pull-requests": "write"} == WORKFLOW["permissions"]
