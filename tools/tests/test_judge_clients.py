"""`tools/judge_clients.py`, with one client and one scenario: the page is written, compared, or left alone."""

from __future__ import annotations

import sys
from pathlib import Path

import judge_clients
import pytest

from openvideos_conformance._client.scenarios import SCENARIOS
from openvideos_conformance._core.catalogue import client_catalogue

PROJECT = Path(__file__).parents[2]

PROGRAM = str(PROJECT / "conformance" / "clients" / "openvideos_client.py")
MARKS = (judge_clients.SCENARIOS_BEGIN, judge_clients.BEGIN, judge_clients.END)
PAGE = "before\n{0}old\n{2}between\n{1}old\n{2}after\n".format(*MARKS)
OPTIONS = ["--node", ".", "--python", "."]

pytestmark = pytest.mark.slow


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a page of its own; our client is the only one, and plays only where nothing goes wrong."""
    path = tmp_path / "clients.md"
    path.write_text(PAGE, "utf-8")
    monkeypatch.setattr(judge_clients, "PAGE", path)
    monkeypatch.setattr(judge_clients, "SCENARIOS", {"plain": SCENARIOS["plain"]})
    ours = {judge_clients.OURS[0]: judge_clients.Candidate([sys.executable, PROGRAM], ("polls",))}
    monkeypatch.setattr(judge_clients, "ours", lambda: ours)
    monkeypatch.setattr(judge_clients, "candidates", lambda *_: {})
    return path


@pytest.mark.full
def test_the_table_takes_the_place_of_the_old_one_and_is_then_compared(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == judge_clients.main(["--check", *OPTIONS])
    assert "no longer those of docs/clients.md" in capsys.readouterr().out
    assert PAGE == page.read_text("utf-8")
    assert 0 == judge_clients.main(OPTIONS)
    text = page.read_text("utf-8")
    assert text.startswith(
        f"before\n{MARKS[0]}\n| scenario | what happens |\n|---|---|\n| `plain` | nothing goes wrong |"
    )
    assert f"between\n{MARKS[1]}\n| requirement | openvideos |\n|---|---|\n| CLI-REQUEST-001 | pass |" in text
    assert text.endswith(f" |\n\n{judge_clients.END}after\n")
    assert "| CLI-POLL-003 | (pass) |" in text
    assert "| CLI-CREATE-001 | - |" in text
    assert 0 == judge_clients.main(["--check", *OPTIONS])


@pytest.mark.full
def test_a_failure_of_ours_is_one_of_the_session(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENVIDEOS_BROKEN", "lost_form_field")
    broken = str(PROJECT / "overlay" / "tests" / "spec" / "broken.py")
    ours = {judge_clients.OURS[0]: judge_clients.Candidate([sys.executable, broken, PROGRAM])}
    monkeypatch.setattr(judge_clients, "ours", lambda: ours)
    assert 1 == judge_clients.main(OPTIONS)
    assert PAGE == page.read_text("utf-8")


@pytest.mark.full
def test_ours_alone_leaves_the_verdicts_as_they_are(page: Path) -> None:
    assert 0 == judge_clients.main(["--ours"])
    text = page.read_text("utf-8")
    assert f"{MARKS[1]}old\n{MARKS[2]}" in text
    assert f"{MARKS[0]}old" not in text
    assert 0 == judge_clients.main(["--ours", "--check"])


def test_the_other_clients_need_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        judge_clients.main(["--node", "."])
    assert "or judge only --ours" in capsys.readouterr().err


def test_the_page_tells_the_requirements_and_the_scenarios_as_the_suite_does() -> None:
    text = judge_clients.PAGE.read_text("utf-8")
    table = text.partition(judge_clients.BEGIN)[2].partition(judge_clients.END)[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| CLI-")]
    assert [f"| {each}" for each in client_catalogue()] == rows
    assert judge_clients.scenarios() == text.partition(MARKS[0])[2].partition(MARKS[2])[0]
