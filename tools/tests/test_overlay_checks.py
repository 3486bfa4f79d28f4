"""The tests that a change of the contract concerns are run, and each that fails is a line."""

from __future__ import annotations

import copy
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract_diff.affected import MOST_FILES, Affected, affected
from contract_diff.document import lines_of
from contract_diff.model import Change, Class
from contract_diff.operation_names import misnamed
from contract_diff.overlay_advice import Decision, decisions
from contract_diff.overlay_files import LISTS, METHODS
from contract_diff.report import TESTS, report
from hypothesis import Phase, settings
from overlay_checks import PROFILE, failed_tests, failures

from .edits import SPEC, written
from .project import PROJECT, copy_parts
from .runs import rows

FIELD = Change(
    "/components/schemas/Video/properties/x_fps", (), "the property `x_fps` is removed", None, Class.BREAKING
)
WORDS = Change("/info", (), "the description of `x_fps` is another", Class.EDITORIAL, None)
TYPE = Change("/components/schemas/Video/properties/expires_at", (), "the type was integer", None, Class.BREAKING)


class TestWhichAreAffected:
    def test_those_that_name_what_a_change_quotes(self) -> None:
        texts = {"a.py": "video.x_fps == 7", "b.py": "x_fps_of(video)", "c.py": ""}
        assert Affected(["a.py"], []) == affected([FIELD], texts)

    def test_and_what_it_changes(self) -> None:
        texts = {"a.py": "video.expires_at", "b.py": "expires"}
        assert Affected(["a.py"], []) == affected([TYPE], texts)

    def test_and_the_operations_of_a_parameter_that_has_no_name_where_it_stands(self) -> None:
        where = "/paths/~1videos/get/parameters/0/schema"
        limit = Change(where, ("list_videos",), "`minLength` was 1 and is 2", Class.BREAKING, None)
        texts = {"a.py": "0", "b.py": "list_videos", "c.py": "parameters"}
        assert Affected(["b.py"], []) == affected([limit], texts)

    @pytest.mark.parametrize("changes", [[FIELD], [WORDS], [TYPE], []])
    def test_and_those_that_list_all(self, changes: list[Change]) -> None:
        """What is named may be anything, and a statement of the catalogue is made of words alone."""
        assert Affected([LISTS[0]], []) == affected(changes, {LISTS[0]: "", "a.py": ""})

    def test_which_are_there(self) -> None:
        assert all((PROJECT / name).exists() for name in LISTS)

    @pytest.mark.parametrize("word", ["properties", "docs", "catalogue", "contract_docs", "revisions", "surface"])
    def test_among_them_those_that_fail_of_what_no_line_names(self, word: str) -> None:
        """Each was red once where nothing was said to be left."""
        assert any(name.endswith(f"/test_{word}.py") for name in LISTS)

    def test_none_by_words_alone(self) -> None:
        assert Affected([], []) == affected([WORDS], {"a.py": "x_fps"})

    def test_not_those_that_name_what_all_name(self) -> None:
        texts = {f"{number}.py": "x_fps" for number in range(MOST_FILES + 1)}
        assert Affected([], ["x_fps"]) == affected([FIELD], texts)


REPORT = """<testsuites><testsuite>
<testcase name="test_one" file="a.py" line="6"><failure message="assert 1 == 2&#10; +  where">LONG</failure></testcase>
<testcase name="" classname="overlay.tests.test_b"><error message="collection failure">import x
E   No module</error></testcase>
<testcase name="test_three" file="a.py" line="9"/>
</testsuite></testsuites>"""


def test_a_report_is_a_line_for_each_failure() -> None:
    assert [
        Decision("test_one fails: assert 1 == 2", "a.py", 7),
        Decision(" fails: No module", "overlay/tests/test_b.py", 1),
    ] == list(failures(REPORT))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a test that fails at length, one that passes, and one that is no test of ours."""
    tests = tmp_path / "overlay" / "tests"
    tests.mkdir(parents=True)
    settings = '[tool.pytest.ini_options]\ntestpaths = ["overlay/tests"]\nmarkers = ["slow", "full", "release"]\n'
    (tmp_path / "pyproject.toml").write_text(settings, "utf-8")
    (tests / "test_long.py").write_text("def test_x_fps():\n    assert 'x_fps' == 'y' * 300_000\n", "utf-8")
    (tests / "test_short.py").write_text("def test_other() -> None:\n    'x_fps'\n", "utf-8")
    (tests / "test_other.py").write_text("raise ValueError\n", "utf-8")
    return tmp_path


@pytest.mark.slow
def test_a_test_that_fails_at_length_is_a_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [decision], _ = failed_tests(project, [FIELD])
    assert ("overlay/tests/test_long.py", 1) == (decision.file, decision.line)
    assert decision.what.startswith("test_x_fps fails: AssertionError: assert 'x_fps' == 'yyy")
    assert len(decision.what) < 300
    assert "running the tests of 2 files" in capsys.readouterr().out


@pytest.mark.slow
def test_tests_that_cannot_be_run_are_a_line(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\ntestpaths = ["overlay/tests"]\naddopts = "--no"'
    )
    [decision], _ = failed_tests(project, [FIELD])
    assert decision.what.startswith("the tests cannot be run: ")


@pytest.mark.slow
def test_a_property_that_fails_is_a_line(project: Path) -> None:
    text = (
        "from hypothesis import given, strategies as st\n\n@given(st.just('x_fps'))\ndef test_x(x):\n    assert not x\n"
    )
    (project / "overlay" / "tests" / "test_long.py").write_text(text, "utf-8")
    [decision], _ = failed_tests(project, [FIELD])
    assert decision.what.startswith("test_x fails: AssertionError: assert not 'x_fps'")


def test_it_is_not_made_smaller() -> None:
    assert Phase.shrink not in settings.get_profile(PROFILE).phases


@pytest.mark.slow
def test_a_test_of_the_tools_is_run_if_it_lists_all(project: Path) -> None:
    for path in (LISTS[-1], "tools/tests/test_other.py"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text("def test_x_fps():\n    raise ValueError\n", "utf-8")
    (project / "overlay" / "tests" / "test_long.py").unlink()
    settings = (project / "pyproject.toml").read_text("utf-8")
    (project / "pyproject.toml").write_text(settings.replace('["overlay', '["tools/tests", "overlay'), "utf-8")
    assert [LISTS[-1]] == [decision.file for decision in failed_tests(project, [FIELD])[0]]


def test_without_pytest_the_files_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to decide only where the tests have said so."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    [decision], _ = failed_tests(project, [FIELD])
    assert "overlay/tests/test_long.py, overlay/tests/test_short.py" in decision.what


def test_too_common_words_are_told(project: Path) -> None:
    for number in range(MOST_FILES + 1):
        (project / "overlay" / "tests" / f"test_{number}.py").write_text("x_fps = 1\n", "utf-8")
    assert ([], ["x_fps"]) == failed_tests(project, [FIELD])


def test_a_failure_has_a_row_of_its_own() -> None:
    failed = [Decision("test_one fails: no", "overlay/tests/a.py", 7)]
    [_, row] = rows(report([FIELD], {}, [], [], (SPEC, SPEC), failed))
    assert ([TESTS], ["overlay/tests/a.py:7: test_one fails: no"]) == (row.change, row.decisions)


def test_a_decision_is_told_once() -> None:
    """A field of both forms of a body is two changes, and the method takes it once."""
    takes = Decision("create_video takes `x_fps`: add it", "overlay/openvideos/_videos.py", 7, "`x_fps`")
    other = replace(FIELD, where="/components/schemas/CreateVideoForm/properties/x_fps")
    one, two = rows(report([FIELD, other], {}, [takes], [], (SPEC, SPEC)))
    assert (1, 0) == (len(one.decisions), len(two.decisions))


def test_a_method_that_a_class_of_responses_lacks_is_named(tmp_path: Path) -> None:
    copy_parts(["generated", "overlay/openvideos", "overlay/uncovered.toml"], tmp_path)
    for file, line in (
        (METHODS[0], "        self.remix = raw(videos.remix)\n"),
        (METHODS[1], "        self.edit = streamed_async(videos.edit)\n"),
    ):
        text = (tmp_path / file).read_text("utf-8")
        assert line in text
        (tmp_path / file).write_text(text.replace(line, ""), "utf-8")
    assert [
        ("AsyncVideosWithStreamingResponse has no `edit`: add it", METHODS[1], "`edit_video`"),
        ("VideosWithRawResponse has no `remix`: add it", METHODS[0], "`remix_video`"),
    ] == [(each.what, each.file, each.word) for each in decisions(SPEC, tmp_path)]


def test_what_names_an_operation_that_is_not_there_is_told_with_its_line() -> None:
    spec = copy.deepcopy(SPEC)
    spec["paths"]["/videos/{video_id}"]["delete"]["operationId"] = "remove_video"
    text = written(spec)
    told = misnamed(spec, lines_of("openapi.yaml", text))
    assert [
        ("the link DeleteVideo names delete_video, which is no operation: rename or remove it there", "`delete_video`"),
        ("the profile standard names delete_video, which is no operation: rename or remove it there", "`delete_video`"),
    ] == sorted((each.what, each.word) for each in told)
    assert all("delete_video" in text.splitlines()[each.line - 1] for each in told)
    assert [] == misnamed(SPEC, lines_of("openapi.yaml", written(SPEC)))


@pytest.mark.parametrize("profiles", [{}, [], {"core": 1}, {"core": {}}, {"core": {"operations": "create_video"}}])
def test_what_is_no_table_of_profiles_names_no_operation(profiles: Any) -> None:
    spec = {**SPEC, "x-profiles": profiles}
    assert [] == misnamed(spec, lines_of("openapi.yaml", written(spec)))
