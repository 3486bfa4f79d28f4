"""Write the result of a run as JSON for programs. docs/report.schema.json is its schema. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from .._core.catalogue import Level
from .._core.causes import causes

if TYPE_CHECKING:
    from .._core.causes import Cause
    from .._core.run_result import RunResult
    from .._core.verdicts import Observation, Result

FORMAT: Final = 1
"""The version of the format; it is raised when a key is removed or changes its meaning."""


def report(run: RunResult) -> dict[str, Any]:
    """Return a run as JSON values, with the keys always in the same order."""
    return {
        "format": FORMAT,
        "suite": run.suite,
        "contract": run.contract,
        "target": dict(run.target),
        "began": run.began,
        "seconds": round(run.seconds, 3),
        "seed": run.seed,
        "strict": run.is_strict,
        "interrupted": run.is_interrupted,
        "problem": run.problem,
        "exit_code": run.exit_code,
        "videos_started": run.videos_started,
        "left_over": list(run.left_over),
        "not_kept": run.not_kept,
        "unaccounted": list(run.unaccounted),
        "capabilities": dict(sorted(run.capabilities.items())),
        "counts": {str(verdict): number for verdict, number in run.counts().items()},
        "levels": {
            str(level): {str(verdict): number for verdict, number in run.counts(level).items()} for level in Level
        },
        "profiles": [
            {
                "name": each.name,
                "revision": each.revision,
                "verdict": str(each.verdict),
                "failed": list(each.failed),
                "reason": each.reason,
            }
            for each in run.profiles
        ],
        "causes": [_cause(each) for each in causes(run.results)],
        "results": [_result(result) for result in run.results],
    }


def to_json(run: RunResult) -> str:
    """Return a run as the text of report.json."""
    return json.dumps(report(run), indent=2, ensure_ascii=False) + "\n"


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "harm": str(cause.harm),
        "fails": cause.is_failure,
        "seen": cause.seen,
        "expected": cause.expected,
        "requirements": list(cause.requirements),
    }


def _result(result: Result) -> dict[str, Any]:
    requirement = result.requirement
    return {
        "id": requirement.id,
        "level": str(requirement.level),
        "verdict": str(result.verdict),
        "harm": str(requirement.harm),
        "statement": requirement.statement,
        "capability": requirement.capability,
        "source": requirement.source,
        "why": requirement.why,
        "message": result.message,
        "layers": list(dict.fromkeys(each.layer for each in result.observations)),
        "checks": [_check(each) for each in result.observations],
        "expected": result.expected,
        "stale": result.is_stale,
    }


def _check(observation: Observation) -> dict[str, Any]:
    return {
        "check": observation.check,
        "layer": observation.layer,
        "outcome": str(observation.outcome),
        "message": observation.message,
        "statuses": list(observation.statuses),
        "exchanges": [dict(each) for each in observation.evidence],
        "more": [dict(each) for each in observation.more],
        "seconds": observation.seconds,
    }
