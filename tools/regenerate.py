"""Make generated/ from openapi.yaml, and report what has changed since the release and what needs a decision.

The generator and the ruff that formats its output are the versions pinned in pyproject.toml, both from the environment
of the Python that runs this, so that the same contract gives the same bytes on every machine.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from contract_diff import overlay_files
from contract_diff.changes import compare
from contract_diff.checklist import checklist, last_release, version_of
from contract_diff.document import InvalidSpecError, lines_of, load
from contract_diff.model import KNOWN_VALUES, Change, is_array, is_object
from contract_diff.operation_names import CONTRACT, misnamed
from contract_diff.overlay_advice import Decision, decisions
from contract_diff.release import (
    Baseline,
    baseline,
    entry_of,
    git,
    heading_of,
    touched_since,
    version_problems,
    with_entry,
)
from contract_diff.report import report
from overlay_checks import failed_tests, unsent_arguments

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "openvideos_raw"
CACHES = frozenset({"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
"""Directories that tools create; git ignores them, and so does the comparison."""


class CannotGenerateError(Exception):
    """The generator cannot run, or refuses the contract. The message says why and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Return 0, 1 if something is left to decide or to do, 2 if the contract is invalid or nothing can generate.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 and name each stale file")
    parser.add_argument("--release", action="store_true", help="change nothing; exit 1 and tell what a release lacks")
    parser.add_argument("--against", help="the contract to compare with: a git reference, REF:PATH or a file")
    options = parser.parse_args(arguments)
    check = options.check or options.release
    try:
        spec = load(str(ROOT / "openapi.yaml"))
        since = baseline(ROOT, options.against or (last_release(ROOT) if options.release else None))
        old = load(since.spec, ROOT) if since else spec
        changes = compare(old, spec)
        is_kept = renew_revision(str(spec["info"]["version"]), check=check)
        files = renew(spec, check=check)
        # What another comparison comes to is no news of the next release.
        is_told = since is None or bool(options.against) or renew_changelog(changes, since, check=check)
        if options.check:
            return int(not check_version(changes, since) or bool(files) or not is_kept or not is_told)
        left, mistyped = open_decisions(spec)
        failed, not_run = ([], []) if left or mistyped else failed_tests(ROOT, changes)
        count = len(left) + len(mistyped) + len(failed)
        if options.release:
            return tell_release(spec, changes, is_made=is_kept and is_told and not files, left=count)
    except (CannotGenerateError, InvalidSpecError) as problem:
        print(f"regenerate: {problem}", file=sys.stderr)
        return 2
    if since:
        files = touched_since(ROOT, since.reference) if since.reference else files
        print(f"\nsince {since.spec}" + ("" if since.is_release else ", which is no release") + ":\n")
    print(report(changes, files, left, mistyped, (old, spec), failed))
    others = f" here; nox runs more tests that name {', '.join(not_run)}" if not_run else ""
    print(f"\n{count or 'nothing is'} left to decide{others}")
    return int(bool(count))


def open_decisions(spec: dict[str, Any]) -> tuple[list[Decision], list[Decision]]:
    """Return what is left to decide in the contract and the overlay, by source and by calls, and what mypy says.

    Raises:
        CannotGenerateError: mypy cannot check the overlay.
    """
    text = (ROOT / CONTRACT).read_text("utf-8")
    left = [*misnamed(spec, lines_of(CONTRACT, text)), *decisions(spec, ROOT)]
    known = {(decision.file, decision.line) for decision in left}
    mistyped = [error for error in type_errors() if (error.file, error.line) not in known]
    # The calls would only say the same again where the source says it.
    return left if left or mistyped else unsent_arguments(ROOT, spec), mistyped


def tell_release(spec: dict[str, Any], changes: list[Change], *, is_made: bool, left: int) -> int:
    """Print what of the release of the present version is done; return 1 if something is not."""
    revision = str(spec["info"]["version"])
    items = checklist(ROOT, revision, last_release(ROOT), changes, is_made=is_made, left=left)
    print(*items, sep="\n")
    return int(any(item.remedies for item in items))


def check_version(changes: list[Change], since: Baseline | None) -> bool:
    """Return whether the version allows the changes since the release; print why if it does not."""
    if since is None or not since.is_release:
        print(
            "No release to compare with, so no version is too low: releases are tags such as v0.1.0 (git fetch --tags)."
        )
        return True
    problems = version_problems(ROOT, str(since.reference), changes)
    if problems:
        print(*problems, sep="\n")
        print(f"Raise the version in {overlay_files.VERSION}: these break users of {since.reference}.")
    return not problems


def renew(spec: dict[str, Any], *, check: bool) -> dict[str, str]:
    """Update generated/, or only name stale files; return what happens to which file."""
    with tempfile.TemporaryDirectory(prefix="openvideos-regenerate-") as scratch:
        fresh = Path(scratch, "generated")
        generate(spec, fresh)
        changes = differences(ROOT / "generated", fresh)
        if not changes:
            print("generated/ is what openapi.yaml says")
        elif not check:
            replace(ROOT / "generated", fresh, changes)
        for path, change in changes.items():
            print(f"{'stale' if check else change}: generated/{path}" + (f" ({NOT_YET[change]})" if check else ""))
    if check and changes:
        print("Run `nox -s regenerate` and commit what it changes. Never edit generated/ by hand: what should be")
        print("otherwise is said in openapi.yaml, generator-config.yaml or generator-templates/.")
    return changes


def renew_revision(version: str, *, check: bool) -> bool:
    """Make contract/VERSION/openapi.yaml equal to openapi.yaml, or only tell that it is not; return whether it was.

    Raises:
        CannotGenerateError: This revision is released, so that it cannot change.
    """
    path = f"contract/{version}/openapi.yaml"
    kept, current = ROOT / path, (ROOT / "openapi.yaml").read_bytes()
    if kept.exists() and kept.read_bytes() == current:
        return True
    if path in (ROOT / "contract/SHA256SUMS").read_text("utf-8"):
        raise CannotGenerateError(
            f"the contract's revision {version} is released, and openapi.yaml differs; give it a later info.version"
        )
    print(f"{'stale' if check else 'changed'}: {path}" + (f" ({NOT_YET['changed']})" if check else ""))
    if not check:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(current)
    return False


def renew_changelog(changes: list[Change], since: Baseline, *, check: bool) -> bool:
    """Write what has changed under "API changes" in CHANGELOG.md, or only tell that it is not there.

    Return whether it was; the file need not be there.
    """
    changelog = ROOT / "CHANGELOG.md"
    text = changelog.read_text("utf-8") if changelog.exists() else ""
    if since.is_release:
        renewed = with_entry(text, changes, heading=heading_of(text, version_of(ROOT), str(since.reference)))
    else:
        renewed = with_entry(text, changes, grows_from=entry_of(git(ROOT, "show", f"{since.reference}:CHANGELOG.md")))
    if renewed == text:
        return True
    print("stale: CHANGELOG.md (its API changes are others)" if check else "changed: CHANGELOG.md")
    if not check:
        changelog.write_text(renewed, "utf-8")
    return False


def type_errors() -> list[Decision]:
    """Return mypy's findings in the overlay, together with the current raw client.

    Raises:
        CannotGenerateError: mypy cannot check the overlay.
    """
    # mypy's cache does not notice when a missing module is there again, so each set of modules has its own cache.
    modules = "\n".join(contents(ROOT / "generated"))
    cache = Path(os.environ.get("MYPY_CACHE_DIR", ".mypy_cache"), hashlib.sha256(modules.encode()).hexdigest()[:12])
    options = ["--no-error-summary", "--no-pretty", "--cache-dir", str(cache)]
    written = [path for path in (overlay_files.PACKAGE, overlay_files.TYPING) if (ROOT / path).exists()]
    command = [sys.executable, "-m", "mypy", *options, *written]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    found = [re.match(r"([^:]+):(\d+): error: (.*)", line) for line in run.stdout.splitlines()]
    if run.returncode and not any(found):
        raise CannotGenerateError(f"mypy cannot check the overlay: {(run.stdout + run.stderr).strip()}")
    return [Decision(match[3], match[1].replace("\\", "/"), int(match[2])) for match in found if match]


def generate(contract: dict[str, Any], into: Path) -> None:
    """Create a directory, and write the raw client of a contract into it.

    Raises:
        CannotGenerateError: The generator refuses the contract.
    """
    environment = generator_environment()
    into.mkdir()
    spec = into.parent / "openapi.json"
    spec.write_text(json.dumps(for_generator(contract)), "utf-8")
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
        *("--path", str(spec)),
        *("--config", str(ROOT / "generator-config.yaml")),
        *("--custom-template-path", str(ROOT / "generator-templates")),
        *("--meta", "none", "--output-path", str(into / PACKAGE)),
    ]
    run = subprocess.run(
        command, env=environment, cwd=into, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if run.returncode:
        raise CannotGenerateError(
            f"the generator refuses the contract; generated/ is as it was\n{run.stdout}{run.stderr}"
        )
    Path(into, PACKAGE, "py.typed").touch()  # --meta none leaves it out, and without it the types are not believed


def for_generator(node: Any) -> Any:
    """Return the contract as the generator has to have it: with other words where it would make too much of ours.

    The generator has types for enums alone, and our template for them takes any other value, too; generators of other
    languages make closed types of an enum, so the contract has none where readers must bear other values. And it takes
    a client without a key for a type error, where the contract asks for one; but servers may work without keys.
    """
    if is_array(node):
        return [for_generator(each) for each in node]
    if not is_object(node):
        return node
    asks = "responses" in node  # an operation, which asks for keys by a list; a field of that name has a schema
    kept = {key: value for key, value in node.items() if not (asks and key == "security" and is_array(value))}
    return {"enum" if key == KNOWN_VALUES else key: for_generator(value) for key, value in kept.items()}


def generator_environment() -> dict[str, str]:
    """Check the pinned tools, and return the environment variables for the generator.

    Raises:
        CannotGenerateError: A pinned tool is missing, or has another version.
    """
    bin_directory = str(Path(sys.executable).parent)
    for name, pinned in pins().items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "none"
        if found != pinned:
            raise CannotGenerateError(
                f"{name} {pinned} is needed in this Python's environment, but found: {found}. {REMEDY}"
            )
    ruff = shutil.which("ruff", path=bin_directory)
    if ruff is None:  # the generator would only warn, and skip the formatting
        raise CannotGenerateError(f"no ruff in {bin_directory}, where this Python is. {REMEDY}")
    version = subprocess.run([ruff, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if version != f"ruff {pins()['ruff']}":
        raise CannotGenerateError(f"{ruff} should be of version {pins()['ruff']}, but says: {version!r}. {REMEDY}")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUFF_")}
    return kept | {
        "PATH": bin_directory + os.pathsep + os.environ.get("PATH", os.defpath),
        "PYTHONHASHSEED": "0",  # the order of a set can reach the output
        "PYTHONUTF8": "1",  # the locale cannot
    }


def pins() -> dict[str, str]:
    """Return the exact versions in pyproject.toml's dependency group `regenerate`."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    return dict(requirement.split("==") for requirement in groups["regenerate"])


def differences(committed: Path, fresh: Path) -> dict[str, str]:
    """Return what happens to each file that differs when `fresh` takes the place of `committed`, in order of path."""
    old, new = contents(committed), contents(fresh)
    verbs = {(True, True): "changed", (True, False): "removed", (False, True): "added"}
    return {
        path: verbs[path in old, path in new]
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    }


def contents(directory: Path) -> dict[str, bytes]:
    """Return the bytes of each file below a directory by its path, without the caches of tools."""
    files = (path for path in directory.rglob("*") if path.is_file())
    relative = {path.relative_to(directory): path for path in files}
    return {name.as_posix(): path.read_bytes() for name, path in relative.items() if CACHES.isdisjoint(name.parts)}


def replace(committed: Path, fresh: Path, changes: dict[str, str]) -> None:
    """Carry out what `differences` returned."""
    for path, change in changes.items():
        target = committed / path
        if change == "removed":
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / path, target)


NOT_YET = {
    "changed": "its content differs",
    "removed": "the generator does not write it",
    "added": "it is missing",
}
REMEDY = "`nox -s regenerate` installs both, or: python -m pip install --group regenerate"

if __name__ == "__main__":
    sys.exit(main())
