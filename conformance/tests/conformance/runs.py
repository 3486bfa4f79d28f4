"""Make synthetic run results."""

from __future__ import annotations

from typing import Any

from openvideos_conformance._core.catalogue import catalogue
from openvideos_conformance._core.evidence import evidence
from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.run_result import RunResult
from openvideos_conformance._core.verdicts import Observation, Outcome, judge

KEY = "sk-openvideos-synthetic-0123456789"
BASE_URL = "http://127.0.0.1:8000/v1"
HOSTILE = "</script><script>alert(1)</script>\"'&<b> ]]> \x1b[31m\x00\x08\u202e \ud800 {{7*7}} | `x` 静 🚤"
"""A text by which a server may break a report."""


def exchange(**known: Any) -> Exchange:
    """Return a refused create."""
    values: dict[str, Any] = {
        "number": 1,
        "layer": "scenario",
        "began": 0.5,
        "ended": 0.75,
        "at": 1_800_000_000.0,
        "method": "POST",
        "path": "/videos",
        "operation": "create_video",
        "request_headers": (("content-type", "application/json"), ("authorization", "***")),
        "request_body": b'{"prompt": "A boat", "size": "64x48"}',
        "status": 500,
        "headers": (("content-type", "application/json"), ("x-request-id", "req_1")),
        "body": b'{"error": {"message": "no room", "type": "server_error", "param": null, "code": null}}',
        "length": 86,
    }
    return Exchange(**{**values, **known})


def observation(requirement: str, outcome: Outcome, message: str = "", **known: Any) -> Observation:
    """Return an observation of a check, with an exchange unless it passed."""
    shown = [] if outcome is Outcome.PASSED else [evidence(exchange(**known), BASE_URL, (KEY,))]
    name = f"test_something[{requirement}]"
    return Observation(
        requirement=requirement, check=name, layer="scenario", outcome=outcome, message=message, evidence=tuple(shown)
    )


def run(*observations: Observation, **known: Any) -> RunResult:
    """Return a run whose other requirements all pass."""
    seen = {each.requirement for each in observations}
    others = [observation(each, Outcome.PASSED) for each in catalogue() if each not in seen]
    results = judge(
        catalogue().values(),
        [*observations, *others],
        expected=known.pop("expected", None),
        strict=known.get("is_strict", False),
    )
    values: dict[str, Any] = {
        "suite": "0.1.0",
        "contract": "2026-12-01",
        "target": {"base_url": BASE_URL, "model": "sora-2", "size": None},
        "results": tuple(results),
        "began": "2026-11-23T08:00:00Z",
        "seconds": 21.5,
        "videos_started": 30,
        "capabilities": {"remix": True, "webhooks": False},
    }
    return RunResult(**{**values, **known})


def mixed(message: str = "the response is 500, not 200", **known: Any) -> RunResult:
    """Return a run that has every verdict."""
    return run(
        observation("VID-CREATE-004", Outcome.VIOLATED, message, **known),
        observation("VID-LIST-003", Outcome.VIOLATED, message, **known),
        observation("VID-HEADER-001", Outcome.VIOLATED, message, **known),
        observation("VID-DELETE-001", Outcome.VIOLATED, message, **known),
        observation("VID-CONTENT-005", Outcome.ERROR, message, **known),
        observation("VID-HOOK-001", Outcome.UNSUPPORTED, message, **known),
        observation("VID-CHAR-001", Outcome.NOT_REACHED, message, **known),
        expected={"VID-DELETE-001": "the gateway has no DELETE yet", "VID-LIFE-001": "was broken"},
    )
