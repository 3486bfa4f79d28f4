"""Run what shows that the overlay does what a changed contract says: calls with every argument, and tests that name it.

Both come to decisions, a line each: what is wrong is told, not printed whole.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import overlay_caller
from contract_diff.affected import affected
from contract_diff.model import Change
from contract_diff.overlay_advice import Decision, read_modules
from contract_diff.overlay_calls import plan, unsent
from contract_diff.overlay_files import LISTS, METHODS

LONGEST = 200
"""The most characters of what a failed test says."""
SELECTION = "not slow and not full and not release"
"""What of these tests is run; `nox` runs more."""
UNCOLLECTED = "collection failure"
"""What pytest says of a file that cannot be imported."""
PROFILE = "unshrunk"
"""Hypothesis's profile: a property that fails would look for minutes for a smaller example."""


def unsent_arguments(root: Path, spec: dict[str, Any]) -> list[Decision]:
    """Return the arguments that the overlay's methods take and do not send, and the events that it does not know."""
    modules = read_modules(root)
    made = plan(spec, modules)
    with tempfile.TemporaryDirectory(prefix="openvideos-calls-") as scratch:
        file = Path(scratch, "plan.json")
        file.write_text(made.written(), "utf-8")
        packages = [str(root / name) for name in ("generated", "overlay")]
        command = [sys.executable, str(overlay_caller.__file__), str(file), *packages]
        run = subprocess.run(command, cwd=scratch, capture_output=True, encoding="utf-8", check=False)
    if run.returncode:
        return [broken(root, run.stderr)]
    return unsent(spec, modules, made, json.loads(run.stdout))


def broken(root: Path, traceback: str) -> Decision:
    """Return what is to be mended in an overlay that cannot be called at all, and where."""
    places = re.findall(r'File "([^"]+)", line (\d+)', traceback)
    ours = [(Path(path), int(line)) for path, line in places if Path(path).is_relative_to(root / "overlay")]
    path, line = ours[-1] if ours else (root / METHODS[0], 1)
    last = traceback.strip().rpartition("\n")[2]
    return Decision(f"the overlay cannot be called: {last[:LONGEST]}", path.relative_to(root).as_posix(), line)


def failed_tests(root: Path, changes: Sequence[Change]) -> tuple[list[Decision], list[str]]:
    """Run the tests that changes may concern; return those that fail, and the words that too many others name."""
    folders = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]["testpaths"]
    found = [path for folder in folders for path in (root / folder).rglob("test_*.py")]
    paths = [path.relative_to(root).as_posix() for path in sorted(found)]
    # The tests of the tools name words of the contract as examples.
    own = [path for path in paths if path in LISTS or not path.startswith("tools/")]
    chosen = affected(changes, {path: (root / path).read_text("utf-8") for path in own})
    if not chosen.files:
        return [], chosen.too_common
    if importlib.util.find_spec("pytest") is None:
        what = f"the tests cannot be run: there is no pytest, which `nox -s regenerate` has: {', '.join(chosen.files)}"
        return [Decision(what, chosen.files[0], 1)], chosen.too_common
    print(f"running the tests of {len(chosen.files)} files, which name what changed or list all that there is")
    with tempfile.TemporaryDirectory(prefix="openvideos-tests-") as scratch:
        report = Path(scratch, "report.xml")
        options = ["-q", "--tb=no", "-p", "no:cacheprovider", "-m", SELECTION]
        options += [f"--junitxml={report}", "-o", "junit_family=xunit1"]
        command = [sys.executable, "-m", "pytest", *options, *chosen.files]
        environment = os.environ | {"HYPOTHESIS_PROFILE": PROFILE}
        run = subprocess.run(command, cwd=root, env=environment, capture_output=True, encoding="utf-8", check=False)
        if not report.exists():
            last = (run.stdout + run.stderr).strip().rpartition("\n")[2]
            return [Decision(f"the tests cannot be run: {last[:LONGEST]}", chosen.files[0], 1)], chosen.too_common
        return list(failures(report.read_text("utf-8"))), chosen.too_common


def failures(report: str) -> Iterator[Decision]:
    """Yield the tests that fail by a report of pytest's, each with the first line of what it says."""
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314 - of our own pytest
        problem = next((case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None), None)
        if problem is not None:
            said = (problem.get("message") or problem.text or "").strip().partition("\n")[0]
            if said == UNCOLLECTED:  # what is wrong stands in the lines that pytest marks
                marked = re.findall(r"^E +(.*)", problem.text or "", re.MULTILINE)
                said = marked[-1] if marked else said
            file = case.get("file") or f"{case.get('classname', '').replace('.', '/')}.py"
            yield Decision(f"{case.get('name')} fails: {said[:LONGEST]}", file, int(case.get("line", 0)) + 1)
