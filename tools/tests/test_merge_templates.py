"""`tools/merge_templates.py`: another version of the generator, made of the pinned one here, is merged into ours."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import merge_templates
import pytest
import regenerate
from merge_templates import FORKS, GENERATOR, PACKAGE, main, templates_of_environment

from .project import PROJECT, copy_parts

PINNED = regenerate.pins()[GENERATOR]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of our templates and of the pin."""
    copy_parts([FORKS, "pyproject.toml"], tmp_path / "project")
    for module in (merge_templates, regenerate):
        monkeypatch.setattr(module, "ROOT", tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Return a directory with a version of the generator that is as the pinned one so far."""
    directory = tmp_path / "other"
    shutil.copytree(templates_of_environment(PINNED), directory / PACKAGE / "templates")
    information = directory / f"{PACKAGE}-99.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {GENERATOR}\nVersion: 99.0\n", "utf-8")
    return directory


def change(other: Path, name: str, old: str, new: str) -> None:
    """Change one of their templates."""
    path = other / PACKAGE / "templates" / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def pin(root: Path) -> str:
    """Return the version that is pinned."""
    [found] = re.findall(rf'"{GENERATOR}==(.*?)"', (root / "pyproject.toml").read_text("utf-8"))
    return str(found)


def test_what_they_changed_apart_from_us_is_merged(root: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (root / FORKS / "client.py.jinja").read_text("utf-8")
    change(
        other, "client.py.jinja", "verify=self._verify_ssl,", "verify=self._verify_ssl,\n                http2=True,"
    )
    assert 0 == main([str(other)])
    after = (root / FORKS / "client.py.jinja").read_text("utf-8")
    assert 2 == after.count("http2=True")
    assert before == after.replace("\n                http2=True,", "")
    said = capsys.readouterr().out
    assert f"{FORKS}/client.py.jinja: merged" in said
    assert f"{FORKS}/errors.py.jinja: 99.0 has not changed it" in said
    assert "99.0" == pin(root)


def test_what_both_changed_is_named_and_marked(root: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(other, "errors.py.jinja", "class UnexpectedStatus(Exception)", "class UnexpectedStatus(RuntimeError)")
    change(other, "errors.py.jinja", "content.decode(errors='ignore')", "content.decode()")
    assert 1 == main([str(other)])
    [place] = re.findall(rf"{FORKS}/errors\.py\.jinja: conflicts in line (\d+)", capsys.readouterr().out)
    lines = (root / FORKS / "errors.py.jinja").read_text("utf-8").splitlines()
    assert "<<<<<<< ours" == lines[int(place) - 1]
    assert f"||||||| {GENERATOR} {PINNED}" in lines
    assert f">>>>>>> {GENERATOR} 99.0" in lines
    assert "class UnexpectedStatus(RuntimeError):" in lines
    assert "99.0" == pin(root)


def test_a_conflict_is_resolved_before_the_next_merge(
    root: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fork = root / FORKS / "types.py.jinja"
    fork.write_text("<<<<<<< ours\n", "utf-8")
    assert 2 == main([str(other)])
    assert f"{FORKS}/types.py.jinja has a conflict" in capsys.readouterr().err
    assert PINNED == pin(root)


def test_a_template_that_is_gone_is_named(root: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (other / PACKAGE / "templates" / "literal_enum.py.jinja").unlink()
    before = (root / FORKS / "literal_enum.py.jinja").read_bytes()
    assert 1 == main([str(other)])
    assert f"{FORKS}/literal_enum.py.jinja: 99.0 has no such template" in capsys.readouterr().out
    assert before == (root / FORKS / "literal_enum.py.jinja").read_bytes()


def test_a_template_that_the_pinned_version_lacks_is_merged_with_ours(
    root: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / FORKS / "film.py.jinja").write_text("ours\n", "utf-8")
    (other / PACKAGE / "templates" / "film.py.jinja").write_text("theirs\n", "utf-8")
    assert 1 == main([str(other)])
    assert f"{FORKS}/film.py.jinja: conflicts in line 1" in capsys.readouterr().out
    assert {"ours", "theirs"} <= set((root / FORKS / "film.py.jinja").read_text("utf-8").splitlines())


def test_the_pinned_version_is_merged_already(root: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = other / f"{PACKAGE}-99.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text("utf-8").replace("99.0", PINNED), "utf-8")
    assert 0 == main([str(other)])
    assert "nothing to merge" in capsys.readouterr().out


def test_a_directory_without_a_generator_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main([str(tmp_path)])
    assert "nox -s templates -- VERSION" in capsys.readouterr().err


def test_so_is_an_environment_without_the_pinned_one(
    root: Path, other: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_templates, "pins", lambda: {GENERATOR: "1.0"})
    assert 2 == main([str(other)])
    assert f"{GENERATOR} 1.0 is pinned, and found: {PINNED}" in capsys.readouterr().err


def test_so_is_what_git_cannot_merge(
    root: Path, other: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = SimpleNamespace(returncode=255, stdout="", stderr="Cannot merge binary files\n")
    monkeypatch.setattr(merge_templates, "subprocess", SimpleNamespace(run=lambda *_, **__: failed))
    change(other, "types.py.jinja", "Unset", "NotSet")
    assert 2 == main([str(other)])
    assert "Cannot merge binary files" in capsys.readouterr().err


def test_the_table_has_each_fork() -> None:
    page = (PROJECT / FORKS / "README.md").read_text("utf-8")
    forks = {path.relative_to(PROJECT / FORKS).as_posix() for path in (PROJECT / FORKS).rglob("*.jinja")}
    assert forks == set(re.findall(r"^\| `(.*?)` \|", page, re.MULTILINE))
    theirs = templates_of_environment(PINNED)
    assert [] == [fork for fork in sorted(forks) if not (theirs / fork).exists()]
