"""Each operation of the contract has a method in the overlay, or a reason why not in `overlay/uncovered.toml`."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from openvideos._async_videos import AsyncVideos
from openvideos._videos import Videos

OVERLAY = Path(__file__).parents[1]
CONTRACT = yaml.load((OVERLAY.parent / "openapi.yaml").read_text("utf-8"), yaml.CSafeLoader)
OPERATIONS = {
    each["operationId"]
    for path in CONTRACT["paths"].values()
    for each in path.values()
    if isinstance(each, dict) and "operationId" in each
}
REASONS: dict[str, str] = tomllib.loads((OVERLAY / "uncovered.toml").read_text("utf-8"))["uncovered"]


@pytest.mark.parametrize("kind", [Videos, AsyncVideos])
def test_each_operation_has_a_method_or_a_reason(kind: type) -> None:
    documented = " ".join(inspect.getdoc(method) or "" for _, method in inspect.getmembers(kind, callable))
    covered = set(re.findall(r"\(openapi\.yaml, (\w+)\)", documented))
    assert OPERATIONS - covered == REASONS.keys(), "write a method, or give the reason in overlay/uncovered.toml"
    assert all(REASONS.values())
