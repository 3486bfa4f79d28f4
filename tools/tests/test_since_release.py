"""What is a release, what the changelog has of the changes since then, and what is not known without git."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import regenerate
from contract_diff.checklist import COMMITTED, RAISED, checklist
from contract_diff.model import Change, Class
from contract_diff.overlay_files import VERSION
from contract_diff.release import baseline, change_sentence, entry_of, heading_of, last_tag, version, with_entry
from hypothesis import given
from hypothesis import strategies as st

from .project import git, release

ENTRY = "### API changes"


def added(name: str) -> Change:
    """Return a change that adds a property."""
    where = f"/components/schemas/Video/properties/{name}"
    return Change(where, (), f"the optional property `{name}` is added", None, Class.ADDITIVE)


def lines(*changes: Change) -> str:
    """Return the lines of an entry."""
    return "\n".join(f"- {change_sentence(each)}" for each in changes)


NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True)
SECTIONS = st.sampled_from(
    ["", "\n### Added\n\n- A thing.\n", "\n### Added\n\n- A thing.\n\n### Fixed\n\n- Another.\n"]
)
RELEASED = "\n## [0.1.0] - 2026-01-01\n\n- The first.\n"


class TestTheEntry:
    @given(SECTIONS, st.lists(NAMES, min_size=1), st.sampled_from(["", RELEASED]))
    def test_is_the_whole_difference_from_a_release(self, section: str, runs: list[list[str]], older: str) -> None:
        """It does not matter what was written before, and nothing else changes."""
        before = f"# Changelog\n\n## [Unreleased]\n{section}{older}"
        after = before
        for names in runs:
            after = with_entry(after, [added(name) for name in names])
        expected = [added(name) for name in runs[-1]]
        assert lines(*expected) == entry_of(after).strip()
        assert after == with_entry(before, expected)
        assert before == with_entry(after, [])
        assert "\n\n\n" not in after

    @given(NAMES, st.lists(NAMES, min_size=1))
    def test_grows_with_each_commit_where_there_is_no_release(self, old: list[str], runs: list[list[str]]) -> None:
        """What a run wrote, and the next one took back, is gone."""
        committed = after = with_entry("## [Unreleased]\n", [added(name) for name in old])
        for names in runs:
            after = with_entry(after, [added(name) for name in names], grows_from=entry_of(committed))
        expected = [added(name) for name in dict.fromkeys([*old, *runs[-1]])]
        assert lines(*expected) == entry_of(after).strip()

    def test_is_below_the_version_that_is_being_released(self) -> None:
        prepared = f"## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n{ENTRY}\n\n{lines(added('a'))}\n{RELEASED}"
        assert "[0.2.0]" == heading_of(prepared, "0.2.0", "v0.1.0")
        assert prepared == with_entry(prepared, [added("a")], heading="[0.2.0]")
        assert "[Unreleased]" == heading_of(prepared, "0.2.0", "v0.2.0"), "it is released"
        assert "[Unreleased]" == heading_of(prepared, "0.3.0", "v0.2.0"), "nobody has prepared it"

    def test_is_not_repeated_before_the_first_release(self) -> None:
        prepared = f"## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n{ENTRY}\n\n{lines(added('a'))}\n"
        assert prepared == with_entry(prepared, [added("a")], grows_from="")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository of the version 0.1.0, which is released, with a commit since."""
    for name, text in (
        (VERSION, '__version__ = "0.1.0"\n'),
        ("openapi.yaml", "x"),
        ("CHANGELOG.md", f"## [Unreleased]\n\n{ENTRY}\n\n{lines(added('a'))}\n"),
        ("contract/SHA256SUMS", ""),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    release(tmp_path)
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Next")
    return tmp_path


@pytest.mark.parametrize("tag", ["vendor-import", "v1", "v0.2.0rc1", "v0.2.0-dev", "v1.2.3.4", "v1v.2.3"])
def test_a_tag_that_is_no_version_is_no_release(tag: str, repository: Path) -> None:
    git(repository, "tag", tag)
    assert "v0.1.0" == last_tag(repository)
    found = baseline(repository, tag)
    assert found is not None
    assert not found.is_release


@pytest.mark.parametrize("against", ["HEAD", "main", "v0.1.0:openapi.yaml"])
def test_neither_is_another_reference(against: str, repository: Path) -> None:
    found = baseline(repository, against)
    assert found is not None
    assert not found.is_release


def test_a_tag_of_a_version_is_one(repository: Path) -> None:
    for found in (baseline(repository, None), baseline(repository, "v0.1.0")):
        assert found is not None
        assert ("v0.1.0", True) == (found.reference, found.is_release)


@pytest.mark.parametrize(
    ("said", "expected"), [("0.2.0", (0, 2, 0)), ("1.12.3rc1", (1, 12, 3)), ("", (0, 0, 0)), ("1.x", (0, 0, 0))]
)
def test_a_version_is_read_as_far_as_it_is_one(said: str, expected: Sequence[int]) -> None:
    assert expected == version(f'"""It."""\n__version__ = "{said}"\n' if said else "")


def test_without_git_nothing_is_said_to_be_done(repository: Path) -> None:
    shutil.rmtree(repository / ".git")
    undone = {item.what for item in checklist(repository, "1", None, [], is_made=True, left=0) if item.remedies}
    assert {RAISED, COMMITTED} <= undone


def test_a_stale_entry_is_told_and_not_changed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(regenerate, "ROOT", repository)
    since = baseline(repository, None)
    assert since is not None
    before = (repository / "CHANGELOG.md").read_text("utf-8")
    assert regenerate.renew_changelog([added("a")], since, check=True)
    assert not regenerate.renew_changelog([added("b")], since, check=True)
    assert "stale: CHANGELOG.md" in capsys.readouterr().out
    assert before == (repository / "CHANGELOG.md").read_text("utf-8")
    assert not regenerate.renew_changelog([added("b")], since, check=False)
    assert regenerate.renew_changelog([added("b")], since, check=True)
