"""Schemathesis, which judges servers by their OpenAPI document, finds nothing; `nox -s schemathesis` asks it for more.

It runs as a command: its plugin for pytest does not work with every pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from openvideos_emulator._contract import contract

if TYPE_CHECKING:
    from tests.emulator.conftest import Run

CONFIGURATION = Path(__file__).parents[2] / "schemathesis.toml"
KEY = "emulator"
SEEDS = os.environ.get("SCHEMATHESIS_SEEDS", "1").split()
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", str(max(2, settings().max_examples // 10)))


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.hypothesis  # on which schemathesis is built
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_schemathesis_finds_nothing(run: Run, tmp_path: Path, seed: str) -> None:
    document = CONFIGURATION.parents[1] / "openapi.yaml"
    with run("--pace", "polls:2", "--api-key", KEY, cwd=tmp_path) as (_, base_url):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run", str(document)),
                *("--url", base_url, "--seed", seed, "--max-examples", EXAMPLES, "--no-color"),
            ],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_API_KEY": KEY, "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"Tested: {len(contract().operations)}" in done.stdout
