"""Say what of a release is done: CONTRIBUTING.md has the same list, word for word."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .model import Change
from .overlay_files import VERSION
from .release import git, last_tag, version, version_problems

MADE = "The contract's revision is kept in `contract/`, `generated/` is made of it, and `CHANGELOG.md` has the changes."
DECIDED = "Nothing is left to decide."
RAISED = "The version is later than that of the last release, and allows for the changes."
DATED = "`CHANGELOG.md` has a heading for the version, with a date, and nothing above it."
SUMMED = "`contract/SHA256SUMS` keeps the revision as it is."
COMMITTED = "All of it is committed."
TAGGED = "The commit has the tag of the version."
ITEMS = (MADE, DECIDED, RAISED, DATED, SUMMED, COMMITTED, TAGGED)


@dataclass(frozen=True)
class Item:
    """A line of the list; without a remedy it is done."""

    what: str
    remedies: Sequence[str] = ()

    def __str__(self) -> str:
        """Read as it stands in CONTRIBUTING.md, with what to do below it."""
        return "\n".join(
            [f"- [{' ' if self.remedies else 'x'}] {self.what}", *(f"      {each}" for each in self.remedies)]
        )


def last_release(root: Path) -> str | None:
    """Return the tag of the last release, before the present commit's own if that is one; None if there is none."""
    own = version_of(root)
    excluded = [] if tagged(root, own) else ["--exclude", f"v{own}"]
    return last_tag(root, *excluded) or None


def version_of(root: Path) -> str:
    """Return the present version."""
    return ".".join(map(str, version((root / VERSION).read_text("utf-8"))))


def checklist(
    root: Path, revision: str, release: str | None, changes: list[Change], *, is_made: bool, left: int
) -> list[Item]:
    """Return the list for the release of a project's present version; `release` is the tag of the one before."""
    own = version_of(root)
    return [
        Item(MADE, [] if is_made else ["nox -s regenerate"]),
        Item(DECIDED, [f"{left} left: nox -s regenerate names them"] if left else []),
        Item(RAISED, raised(root, own, release, changes)),
        Item(DATED, dated(root, own)),
        Item(SUMMED, summed(root, revision)),
        Item(COMMITTED, committed(root)),
        Item(TAGGED, tagged(root, own)),
    ]


def raised(root: Path, own: str, release: str | None, changes: list[Change]) -> list[str]:
    """Return what is wrong with the version."""
    if release is None:
        return unknown(root)
    if version((root / VERSION).read_text("utf-8")) <= version(git(root, "show", f"{release}:{VERSION}")):
        return [f"{VERSION} has {own}, and {release} is released: raise it"]
    problems = version_problems(root, release, changes)
    return [*problems, f"raise the version in {VERSION}: these break users of {release}"] if problems else []


def dated(root: Path, own: str) -> list[str]:
    """Return what is wrong with the changelog."""
    text = (root / "CHANGELOG.md").read_text("utf-8")
    found = re.search(rf"^## \[Unreleased\]\s+## \[{re.escape(own)}\] - \d{{4}}-\d\d-\d\d$", text, re.MULTILINE)
    return [] if found else [f"write `## [{own}] - DATE` below `## [Unreleased]`, above what is new"]


def summed(root: Path, revision: str) -> list[str]:
    """Return what is wrong with the sums."""
    path = f"contract/{revision}/openapi.yaml"
    digest = hashlib.sha256((root / "openapi.yaml").read_bytes()).hexdigest()
    lines = (root / "contract/SHA256SUMS").read_text("utf-8").splitlines()
    return [] if f"{digest}  {path}" in lines else ["sha256sum contract/*/openapi.yaml > contract/SHA256SUMS"]


def committed(root: Path) -> list[str]:
    """Return what is wrong with what is committed."""
    return unknown(root) or (["git add and git commit"] if git(root, "status", "--porcelain") else [])


def unknown(root: Path) -> list[str]:
    """Return why nothing can be said by git, which says nothing of what it does not know."""
    is_known = bool(git(root, "rev-parse", "--verify", "HEAD"))
    return [] if is_known else [f"git knows no commit of {root.name}: run this in a clone"]


def tagged(root: Path, own: str) -> list[str]:
    """Return what is wrong with the tag."""
    tags = git(root, "tag", "--points-at", "HEAD").splitlines()
    return [] if f"v{own}" in tags else [f'git tag -a v{own} -m "Release {own}"']
