"""Test that a run asks for the size, the seconds and the model that the operator has chosen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.target import Target
from openvideos_conformance._inputs.hostile import hostile_json
from openvideos_conformance._inputs.invalid import cases
from openvideos_conformance._server.jobs import FPS, PLANS, Plan

TARGET = Target(base_url="http://server.test/v1", model="small", size="64x48", seconds="2", failing_prompt="fail")
CHOSEN = {"model": "small", "size": "64x48", "seconds": "2"}


@pytest.mark.parametrize("plan", PLANS, ids=[each.name for each in PLANS])
def test_one_kind_of_job_alone_leaves_out_what_was_chosen(plan: Plan) -> None:
    fields = plan.fields(TARGET)
    if "num_frames" in fields:
        fields = {**fields, "seconds": str(int(fields["num_frames"]) // FPS)}
    missing = {name for name, value in CHOSEN.items() if fields.get(name) != value}
    assert missing == ({"size", "seconds"} if plan.name == "defaults" else set())


def test_a_create_with_one_flaw_has_everything_else_that_was_chosen() -> None:
    for case in cases(contract(), TARGET, "marker"):
        fields: Any = case.options.get("form", case.options.get("json"))
        if fields is not None:
            assert {name for name in CHOSEN if fields.get(name) != CHOSEN[name]} <= case.wrong, case.what


def test_what_a_server_reads_of_a_broken_body_before_its_break_has_what_was_chosen() -> None:
    for case in cases(contract(), TARGET, "marker"):
        body = case.options.get("content", b"")
        if b"marker" in body and not body.startswith((b"prompt=", b"<")):
            before = body[: body.index(b"marker")]
            assert all(value.encode() in before for value in CHOSEN.values()), case.what


def test_hostile_json_with_a_prompt_has_what_was_chosen() -> None:
    for what, body in hostile_json("marker", CHOSEN).items():
        if b"marker" in body and b"{" in body:
            assert all(json.dumps(value).encode() in body for value in CHOSEN.values()), what
