"""`tools/regenerate.py`, run as a contributor runs it, on a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PARTS = ["generated", "generator-config.yaml", "generator-templates", "openapi.yaml", "pyproject.toml"]
VIDEO = "generated/openvideos_raw/models/video.py"

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of what regeneration reads and writes."""
    root = tmp_path / "a project"
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=ignored)
        else:
            shutil.copyfile(source, root / part)
    (root / "tools").mkdir()
    for script in (PROJECT / "tools").glob("*.py"):
        shutil.copyfile(script, root / "tools" / script.name)
    return root


def regenerate(root: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command on a copy, with further environment variables, from a directory (`cwd`)."""
    environment = os.environ | {name: str(value) for name, value in options.items() if name != "cwd"}
    command = [sys.executable, str(root / "tools" / "regenerate.py"), *arguments]
    return subprocess.run(
        command, cwd=str(options.get("cwd", root)), env=environment, capture_output=True, text=True, check=False
    )


def bytes_below(root: Path) -> dict[str, bytes]:
    """Return the content of each file below a directory, without what Python keeps of the modules it has read."""
    files = (path for path in root.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that stands in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_the_committed_output_is_fresh() -> None:
    run = regenerate(PROJECT, "--check")
    assert (0, "generated/ is what openapi.yaml says\n", "") == (run.returncode, run.stdout, run.stderr)


class TestRepeating:
    """The same contract gives the same bytes."""

    @pytest.mark.parametrize(
        "variables",
        [
            {},
            {"cwd": "/", "PYTHONHASHSEED": 1},
            {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": 0, "PYTHONHASHSEED": 4242},
            {"RUFF_CONFIG": "/nonexistent.toml", "RUFF_NO_CACHE": "false"},
        ],
        ids=str,
    )
    def test_from_nothing_comes_what_is_committed(self, copy: Path, variables: dict[str, object]) -> None:
        committed = bytes_below(copy / "generated")
        shutil.rmtree(copy / "generated")
        run = regenerate(copy, **variables)
        assert (0, "") == (run.returncode, run.stderr)
        assert committed == bytes_below(copy / "generated")

    def test_the_projects_own_ruff_settings_are_kept_out(self, copy: Path) -> None:
        (copy / "ruff.toml").write_text("line-length = 60\n", "utf-8")
        (copy / "generated" / "ruff.toml").write_text("line-length = 60\n", "utf-8")
        run = regenerate(copy)
        assert ["removed: generated/ruff.toml"] == run.stdout.splitlines()

    def test_a_second_run_changes_nothing(self, copy: Path) -> None:
        change(copy / "openapi.yaml", "How much is done, in whole percent.", "How far it is, in whole percent.")
        regenerate(copy)
        assert regenerate(copy).stdout == "generated/ is what openapi.yaml says\n"

    def test_nothing_is_left_behind(self, copy: Path, tmp_path: Path) -> None:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        before = bytes_below(copy)
        regenerate(copy, TMPDIR=scratch, TEMP=scratch, TMP=scratch)
        assert {} == bytes_below(scratch)
        assert before == bytes_below(copy)


class TestStaleFiles:
    """--check names each file and what is wrong with it, changes nothing, and says what to do."""

    def check(self, root: Path, *lines: str) -> None:
        before = bytes_below(root)
        run = regenerate(root, "--check")
        assert run.returncode == 1
        *named, advice, _ = run.stdout.splitlines()
        assert list(lines) == named
        assert "nox -s regenerate" in advice
        assert before == bytes_below(root)

    def test_a_hand_edit(self, copy: Path) -> None:
        (copy / VIDEO).write_bytes((copy / VIDEO).read_bytes() + b"\n")
        self.check(copy, f"stale: {VIDEO} (its content differs)")

    def test_stray_and_missing_files(self, copy: Path) -> None:
        for stray in ("notes.txt", "openvideos_raw/models/film.py"):
            (copy / "generated" / stray).write_text("", "utf-8")
        for missing in ("models/video.py", "py.typed"):
            (copy / "generated" / "openvideos_raw" / missing).unlink()
        self.check(
            copy,
            "stale: generated/notes.txt (the generator does not write it)",
            "stale: generated/openvideos_raw/models/film.py (the generator does not write it)",
            f"stale: {VIDEO} (it is missing)",
            "stale: generated/openvideos_raw/py.typed (it is missing)",
        )

    def test_an_edit_of_the_contract(self, copy: Path) -> None:
        change(copy / "openapi.yaml", "How much is done, in whole percent.", "How far it is, in whole percent.")
        self.check(copy, f"stale: {VIDEO} (its content differs)")

    def test_an_edit_of_a_template(self, copy: Path) -> None:
        change(copy / "generator-templates" / "types.py.jinja", "Contains information for file uploads", "A file")
        self.check(copy, "stale: generated/openvideos_raw/types.py (its content differs)")

    def test_but_not_the_caches_of_tools(self, copy: Path) -> None:
        for name in ("__pycache__", ".mypy_cache", ".ruff_cache", "openvideos_raw/models/__pycache__"):
            (copy / "generated" / name).mkdir(parents=True, exist_ok=True)
            (copy / "generated" / name / "video.cpython-311.pyc").write_bytes(b"\x00")
        assert regenerate(copy, "--check").returncode == 0


class TestReplacing:
    def test_it_says_what_it_changed(self, copy: Path) -> None:
        committed = bytes_below(copy / "generated")
        change(copy / VIDEO, "A video generation job", "A film")
        (copy / "generated/openvideos_raw/models/film.py").write_text("", "utf-8")
        (copy / "generated/openvideos_raw/py.typed").unlink()
        run = regenerate(copy)
        assert [
            "removed: generated/openvideos_raw/models/film.py",
            f"changed: {VIDEO}",
            "added: generated/openvideos_raw/py.typed",
        ] == run.stdout.splitlines()
        assert run.returncode == 0
        assert committed == bytes_below(copy / "generated")


class TestWhatCannotBeGenerated:
    """The reason is told, the exit code is 2, and generated/ stays as it is."""

    def refused(self, root: Path, **variables: object) -> str:
        before = bytes_below(root / "generated")
        run = regenerate(root, "--check", **variables)
        assert (2, "") == (run.returncode, run.stdout)
        assert before == bytes_below(root / "generated")
        return run.stderr

    @pytest.mark.parametrize("package", ["openapi-python-client", "ruff"])
    def test_a_version_that_is_not_the_pinned_one(self, copy: Path, package: str) -> None:
        change(copy / "pyproject.toml", f'"{package}==', f'"{package}==99.')
        said = self.refused(copy)
        assert f"{package} 99." in said
        assert "python -m pip install --group regenerate" in said

    def test_a_contract_that_the_generator_warns_of(self, copy: Path) -> None:
        change(copy / "generator-config.yaml", "application/octet-stream", "application/x-film")
        said = self.refused(copy)
        assert "generated/ is as it was" in said
        assert "image/webp" in said

    def test_a_contract_that_is_not_there(self, copy: Path) -> None:
        (copy / "openapi.yaml").unlink()
        assert "openapi.yaml" in self.refused(copy)

    def test_a_contract_that_is_no_yaml(self, copy: Path) -> None:
        (copy / "openapi.yaml").write_text("paths: [", "utf-8")
        assert "openapi.yaml:1: is no YAML" in self.refused(copy)

    def test_a_template_that_is_broken(self, copy: Path) -> None:
        change(copy / "generator-templates" / "types.py.jinja", "@define", "{% if %}")
        assert "generated/ is as it was" in self.refused(copy)
