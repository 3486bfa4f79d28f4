"""Test that the contract's samples in Python do what they show, and that one that does not is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import run_samples


@pytest.mark.full
def test_the_samples_in_python_do_what_they_show() -> None:
    assert len(run_samples.ORDER) == run_samples.run_samples("Python", run_samples.runners(None)["Python"])


def test_each_language_has_a_sample_of_each_operation() -> None:
    for label in ("curl", "Python", "Node"):
        assert sorted(run_samples.ORDER) == sorted(run_samples.samples(label))


@pytest.mark.parametrize(
    ("sample", "problem"),
    [("raise SystemExit(3)", "create_video ends with 3"), ("print('no id')", "does not show its result")],
)
def test_a_sample_that_does_something_else_is_told(sample: str, problem: str) -> None:
    def command(_: str, __: Path) -> list[str]:
        return [sys.executable, "-c", sample]

    with pytest.raises(run_samples.SampleError, match=f"Python, .*{problem}"):
        run_samples.run_samples("Python", command)
