"""Prepare a release, and tell what is missing for it. `nox -s release` runs this.

`release.py 0.2.0` writes the version where it stands, moves what CHANGELOG.md has under "Unreleased" to the version and
its date, and adds the sum of the contract's revision, which from then on never changes. `release.py --check` changes
nothing: it tells the list of `regenerate.py --release`, and then what else is missing, one line each.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import regenerate
from contract_diff.overlay_files import VERSION
from contract_diff.release import last_tag

ROOT: Final = Path(__file__).resolve().parents[1]
NO_RELEASE: Final = "There is no release yet"
"""What each page that tells how to install says until the first release."""
SUMS: Final = "contract/SHA256SUMS"
NAMED: Final = {VERSION: r'__version__ = "([^"]*)"', "docs/emulator.md": r'"status": "ok", "version": "([^"]*)"'}
"""The files that name the version, each with the place of it."""
SHAPE: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class ReleaseError(Exception):
    """A version that cannot be prepared; the message says why."""


def version_in(root: Path, path: str = VERSION) -> str:
    """Return the version that a file names; an empty text if it names none."""
    found = re.search(NAMED[path], (root / path).read_text("utf-8"))
    return found[1] if found else ""


def number(version: str) -> tuple[int, ...]:
    """Return a version to be compared: X.Y.Z, or vX.Y.Z as tags have it."""
    return tuple(map(int, version.removeprefix("v").split(".")))


def sections(changelog: str) -> dict[str, str]:
    """Return the text below each heading of a version, by the heading's words."""
    parts = re.split(r"^## (.+)$", changelog, flags=re.MULTILINE)
    return {heading.strip(): text.strip() for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def released(changelog: str, version: str, today: date) -> str:
    """Return the changelog with what is unreleased under the version.

    Raises:
        ReleaseError: Nothing is unreleased, or the version is there already.
    """
    found = sections(changelog)
    if not found.get("[Unreleased]"):
        raise ReleaseError("CHANGELOG.md has nothing under [Unreleased]; a release tells its users what is new.")
    if any(heading.startswith(f"[{version}]") for heading in found):
        raise ReleaseError(
            f"CHANGELOG.md has {version} already; move what is unreleased there by hand, or take another."
        )
    return changelog.replace("## [Unreleased]\n", f"## [Unreleased]\n\n## [{version}] - {today.isoformat()}\n", 1)


def prepare(root: Path, version: str, today: date) -> None:
    """Write what a release has to have.

    Raises:
        ReleaseError: The version is none, is not higher than the last one, is lower than the present one, or the
            changelog is not ready.
    """
    last, own = last_tag(root), version_in(root)
    if not SHAPE.fullmatch(version):
        raise ReleaseError(f"{version!r} is no version; write X.Y.Z, such as 0.2.0.")
    if last and number(version) <= number(last):
        raise ReleaseError(f"{version} is not higher than the last release, {last}.")
    if SHAPE.fullmatch(own) and number(version) < number(own):
        raise ReleaseError(f"{version} is lower than {own}, which {VERSION} names; take that, or a higher one.")
    changelog = root / "CHANGELOG.md"
    changelog.write_text(released(changelog.read_text("utf-8"), version, today), "utf-8")
    for path, pattern in NAMED.items():
        text = (root / path).read_text("utf-8")
        (root / path).write_text(re.sub(pattern, lambda found: found[0].replace(found[1], version), text), "utf-8")
    (root / SUMS).write_text(sums(root), "utf-8")


def sums(root: Path) -> str:
    """Return the sums of all revisions of the contract, as sha256sum writes them."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}\n"
        for path in sorted(root.glob("contract/*/openapi.yaml"))
    )


def missing(root: Path) -> Iterator[str]:
    """Yield what is missing for a release of the project's version, beside what regenerate.py asks."""
    version = version_in(root)
    if not SHAPE.fullmatch(version):
        yield f"{VERSION} names {version!r}, which is no version X.Y.Z"
    for path in NAMED:
        if version_in(root, path) != version:
            yield f"{path} names {version_in(root, path) or 'no version'}, and not {version}"
    known = set((root / SUMS).read_text("utf-8").splitlines())
    for line in sorted(known - set(sums(root).splitlines())):
        yield f"{line.split()[-1]} is not what {SUMS} says: a released revision never changes"
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        if NO_RELEASE in " ".join(page.read_text("utf-8").split()):
            yield (
                f"{page.relative_to(root).as_posix()} says that there is no release: from {version} on, "
                "it is python -m pip install 'openvideos[EXTRA]'"
            )
    for python in sorted(claimed(root) ^ tested(root)):
        yield f"Python {python} is {'claimed and not tested' if python in claimed(root) else 'tested and not claimed'}"


def claimed(root: Path) -> set[str]:
    """Return the Pythons that pyproject.toml claims."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return set(re.findall(r"Programming Language :: Python :: (3\.\d+)", "\n".join(project["classifiers"])))


def tested(root: Path) -> set[str]:
    """Return the Pythons on which CI runs the quick tests."""
    text = (root / ".github/workflows/ci.yml").read_text("utf-8")
    return set(re.findall(r'"(3\.\d+)"', text.partition("\n  workflows:\n")[0]))


def main(
    arguments: list[str] | None = None,
    root: Path = ROOT,
    now: Callable[[], datetime] | None = None,
    checklist: Callable[[list[str]], int] = regenerate.main,
) -> int:
    """Prepare a version, or check it; return 1 if something is missing, 2 if the version cannot be prepared."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("version", nargs="?", help="the version to prepare, such as 0.2.0")
    parser.add_argument("--check", action="store_true", help="tell what is missing, and change nothing")
    options = parser.parse_args(arguments)
    if (options.version is None) != options.check:
        parser.error("give a version to prepare it, or --check")
    if options.check:
        failed = checklist(["--release"])
        found = list(missing(root))
        for line in found:
            print(f"missing: {line}")
        return 1 if failed or found else 0
    try:
        prepare(root, options.version, (now or (lambda: datetime.now(UTC)))().date())
    except ReleaseError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"{options.version} is prepared; what is left is told by nox -s release -- --check")
    return 0


if __name__ == "__main__":
    sys.exit(main())
