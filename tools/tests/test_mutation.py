"""`tools/mutation.py`, run as a contributor runs it, on a small project and with a stand-in for mutmut."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import mutation
import pytest

TOOLS = Path(__file__).parents[1]
STAND_IN = """
import json, os, sys
from pathlib import Path

plan = json.loads(Path(os.environ["PLAN"]).read_text("utf-8"))
if sys.argv[1] == "run":
    Path(os.environ["SEEN"]).write_bytes(Path("pyproject.toml").read_bytes())
    print("what mutmut says")
    sys.exit(plan["code"])
elif sys.argv[1] == "results":
    print("".join(f"    {name}: {fate}\\n" for name, fate in plan["fates"].items()))
else:
    print(plan["shown"][sys.argv[2]])
"""
IN_A_FUNCTION = "openvideos._flows.hints.x__number__mutmut_3"
IN_A_METHOD = "openvideos._flows.paging.xǁSeenItemsǁnew_items__mutmut_1"
SHOWN = {
    IN_A_FUNCTION: '# a\n--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n def f():\n-    a = "\\t-"\n+    a = "XX"\n',
    IN_A_METHOD: "--- a\n+++ a\n@@ -1,3 +1,3 @@\n-    x = (\n-        1\n+    x = (\n+        2\n     )\n",
}


class Project:
    """A project with a flow module and no reasons yet."""

    def __init__(self, root: Path) -> None:
        """Lay it out."""
        self.root = root
        self.survivors = root / "overlay/tests/flows/survivors.toml"
        self.seen = root / "seen.toml"
        for path, text in {
            "generated/openvideos_raw/__init__.py": "",
            "overlay/openvideos/_flows/hints.py": "",
            "overlay/tests/conftest.py": "",
            "overlay/tests/faults/calls.py": "",
            "overlay/tests/flows/survivors.toml": "",
            "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["a"]\nfilterwarnings = ["error"]\ntimeout = 9\n',
            "stand_in/mutmut.py": STAND_IN,
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, "utf-8")
        for file in ("mutation.py", "contract_diff/__init__.py", "contract_diff/overlay_files.py"):
            (root / "tools" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TOOLS / file, root / "tools" / file)

    def run(self, fates: dict[str, str], *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the command where mutmut ends so."""
        plan = self.root / "plan.json"
        plan.write_text(json.dumps({"code": code, "fates": fates, "shown": SHOWN}), "utf-8")
        names = {"PLAN": plan, "SEEN": self.seen, "PYTHONPATH": self.root / "stand_in", "PYTHONUTF8": "1"}
        return subprocess.run(
            [sys.executable, str(self.root / "tools" / "mutation.py"), *arguments],
            env=os.environ | {name: str(value) for name, value in names.items()},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a small project."""
    return Project(tmp_path)


def entries(output: str) -> list[dict[str, Any]]:
    """Return the survivors that an output tells, as survivors.toml would have them."""
    told = [part for part in output.split("\n\n") if "[[survivor]]" in part]
    found: list[dict[str, Any]] = tomllib.loads("\n".join(part[part.index("[[") :] for part in told)).get(
        "survivor", []
    )
    return found


def test_all_is_well_when_each_change_fails_a_test(project: Project) -> None:
    run = project.run({IN_A_FUNCTION: "killed", IN_A_METHOD: "timeout"})
    assert (0, "") == (run.returncode, run.stderr)
    assert "\n2 changes: 1 killed, 1 timeout; 0 without a reason, 0 stale reasons\n" == run.stdout


def test_a_survivor_needs_a_reason(project: Project) -> None:
    run = project.run(
        {IN_A_FUNCTION: "survived", IN_A_METHOD: "no tests", "openvideos._flows.hints.x_a__mutmut_1": "killed"}
    )
    assert 1 == run.returncode
    assert [
        {"where": "_flows.hints._number", "line": 'a = "\\t-"', "mutant": 'a = "XX"'},
        {"where": "_flows.paging.SeenItems.new_items", "line": "x = (\n1", "mutant": "x = (\n2"},
    ] == entries(run.stdout)
    assert "survived, and no reason is given:" in run.stdout
    assert "no tests, and no reason is given:" in run.stdout
    assert run.stdout.endswith("2 without a reason, 0 stale reasons\n")


def test_what_is_told_is_what_the_file_takes(project: Project) -> None:
    fates = {IN_A_FUNCTION: "survived", IN_A_METHOD: "survived"}
    told = project.run(fates).stdout
    parts = [part[part.index("[[") :] + '\nreason = "it is so"\n' for part in told.split("\n\n") if "[[" in part]
    project.survivors.write_text("\n".join(parts), "utf-8")
    run = project.run(fates)
    assert (0, []) == (run.returncode, entries(run.stdout))


def test_a_reason_without_a_survivor_is_stale(project: Project) -> None:
    project.survivors.write_text(
        '[[survivor]]\nwhere = "_flows.hints.f"\nline = "a"\nmutant = "b"\nreason = "it was so"\n', "utf-8"
    )
    run = project.run({IN_A_FUNCTION: "killed"})
    assert 1 == run.returncode
    assert [{"where": "_flows.hints.f", "line": "a", "mutant": "b"}] == entries(run.stdout)
    assert "stale, for no such change survives:" in run.stdout
    # Where its module was not changed, nothing is known of it.
    assert 0 == project.run({IN_A_METHOD: "killed"}, "_flows.paging").returncode


def test_changes_that_were_not_tried_prove_nothing(project: Project) -> None:
    tries: list[tuple[dict[str, str], int]] = [({}, 0), ({IN_A_METHOD: "not checked"}, 0), ({IN_A_METHOD: "killed"}, 1)]
    for fates, code in tries:
        run = project.run(fates, code=code)
        assert (2, "") == (run.returncode, run.stdout)
        assert "mutation: what mutmut says" in run.stderr


def test_the_tests_are_run_as_the_project_has_it(project: Project) -> None:
    project.run({IN_A_FUNCTION: "killed"}, "_flows.hints", "_flows.paging")
    tool = tomllib.loads(project.seen.read_text("utf-8"))["tool"]
    assert ["src/openvideos/_flows/hints.py", "src/openvideos/_flows/paging.py"] == tool["mutmut"]["only_mutate"]
    assert {"testpaths": ["tests"], "filterwarnings": ["error"], "timeout": 9} == tool["pytest"]["ini_options"]


@pytest.mark.full
def test_what_the_tests_of_flows_import_is_laid_out(tmp_path: Path) -> None:
    mutation.lay_out(tmp_path, ())
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/flows"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert 0 == run.returncode, run.stdout + run.stderr
