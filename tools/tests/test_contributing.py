"""The example in CONTRIBUTING.md, from the edit of the contract to the released change, done as it says."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import release
from contract_diff.checklist import COMMITTED, DATED, ITEMS, RAISED, SUMMED, TAGGED

from .edits import SPEC, unused
from .project import PROJECT, Project, copy_parts

TEXT = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
NOW = datetime(2026, 12, 24, 18, tzinfo=UTC)
FIELDS = SPEC["components"]["schemas"]["Video"]["properties"]
FIELD = unused("bitrate", FIELDS)
"""The example's field; by another name once the contract has it."""
EXAMPLE = re.sub(r"\bbitrate\b", FIELD, TEXT.partition("### An example")[2].partition("\n## ")[0])

pytestmark = [pytest.mark.full, pytest.mark.slow]


def blocks(kind: str) -> list[str]:
    """Return the example's code blocks of a language."""
    return re.findall(rf"```{kind}\n(.*?)```", EXAMPLE, re.DOTALL)


def laid_out(table: str) -> str:
    """Return a table without the widths of its columns, which a name of another length changes."""
    return re.sub(" +", " ", table)


@pytest.fixture
def complete(released: Project) -> Project:
    """Return a released copy with the files that a release reads beside those of the contract."""
    copy_parts(["README.md", "docs/emulator.md", ".github/workflows/ci.yml"], released.root)
    for page in ("README.md", "docs/emulator.md"):  # once there is a release, no page says otherwise
        text = re.sub(r"There\s+is\s+no\s+release\s+yet", "", released.read(page))
        (released.root / page).write_text(text, "utf-8")
    released.release()
    return released


def carry_out(project: Project, line: str) -> str:
    """Run a line of the example; return what it prints. A session of nox is the tool that it runs."""
    program, *words = shlex.split(line)
    if program == "git":
        return project.git(*words)
    option, session, *rest = words
    assert ("nox", "-s") == (program, option)
    if session == "release":
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = release.main(
                rest[1:], project.root, lambda: NOW, lambda asked: project.regenerate(*asked).returncode
            )
        assert 0 == code, printed.getvalue()
        return printed.getvalue()
    if session == "regenerate":
        run = project.regenerate(*rest[1:])
    else:
        assert "spec_diff" == session
        command = [sys.executable, "-m", "tools.contract_diff", *rest[1:]]
        run = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stderr), run.stdout
    return run.stdout


def again(text: str) -> str:
    """Return a part of the example as it is when the same is done once more, after the release, on another day."""
    for once, more in (("0.2.1", "0.2.2"), ("2026-12-01", "2026-12-15")):
        text = text.replace(once, more)
    return re.sub(rf"\b{FIELD}\b", f"x_second_{FIELD}", text)


@pytest.mark.timeout(300)
def test_it_does_what_it_says(complete: Project) -> None:
    edit_the_contract(complete, str)
    release_it(complete, str)


@pytest.mark.full
@pytest.mark.timeout(400)
def test_it_can_be_repeated(complete: Project) -> None:
    edit_the_contract(complete, str)
    release_it(complete, str)
    second = f"        {again(FIELD)}:\n          type: integer\n"
    complete.change("openapi.yaml", f"        {FIELD}:\n", f"{second}        {FIELD}:\n")
    refused = complete.regenerate()
    assert (2, True) == (refused.returncode, "2026-12-01 is released" in refused.stderr)
    complete.git("checkout", "-q", "openapi.yaml")
    complete.change("openapi.yaml", "  version: '2026-12-01'\n", "  version: '2026-12-15'\n", 1)
    edit_the_contract(complete, again)
    release_it(complete, again)


def edit_the_contract(project: Project, said: Callable[[str], str]) -> None:
    """Do what the example says before the release."""
    [edit] = blocks("yaml")
    url = "        url:\n          type: [string, 'null']\n"
    project.change("openapi.yaml", url, said(edit) + url)
    look, commit, _ = (block.splitlines() for block in blocks("console"))
    compared, regenerated = (carry_out(project, line) for line in look)
    [table] = blocks("text")
    if said is str:
        assert (regenerated if FIELD == "bitrate" else laid_out(regenerated)).endswith(
            "\n" + (table if FIELD == "bitrate" else laid_out(table))
        )
    assert re.search(rf"^-  +additive  the optional property `{said(FIELD)}`", compared, re.MULTILINE)
    assert f"{said(FIELD)}: int | None" in project.read("generated/openvideos_raw/models/video.py")
    for line in commit:
        carry_out(project, said(line))
    assert "" == project.git("status", "--porcelain")


def release_it(project: Project, said: Callable[[str], str]) -> None:
    """Do what the example says of the release: what is not done is told until it is."""
    lines = [said(line) for line in blocks("console")[2].splitlines()]
    prepare, full, *commit, check, push = lines
    assert ("nox", True) == (full, push.startswith("git push ")), "there is nowhere to push to"
    assert [f"- [ ] {item}" for item in (RAISED, DATED, SUMMED, TAGGED)] == undone(project)
    carry_out(project, prepare)
    assert [f"- [ ] {item}" for item in (COMMITTED, TAGGED)] == undone(project)
    for line in (*commit, check):
        carry_out(project, line)
    heading = f"## [{said('0.2.1')}] - {NOW.date()}"
    assert said(FIELD) in project.read("CHANGELOG.md").partition(heading)[2].partition("\n## ")[0]
    after = project.regenerate()
    assert (0, True) == (after.returncode, said("since v0.2.1:openapi.yaml") in after.stdout)
    assert "" == project.git("status", "--porcelain")


def undone(project: Project) -> list[str]:
    """Return what a release is said to lack."""
    run = project.regenerate("--release")
    assert 1 == run.returncode
    return [line for line in run.stdout.splitlines() if line.startswith("- [ ]")]


def test_the_list_of_a_release_is_the_one_that_is_verified() -> None:
    assert list(ITEMS) == re.findall(r"^- \[ \] (.*)$", EXAMPLE, re.MULTILINE)
