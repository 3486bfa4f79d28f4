"""`tools/regenerate.py`, run as a contributor runs it, on a copy of the project."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .cheap import Cheap, bytes_below
from .project import PROJECT, VIDEO, Project

FRESH = "generated/ is what openapi.yaml says"

pytestmark = pytest.mark.slow


@pytest.mark.full
def test_the_committed_output_is_fresh(mypy_cache: Path, cheap: Cheap) -> None:
    run = Project(PROJECT, mypy_cache, cheap).regenerate("--check")
    assert (0, "") == (run.returncode, run.stderr), run.stdout
    assert FRESH == run.stdout.splitlines()[0]


SURROUNDINGS: list[dict[str, object]] = [
    {},
    {"cwd": "/", "PYTHONHASHSEED": 1},
    {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": 0, "PYTHONHASHSEED": 4242},
    {"LANG": "tr_TR.ISO-8859-9", "LC_ALL": "tr_TR.ISO-8859-9", "PYTHONUTF8": 0, "TZ": "Asia/Kathmandu"},
    {"RUFF_CONFIG": "/nonexistent.toml", "RUFF_NO_CACHE": "false"},
]
"""Environment variables, and a directory to run from, that must make no difference."""
SETTINGS = "[tool.ruff]\nline-length = 60\n[tool.ruff.format]\nquote-style = 'single'\n"


def scratch_of(project: Project) -> Path:
    """Make the directory in which the output is formatted, before it takes its place: a sibling of the project."""
    scratch = project.root.parent / "scratch"
    scratch.mkdir()
    return scratch


def path_with_another_ruff(directory: Path) -> tuple[str, Path]:
    """Return a PATH that begins with a ruff that is not ours, and the file that this ruff makes if it is run."""
    trace = directory / "was run"
    ruff = directory / "bin" / "ruff"
    ruff.parent.mkdir()
    ruff.write_text(f"#!/bin/sh\ntouch '{trace}'\necho ruff 0.0.1\n", "utf-8")
    ruff.chmod(0o755)
    return f"{ruff.parent}{os.pathsep}{os.environ['PATH']}", trace


class TestRepeating:
    """The same contract gives the same bytes."""

    @pytest.mark.full
    def test_from_nothing_comes_what_is_committed_whatever_is_around_it(self, project: Project, tmp_path: Path) -> None:
        """All at once: each by itself is tried before a release."""
        committed = bytes_below(project.root / "generated")
        shutil.rmtree(project.root / "generated")
        (project.root / "ruff.toml").write_text("line-length = 60\n", "utf-8")
        (project.root / "generated").mkdir()
        (project.root / "generated" / "ruff.toml").write_text("line-length = 60\n", "utf-8")
        (project.root.parent / "pyproject.toml").write_text(SETTINGS, "utf-8")
        scratch = scratch_of(project)
        path, trace = path_with_another_ruff(tmp_path)
        variables = {name: value for each in SURROUNDINGS for name, value in each.items()}
        run = project.regenerate_in_a_process(**variables, TMPDIR=scratch, TEMP=scratch, TMP=scratch, PATH=path)
        assert (0, "") == (run.returncode, run.stderr)
        assert "removed: generated/ruff.toml" in run.stdout.splitlines()
        assert committed == bytes_below(project.root / "generated")
        assert {} == bytes_below(scratch)
        assert not trace.exists()

    @pytest.mark.release
    @pytest.mark.parametrize("variables", SURROUNDINGS, ids=str)
    def test_from_nothing_comes_what_is_committed(self, project: Project, variables: dict[str, object]) -> None:
        committed = bytes_below(project.root / "generated")
        shutil.rmtree(project.root / "generated")
        run = project.regenerate_in_a_process(**variables)
        assert (0, "") == (run.returncode, run.stderr)
        assert committed == bytes_below(project.root / "generated")

    @pytest.mark.release
    def test_the_projects_own_ruff_settings_are_kept_out(self, project: Project) -> None:
        committed = bytes_below(project.root / "generated")
        (project.root / "ruff.toml").write_text("line-length = 60\n", "utf-8")
        (project.root / "generated" / "ruff.toml").write_text("line-length = 60\n", "utf-8")
        run = project.regenerate_in_a_process()
        assert "removed: generated/ruff.toml" == run.stdout.splitlines()[0]
        assert committed == bytes_below(project.root / "generated")

    @pytest.mark.release
    @pytest.mark.parametrize("settings", [SETTINGS, "[tool.ruff\nno TOML"])
    def test_so_are_those_of_the_directories_around_it(self, project: Project, settings: str) -> None:
        (project.root.parent / "pyproject.toml").write_text(settings, "utf-8")
        scratch = scratch_of(project)
        run = project.regenerate_in_a_process("--check", TMPDIR=scratch, TEMP=scratch, TMP=scratch)
        assert (0, FRESH) == (run.returncode, run.stdout.splitlines()[0])

    @pytest.mark.release
    @pytest.mark.skipif(os.name == "nt", reason="what is run on Windows is said by a name, not by a mode")
    def test_another_ruff_on_the_path_is_not_run(self, project: Project, tmp_path: Path) -> None:
        path, trace = path_with_another_ruff(tmp_path)
        run = project.regenerate_in_a_process("--check", PATH=path)
        assert (0, FRESH) == (run.returncode, run.stdout.splitlines()[0])
        assert not trace.exists()

    @pytest.mark.full
    def test_a_second_run_changes_nothing(self, project: Project) -> None:
        project.change("openapi.yaml", "How much is done, in whole percent.", "How far it is, in whole percent.")
        project.regenerate()
        assert FRESH == project.regenerate().stdout.splitlines()[0]

    @pytest.mark.full
    def test_nothing_is_left_behind(self, project: Project) -> None:
        scratch = scratch_of(project)
        before = bytes_below(project.root)
        project.regenerate(TMPDIR=scratch, TEMP=scratch, TMP=scratch)
        assert {} == bytes_below(scratch)
        assert before == bytes_below(project.root)


class TestStaleFiles:
    """--check names each file and what is wrong with it, changes nothing, and says what to do."""

    def check(self, project: Project, *lines: str) -> None:
        before = bytes_below(project.root)
        run = project.regenerate("--check")
        assert 1 == run.returncode
        *named, advice, _, _ = run.stdout.splitlines()
        assert list(lines) == named
        assert "nox -s regenerate" in advice
        assert before == bytes_below(project.root)

    def test_a_hand_edit(self, project: Project) -> None:
        (project.root / VIDEO).write_bytes((project.root / VIDEO).read_bytes() + b"\n")
        self.check(project, f"stale: {VIDEO} (its content differs)")

    def test_stray_and_missing_files(self, project: Project) -> None:
        for stray in ("notes.txt", "openvideos_raw/models/film.py"):
            (project.root / "generated" / stray).write_text("", "utf-8")
        for missing in ("models/video.py", "py.typed"):
            (project.root / "generated" / "openvideos_raw" / missing).unlink()
        self.check(
            project,
            "stale: generated/notes.txt (the generator does not write it)",
            "stale: generated/openvideos_raw/models/film.py (the generator does not write it)",
            f"stale: {VIDEO} (it is missing)",
            "stale: generated/openvideos_raw/py.typed (it is missing)",
        )

    def test_an_edit_of_the_contract(self, project: Project) -> None:
        project.change("openapi.yaml", "How much is done, in whole percent.", "How far it is, in whole percent.")
        [kept] = [path.relative_to(project.root).as_posix() for path in project.root.glob("contract/2*/openapi.yaml")]
        self.check(project, f"stale: {kept} (its content differs)", f"stale: {VIDEO} (its content differs)")

    def test_an_edit_of_a_template(self, project: Project) -> None:
        project.change("generator-templates/types.py.jinja", "Contains information for file uploads", "A file")
        self.check(project, "stale: generated/openvideos_raw/types.py (its content differs)")

    def test_but_not_the_caches_of_tools(self, project: Project) -> None:
        for name in ("__pycache__", ".mypy_cache", ".ruff_cache", "openvideos_raw/models/__pycache__"):
            (project.root / "generated" / name).mkdir(parents=True, exist_ok=True)
            (project.root / "generated" / name / "video.cpython-311.pyc").write_bytes(b"\x00")
        assert 0 == project.regenerate("--check").returncode


@pytest.mark.full
class TestReplacing:
    def test_it_says_what_it_changed(self, project: Project) -> None:
        committed = bytes_below(project.root / "generated")
        project.change(VIDEO, "A video generation job", "A film")
        (project.root / "generated/openvideos_raw/models/film.py").write_text("", "utf-8")
        (project.root / "generated/openvideos_raw/py.typed").unlink()
        run = project.regenerate()
        assert [
            "removed: generated/openvideos_raw/models/film.py",
            f"changed: {VIDEO}",
            "added: generated/openvideos_raw/py.typed",
        ] == run.stdout.splitlines()[:3]
        assert 0 == run.returncode
        assert committed == bytes_below(project.root / "generated")


class TestWhatCannotBeGenerated:
    """The reason is told, the exit code is 2, and generated/ stays as it is."""

    def refused(self, project: Project, **variables: object) -> str:
        before = bytes_below(project.root / "generated")
        run = project.regenerate("--check", **variables)
        assert (2, "") == (run.returncode, run.stdout)
        assert before == bytes_below(project.root / "generated")
        return run.stderr

    @pytest.mark.parametrize("package", ["openapi-python-client", "ruff"])
    def test_a_version_that_is_not_the_pinned_one(self, project: Project, package: str) -> None:
        project.change("pyproject.toml", f'"{package}==', f'"{package}==99.')
        said = self.refused(project)
        assert f"{package} 99." in said
        assert "python -m pip install --group regenerate" in said

    def test_a_contract_that_the_generator_warns_of(self, project: Project) -> None:
        project.change("generator-config.yaml", "application/octet-stream", "application/x-film")
        said = self.refused(project)
        assert "generated/ is as it was" in said
        assert "image/webp" in said

    def test_a_contract_that_is_not_there(self, project: Project) -> None:
        (project.root / "openapi.yaml").unlink()
        assert "openapi.yaml" in self.refused(project)

    def test_a_contract_that_is_no_yaml(self, project: Project) -> None:
        (project.root / "openapi.yaml").write_text("paths: [", "utf-8")
        assert "openapi.yaml:1: is no YAML" in self.refused(project)

    def test_a_template_that_is_broken(self, project: Project) -> None:
        project.change("generator-templates/types.py.jinja", "@define", "{% if %}")
        assert "generated/ is as it was" in self.refused(project)
