"""Compare the project with its last release: the contract, the version rule and the Python surface."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from spec_model import Change, Class

PACKAGES = {"openvideos": "overlay", "openvideos_raw": "generated", "openvideos_emulator": "conformance"}
HEADING = "### API changes"


@dataclass(frozen=True)
class Baseline:
    """What the contract is compared with: its name, and the git reference of the release if it is one."""

    spec: str
    release: str | None


def baseline(root: Path, against: str | None) -> Baseline | None:
    """Return what to compare with: what was asked for, the last release, or HEAD; None outside of git."""
    if against:
        is_reference = not Path(against).exists() and ":" not in against
        return Baseline(f"{against}:openapi.yaml" if is_reference else against, against if is_reference else None)
    tag = git(root, "describe", "--tags", "--match", "v*", "--abbrev=0")
    if tag:
        return Baseline(f"{tag}:openapi.yaml", tag)
    top = git(root, "rev-parse", "--show-toplevel")
    known = top and Path(top).resolve() == root.resolve() and git(root, "rev-parse", "--verify", "HEAD:openapi.yaml")
    return Baseline("HEAD:openapi.yaml", None) if known else None


def git(root: Path, *arguments: str) -> str:
    """Return what git says, without the end of the line; nothing if it fails or is not there."""
    try:
        run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", check=False)  # noqa: S607
    except FileNotFoundError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def version(text: str) -> tuple[int, ...]:
    """Return the version that a pyproject.toml names."""
    named: str = tomllib.loads(text)["project"]["version"]
    return tuple(int(part) for part in named.split(".")[:3])


def is_bumped(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Tell whether a version may break what an older one promised: another major, below 1.0 another minor."""
    return new[:2] > old[:2] if old[0] == 0 else new[0] > old[0]


def version_problems(root: Path, release: str, changes: list[Change]) -> list[str]:
    """Return what breaks callers, readers or importers although the version does not say so."""
    old = version(git(root, "show", f"{release}:pyproject.toml"))
    if is_bumped(old, version((root / "pyproject.toml").read_text("utf-8"))):
        return []
    found = [f"breaking: {change.what} ({change.where})" for change in changes if change.worst is Class.BREAKING]
    for package, directory in PACKAGES.items():
        command = [sys.executable, "-m", "griffe", "check", package, "--search", directory, "--against", release]
        run = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=False)
        if run.returncode:
            found += [f"breaking in {package}: {line}" for line in (run.stdout + run.stderr).splitlines() if line]
    return found


def with_entry(changelog: str, changes: list[Change], *, since_release: bool) -> str:
    """Return the changelog with the changes of the contract under its newest heading; twice is as once.

    Compared with a release, the entry is the whole difference; compared with HEAD, it grows.
    """
    lines = [f"- {told(change)}" for change in changes if change.worst is not Class.EDITORIAL]
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


def told(change: Change) -> str:
    """Return a change as a sentence for users."""
    sides = [f"{kind} for {side}" for side, kind in (("callers", change.callers), ("readers", change.readers)) if kind]
    where = ", ".join(f"`{name}`" for name in change.operations) or change.where
    return f"{where}: {change.what} at `{change.where}` ({', '.join(sides)})."
