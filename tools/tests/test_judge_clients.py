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
PAGE = f"before\n{judge_clients.BEGIN}old\n{judge_clients.END}after\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a page of its own; our client is the only one, and plays only where nothing goes wrong."""
    path = tmp_path / "clients.md"
    path.write_text(PAGE, "utf-8")
    monkeypatch.setattr(judge_clients, "PAGE", path)
    monkeypatch.setattr(judge_clients, "SCENARIOS", {"plain": SCENARIOS["plain"]})
    monkeypatch.setattr(judge_clients, "commands", lambda *_: {judge_clients.OURS: [sys.executable, PROGRAM]})
    return path


def test_the_table_takes_the_place_of_the_old_one_and_is_then_compared(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == judge_clients.main(["--check", "--node", "."])
    assert "no longer those of docs/clients.md" in capsys.readouterr().out
    assert PAGE == page.read_text("utf-8")
    assert 0 == judge_clients.main(["--node", "."])
    text = page.read_text("utf-8")
    assert text.startswith(
        f"before\n{judge_clients.BEGIN}\n| requirement | openvideos |\n|---|---|\n| CLI-REQUEST-001 "
    )
    assert text.endswith(f" |\n\n{judge_clients.END}after\n")
    assert "| pass |" in text
    assert "| not exercised |" in text
    assert 0 == judge_clients.main(["--check", "--node", "."])


def test_a_failure_of_ours_is_one_of_the_session(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENVIDEOS_BROKEN", "lost_form_field")
    broken = str(PROJECT / "overlay" / "tests" / "spec" / "broken.py")
    monkeypatch.setattr(judge_clients, "commands", lambda *_: {judge_clients.OURS: [sys.executable, broken, PROGRAM]})
    assert 1 == judge_clients.main(["--node", "."])
    assert PAGE == page.read_text("utf-8")


def test_the_page_tells_the_requirements_as_the_catalogue_does() -> None:
    table = judge_clients.PAGE.read_text("utf-8").partition(judge_clients.BEGIN)[2].partition(judge_clients.END)[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| CLI-")]
    assert [f"| {each.id} {each.statement}" for each in client_catalogue().values()] == rows
