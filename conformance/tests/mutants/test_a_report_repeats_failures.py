"""The line that a report prints for a failure sends the same request, and sees the same status."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from openvideos_mutants._proof import trial
from openvideos_mutants._registry import KEY, MUTANTS

NEEDED = ("sh", "curl", "base64", "gunzip", "rev", "tr")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
SAMPLE = ("any_key_lists", "cut_forms_will_do")
MORE = (
    "any_scheme_will_do",
    "the_scheme_has_a_capital",
    "no_key_is_forbidden",
    "a_limit_of_nothing_is_legal",
    "deep_json_crashes",
    "json_of_any_kind_will_do",
    "the_longest_prompt_counts_bytes",
)
"""Mutants whose wrong response does not depend on a job, since the jobs are deleted when the reports are written."""


def statuses(line: str) -> list[int]:
    """Return the statuses of the responses that a shell sees when it runs a line."""
    environment = {"PATH": os.environ["PATH"], "OPENVIDEOS_API_KEY": KEY, "HOME": "/nonexistent"}
    done = subprocess.run(["sh", "-c", line], env=environment, check=False, capture_output=True, timeout=60)
    return [int(each) for each in re.findall(rb"(?m)^HTTP/1\.1 (\d{3})", done.stdout) if each != b"100"]


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}")
@pytest.mark.parametrize("name", [*SAMPLE, *(pytest.param(name, marks=pytest.mark.release) for name in MORE)])
def test_the_line_of_a_failure_sees_the_same_status(name: str) -> None:
    repeated: list[tuple[str, int, list[int]]] = []

    def repeat(report: dict[str, Any]) -> None:
        for result in report["results"]:
            for check in result["checks"]:
                repeated.extend(
                    (each["curl"], each["answer"]["status"], statuses(each["curl"])) for each in check["exchanges"]
                )

    done = trial(name, only=[MUTANTS[name].requirement], examples=1, before_its_end=repeat)
    assert repeated, done.output
    for line, status, seen in repeated:
        assert [status] == seen, line
