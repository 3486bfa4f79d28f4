"""A batch to which anything happens loses no job and starts none twice: with keys, with a list, and with neither.

CI has a short form; `nox -s batch_faults` has all moments, and many rows and faults, which it counts at its end.
"""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .trials import SERVERS, Resets, Trial, check, died, plan, server_of

MOMENTS = 150
"""More than a batch of three rows has."""
IN_CI = (5, 25, 45, 65, 85, 105)
IS_WHOLE = "OPENVIDEOS_BATCH_FAULTS" in os.environ
SEEDS = range(int(os.environ.get("OPENVIDEOS_BATCH_FAULTS", "1")))
ROWS = 250 if IS_WHOLE else 20
EACH = 12 if IS_WHOLE else 2
"""How many faults of a kind a trial has, about."""
PER_ROW = 30
"""How many moments a row has, about."""
pytestmark = pytest.mark.full
Record = Callable[[str, object], None]


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Run a server of each kind; give the kind and its URL."""
    with server_of(request.param) as url:
        yield request.param, url


@pytest.mark.timeout(300)
@pytest.mark.parametrize("at", range(1, MOMENTS) if IS_WHOLE else IN_CI)
def test_it_may_be_killed_at_any_moment(
    tmp_path: Path, server: tuple[str, str], at: int, record_property: Record
) -> None:
    kind, url = server
    # No prompt is a part of another one, or it might be one that the server has cut.
    prompts = [f"Cat {at:03}", f"Dog {at:03}", f"Cat {at:03}"]
    trial = Trial(tmp_path, kind, url, prompts)
    if kind == "list":  # which proves nothing before it shows a job of the batch: to find that out takes minutes
        trial.words += ["--max-videos", "1"]
        assert 10 == trial.run()[0]
        trial.words[-1] = str(len(prompts))
    code, said = trial.run(at=at)
    assert died(code) or code == 0, said
    if died(code):
        code, said = trial.run()
    assert code == 0 or kind == "neither", said
    tally = trial.tally()
    record_property("batch_faults", json.dumps(tally))
    check(tally, kind)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_anything_may_happen_to_it(
    tmp_path: Path,
    server: tuple[str, str],
    seed: int,
    place: str,
    request: pytest.FixtureRequest,
    record_property: Record,
) -> None:
    kind, url = server
    chance = random.Random(f"{seed} {place}")  # noqa: S311 - it is no secret
    prompts = [f"Kite {seed:03} {place} {number:03}" for number in range(ROWS)]
    postgres: Any = request.getfixturevalue("postgres") if place == "postgresql" else None
    trial = Trial(tmp_path, kind, url, prompts, database=postgres and postgres.url)
    for _ in range(EACH):
        fault = chance.choice(
            (
                {"status": 500, "carried_out": True},
                {"status": 429, "headers": {"retry-after": "1"}},
                {"truncate": chance.randrange(200)},
            )
        )
        trial.faults["answer"] += 1
        plan(url, operation="create_video", prompt=f"Kite {seed:03} {place}*", **fault)
    with closing(Resets(url, chance, 3 * EACH)) as resets:
        trial.through(resets.url)
        runners = [threading.Thread(target=_keep_on, args=(trial, chance.randrange(10**9))) for _ in range(2)]
        for runner in runners:
            runner.start()
        while any(runner.is_alive() for runner in runners):
            runners[0].join(chance.uniform(4, 12))
            # A run that begins while the database is away ends at once, and there would be no rows to disturb.
            if postgres is not None and trial.out.exists() and trial.faults["restart"] < EACH // 2:
                trial.faults["restart"] += 1
                postgres.restart(chance.choice(["fast", "immediate"]))
        code, said = trial.run()
        trial.faults["reset"] = resets.happened
    assert code == 0 or kind == "neither", said
    tally = trial.tally()
    record_property("batch_faults", json.dumps(tally))
    check(tally, kind)


def _keep_on(trial: Trial, seed: int) -> None:
    """Run a batch again as often as it breaks off; where another process runs it, that is a fault, too."""
    chances = dict.fromkeys(("kill", "clock", "disk"), EACH / (ROWS * PER_ROW))
    for turn in range(EACH):
        code, said = trial.run(seed=seed + turn, chances=chances)
        if "another process" in said:
            trial.faults["second"] += 1
            assert 2 == code
        elif "the database" in said and code == 2:  # it was away when the run began
            continue
        elif not died(code):
            return
