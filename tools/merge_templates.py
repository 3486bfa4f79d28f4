"""Merge another version of the generator into our templates, three ways: its old template, its new one, and ours.

The old version is the pinned one, of the environment of the Python that runs this; the new one is installed in a
directory by itself. What merges is written, and the pin is moved; where both changed the same lines, the file has the
marks of git, and its name is told.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from regenerate import ROOT, pins

GENERATOR = "openapi-python-client"
PACKAGE = "openapi_python_client"
FORKS = "generator-templates"
CONFLICT = "<<<<<<< "
"""How a conflict begins in a file that git has merged."""


class CannotMergeError(Exception):
    """There is nothing to merge with. The message says why and what to do."""


@dataclass(frozen=True)
class Outcome:
    """What became of one of our templates."""

    name: str
    what: str
    is_done: bool = True


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Return 0, 1 if something is left to resolve, 2 if nothing can be merged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", type=Path, help="where another version of the generator is installed")
    options = parser.parse_args(arguments)
    try:
        old, new = pins()[GENERATOR], version_in(options.directory)
        if old == new:
            print(f"{GENERATOR} {new} is the pinned version: nothing to merge")
            return 0
        outcomes = merge_all(templates_of_environment(old), options.directory / PACKAGE / "templates", (old, new))
    except CannotMergeError as problem:
        print(f"merge_templates: {problem}", file=sys.stderr)
        return 2
    move_pin(old, new)
    for outcome in outcomes:
        print(f"{FORKS}/{outcome.name}: {outcome.what}")
    left = [outcome for outcome in outcomes if not outcome.is_done]
    if left:
        print(f"\n{len(left)} left to resolve; then run `nox -s regenerate`, and read what it changes in generated/")
    else:
        print(f"\nthe pin is {new}: run `nox -s regenerate`, and read what it changes in generated/")
    return int(bool(left))


def version_in(directory: Path) -> str:
    """Return the version of the generator in a directory.

    Raises:
        CannotMergeError: It has none.
    """
    found = importlib.metadata.distributions(name=GENERATOR, path=[str(directory)])
    versions = [distribution.version for distribution in found]
    if not versions:
        raise CannotMergeError(
            f"{directory} has no {GENERATOR}; run `nox -s templates -- VERSION`, or: "
            f"python -m pip install --no-deps --target {directory} {GENERATOR}==VERSION"
        )
    return versions[0]


def templates_of_environment(pinned: str) -> Path:
    """Return the templates of the pinned version, which ours are forks of.

    Raises:
        CannotMergeError: The environment has another version.
    """
    spec = importlib.util.find_spec(PACKAGE)
    found = importlib.metadata.version(GENERATOR) if spec else "none"
    if spec is None or spec.origin is None or found != pinned:
        raise CannotMergeError(
            f"{GENERATOR} {pinned} is pinned, and found: {found}; run `nox -s templates -- VERSION`, which installs it"
        )
    return Path(spec.origin).parent / "templates"


def merge_all(old: Path, new: Path, versions: tuple[str, str]) -> list[Outcome]:
    """Merge each of our templates, and write what comes of it.

    Raises:
        CannotMergeError: A merge before this one is not resolved.
    """
    forks = sorted((ROOT / FORKS).rglob("*.jinja"))
    for fork in forks:
        if has_conflict(fork.read_text("utf-8")):
            raise CannotMergeError(
                f"{fork.relative_to(ROOT)} has a conflict of an earlier merge; resolve it, or: git checkout {FORKS}"
            )
    names = [fork.relative_to(ROOT / FORKS) for fork in forks]
    return [merge_one(name.as_posix(), old / name, new / name, versions) for name in names]


def merge_one(name: str, old: Path, new: Path, versions: tuple[str, str]) -> Outcome:
    """Merge one of our templates, and write it if it changes."""
    fork = ROOT / FORKS / name
    if not new.exists():
        return Outcome(name, f"{versions[1]} has no such template: see what took its place", is_done=False)
    base = old.read_bytes() if old.exists() else b""
    if base == new.read_bytes():
        return Outcome(name, f"{versions[1]} has not changed it")
    text = merged(fork, base, new, versions)
    fork.write_text(text, "utf-8")
    places = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(CONFLICT)]
    if places:
        return Outcome(name, f"conflicts in line {', '.join(map(str, places))}", is_done=False)
    return Outcome(name, "merged")


def merged(ours: Path, base: bytes, theirs: Path, versions: tuple[str, str]) -> str:
    """Return the text of a merge by git, with its marks where both changed the same lines.

    Raises:
        CannotMergeError: git cannot merge.
    """
    with tempfile.TemporaryDirectory() as scratch:
        old = Path(scratch, "old")
        old.write_bytes(base)
        labels = [f"-L{label}" for label in ("ours", *(f"{GENERATOR} {version}" for version in versions))]
        command = ["git", "merge-file", "--stdout", "--diff3", *labels, str(ours), str(old), str(theirs)]
        run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if not 0 <= run.returncode < 128:  # noqa: PLR2004 - git's code is the number of conflicts, or an error's
        raise CannotMergeError(f"git merge-file cannot merge {ours}: {run.stderr.strip()}")
    return run.stdout


def has_conflict(text: str) -> bool:
    """Tell whether a file has a conflict that is not resolved."""
    return any(line.startswith(CONFLICT) for line in text.splitlines())


def move_pin(old: str, new: str) -> None:
    """Pin another version of the generator in pyproject.toml."""
    path = ROOT / "pyproject.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace(f'"{GENERATOR}=={old}"', f'"{GENERATOR}=={new}"'), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
