"""A version is prepared where it stands, and what is missing for its release is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import release
from contract_diff.overlay_files import VERSION
from hypothesis import given
from hypothesis import strategies as st

from .project import PROJECT, copy_parts, git

PARTS = [
    *("CHANGELOG.md", "README.md", "contract", "openapi.yaml", "pyproject.toml", ".github/workflows/ci.yml"),
    *("overlay/openvideos/_version.py", "docs/emulator.md"),
]
NOW = datetime(2026, 12, 24, 18, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a copy of what a release reads, of the version 0.1.0, with a change that is unreleased."""
    copy_parts(PARTS, tmp_path)
    for path in release.NAMED:
        change(tmp_path, path, release.version_in(tmp_path, path), "0.1.0")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n", "utf-8")
    sums = tmp_path / release.SUMS
    sums.write_text("".join(line for line in sums.read_text("utf-8").splitlines(keepends=True) if "1.0.0" in line))
    for page in ("README.md", "docs/emulator.md"):
        text = re.sub(r"There\s+is\s+no\s+release\s+yet", "", (tmp_path / page).read_text("utf-8"))
        (tmp_path / page).write_text(text, "utf-8")
    git(tmp_path, "init", "-q")
    return tmp_path


def change(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text("utf-8")
    assert old in text, path
    (root / path).write_text(text.replace(old, new), "utf-8")


def commit(root: Path, tag: str | None = None) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "It")
    if tag:
        git(root, "tag", "-a", tag, "-m", tag)


def run(root: Path, *arguments: str) -> int:
    return release.main([*arguments], root, lambda: NOW, lambda _: 0)


def test_no_message_sends_to_a_registry_before_there_is_a_release() -> None:
    """The name may be anybody's there. What a message says is true of a clone, and stays so after a release."""
    sources = [each for root in ("overlay", "conformance") for each in (PROJECT / root).rglob("openvideos*/**/*.py")]
    assert len(sources) > 100
    assert [] == [str(path) for path in sources if re.search(r"install '?openvideos", path.read_text("utf-8"))]


def test_a_version_is_prepared_and_then_nothing_is_missing(root: Path) -> None:
    assert 0 == run(root, "0.2.0")
    assert {"0.2.0"} == {release.version_in(root, path) for path in release.NAMED}
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-12-24\n\n### Added" in (root / "CHANGELOG.md").read_text("utf-8")
    assert "contract/2026-12-01/openapi.yaml" in (root / release.SUMS).read_text("utf-8")
    assert 0 == run(root, "--check")


def test_what_the_list_of_the_contract_lacks_is_missing(root: Path) -> None:
    run(root, "0.2.0")
    asked: list[list[str]] = []

    def lacking(words: list[str]) -> int:
        asked.append(words)
        return 1

    assert 1 == release.main(["--check"], root, checklist=lacking)
    assert [["--release"]] == asked


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda root: change(root, VERSION, '"0.2.0"', '"0.2"'), "names '0.2', which is no version"),
        (lambda root: change(root, "docs/emulator.md", '"version": "0.2.0"', '"version": "0.1.0"'), "names 0.1.0"),
        (lambda root: change(root, "contract/1.0.0/openapi.yaml", "openapi: 3.1", "openapi: 3.2"), "never changes"),
        (
            lambda root: change(root, "README.md", "# openvideos\n", "There is\nno release yet\n"),
            "says that there is no",
        ),
        (lambda root: change(root, "pyproject.toml", ":: 3.13", ":: 3.14"), "Python 3.14 is claimed and not tested"),
        (lambda root: change(root, "pyproject.toml", ":: 3.13", ":: 3.14"), "Python 3.13 is tested and not claimed"),
    ],
)
def test_what_is_missing_is_named(root: Path, spoil: Callable[[Path], object], line: str) -> None:
    run(root, "0.2.0")
    assert [] == list(release.missing(root))
    spoil(root)
    assert any(line in each for each in release.missing(root)), list(release.missing(root))


@pytest.mark.parametrize(
    ("version", "message"),
    [("0.2", "'0.2' is no version"), ("0.1.0", "0.1.0 is not higher than the last release, v0.1.0")],
)
def test_a_version_that_cannot_be_is_refused(
    root: Path, version: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(root, "v0.1.0")
    commit(root)
    assert 2 == run(root, version)
    assert message in capsys.readouterr().err
    assert "" == git(root, "status", "--porcelain")


def test_a_changelog_that_tells_nothing_new_is_refused() -> None:
    with pytest.raises(release.ReleaseError, match="nothing under"):
        release.released("## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- A.\n", "0.2.0", NOW.date())
    with pytest.raises(release.ReleaseError, match=r"has 0\.2\.0 already"):
        release.released("## [Unreleased]\n\n- A.\n\n## [0.2.0] - 2026-01-01\n\n- B.\n", "0.2.0", NOW.date())


def test_so_is_one_that_is_lower_than_the_present(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(root, VERSION, '"0.1.0"', '"0.2.0"')
    assert 2 == run(root, "0.1.1")
    assert "0.1.1 is lower than 0.2.0" in capsys.readouterr().err
    assert 0 == run(root, "0.2.0")


@pytest.mark.parametrize("arguments", [[], ["0.2.0", "--check"]])
def test_it_wants_a_version_or_the_check(arguments: list[str], root: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(root, *arguments)


LINES = st.lists(st.from_regex(r"- [a-zA-Z]{1,20}", fullmatch=True), min_size=1, max_size=5)


@given(LINES, LINES, st.dates())
def test_no_line_of_the_changelog_is_lost(new: list[str], old: list[str], today: date) -> None:
    before = "\n".join(["# Changelog", "", "## [Unreleased]", "", *new, "", "## [0.1.0] - 2020-01-01", "", *old, ""])
    after = release.released(before, "0.2.0", today)
    found = release.sections(after)
    assert ["[Unreleased]", f"[0.2.0] - {today.isoformat()}", "[0.1.0] - 2020-01-01"] == list(found)
    assert ("", new, old) == (
        found["[Unreleased]"],
        found[f"[0.2.0] - {today.isoformat()}"].splitlines(),
        found["[0.1.0] - 2020-01-01"].splitlines(),
    )


def test_the_project_lacks_nothing_but_a_first_release() -> None:
    assert [] == [line for line in release.missing(PROJECT) if "says that there is no release" not in line]
