"""A process that is killed at any moment loses no job and starts none twice, on servers with keys and without.

CI kills it at a few moments; `nox -s batch_faults` at each. Further trials there break connections and kill at random.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from openvideos._batch.opening import open_batch
from openvideos_mutants._registry import KEY

CRASHING = Path(__file__).with_name("crashing.py")
MOMENTS = 70
"""More than a batch of three rows has."""
IN_CI = (3, 9, 15, 21, 27, 33)
IS_WHOLE = "OPENVIDEOS_BATCH_FAULTS" in os.environ
SEEDS = range(int(os.environ.get("OPENVIDEOS_BATCH_FAULTS", "1")))
SERVERS = {
    "keys": ("-m", "openvideos_emulator", "--ephemeral", "--quiet"),
    "list": ("-m", "openvideos_mutants", "--serve", "keys_are_ignored"),
}
HEADERS = {"authorization": f"Bearer {KEY}"}
pytestmark = pytest.mark.full


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[str]]]:
    """Run a server that honours keys, or one that has a list alone; give its URL, and the options for it."""
    command = [sys.executable, *SERVERS[request.param], "--port", "0", "--pace", "instant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = None
        while found is None:
            line = process.stdout.readline()
            assert line, "the server does not start"
            found = re.search(r"(http://127\.0\.0\.1:\d+)", line)
        yield found[1], [] if request.param == "keys" else ["--no-idempotency"]
        process.kill()


class Trial:
    """A batch whose runs break off."""

    def __init__(self, folder: Path, url: str, options: list[str], prompts: list[str]) -> None:
        self.url, self.prompts, self.out = url, prompts, folder / "out"
        jobs = folder / "jobs.csv"
        jobs.write_text("\n".join(["prompt,seconds,size", *(f"{prompt},1,128x96" for prompt in prompts)]))
        self.words = ["batch", "run", str(jobs), "--out", str(self.out), "--settle", "0.5", *options]
        self.environment = os.environ | {"OPENVIDEOS_BASE_URL": f"{url}/v1", "OPENVIDEOS_API_KEY": KEY}

    def start(self, at: int = 0) -> subprocess.Popen[bytes]:
        """Start a run that dies at a moment; never, at none."""
        command = [sys.executable, str(CRASHING), str(at), os.devnull, *self.words]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def check(self) -> None:
        """Fail unless each row has a file, and each job of the server is that of a row."""
        with closing(open_batch(str(self.out), None)) as ledger:
            counts = {state: count for state, count in ledger.counts()[0].items() if count}
            placed = [row["video_id"] for row in ledger.rows()]
        made = [each for each in jobs_of(self.url) if each["prompt"] in self.prompts]
        assert Counter(self.prompts) == Counter(each["prompt"] for each in made)
        assert {"done": len(self.prompts)} == counts
        assert sorted(placed) == sorted(each["id"] for each in made)


def jobs_of(url: str) -> list[dict[str, Any]]:
    """Return all jobs of a server."""
    jobs: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = httpx.get(f"{url}/v1/videos", params={"limit": "100", **after}, headers=HEADERS)
        jobs += page.json()["data"]
        if not page.json()["has_more"]:
            return jobs
        after = {"after": jobs[-1]["id"]}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("at", range(1, MOMENTS) if IS_WHOLE else IN_CI)
def test_it_may_be_killed_at_any_moment(tmp_path: Path, server: tuple[str, list[str]], at: int) -> None:
    url, options = server
    # No prompt is a part of another one, or it might be one that the server has cut.
    trial = Trial(tmp_path, url, options, [f"Cat {at:03}", f"Dog {at:03}", f"Cat {at:03}"])
    code = trial.start(at).wait()
    assert code in {-signal.SIGKILL, 0}
    if code:
        assert 0 == trial.start().wait()
    trial.check()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
def test_it_may_be_killed_again_and_again_while_connections_break(
    tmp_path: Path, server: tuple[str, list[str]], seed: int
) -> None:
    url, options = server
    chance = random.Random(seed)  # noqa: S311 - it is no secret
    trial = Trial(tmp_path, url, options, [f"Kite {seed:03} {number:03}" for number in range(200 if IS_WHOLE else 12)])
    for _ in range(40 if IS_WHOLE else 3):
        fault: dict[str, Any] = {"operation": "create_video", "prompt": f"Kite {seed:03}*"}
        fault |= chance.choice(
            (
                {"reset": "before_answer"},
                {"reset": "before_request"},
                {"status": 500, "carried_out": True},
                {"status": 429, "headers": {"retry-after": "1"}},
                {"truncate": chance.randrange(200)},
            )
        )
        httpx.post(f"{url}/_emulator/faults", json=fault, headers=HEADERS).raise_for_status()
    process = trial.start()
    for _ in range(20 if IS_WHOLE else 2):
        time.sleep(chance.uniform(0.5, 4.0))
        process.kill()
        if process.wait() == 0:
            break
        process = trial.start()
    assert 0 == process.wait()
    trial.check()
