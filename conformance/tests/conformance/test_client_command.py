"""Test the judge of clients with real ones: ours has no failure, and each broken one violates the right requirement."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

import pytest

from openvideos_conformance._cli.main import command
from openvideos_conformance._client.judge import judge_client
from openvideos_conformance._client.scenarios import SCENARIOS
from openvideos_conformance._core.verdicts import Verdict

ROOT = Path(__file__).parents[3]
OURS = str(ROOT / "conformance" / "clients" / "openvideos_client.py")
BROKEN = str(ROOT / "overlay" / "tests" / "spec" / "broken.py")
CAUGHT = [
    ("lost_form_field", "plain", {"CLI-REQUEST-003"}),
    ("swapped_cursor", "huge-list", {"CLI-LIST-001"}),
    ("dropped_unknown_field", "unknown-fields", {"CLI-READ-001"}),
    ("double_create", "failing-create", {"CLI-CREATE-001"}),
    ("truncated_file_kept", "lasting-truncation", {"CLI-CONTENT-001", "CLI-CONTENT-002"}),
]
"""Each defect, the scenario that exercises it, and the requirements that it violates there."""


@pytest.mark.full  # the scenarios are exercised one by one below
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ours_has_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == command(["client", "--report", str(tmp_path), "--", sys.executable, OURS])
    output = capsys.readouterr().out
    assert [*SCENARIOS] == [name for name in SCENARIOS if f"{name}: " in output]
    assert "MUST requirements are met" in output
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert {"pass"} == {each["verdict"] for each in json.loads(text)["results"]}
    assert "sk-openvideos" not in text
    assert OURS in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("defect", "scenario", "broken"), CAUGHT)
def test_a_broken_client_is_caught(
    defect: str, scenario: str, broken: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENVIDEOS_BROKEN", defect)
    run = judge_client([sys.executable, BROKEN, OURS], [SCENARIOS[scenario]])
    assert broken == {each.requirement.id for each in run.results if each.verdict is Verdict.FAIL}


def test_each_seeded_defect_is_caught() -> None:
    assert [*runpy.run_path(BROKEN)["DEFECTS"]] == [defect for defect, _, _ in CAUGHT]


def test_a_command_that_cannot_be_started_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == command(["client", "--scenario", "plain", "--", "openvideos-no-such-command"])
    assert "cannot be started" in capsys.readouterr().err


def test_a_command_that_sends_nothing_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import os, sys; sys.exit('no: ' + os.environ['OPENAI_API_KEY'])"
    assert 2 == command(["client", "--scenario", "plain", "--", sys.executable, "-c", code])
    output = capsys.readouterr().err
    assert "sent no request" in output
    assert "It ended with 1: no: " in output
    assert "sk-openvideos" not in output


def test_without_the_emulator_there_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openvideos_emulator", None)
    assert 2 == command(["client", "--", sys.executable, OURS])
    assert "pip install 'openvideos[conformance,emulator]'" in capsys.readouterr().err


def test_an_unknown_scenario_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == command(["client", "--scenario", "plane", "--", os.devnull])
    assert "there is no scenario 'plane'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_command_that_hangs_is_killed() -> None:
    lines = (
        "import os, time, urllib.request as r",
        "try: r.urlopen(os.environ['OPENAI_BASE_URL'])",
        "except OSError: pass",
    )
    code = "\n".join((*lines, "time.sleep(99)"))
    run = judge_client([sys.executable, "-c", code], [SCENARIOS["plain"]], timeout=1)
    failed = {each.requirement.id for each in run.results if each.verdict is Verdict.FAIL}
    assert {"CLI-REQUEST-001", "CLI-AUTH-001", "CLI-RUN-002"} == failed
    assert 1 == run.exit_code
