"""The edits in spec_edits.yaml, made to a copy of the project that has a release, and what the command makes of them.

Forth: the contract is edited, and the release does not have the edit. Back: the release has it, and it is undone.
Edits that are apart are made together, and each is judged by what the run prints and writes of it. CI makes three one
by one, too; before a release, all are.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from contract_diff.model import Change
from contract_diff.overlay_files import VERSION
from contract_diff.release import version_problems

from .cheap import Cheap
from .edits import EDITS, SPEC, Edit, changes_back, changes_forth, composites, edited, gravest, written
from .project import LONGEST_PROMPT, SHORTER_PROMPT, Project, copy_project, release
from .runs import Row, Run, carried_out, rows

GROUPS = {str(group[0]): group for group in composites(EDITS)}
"""The edits that are made together, by the first of them."""
SINGLE = ("request maxLength", "optional request field", "title of the contract")
"""The edits that are made one by one in CI, too: one of each class."""

pytestmark = [pytest.mark.full, pytest.mark.slow]


class Released:
    """A copy of the project that has a release, and what became of the edits that were made to it."""

    def __init__(self, project: Project) -> None:
        """Write the contract as the edits write it, and release it."""
        self.project = project
        (project.root / "openapi.yaml").write_text(written(SPEC), "utf-8")
        project.release()
        project.git("branch", "original")
        self.known: dict[tuple[str, ...], tuple[Run, Run]] = {}

    def runs(self, edits: Sequence[Edit]) -> tuple[Run, Run]:
        """Carry out some edits, release them, and undo them, unless it is done already."""
        names = tuple(edit.name for edit in edits)
        if names not in self.known:
            try:
                forth = carried_out(self.project, edited(*edits))
                self.project.git("checkout", "-q", "CHANGELOG.md")
                self.project.release()
                back = carried_out(self.project, SPEC)
            finally:
                self.reset()
            self.known[names] = forth, back
        return self.known[names]

    def reset(self) -> None:
        """Undo everything, with the release that was made of it."""
        self.project.git("reset", "-q", "--hard", "original")
        self.project.git("clean", "-q", "-f", "-d")
        self.project.git("tag", "-f", "v0.1.0")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory, mypy_cache: Path, cheap: Cheap) -> Released:
    """Return a copy for the edits, one after the other."""
    root = tmp_path_factory.mktemp("edits") / "a project"
    copy_project(root)
    return Released(Project(root, mypy_cache, cheap))


def verdict_of(table: Sequence[Row]) -> list[str]:
    """Return the gravest class in a table, for callers and for readers."""
    return gravest([["-", "-"], *([row.callers, row.readers] for row in table)])


def concerns_users(row: Row) -> bool:
    """Tell whether a row's change is for the changelog."""
    return bool({row.callers, row.readers} & {"additive", "breaking"})


def judge_run(run: Run, decide: Sequence[str]) -> None:
    """Judge a run by what it says of itself; `decide` is what it must leave to decide."""
    assert "" == run.errors
    assert sorted(set(decide)) == sorted({decision.split(": ", 1)[1] for decision in run.decisions})
    said = f"{len(run.decisions) or 'nothing is'} left to decide"
    assert (int(bool(decide)), said) == (run.code, run.last_line)
    for decision in run.decisions:
        file, line, _ = decision.split(":", 2)
        assert 1 <= int(line) <= run.lines[file]

    # Each file is told with a change, and none that was not touched.
    assert run.touched == {file for row in run.rows for file in row.files}
    assert not [row for row in run.rows if row.files and (row.callers, row.readers) == ("-", "-")]

    told_to_users = [row.change[0] for row in run.rows if concerns_users(row)]
    assert len(told_to_users) == len(run.entry)
    assert all(any(what in line for line in run.entry) for what in told_to_users)


def judge_edit(edit: Edit, run: Run, verdict: list[str], changes: Sequence[Change], decide: Sequence[str]) -> None:
    """Judge what a run that made several edits says and writes of one of them."""
    own = {(change.what, change.where) for change in changes}
    table = [row for row in run.rows if tuple(row.change) in own]
    assert own == {tuple(row.change) for row in table}
    assert verdict == verdict_of(table)
    assert set(decide) <= {decision.split(": ", 1)[1] for decision in run.decisions}
    assert edit.touched <= {file for row in table for file in row.files} <= run.touched
    for row in table:
        lines = [line for line in run.entry if row.change[0] in line and f"`{row.change[1]}`" in line]
        assert int(concerns_users(row)) == len(lines)


@pytest.mark.parametrize("leader", GROUPS)
def test_a_group_of_edits_is_told_forth_and_back(leader: str, copied: Released) -> None:
    """A run says what the edits of a group are, each of them, and nothing else."""
    group = GROUPS[leader]
    forth, back = copied.runs(group)
    judge_run(forth, [what for edit in group for what in edit.decide])
    assert gravest(edit.forth for edit in group) == verdict_of(forth.rows)
    judge_run(back, [])  # the overlay is made for what the contract is again
    assert gravest(edit.back for edit in group) == verdict_of(back.rows)
    assert forth.touched == back.touched == {file for edit in group for file in edit.touched}
    for edit in group:
        judge_edit(edit, forth, edit.forth, changes_forth(edit), edit.decide)
        judge_edit(edit, back, edit.back, changes_back(edit), [])


@pytest.mark.parametrize(
    "name", [pytest.param(edit.name, marks=() if edit.name in SINGLE else pytest.mark.release) for edit in EDITS]
)
def test_alone(name: str, copied: Released) -> None:
    """Judge the runs that made one edit, and undid it."""
    [edit] = [edit for edit in EDITS if edit.name == name]
    for run, verdict, decide in zip(copied.runs([edit]), (edit.forth, edit.back), (edit.decide, []), strict=True):
        judge_run(run, decide)
        assert verdict == verdict_of(run.rows)
        assert edit.touched == run.touched


def test_a_process_says_the_same(copied: Released) -> None:
    """What is run in this process is what a contributor sees, to the byte."""
    group = next(group for group in GROUPS.values() if group[0].decide)
    forth, _ = copied.runs(group)
    try:
        assert forth == carried_out(copied.project, edited(*group), Project.regenerate_in_a_process)
    finally:
        copied.reset()


class TestDecisions:
    """A decision names the line at which something must be written."""

    def test_a_request_field_is_named_with_each_line_that_it_needs(self, released: Project) -> None:
        before = "        input_reference:\n          type"
        released.change("openapi.yaml", before, "        x_seed:\n          type: integer\n" + before)
        told = re.findall(r"overlay/openvideos/(\S+?):(\d+): create_video (\S+)", released.regenerate().stdout)
        named = {
            (file, released.read(f"overlay/openvideos/{file}").splitlines()[int(line) - 1].strip(" ("))
            for file, line, _ in told
        }
        assert {
            ("_videos.py", "def create"),
            ("_async_videos.py", "async def create"),
            ("_videos.py", "operations.create"),
            ("_async_videos.py", "operations.create"),
            ("_videos.py", "create = operations.create"),
            ("_async_videos.py", "create = operations.create"),
            ("_operations.py", "def create"),
        } == named
        assert {"takes", "is"} == {verb for _, _, verb in told}

    def test_it_stays_until_it_is_carried_out(self, released: Project) -> None:
        [edit] = [edit for edit in EDITS if edit.name == "parameter required"]
        first, again = (carried_out(released, edited(edit)) for _ in range(2))
        assert (1, 1) == (first.code, again.code)
        assert first.rows == again.rows

    def test_without_a_change_of_the_contract_the_files_are_told(self, released: Project) -> None:
        released.change("generator-templates/types.py.jinja", "Contains information for file uploads", "A file")
        run = released.regenerate()
        assert 0 == run.returncode
        [row] = rows(run.stdout)
        assert (["by no change of the contract"], ["openvideos_raw/types.py"]) == (row.change, row.files)

    def test_what_is_taken_back_is_nothing(self, released: Project) -> None:
        before = released.read("openapi.yaml")
        released.change("openapi.yaml", "How much is done, in whole percent.", "How far it is, in whole percent.")
        assert 1 == len(rows(released.regenerate().stdout))
        (released.root / "openapi.yaml").write_text(before, "utf-8")
        run = released.regenerate()
        assert "changed: generated/openvideos_raw/models/video.py" in run.stdout
        assert "nothing changes" in run.stdout


class TestComparingWith:
    def test_the_release_from_another_directory(self, released: Project) -> None:
        released.change("openapi.yaml", LONGEST_PROMPT, SHORTER_PROMPT)
        assert ["breaking"] == [row.callers for row in rows(released.regenerate(cwd="/").stdout)]
        assert 1 == released.regenerate("--check", cwd="/").returncode

    def test_a_file(self, released: Project, tmp_path: Path) -> None:
        old = tmp_path / "old.yaml"
        old.write_text(released.read("openapi.yaml").replace(LONGEST_PROMPT, SHORTER_PROMPT), "utf-8")
        [row] = rows(released.regenerate("--against", str(old)).stdout)
        assert ("additive", "-") == (row.callers, row.readers)

    def test_another_release(self, released: Project) -> None:
        released.change("openapi.yaml", LONGEST_PROMPT, SHORTER_PROMPT)
        released.git("commit", "-q", "-a", "-m", "Shorter prompts")
        released.git("tag", "v0.2.0")
        assert [] == rows(released.regenerate().stdout)
        [row] = rows(released.regenerate("--against", "v0.1.0").stdout)
        assert ("breaking", "-") == (row.callers, row.readers)

    def test_another_contract_is_no_news_of_the_next_release(self, released: Project) -> None:
        released.change("openapi.yaml", LONGEST_PROMPT, SHORTER_PROMPT)
        released.regenerate()
        changelog = released.read("CHANGELOG.md")
        assert "### API changes" in changelog
        released.git("commit", "-q", "-a", "-m", "Shorter prompts")
        assert [] == rows(released.regenerate("--against", "HEAD").stdout)
        assert changelog == released.read("CHANGELOG.md")
        refused = released.regenerate("--check", "--against", "v0.1.0")
        assert (1, True) == (refused.returncode, "Raise the version" in refused.stdout)
        assert 0 == released.regenerate("--check", "--against", "HEAD").returncode

    def test_what_is_not_there(self, released: Project) -> None:
        run = released.regenerate("--against", "v9")
        assert (2, "") == (run.returncode, run.stdout)
        assert "v9:openapi.yaml" in run.stderr

    def test_the_last_commit_where_there_is_no_release(self, released: Project) -> None:
        released.git("tag", "-d", "v0.1.0")
        released.change("openapi.yaml", LONGEST_PROMPT, SHORTER_PROMPT)
        run = released.regenerate()
        assert "since HEAD:openapi.yaml, which is no release" in run.stdout
        assert "breaking" == rows(run.stdout)[0].callers
        assert "No release to compare with" in released.regenerate("--check").stdout

    def test_no_release_of_a_repository_around_the_project(self, project: Project) -> None:
        release(project.root.parent)
        run = project.regenerate("--check")
        assert 0 == run.returncode, run.stdout + run.stderr
        assert "No release to compare with" in run.stdout


def test_an_entry_of_the_changelog_is_written_once(released: Project) -> None:
    released.change("openapi.yaml", LONGEST_PROMPT, SHORTER_PROMPT)
    released.regenerate()
    changelog = released.read("CHANGELOG.md")
    assert "### API changes\n\n- `create_video`" in changelog
    released.regenerate()
    assert changelog == released.read("CHANGELOG.md")
    released.change("openapi.yaml", SHORTER_PROMPT, LONGEST_PROMPT)
    released.regenerate()
    assert "### API changes" not in released.read("CHANGELOG.md")


def test_an_entry_of_the_changelog_that_is_missing_is_stale(released: Project) -> None:
    released.change("openapi.yaml", "  version: '2026-12-01'\n", "  version: '2026-12-15'\n", 1)
    url = "        url:\n          type: [string, 'null']\n"
    released.change("openapi.yaml", url, "        x_film:\n          type: integer\n" + url)
    released.regenerate()
    assert 0 == released.regenerate("--check").returncode
    released.git("checkout", "-q", "CHANGELOG.md")
    run = released.regenerate("--check")
    assert (1, True) == (run.returncode, "stale: CHANGELOG.md" in run.stdout)


def test_an_invalid_contract_changes_nothing(released: Project) -> None:
    released.change("openapi.yaml", "          const: event\n", "          const: event\n          pattern: 7\n", 1)
    run = released.regenerate()
    assert (2, "") == (run.returncode, run.stdout)
    assert re.search(r"openapi\.yaml:\d{3,}: is no OpenAPI 3\.1", run.stderr)
    assert "" == released.git("status", "--porcelain", "generated", "CHANGELOG.md")


LOST = [
    ("overlay/openvideos/__init__.py", "        GoneError,\n", "", "openvideos.GoneError: Public object was removed"),
    ("overlay/openvideos/_videos.py", "def edit(", "def edited(", "Videos.edit: Public object was removed"),
    ("overlay/openvideos/_async_videos.py", "size: ", "sizes: ", "AsyncVideos.create(size): Parameter was removed"),
    ("overlay/openvideos/_pages.py", "def get_next_page(", "def get_next(", "get_next_page: Public object"),
    ("generated/openvideos_raw/client.py", "def get_async_httpx", "def async_httpx", "Client.get_async_httpx"),
    (
        "conformance/openvideos_emulator/testing.py",
        "class OpenVideosServer",
        "class Server",
        "testing.OpenVideosServer: ",
    ),
    (
        "conformance/openvideos_emulator/__init__.py",
        "from ._factory import create_app\n",
        "",
        "openvideos_emulator.create_app: Public object was removed",
    ),
    ("conformance/openvideos_conformance/pytest_plugin.py", "def pytest_c", "def c", "pytest_plugin.pytest_c"),
]
"""A file, a text in it, what takes its place, and what must be said of that."""


def lose(project: Project, losses: Sequence[tuple[str, str, str, str]]) -> None:
    """Take from importers what they have in the release."""
    for file, old, new, _ in losses:
        project.change(file, old, new)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory, release_to_copy: Path, mypy_cache: Path, cheap: Cheap) -> list[str]:
    """Return what is said of a project that has lost all of it."""
    root = tmp_path_factory.mktemp("lost") / "a project"
    shutil.copytree(release_to_copy, root, symlinks=True)
    lose(Project(root, mypy_cache, cheap), LOST)
    return version_problems(root, "v0.1.0", [])


class TestTheVersionRule:
    def test_a_breaking_change_needs_another_version(self, released: Project) -> None:
        released.change("openapi.yaml", LONGEST_PROMPT, SHORTER_PROMPT)
        assert 0 == released.regenerate().returncode
        refused = released.regenerate("--check")
        assert 1 == refused.returncode
        assert "breaking: `maxLength` was 32000 and is 1000 (/components/schemas/Prompt)" in refused.stdout
        released.change(VERSION, '"0.1.0"', '"0.1.1"')
        assert 1 == released.regenerate("--check").returncode
        released.change(VERSION, '"0.1.1"', '"0.2.0"')
        assert 0 == released.regenerate("--check").returncode

    def test_from_1_on_it_needs_another_major_one(self, released: Project) -> None:
        released.change(VERSION, '"0.1.0"', '"1.0.0"')
        released.release()
        released.change("openapi.yaml", LONGEST_PROMPT, SHORTER_PROMPT)
        released.change(VERSION, '"1.0.0"', '"1.1.0"')
        released.regenerate()
        assert 1 == released.regenerate("--check").returncode
        released.change(VERSION, '"1.1.0"', '"2.0.0"')
        assert 0 == released.regenerate("--check").returncode

    @pytest.mark.parametrize("said", [said for *_, said in LOST])
    def test_so_does_what_importers_lose(self, lost: list[str], said: str) -> None:
        assert any(said in problem for problem in lost)

    def test_but_not_in_a_version_that_may_break_them(self, released: Project) -> None:
        lose(released, LOST)
        released.change(VERSION, '"0.1.0"', '"0.2.0"')
        assert [] == version_problems(released.root, "v0.1.0", [])

    @pytest.mark.release  # CI loses all of them at once, and one by the command
    @pytest.mark.parametrize("loss", LOST, ids=lambda loss: loss[-1])
    def test_each_alone(self, released: Project, loss: tuple[str, str, str, str]) -> None:
        lose(released, [loss])
        problems = version_problems(released.root, "v0.1.0", [])
        assert any(loss[-1] in problem for problem in problems)
        released.change(VERSION, '"0.1.0"', '"0.2.0"')
        assert [] == version_problems(released.root, "v0.1.0", [])

    def test_the_command_tells_it(self, released: Project) -> None:
        released.change("overlay/openvideos/_videos.py", "def edit(", "def edited(")
        refused = released.regenerate("--check")
        assert 1 == refused.returncode
        assert "breaking in openvideos: openvideos._videos.Videos.edit: Public object was removed" in refused.stdout
        assert "Raise the version" in refused.stdout

    def test_what_is_private_breaks_nobody(self, released: Project) -> None:
        released.change("overlay/openvideos/_status.py", "def is_known(", "def is_understood(")
        released.change("overlay/openvideos/_flows/paging.py", "def read_page(", "def parse_page(")
        with released.cheap.surfaces():
            assert [] == version_problems(released.root, "v0.1.0", [])
