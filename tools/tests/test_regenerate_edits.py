"""Each edit in spec_edits.yaml, made to a copy of the project that has a release, and run through the real command.

Forth: the contract is edited, and the release does not have the edit. Back: the release has it, and it is undone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import pytest
import yaml
from contract_diff.overlay_files import VERSION
from contract_diff.release import version_problems

from .project import Project, release
from .test_spec_edits import EDITS, SPEC, edited

CLASSES = ["-", "editorial", "additive", "breaking"]
COLUMNS = ["callers", "readers", "change", "generated files", "to decide"]

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Row:
    """A row of the table: each cell has lines, none for a hyphen."""

    callers: str
    readers: str
    change: list[str]
    files: list[str]
    decisions: list[str]


@dataclass(frozen=True)
class Run:
    """What one run did."""

    code: int
    errors: str
    rows: list[Row]
    last_line: str
    touched: set[str]
    """The files below generated/ that git then calls changed."""
    entry: str
    """What stands in the changelog under "API changes"."""
    lines: dict[str, int]
    """How many lines each file has that is named as a place for a decision."""


def rows(text: str) -> list[Row]:
    """Return the rows of the table that a run prints."""
    _, has_table, table = text.partition("callers ")
    if not has_table:
        return []
    head, *lines = ("callers " + table).partition("\n\n")[0].splitlines()
    starts = [head.index(column) for column in COLUMNS]
    found: list[list[list[str]]] = []
    for line in lines:
        cells = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        if cells[0]:
            found.append([[] for _ in COLUMNS])
        for lines_so_far, cell in zip(found[-1], cells, strict=True):
            lines_so_far.extend([cell] if cell and cell != "-" else [])
    return [
        Row("".join(c) or "-", "".join(r) or "-", change, files, decisions) for c, r, change, files, decisions in found
    ]


def carried_out(project: Project, spec: Any) -> Run:
    """Give the copy a contract, and run the command."""
    (project.root / "openapi.yaml").write_text(yaml.safe_dump(spec, sort_keys=False, allow_unicode=True), "utf-8")
    run = project.regenerate()
    table = rows(run.stdout)
    status = [line[3:] for line in project.git("status", "--porcelain", "-uall", "generated").splitlines()]
    places = {decision.partition(":")[0] for row in table for decision in row.decisions}
    return Run(
        code=run.returncode,
        errors=run.stderr,
        rows=table,
        last_line=run.stdout.rstrip().rpartition("\n")[2],
        touched={path.removeprefix("generated/") for path in status},
        entry=project.read("CHANGELOG.md").partition("### API changes\n\n")[2].partition("\n\n")[0],
        lines={place: len(project.read(place).splitlines()) for place in places},
    )


def both_ways(copies: SimpleQueue[Project], edit: list[list[Any]]) -> tuple[Run, Run]:
    """Carry out an edit, release it, and undo it, in a copy that nobody else uses."""
    project = copies.get()
    try:
        forth = carried_out(project, edited(edit))
        project.git("checkout", "-q", "CHANGELOG.md")
        project.release()
        back = carried_out(project, SPEC)
    finally:
        project.git("reset", "-q", "--hard", "original")
        project.git("clean", "-q", "-f", "-d")
        project.git("tag", "-f", "v0.1.0")
        copies.put(project)
    return forth, back


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Any]]]:
    """Carry out the edits that are asked for, as many beside each other as there are processors."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.cls is TestEdits]
    cases = [cast("dict[str, Any]", item.callspec.params["case"]) for item in items]
    selected = {case["name"]: case["edit"] for case in cases}
    copies: SimpleQueue[Project] = SimpleQueue()
    count = os.cpu_count() or 1
    for number in range(count):
        directory = tmp_path_factory.mktemp(f"copy-{number}")
        project = Project(directory / "project", directory / "mypy-cache")
        # The file as the edits write it.
        (project.root / "openapi.yaml").write_text(yaml.safe_dump(SPEC, sort_keys=False, allow_unicode=True), "utf-8")
        project.release()
        project.git("branch", "original")
        copies.put(project)
    pool = ThreadPoolExecutor(count)
    yield {name: pool.submit(both_ways, copies, edit) for name, edit in selected.items()}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", EDITS, ids=lambda case: case["name"])
class TestEdits:
    def test_forth(self, case: dict[str, Any], runs: dict[str, Future[tuple[Run, Run]]]) -> None:
        forth, _ = runs[case["name"]].result()
        self.judge(forth, case["is"], case.get("decide", []))

    def test_back(self, case: dict[str, Any], runs: dict[str, Future[tuple[Run, Run]]]) -> None:
        _, back = runs[case["name"]].result()
        self.judge(back, case["back"], [])  # the overlay is made for what the contract is again

    def judge(self, run: Run, verdict: list[str], decide: list[str]) -> None:
        assert "" == run.errors
        both = [["-", *(row.callers for row in run.rows)], ["-", *(row.readers for row in run.rows)]]
        assert verdict == [max(kinds, key=CLASSES.index) for kinds in both]

        told = {decision for row in run.rows for decision in row.decisions}
        assert sorted(decide) == sorted({decision.split(": ", 1)[1] for decision in told})
        assert (int(bool(decide)), f"{len(told) or 'nothing is'} left to decide") == (run.code, run.last_line)
        for decision in told:
            file, line, _ = decision.split(":", 2)
            assert 1 <= int(line) <= run.lines[file]

        # Each file is told with a change, and none that was not touched.
        assert run.touched == {file for row in run.rows for file in row.files}
        assert not [row for row in run.rows if row.files and (row.callers, row.readers) == ("-", "-")]

        told_to_users = [row.change[0] for row in run.rows if {row.callers, row.readers} & {"additive", "breaking"}]
        entry = run.entry.splitlines()
        assert len(told_to_users) == len(entry)
        assert all(any(what in line for line in entry) for what in told_to_users)


class TestDecisions:
    """A decision names the line at which something must be written."""

    def test_a_request_field_is_named_with_each_line_that_it_needs(self, released: Project) -> None:
        before = "        input_reference:\n          type"
        released.change("openapi.yaml", before, "        seed:\n          type: integer\n" + before)
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
        [case] = [case for case in EDITS if case["name"] == "parameter required"]
        first, again = (carried_out(released, edited(case["edit"])) for _ in range(2))
        assert (1, 1) == (first.code, again.code)
        assert first.rows == again.rows

    def test_without_a_change_of_the_contract_the_files_are_told(self, released: Project) -> None:
        released.change("generator-templates/types.py.jinja", "Contains information for file uploads", "A file")
        run = released.regenerate()
        assert 0 == run.returncode
        [row] = rows(run.stdout)
        assert (["no change of the contract"], ["openvideos_raw/types.py"]) == (row.change, row.files)


class TestComparingWith:
    def test_the_release_from_another_directory(self, released: Project) -> None:
        released.change("openapi.yaml", "maxLength: 32000", "maxLength: 1000")
        assert ["breaking"] == [row.callers for row in rows(released.regenerate(cwd="/").stdout)]
        assert 1 == released.regenerate("--check", cwd="/").returncode

    def test_a_file(self, released: Project, tmp_path: Path) -> None:
        old = tmp_path / "old.yaml"
        old.write_text(released.read("openapi.yaml").replace("maxLength: 32000", "maxLength: 1000"), "utf-8")
        [row] = rows(released.regenerate("--against", str(old)).stdout)
        assert ("additive", "-") == (row.callers, row.readers)

    def test_another_release(self, released: Project) -> None:
        released.change("openapi.yaml", "maxLength: 32000", "maxLength: 1000")
        released.git("commit", "-q", "-a", "-m", "Shorter prompts")
        released.git("tag", "v0.2.0")
        assert [] == rows(released.regenerate().stdout)
        [row] = rows(released.regenerate("--against", "v0.1.0").stdout)
        assert ("breaking", "-") == (row.callers, row.readers)

    def test_what_is_not_there(self, released: Project) -> None:
        run = released.regenerate("--against", "v9")
        assert (2, "") == (run.returncode, run.stdout)
        assert "v9:openapi.yaml" in run.stderr

    def test_the_last_commit_where_there_is_no_release(self, released: Project) -> None:
        released.git("tag", "-d", "v0.1.0")
        released.change("openapi.yaml", "maxLength: 32000", "maxLength: 1000")
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
    released.change("openapi.yaml", "maxLength: 32000", "maxLength: 1000")
    released.regenerate()
    changelog = released.read("CHANGELOG.md")
    assert "### API changes\n\n- `create_video`" in changelog
    released.regenerate()
    assert changelog == released.read("CHANGELOG.md")
    released.change("openapi.yaml", "maxLength: 1000", "maxLength: 32000")
    released.regenerate()
    assert "### API changes" not in released.read("CHANGELOG.md")


def test_an_invalid_contract_changes_nothing(released: Project) -> None:
    released.change("openapi.yaml", "          const: event\n", "          const: event\n          pattern: 7\n", 1)
    run = released.regenerate()
    assert (2, "") == (run.returncode, run.stdout)
    assert re.search(r"openapi\.yaml:\d{3,}: is no OpenAPI 3\.1", run.stderr)
    assert "" == released.git("status", "--porcelain", "generated", "CHANGELOG.md")


class TestTheVersionRule:
    def test_a_breaking_change_needs_another_version(self, released: Project) -> None:
        released.change("openapi.yaml", "maxLength: 32000", "maxLength: 1000")
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
        released.change("openapi.yaml", "maxLength: 32000", "maxLength: 1000")
        released.change(VERSION, '"1.0.0"', '"1.1.0"')
        released.regenerate()
        assert 1 == released.regenerate("--check").returncode
        released.change(VERSION, '"1.1.0"', '"2.0.0"')
        assert 0 == released.regenerate("--check").returncode

    @pytest.mark.parametrize(
        ("file", "old", "new", "said"),
        [
            (
                "overlay/openvideos/__init__.py",
                "        GoneError,\n",
                "",
                "openvideos.GoneError: Public object was removed",
            ),
            ("overlay/openvideos/_videos.py", "def edit(", "def edited(", "Videos.edit: Public object was removed"),
            (
                "overlay/openvideos/_async_videos.py",
                "size: ",
                "sizes: ",
                "AsyncVideos.create(size): Parameter was removed",
            ),
            ("overlay/openvideos/_pages.py", "def get_next_page(", "def get_next(", "get_next_page: Public object"),
            ("generated/openvideos_raw/client.py", "def get_async_httpx", "def async_httpx", "Client.get_async_httpx"),
            (
                "conformance/openvideos_emulator/__init__.py",
                "def create_app(",
                "def make_app(",
                "emulator.create_app: ",
            ),
            ("conformance/openvideos_conformance/pytest_plugin.py", "def pytest_c", "def c", "pytest_plugin.pytest_c"),
        ],
    )
    def test_so_does_what_importers_lose(self, released: Project, file: str, old: str, new: str, said: str) -> None:
        released.change(file, old, new)
        assert any(said in problem for problem in version_problems(released.root, "v0.1.0", []))
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
        released.change("overlay/openvideos/_pages.py", "def behind(", "def after(")
        assert [] == version_problems(released.root, "v0.1.0", [])
