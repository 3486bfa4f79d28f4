"""The example in CONTRIBUTING.md, from the edit of the contract to the released change, done as it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
from contract_diff.overlay_files import VERSION

from .edits import SPEC, unused
from .project import PROJECT, Project

TEXT = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
FIELDS = SPEC["components"]["schemas"]["Video"]["properties"]
FIELD = unused("bitrate", FIELDS)
"""The example's field; by another name once the contract has it."""
EXAMPLE = re.sub(r"\bbitrate\b", FIELD, TEXT.partition("### An example")[2].partition("\n## ")[0])

pytestmark = pytest.mark.slow


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


def test_it_does_what_it_says(released: Project) -> None:
    [edit] = blocks("yaml")
    url = "        url:\n          type: [string, 'null']\n"
    released.change("openapi.yaml", url, edit + url)
    look, commit, release = (block.splitlines() for block in blocks("console"))
    compared, regenerated = (carry_out(released, line) for line in look)
    [table] = blocks("text")
    assert (regenerated if FIELD == "bitrate" else laid_out(regenerated)).endswith(
        "\n" + (table if FIELD == "bitrate" else laid_out(table))
    )
    assert re.search(rf"^-  +additive  the optional property `{FIELD}`", compared, re.MULTILINE)
    assert f"{FIELD}: int | None" in released.read("generated/openvideos_raw/models/video.py")
    for line in commit:
        carry_out(released, line)
    assert "" == released.git("status", "--porcelain")

    released.change(VERSION, '"0.1.0"', '"0.1.1"')
    [heading] = re.findall(r"`(## \[0\.1\.1\] - [^`]*)`", EXAMPLE)
    released.change("CHANGELOG.md", "## [Unreleased]\n", f"## [Unreleased]\n\n{heading}\n")
    assert ["nox", "python -m build"] == [release.pop(0), release.pop()]
    for line in release:
        if line.startswith("sha256sum"):
            subprocess.run(line, shell=True, cwd=released.root, check=True)  # noqa: S602 - the line of the documentation
        elif not line.startswith("git push"):  # there is nowhere to push to
            carry_out(released, line)
    assert FIELD in released.read("CHANGELOG.md").partition(heading)[2]
    again = released.regenerate()
    assert (0, True) == (again.returncode, "since v0.1.1:openapi.yaml" in again.stdout)
    assert "" == released.git("status", "--porcelain")
