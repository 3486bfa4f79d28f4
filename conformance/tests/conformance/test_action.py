"""Test the steps of action.yml in a made-up environment: Python and the suite write down what they are given."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(
    BASH is None or sys.platform == "win32", reason="the stand-ins are scripts of a POSIX shell"
)

PYTHON = """#!/bin/sh
# Stands for Python: `-m venv DIR` makes an environment, and everything else is written down, but for `-c`.
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$SUITE_COMMAND" "$3/bin/openvideos-conformance"
             echo 'PATH="'"$3"'/bin:$PATH"' > "$3/bin/activate" ;;
  "-c "*) exec "$REAL_PYTHON" "$@" ;;
  *) printf '%s\\n' "$@" > "$SUITE/pip" ;;
esac
"""
COMMAND = """#!/bin/sh
# Stands for the suite: it writes down its arguments, and a report.
printf '%s\\n' "$@" > "$SUITE/arguments"
mkdir -p "$3"
echo "## $OPENVIDEOS_BASE_URL" > "$3/summary.md"
exit 1
"""


def step(name: str) -> str:
    """Return the script of the step whose name begins so."""
    script: str = next(each["run"] for each in ACTION["runs"]["steps"] if each.get("name", "").startswith(name))
    return script


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    for name, text in {"python": PYTHON, "command": COMMAND}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return {
        "PATH": os.environ["PATH"],
        "PYTHON": str(tmp_path / "python"),
        "REAL_PYTHON": sys.executable,
        "SUITE": str(tmp_path / "suite"),
        "SUITE_COMMAND": str(tmp_path / "command"),
        "REPORT": str(tmp_path / "suite" / "report"),
        "GITHUB_ACTION_PATH": "/actions/openvideos/v0.1.0",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "step-summary"),
        "OPENVIDEOS_BASE_URL": "http://127.0.0.1:8000/v1",
        "ARGUMENTS": "--size 64x48 --failing-prompt 'make $(touch it) fail'",
    }


def run(script: str, environment: dict[str, str], cwd: Path) -> int:
    """Run a script as GitHub does, and return its exit code."""
    command = [str(BASH), "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, env=environment, cwd=cwd, check=False, timeout=60).returncode


def test_the_suite_that_is_installed_is_that_of_the_action_itself(tmp_path: Path, environment: dict[str, str]) -> None:
    assert 0 == run(step("Install"), environment, tmp_path)
    installed = (tmp_path / "suite" / "pip").read_text(encoding="utf-8").split()
    assert ["-m", "pip", "install", "--quiet", "/actions/openvideos/v0.1.0[conformance]"] == installed


def test_a_failed_run_has_a_summary_and_its_arguments_are_no_commands(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    report = str(tmp_path / "suite" / "report")
    assert 0 == run(step("Install"), environment, tmp_path)
    assert 1 == run(step("Judge"), environment, tmp_path)
    assert f"report={report}\n" == (tmp_path / "output").read_text(encoding="utf-8")
    arguments = (tmp_path / "suite" / "arguments").read_text(encoding="utf-8").splitlines()
    assert ["run", "--report", report, "--size", "64x48", "--failing-prompt", "make $(touch it) fail"] == arguments
    assert not (tmp_path / "it").exists()
    assert 0 == run(step("Show"), environment, tmp_path)
    assert "## http://127.0.0.1:8000/v1\n" == (tmp_path / "step-summary").read_text(encoding="utf-8")


def test_a_run_that_could_not_start_has_no_summary_and_no_second_failure(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    assert 0 == run(step("Show"), environment, tmp_path)
    assert not (tmp_path / "step-summary").exists()
