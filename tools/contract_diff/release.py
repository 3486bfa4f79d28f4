"""Compare the project with its last release: the contract, the version rule and the Python surface."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .model import Change, Class
from .overlay_files import VERSION
from .surface import broken_surface

HEADING = "### API changes"


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
        return Baseline(f"{reference}:{path or 'openapi.yaml'}", reference, is_release=is_known and not path)
    tag = git(root, "describe", "--tags", "--match", "v*", "--abbrev=0") if is_known else ""
    if tag:
        return Baseline(f"{tag}:openapi.yaml", tag, is_release=True)
    if is_known and git(root, "rev-parse", "--verify", "HEAD:openapi.yaml"):
        return Baseline("HEAD:openapi.yaml", "HEAD", is_release=False)
    return None


def touched_since(root: Path, reference: str) -> dict[str, str]:
    """Return what has happened below generated/ since a git reference, by path: added, removed or changed."""
    words = {"A": "added", "D": "removed"}
    output = git(root, "diff", "--name-status", "--no-renames", "--relative=generated", reference, "--", "generated")
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


def version(source: str) -> tuple[int, ...]:
    """Return the version in the source of the module that holds it."""
    _, _, rest = source.partition('__version__ = "')
    return tuple(int(part) for part in rest.partition('"')[0].split(".")[:3])


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


def with_entry(changelog: str, changes: list[Change], *, since_release: bool) -> str:
    """Return the changelog with the changes of the contract under its newest heading; a second call changes nothing.

    Compared with a release, the entry is the whole difference; compared with HEAD, it grows.
    """
    lines = [f"- {change_sentence(change)}" for change in changes if change.worst is not Class.EDITORIAL]
    head, mark, rest = changelog.partition("## [Unreleased]\n")
    section, following, tail = rest.partition("\n## [")
    before, heading, old = section.partition(f"{HEADING}\n\n")
    entry, _, after = old.partition("\n### ") if heading else ("", "", "")
    after = f"### {after}" if after else ""
    if not since_release:
        lines = list(dict.fromkeys([*(line for line in entry.splitlines() if line), *lines]))
    if not mark or (not lines and not heading):
        return changelog
    kept = before.rstrip("\n") + ("\n\n" + after.rstrip("\n") if after else "")
    written = f"\n\n{HEADING}\n\n" + "\n".join(lines) if lines else ""
    return f"{head}{mark}{kept}{written}\n{following}{tail}"


def change_sentence(change: Change) -> str:
    """Return a change as a sentence for users."""
    sides = [f"{kind} for {side}" for side, kind in (("callers", change.callers), ("readers", change.readers)) if kind]
    where = ", ".join(f"`{name}`" for name in change.operations) or change.where
    return f"{where}: {change.what} at `{change.where}` ({', '.join(sides)})."
