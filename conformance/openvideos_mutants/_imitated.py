"""Judge the imitations of real servers: `conformance/targets/NAME.toml` holds what each of them fails, and why."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openvideos_emulator._imitations.departure import DEPARTURES
from openvideos_emulator._imitations.servers import IMITATIONS

from ._proof import Trial, trial
from ._servers_page import write_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TARGETS: Final = Path(__file__).resolve().parents[1] / "targets"
UNEXPLAINED: Final = "unexplained"
"""What stands in a target in place of the departure that makes a requirement fail, until somebody writes it there."""
LEVELS: Final = {"MUST": "fail", "SHOULD": "warn"}
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """A requirement that an imitation fails, and the departures in what was answered, the rarest first."""

    id: str
    level: str
    suspects: tuple[str, ...]


def failures(done: Trial) -> dict[str, Failure]:
    """Return what a run says is broken: each MUST that fails, and each SHOULD that warns.

    Raises:
        RuntimeError: The run has no verdict.

    """
    wrong = [result["message"] for result in done.of("error")]
    if done.report.get("problem") or not done.report or wrong:
        reason = wrong or done.report.get("problem") or done.output[-2000:]
        raise RuntimeError(f"the run against {done.name} has no verdict: {reason}")
    broken = [result for level, verdict in LEVELS.items() for result in done.of(verdict) if result["level"] == level]
    suspects = {result["id"]: _suspects(result) for result in broken}
    often = Counter(name for names in suspects.values() for name in names)
    return {
        result["id"]: Failure(
            result["id"],
            result["level"],
            tuple(sorted(suspects[result["id"]], key=lambda name: (often[name], name))),
        )
        for result in broken
    }


def _suspects(result: dict[str, Any]) -> set[str]:
    return {
        name
        for check in result["checks"]
        if check["outcome"] == "violated"
        for exchange in check["exchanges"]
        for header, value in exchange["answer"]["headers"]
        if header == DEPARTURES
        for name in value.split(", ")
    }


def target(name: str) -> dict[str, str]:
    """Return what an imitation is known to fail: for each id, the departures that cause it, and what they do."""
    path = TARGETS / f"{name}.toml"
    found: dict[str, str] = tomllib.loads(path.read_text("utf-8"))["expected"] if path.exists() else {}
    return found


def unnoticed() -> dict[str, str]:
    """Return the departures that no requirement notices, each with the reason."""
    found: dict[str, str] = tomllib.loads((TARGETS / "unnoticed.toml").read_text("utf-8"))["unnoticed"]
    return found


def causes(reason: str) -> list[str]:
    """Return the departures that a reason names."""
    return reason.partition(":")[0].split(", ")


def target_text(name: str, found: Mapping[str, Failure], known: Mapping[str, str]) -> str:
    """Return the text of a target: what was found, with the departures that are known to cause it."""
    imitation = IMITATIONS[name]
    what = {each.name: each.what for each, _ in imitation.departures}
    lines = [
        f"# What {imitation.server}, {imitation.version}, fails, as its imitation shows: the departures that cause it.",
        f"# `python -m openvideos_mutants --imitations {name} --write` makes it, and keeps the departures named here.",
        "",
        "[expected]",
    ]
    for level in LEVELS:
        lines.append(f"# {level}")
        for failure in found.values():
            if failure.level == level:
                named = causes(known.get(failure.id, UNEXPLAINED))
                if set(named) <= what.keys():
                    reason = f"{', '.join(named)}: {' '.join(what[each] for each in named)}"
                else:
                    reason = f"{UNEXPLAINED}: one of {', '.join(failure.suspects[:_SHOWN]) or 'none'}"
                lines.append(f"{failure.id} = {json.dumps(reason, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def judge_imitations(names: Sequence[str], *, jobs: int, write: bool, seeds: int) -> int:
    """Judge imitations, and compare with their targets, or write those. Return 0 if all is as it was known."""
    wrong = 0
    for name in names or IMITATIONS:
        with ThreadPoolExecutor(jobs) as pool:
            runs = list(pool.map(partial(_run, name), range(max(seeds, 1))))
        found = [failures(each) for each in runs]
        if write:
            (TARGETS / f"{name}.toml").write_text(target_text(name, found[0], target(name)), encoding="utf-8")
            write_row(name, runs[0].report)
        known = target(name)
        open_ = [each for each, reason in known.items() if UNEXPLAINED in causes(reason)]
        told = [
            *(f"seed {seed}: {each}" for seed, one in enumerate(found) for each in _differences(one.keys(), known)),
            *(f"{each}: {known[each]}" for each in open_),
        ]
        wrong += bool(told)
        print(f"{'DIFFERS ' if told else 'as known'}  {len(known):3} ids  {runs[0].seconds:5.1f} s  {name}", flush=True)
        for line in told:
            print(f"    {line}", flush=True)
    return 1 if wrong else 0


def _run(name: str, seed: int) -> Trial:
    return trial(name, seed=seed)


def _differences(found: Any, known: Mapping[str, str]) -> list[str]:
    return [
        *(f"{each} fails, and is not in the target" for each in sorted(found - known.keys())),
        *(f"{each} no longer fails" for each in sorted(known.keys() - found)),
    ]
