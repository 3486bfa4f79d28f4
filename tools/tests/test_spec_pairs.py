"""The comparison by pairs of small contracts, forth and back: of what ours does not have, so that no edit shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from contract_diff.changes import compare
from contract_diff.document import parse

from .edits import PROJECT, verdict

PAIRS: list[dict[str, Any]] = yaml.safe_load((PROJECT / "tools" / "tests" / "spec_pairs.yaml").read_text("utf-8"))


def contract(pair: dict[str, Any], side: str) -> dict[str, Any]:
    """Return the contract of one side of a pair."""
    part = pair.get("both", {}) | pair.get(side, {})
    operation = {"operationId": "a", "responses": {"200": {"description": "A."}}, **part.get("operation", {})}
    for key, way in (("request", "requestBody"), ("response", "responses")):
        if key in part:
            body = {"description": "A.", "content": {"application/json": {"schema": part[key]}}}
            operation[way] = {"200": body} if key == "response" else {"content": body["content"]}
    spec: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "A", "version": "1"},
        "paths": {"/a": {"post": operation}},
    }
    return {**spec, "components": part.get("components", {}), **part.get("root", {})}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["name"])
def test_a_pair_is_as_grave_as_it_is_forth_and_back(pair: dict[str, Any]) -> None:
    old, new = (parse(side, json.dumps(contract(pair, side))) for side in ("old", "new"))
    assert (pair["is"], pair["back"]) == (verdict(old, new), verdict(new, old)), (compare(old, new), compare(new, old))
