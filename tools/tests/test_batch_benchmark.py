"""What `nox -s bench` measures of batches runs: also the stand-in for the engine, which has to fit the runner."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.batch_processes import made
from benchmarks.processes import Bench


@pytest.mark.parametrize("peer", ["ours", "without-engine"])
def test_a_batch_is_made_and_measured(peer: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        metrics = made(Bench(stack, tmp_path, is_quick=True), peer, rows=3)
    assert 0 < metrics["ledger_us"] < metrics["cpu_us"]
    assert metrics["rows_per_second"] > 0
    assert metrics["whole_mib"] > 10
    # A create each, the list of models, and few pages of the list for all.
    assert 3 + 1 <= 3 * metrics["requests_per_row"] <= 12
