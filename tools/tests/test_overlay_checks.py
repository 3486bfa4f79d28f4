"""The tests that a change of the contract concerns are run, and each that fails is a line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from contract_diff.affected import COMMON, Affected, affected
from contract_diff.model import Change, Class
from contract_diff.overlay_advice import Decision
from contract_diff.overlay_files import LISTS
from contract_diff.report import TESTS, report
from overlay_checks import failed_tests, failures

from .edits import SPEC
from .project import PROJECT
from .runs import rows

FIELD = Change(
    "/components/schemas/Video/properties/x_fps", (), "the property `x_fps` is removed", None, Class.BREAKING
)
WORDS = Change("/info", (), "the description of `x_fps` is another", Class.EDITORIAL, None)


class TestWhichAreAffected:
    def test_those_that_name_what_a_change_quotes(self) -> None:
        texts = {"a.py": "video.x_fps == 7", "b.py": "x_fps_of(video)", "c.py": ""}
        assert Affected(["a.py"], []) == affected([FIELD], texts)

    def test_and_those_that_list_all(self) -> None:
        assert Affected([LISTS[0]], []) == affected([FIELD], {LISTS[0]: "", "a.py": ""})
        assert all((PROJECT / name).exists() for name in LISTS)

    def test_none_by_words_alone(self) -> None:
        assert Affected([], []) == affected([WORDS], {LISTS[0]: "x_fps"})

    def test_not_those_that_name_what_all_name(self) -> None:
        texts = {f"{number}.py": "x_fps" for number in range(COMMON + 1)}
        assert Affected([], ["x_fps"]) == affected([FIELD], texts)


REPORT = """<testsuites><testsuite>
<testcase name="test_one" file="a.py" line="6"><failure message="assert 1 == 2&#10; +  where">LONG</failure></testcase>
<testcase name="" classname="overlay.tests.test_b"><error message="collection failure">E  No module</error></testcase>
<testcase name="test_three" file="a.py" line="9"/>
</testsuite></testsuites>"""


def test_a_report_is_a_line_for_each_failure() -> None:
    assert [
        Decision("test_one fails: assert 1 == 2", "a.py", 7),
        Decision(" fails: collection failure", "overlay/tests/test_b.py", 1),
    ] == list(failures(REPORT))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a test that fails at length, one that passes, and one that is no test of ours."""
    tests = tmp_path / "overlay" / "tests"
    tests.mkdir(parents=True)
    settings = '[tool.pytest.ini_options]\ntestpaths = ["overlay/tests"]\nmarkers = ["slow", "full", "product"]\n'
    (tmp_path / "pyproject.toml").write_text(settings, "utf-8")
    (tests / "test_long.py").write_text("def test_x_fps():\n    assert 'x_fps' == 'y' * 300_000\n", "utf-8")
    (tests / "test_short.py").write_text("def test_other() -> None:\n    'x_fps'\n", "utf-8")
    (tests / "test_other.py").write_text("raise ValueError\n", "utf-8")
    return tmp_path


@pytest.mark.slow
def test_a_test_that_fails_at_length_is_a_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [decision] = failed_tests(project, [FIELD])
    assert ("overlay/tests/test_long.py", 1) == (decision.file, decision.line)
    assert decision.what.startswith("test_x_fps fails: AssertionError: assert 'x_fps' == 'yyy")
    assert len(decision.what) < 300
    assert "running the tests of 2 files" in capsys.readouterr().out


@pytest.mark.slow
def test_tests_that_cannot_be_run_are_a_line(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\ntestpaths = ["overlay/tests"]\naddopts = "--no"'
    )
    [decision] = failed_tests(project, [FIELD])
    assert decision.what.startswith("the tests cannot be run: ")


def test_without_pytest_the_files_are_named(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert [] == failed_tests(project, [FIELD])
    assert "overlay/tests/test_long.py, overlay/tests/test_short.py" in capsys.readouterr().out


def test_too_common_words_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(COMMON + 1):
        (project / "overlay" / "tests" / f"test_{number}.py").write_text("x_fps = 1\n", "utf-8")
    assert [] == failed_tests(project, [FIELD])
    assert "more tests than are run here name x_fps" in capsys.readouterr().out


def test_a_failure_has_a_row_of_its_own() -> None:
    failed = [Decision("test_one fails: no", "overlay/tests/a.py", 7)]
    [_, row] = rows(report([FIELD], {}, [], [], (SPEC, SPEC), failed))
    assert ([TESTS], ["overlay/tests/a.py:7: test_one fails: no"]) == (row.change, row.decisions)
