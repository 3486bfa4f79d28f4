"""The properties are worth something: each of five defects in the overlay is caught, by the property that is for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from . import broken
from .failures import FILES, ONCE, WALKS
from .properties import ANSWERS, REQUESTS, Case, check, quick
from .test_stateful import OFTEN, AwaitedJobs, Jobs

CAUGHT_BY = {
    "lost_form_field": REQUESTS,
    "swapped_cursor": WALKS,
    "dropped_unknown_field": ANSWERS,
    "double_create": ONCE,
    "truncated_file_kept": FILES,
}


def first_caught(cases: list[Case], *, examples: int = 100) -> Case | None:
    """Return the first property that does not hold, None if all do."""
    for case in cases:
        try:
            check(case, quick(examples))
        except (AssertionError, pytest.fail.Exception):
            return case
    return None


def test_each_defect_has_a_property() -> None:
    assert list(broken.DEFECTS) == list(CAUGHT_BY)


@pytest.mark.parametrize("defect", broken.DEFECTS)
def test_a_defect_is_caught_by_its_property(defect: str) -> None:
    """And it is gone after its block."""
    with broken.applied(defect):
        caught = first_caught(CAUGHT_BY[defect])
    assert caught, f"{defect} was not noticed"
    assert first_caught([caught], examples=10) is None


# The emulator sends no field that the contract does not know.
@pytest.mark.full
@pytest.mark.product
@pytest.mark.parametrize("machine", [Jobs, AwaitedJobs])
@pytest.mark.parametrize("defect", [name for name in broken.DEFECTS if name != "dropped_unknown_field"])
def test_a_defect_is_noticed_by_the_model(defect: str, machine: type[Jobs]) -> None:
    # It ends with the first example that fails, which another version of Hypothesis may draw later.
    profile = settings(OFTEN, max_examples=200, derandomize=True, database=None, phases=[Phase.generate])
    with broken.applied(defect), pytest.raises((AssertionError, pytest.fail.Exception)):
        run_state_machine_as_test(machine, settings=profile)


SCRIPT = """
import sys
import httpx
from openvideos import OpenVideos

def server(request):
    print(b'name="size"' in request.read(), *sys.argv[1:])
    return httpx.Response(400)

http = httpx.Client(transport=httpx.MockTransport(server))
try:
    OpenVideos(base_url="http://server.test/v1", http_client=http).videos.create(prompt="x", size="1x1")
except Exception as error:
    print(type(error).__name__)
"""


def run(script: Path, defect: str) -> subprocess.CompletedProcess[str]:
    """Run a script with a broken overlay."""
    command = [sys.executable, str(Path(broken.__file__)), str(script), "argument"]
    environ = {**os.environ, broken.VARIABLE: defect, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("defect", "has_size"), [("lost_form_field", False), ("swapped_cursor", True), ("", True)])
def test_a_script_is_run_with_a_broken_overlay(tmp_path: Path, defect: str, has_size: bool) -> None:  # noqa: FBT001
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    ran = run(script, defect)
    assert (f"{has_size} argument\nBadRequestError\n", "") == (ran.stdout, ran.stderr)


def test_a_defect_that_is_none_is_refused(tmp_path: Path) -> None:
    ran = run(tmp_path / "script.py", "off_by_one")
    assert 1 == ran.returncode
    assert "lost_form_field" in ran.stderr
