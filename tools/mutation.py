"""Check by mutation testing (mutmut) that a test fails for each change of the overlay's decisions.

A change that no test notices is a survivor. Each needs a better test, or a reason in overlay/tests/flows/survivors.toml
why it changes nothing that matters; a reason whose survivor is gone is stale, and fails too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from contract_diff.overlay_files import DECISIONS

ROOT = Path(__file__).resolve().parent.parent
FLOWS = ROOT / "overlay" / "tests" / "flows"
PROFILE = {"OPENVIDEOS_FLOWS_PROFILE": "flows-repeatable"}
KILLED = frozenset({"killed", "timeout"})
"""The outcomes of a mutant that need no reason: a test failed, or did not end."""


class Survivor(NamedTuple):
    """A change that no test noticed, identified by its code, so that it is found again if other lines move."""

    where: str
    line: str
    mutant: str


class CannotMutateError(Exception):
    """The tests do not pass as they are, or mutmut failed. The message is mutmut's own."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Return 0, 1 if a survivor has no reason or a reason no survivor, 2 if nothing was tried."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", default=DECISIONS, help=f"what to change: {', '.join(DECISIONS)}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many tests run concurrently")
    options = parser.parse_args(arguments)
    known = reasons()
    with tempfile.TemporaryDirectory(prefix="openvideos-mutation-") as scratch:
        lay_out(Path(scratch), tuple(options.modules))
        try:
            fates = dict(run(Path(scratch), options.jobs))
        except CannotMutateError as problem:
            print(f"mutation: {problem}", file=sys.stderr)
            return 2
        found = {survivor(Path(scratch), name): fate for name, fate in fates.items() if fate not in KILLED}
    expected = {each for each in known if each.where.startswith(tuple(f"{module}." for module in options.modules))}
    unexplained, stale = sorted(found.keys() - expected), sorted(expected - found.keys())
    for each in unexplained:
        print(f"\n{found[each]}, and no reason is given:\n{entry(each)}")
    for each in stale:
        print(f"\nstale, for no such change survives:\n{entry(each)}")
    counts = ", ".join(f"{number} {fate}" for fate, number in Counter(fates.values()).most_common())
    print(f"\n{len(fates)} changes: {counts}; {len(unexplained)} without a reason, {len(stale)} stale reasons")
    return 1 if unexplained or stale else 0


def reasons() -> dict[Survivor, str]:
    """Return why each known survivor may survive."""
    entries: list[dict[str, str]] = tomllib.loads((FLOWS / "survivors.toml").read_text("utf-8")).get("survivor", [])
    return {Survivor(each["where"], each["line"], each["mutant"]): each["reason"] for each in entries}


def lay_out(scratch: Path, modules: tuple[str, ...]) -> None:
    """Copy the sources and tests into the layout that mutmut expects: src/ and tests/."""
    caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "overlay" / "openvideos", scratch / "src" / "openvideos", ignore=caches)
    shutil.copytree(ROOT / "generated" / "openvideos_raw", scratch / "src" / "openvideos_raw", ignore=caches)
    for folder in (FLOWS, FLOWS.with_name("faults")):  # the second has what some of the first send
        shutil.copytree(folder, scratch / "tests" / folder.name, ignore=caches)
    shutil.copy(ROOT / "overlay" / "tests" / "conftest.py", scratch / "tests")
    tool: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    pytest = {**tool["pytest"]["ini_options"], "testpaths": ["tests"]}
    mutmut = {
        "source_paths": ["src"],
        "only_mutate": [f"src/openvideos/{module.replace('.', '/')}.py" for module in modules],
        "pytest_add_cli_args_test_selection": ["tests/flows"],
        "do_not_mutate_patterns": [r"= cast\("],  # its first argument is only for type checkers
    }
    sections = {"tool.pytest.ini_options": pytest, "tool.mutmut": mutmut}
    # JSON texts, numbers and lists are valid TOML, too.
    lines = [
        line
        for title, values in sections.items()
        for line in (f"[{title}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
    ]
    (scratch / "pyproject.toml").write_text("\n".join(lines) + "\n", "utf-8")


def run(scratch: Path, jobs: int) -> Iterator[tuple[str, str]]:
    """Try every change, and yield each one's name and fate.

    Raises CannotMutateError when the tests do not even pass without a change.
    """
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs)]
    tried = subprocess.run(
        command, cwd=scratch, env={**os.environ, **PROFILE}, capture_output=True, text=True, check=False
    )
    fates = re.findall(r"^ *(openvideos\.\S+): (.+)$", mutmut(scratch, "results", "--all", "true"), re.MULTILINE)
    if tried.returncode or not fates or "not checked" in dict(fates).values():
        raise CannotMutateError("\n".join(tried.stdout.replace("\r", "\n").splitlines()[-40:]) + tried.stderr)
    yield from fates


def survivor(scratch: Path, name: str) -> Survivor:
    """Return the change that one of mutmut's names stands for."""
    module, function = re.fullmatch(r"openvideos\.([\w.]+?)\.x(.+)__mutmut_\d+", name).groups()  # type: ignore[union-attr]
    where = f"{module}.{function.removeprefix('_').replace('ǁ', '.').strip('.')}"
    changed = mutmut(scratch, "show", name).splitlines()
    lines = ["\n".join(line[1:].strip() for line in changed if re.match(rf"[{sign}](?![-+])", line)) for sign in "-+"]
    return Survivor(where, *lines)


def mutmut(scratch: Path, *arguments: str) -> str:
    """Return mutmut's results of its last run."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=True).stdout


def entry(survivor: Survivor) -> str:
    """Return a survivor as an entry of survivors.toml."""
    quoted = "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in survivor._asdict().items())
    return f"[[survivor]]\n{quoted}"


if __name__ == "__main__":
    raise SystemExit(main())
