"""Test all rules together: a right server violates none, and each fault is found by its rule."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openvideos_conformance._core.catalogue import catalogue
from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._history.registry import RULES, Traffic

from .histories import CALM, NOW, Log, broken, keeps, video
from .model_server import ModelServer, Step, Word, steps

BY_TRAFFIC = {
    *(f"VID-CREATE-{number:03}" for number in (1, 4, 5, 6, 7, 9, 10, 14)),
    *(f"VID-RETRIEVE-{number:03}" for number in (1, 2, 6, 7)),
    *(f"VID-LIFE-{number:03}" for number in (*range(1, 11), 12, 13, 15)),
    *(f"VID-LIST-{number:03}" for number in (1, 2, 3, 6, 8, 14)),
    *(f"VID-DELETE-{number:03}" for number in (2, 3, 4, 7)),
    *("VID-REMIX-002", "VID-REMIX-003", "VID-AUTH-005"),
    *(f"VID-ERROR-{number:03}" for number in (1, 4, 5, 6, 9, 10)),
    *(f"VID-CONTENT-{number:03}" for number in (1, 8, 15, 23)),
    *(f"VID-HEADER-{number:03}" for number in range(1, 6)),
}
"""The requirements that recorded traffic alone can judge."""


def test_every_rule_is_a_check_of_a_requirement() -> None:
    assert {rule.requirement for rule in RULES} <= set(catalogue())


def test_every_requirement_that_traffic_can_judge_has_a_rule() -> None:
    assert {rule.requirement for rule in RULES} >= BY_TRAFFIC


def test_rules_have_names_of_their_own_and_say_what_they_need() -> None:
    assert [] == [name for name, count in Counter(rule.name for rule in RULES).items() if count > 1]
    assert all(rule.needs for rule in RULES)


def test_an_empty_history_exercises_no_rule() -> None:
    assert {rule.name: ([], 0) for rule in RULES} == {rule.name: rule.judge(Traffic([])) for rule in RULES}


@settings(CALM, max_examples=settings().max_examples * 3)
@given(steps)
def test_a_right_server_violates_nothing(plan: list[Step]) -> None:
    keeps(ModelServer().run(plan))


Fault = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any] | None]
"""Returns the object of a wrong response, or None if impossible, from the right one and the job's latest Video."""


def _put(**fields: Any) -> Fault:
    return lambda returned, _: {**returned, **fields}


def _lacks(name: str) -> Fault:
    return lambda returned, _: {key: value for key, value in returned.items() if key != name}


def _if_status(*statuses: str, **fields: Any) -> Fault:
    return lambda returned, _: {**returned, **fields} if returned["status"] in statuses else None


def _after(*statuses: str, **fields: Any) -> Fault:
    return lambda returned, before: {**returned, **fields} if before.get("status") in statuses else None


RUNNING = "queued", "in_progress", "processing"
ONE_FAULT: list[tuple[str, str, Fault]] = [
    ("VID-CREATE-001", "create_video", _lacks("model")),
    ("VID-CREATE-004", "create_video", _put(prompt="Take")),
    ("VID-CREATE-005", "create_video", _put(size="48x64")),
    ("VID-CREATE-006", "create_video", _put(seconds="3")),
    ("VID-CREATE-014", "create_video", _put(remixed_from_video_id="video_0")),
    ("VID-RETRIEVE-001", "retrieve_video", _put(status="")),
    ("VID-RETRIEVE-002", "retrieve_video", _put(id="another")),
    ("VID-RETRIEVE-007", "retrieve_video", _lacks("progress")),
    ("VID-LIFE-001", "retrieve_video", _after("completed", status="in_progress")),
    ("VID-LIFE-001", "retrieve_video", _after("failed", status="completed")),
    ("VID-LIFE-002", "retrieve_video", _after("in_progress", "processing", status="queued")),
    (
        "VID-LIFE-003",
        "retrieve_video",
        lambda video_, old: {**video_, "progress": -1} if old.get("progress") else None,
    ),
    ("VID-LIFE-004", "retrieve_video", _if_status("completed", progress=99)),
    ("VID-LIFE-005", "retrieve_video", lambda returned, before: {**returned, "model": "other"} if before else None),
    ("VID-LIFE-006", "retrieve_video", _if_status(*RUNNING, completed_at=NOW)),
    ("VID-LIFE-007", "retrieve_video", _if_status("completed", "failed", completed_at=None)),
    ("VID-LIFE-008", "retrieve_video", _if_status("completed", completed_at=1)),
    ("VID-LIFE-009", "create_video", _put(created_at=NOW * 1000)),
    ("VID-LIFE-010", "retrieve_video", _if_status(*RUNNING, error={"code": "a", "message": "b"})),
    ("VID-LIFE-011", "retrieve_video", _if_status("failed", error=None)),
    ("VID-LIFE-012", "retrieve_video", _if_status("completed", expires_at=1)),
    ("VID-LIFE-015", "retrieve_video", _put(duration=9)),
    ("VID-LIST-001", "list_videos", _lacks("has_more")),
    (
        "VID-LIST-002",
        "list_videos",
        _put(data=[video(f"o{i}", created_at=0) for i in range(9)]),
    ),
    ("VID-LIST-003", "list_videos", _put(last_id="another")),
    ("VID-DELETE-001", "delete_video", _put(object="video")),
    ("VID-DELETE-002", "delete_video", _put(id="another")),
    ("VID-REMIX-002", "remix_video", _put(remixed_from_video_id="another")),
    ("VID-REMIX-003", "remix_video", _put(size="1x1")),
]


def _all(word: Word) -> list[Step]:
    return [Step(word, number, 0.5, 0, 0) for number in range(1, 5)]


BEGINNING = [
    *(Step("create", pick, 0.5, 0, 0) for pick in (1, 2, 3, 5)),  # the fourth is completed in the response
    Step("work", 1, 0.5, 0, 0),  # the second job is now in progress
    *(_all("retrieve") * 2),
    Step("work", 4, 0.5, 0, 0),  # the job fails
    *(_all("retrieve") * 2),
    *_all("list"),
    Step("remix", 4, 0.5, 0, 0),
    Step("delete", 1, 0.5, 0, 0),
]
"""Steps that exercise every rule about single responses."""


@pytest.mark.parametrize(("requirement", "operation", "fault"), ONE_FAULT)
@settings(CALM, max_examples=settings().max_examples // 4)
@given(plan=steps, pick=st.integers(0, 1_000))
def test_each_fault_is_found_by_its_rule(
    requirement: str, operation: str, fault: Fault, plan: list[Step], pick: int
) -> None:
    log = ModelServer().run([*BEGINNING, *plan])
    responses = [each for each in log.exchanges if each.operation == operation and each.is_ok]
    wrong = [(each, fault(dict(each.object), _before(log, each))) for each in responses]
    possible = [(exchange, returned) for exchange, returned in wrong if returned is not None]
    exchange, returned = possible[pick % len(possible)]
    _replace_response(log, exchange, returned)
    assert requirement in broken(log)


def _before(log: Log, exchange: Exchange) -> dict[str, Any]:
    """Return the Video of the latest create or retrieve of the same job that ended before an exchange."""
    video_id = exchange.ids.get("video_id")
    returned = [
        each.object
        for each in log.exchanges
        if each.is_before(exchange) and each.is_ok and each.operation in {"create_video", "retrieve_video"}
    ]
    return next((each for each in reversed(returned) if each.get("id") == video_id), {})


def _replace_response(log: Log, exchange: Exchange, returned: dict[str, Any]) -> None:
    body = json.dumps(returned).encode()
    headers = tuple((name, str(len(body)) if name == "content-length" else value) for name, value in exchange.headers)
    index = log.exchanges.index(exchange)
    log.exchanges[index] = replace(exchange, body=body, length=len(body), headers=headers)


def seconds_to_judge(times: int) -> float:
    """Return the processor time that it takes to judge the traffic of a run, which is so many times as much."""
    log = Log()
    for index in range(40):
        log.created(f"video_{index}", created_at=NOW)
    for turn in range(15 * times):
        for index in range(40):
            log.retrieved(f"video_{index}", "in_progress", progress=turn)
    everything = [video(f"video_{index}", "in_progress", created_at=NOW) for index in range(40)]
    for _ in range(75 * times):
        log.listed(*everything[:20], has_more=True)
        log.refused("GET", "/videos/nowhere", 404)
        log.refused("POST", "/videos", 422)
    assert len(log.exchanges) > 800 * times
    began = time.process_time()
    traffic = log.traffic
    for rule in RULES:
        rule.judge(traffic)
    return time.process_time() - began


@pytest.mark.full
@pytest.mark.slow
def test_the_time_to_judge_grows_with_the_traffic_and_not_with_its_square() -> None:
    # Against each other, since what a second holds depends on the machine, and on who else uses it.
    few, many = min(seconds_to_judge(1) for _ in range(3)), min(seconds_to_judge(4) for _ in range(2))
    assert many < 9 * few, f"{few:.2f} s for 1 and {many:.2f} s for 4 times the traffic"
