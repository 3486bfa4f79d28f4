"""The example in CONTRIBUTING.md, from the edit of the contract to the released change, done as it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable

import pytest
from contract_diff.checklist import COMMITTED, DATED, ITEMS, RAISED, SUMMED, TAGGED
from contract_diff.overlay_files import VERSION

from .edits import SPEC, unused
from .project import PROJECT, Project

TEXT = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
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


def carry_out(project: Project, line: str) -> str:
    """Run a line of the example; return what it prints. A session of nox is the tool that it runs."""
    program, *words = shlex.split(line)
    if program == "git":
        return project.git(*words)
    option, session, *rest = words
    assert ("nox", "-s") == (program, option)
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
    for once, more in (("0.1.1", "0.1.2"), ("0.1.0", "0.1.1"), ("2026-12-01", "2026-12-15")):
        text = text.replace(once, more)
    return re.sub(rf"\b{FIELD}\b", f"x_second_{FIELD}", text)


@pytest.mark.timeout(300)
def test_it_does_what_it_says(released: Project) -> None:
    edit_the_contract(released, str)
    release_it(released, str)


@pytest.mark.full
@pytest.mark.timeout(400)
def test_it_can_be_repeated(released: Project) -> None:
    edit_the_contract(released, str)
    release_it(released, str)
    second = f"        {again(FIELD)}:\n          type: integer\n"
    released.change("openapi.yaml", f"        {FIELD}:\n", f"{second}        {FIELD}:\n")
    refused = released.regenerate()
    assert (2, True) == (refused.returncode, "2026-12-01 is released" in refused.stderr)
    released.git("checkout", "-q", "openapi.yaml")
    released.change("openapi.yaml", "  version: '2026-12-01'\n", "  version: '2026-12-15'\n", 1)
    edit_the_contract(released, again)
    release_it(released, again)


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
    _, _, release = (block.splitlines() for block in blocks("console"))
    assert [f"- [ ] {item}" for item in (RAISED, DATED, SUMMED, TAGGED)] == undone(project)
    project.change(VERSION, said('"0.1.0"'), said('"0.1.1"'))
    [heading] = re.findall(r"`(## \[0\.1\.1\] - [^`]*)`", EXAMPLE)
    project.change("CHANGELOG.md", "## [Unreleased]\n", f"## [Unreleased]\n\n{said(heading)}\n")
    assert [f"- [ ] {item}" for item in (SUMMED, COMMITTED, TAGGED)] == undone(project)
    assert ["nox", "python -m build"] == [release.pop(0), release.pop()]
    for line in release:
        if line.startswith("sha256sum"):
            subprocess.run(line, shell=True, cwd=project.root, check=True)  # noqa: S602 - the line of the documentation
        elif not line.startswith("git push"):  # there is nowhere to push to
            carry_out(project, said(line))
    assert said(FIELD) in project.read("CHANGELOG.md").partition(said(heading))[2].partition("\n## ")[0]
    after = project.regenerate()
    assert (0, True) == (after.returncode, said("since v0.1.1:openapi.yaml") in after.stdout)
    assert "" == project.git("status", "--porcelain")


def undone(project: Project) -> list[str]:
    """Return what a release is said to lack."""
    run = project.regenerate("--release")
    assert 1 == run.returncode
    return [line for line in run.stdout.splitlines() if line.startswith("- [ ]")]


def test_the_list_of_a_release_is_the_one_that_is_verified() -> None:
    assert list(ITEMS) == re.findall(r"^- \[ \] (.*)$", EXAMPLE, re.MULTILINE)
