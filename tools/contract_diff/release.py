"""Compare the project with its last release: the contract, the version rule and the Python surface."""

from __future__ import annotations

import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .model import Change, Class
from .overlay_files import VERSION
from .surface import broken_surface

HEADING = "### API changes"
UNRELEASED = "[Unreleased]"
RELEASE: Final = re.compile(r"v\d+\.\d+\.\d+")
RELEASES: Final = (
    *("--tags", "--match", "v[0-9]*.[0-9]*.[0-9]*"),
    *("--exclude", "*[!v0-9.]*", "--exclude", "*v*v*", "--exclude", "*.*.*.*"),
)
"""What `git describe` needs to find tags vX.Y.Z, which are the releases, and no others."""


@dataclass(frozen=True)
class Baseline:
    """The contract to compare with: its name, its git reference, and whether that is a release."""

    spec: str
    reference: str | None
    is_release: bool


def baseline(root: Path, against: str | None) -> Baseline | None:
    """Return the baseline: the requested one, the last release, or HEAD; None outside of git."""
    top = git(root, "rev-parse", "--show-toplevel")
    is_known = bool(top) and Path(top).resolve() == root.resolve()  # another repository's releases are not ours
    if against:
        if Path(against).exists():
            return Baseline(against, None, is_release=False)
        reference, _, path = against.partition(":")
        is_release = is_known and not path and RELEASE.fullmatch(reference) is not None
        return Baseline(f"{reference}:{path or 'openapi.yaml'}", reference, is_release=is_release)
    if is_known and (tag := last_tag(root)):
        return Baseline(f"{tag}:openapi.yaml", tag, is_release=True)
    if is_known and git(root, "rev-parse", "--verify", "HEAD:openapi.yaml"):
        return Baseline("HEAD:openapi.yaml", "HEAD", is_release=False)
    return None


def last_tag(root: Path, *options: str) -> str:
    """Return the tag of the last release, as further options of `git describe` let it be; an empty text for none."""
    return git(root, "describe", *RELEASES, *options, "--abbrev=0")


def touched_since(root: Path, reference: str) -> dict[str, str]:
    """Return what has happened below generated/ since a git reference, by path: added, removed or changed."""
    words = {"A": "added", "D": "removed"}
    output = git(
        root,
        "diff",
        "--name-status",
        "--no-renames",
        "--relative=generated",
        "--end-of-options",
        reference,
        "--",
        "generated",
    )
    pairs = [line.split("\t", 1) for line in output.splitlines()]
    new = git(root, "ls-files", "--others", "--exclude-standard", "--", "generated").splitlines()
    found = {path: words.get(letter, "changed") for letter, path in pairs}
    return found | {path.removeprefix("generated/"): "added" for path in new}


def git(root: Path, *arguments: str) -> str:
    """Return git's output without the last line break; an empty text if git fails or is not installed."""
    try:
        run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", check=False)  # noqa: S607
    except FileNotFoundError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def version(source: str) -> tuple[int, int, int]:
    """Return the version in the source of the module that holds it; 0.0.0 if it names none."""
    found = re.search(r'__version__ = "(\d+)\.(\d+)\.(\d+)', source)
    return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)


def is_bumped(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Return whether a version may break users of an older one: another major version, below 1.0 another minor one."""
    return new[:2] > old[:2] if old[0] == 0 else new[0] > old[0]


def version_problems(root: Path, release: str, changes: list[Change]) -> list[str]:
    """Return what breaks callers, readers or importers although the version does not say so."""
    old = version(git(root, "show", f"{release}:{VERSION}"))
    if is_bumped(old, version((root / VERSION).read_text("utf-8"))):
        return []
    found = [f"breaking: {change.what} ({change.where})" for change in changes if change.worst is Class.BREAKING]
    for package in packages(root):
        found += [f"breaking in {package.name}: {line}" for line in broken_surface(root, package, release)]
    return found


def packages(root: Path) -> list[Path]:
    """Return the directories of the packages that the project's wheel holds, relative to its root."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return [Path(package) for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]


def with_entry(
    changelog: str, changes: list[Change], *, grows_from: str | None = None, heading: str = UNRELEASED
) -> str:
    """Return the changelog with the changes of the contract below a heading; a second call changes nothing.

    Compared with a release, the entry is the whole difference. Where there is none, it grows from that of the changelog
    as it was committed: what was written since, and no longer holds, is gone.
    """
    lines = [f"- {change_sentence(change)}" for change in changes if change.worst is not Class.EDITORIAL]
    start = re.search(rf"^## {re.escape(heading)}.*\n", changelog, re.MULTILINE)
    if start is None:
        return changelog
    head, (section, following, tail) = changelog[: start.end()], changelog[start.end() :].partition("\n## [")
    before, entry, after = parted(section)
    if grows_from is not None:
        told = {line for line in [*before.splitlines(), *after.splitlines(), *tail.splitlines()] if line}
        lines = [line for line in dict.fromkeys([*grows_from.splitlines(), *lines]) if line and line not in told]
    if not lines and not entry:
        return changelog
    parts = [before.strip("\n"), f"{HEADING}\n\n" + "\n".join(lines) if lines else "", after.strip("\n")]
    return head + "".join(f"\n{part}\n" for part in parts if part) + following + tail


def parted(section: str) -> tuple[str, str, str]:
    """Return the lines of the entry in a section of the changelog, and what stands before and after it."""
    before, _, rest = section.partition(f"{HEADING}\n\n")
    entry, mark, after = rest.partition("\n### ")
    return before, entry, mark[1:] + after


def entry_of(changelog: str) -> str:
    """Return the lines of the entry of what is unreleased."""
    return parted(changelog.partition(f"## {UNRELEASED}\n")[2].partition("\n## [")[0])[1]


def heading_of(changelog: str, own: str, release: str) -> str:
    """Return the heading of what is new since a release: that of the present version, if it is being released."""
    return f"[{own}]" if release != f"v{own}" and f"\n## [{own}]" in changelog else UNRELEASED


def change_sentence(change: Change) -> str:
    """Return a change as a sentence for users."""
    sides = [f"{kind} for {side}" for side, kind in (("callers", change.callers), ("readers", change.readers)) if kind]
    where = ", ".join(f"`{name}`" for name in change.operations) or change.where
    return f"{where}: {change.what} at `{change.where}` ({', '.join(sides)})."
