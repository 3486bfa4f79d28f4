"""Test the rules for clients with right and wrong command runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openvideos_conformance._client.command_run import CommandRun
from openvideos_conformance._client.rules import RULES, verdicts
from openvideos_conformance._client.scenarios import SCENARIOS
from openvideos_conformance._core.catalogue import client_catalogue
from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.outcomes import NotReachedError, ViolationError

KEY = "sk-synthetic"
REQUESTED = {"prompt": "A boat", "size": "64x48", "seconds": "1"}
OPERATIONS = {
    "create_video": ("POST", "/videos"),
    "retrieve_video": ("GET", "/videos/v"),
    "list_videos": ("GET", "/videos"),
    "download_video_content": ("GET", "/videos/v/content"),
    None: ("GET", "/models"),
}


def exchange(number: int, operation: str | None, response: Any = None, **known: Any) -> Exchange:
    method, path = OPERATIONS[operation]
    headers = (("authorization", f"Bearer {KEY}"), ("content-type", "application/json"))
    values: dict[str, Any] = {
        "number": number,
        "layer": "client",
        "began": float(number),
        "ended": number + 0.1,
        "at": 0.0,
        "method": method,
        "path": path,
        "operation": operation,
        "ids": {"video_id": "v"} if path.startswith("/videos/v") else {},
        "request_headers": headers + known.pop("more", ()),
        "request_body": json.dumps(REQUESTED).encode() if operation == "create_video" else b"",
        "status": 200,
        "body": json.dumps(response or {}).encode(),
    }
    return Exchange(**{**values, **known})


def create(number: int = 1, **known: Any) -> Exchange:
    return exchange(number, "create_video", {"id": "v", "status": "queued"}, **known)


def poll(number: int, word: str = "in_progress", **known: Any) -> Exchange:
    return exchange(number, "retrieve_video", {"id": "v", "status": word}, **known)


def page(number: int, *ids: str, more: bool = True, after: str | None = None) -> Exchange:
    response = {"data": [{"id": each} for each in ids], "has_more": more}
    return exchange(number, "list_videos", response, query=f"after={after}" if after else "")


def command_run(scenario: str, *exchanges: Exchange, **known: Any) -> CommandRun:
    return CommandRun(scenario=scenario, key=KEY, wanted=REQUESTED, exchanges=exchanges, **known)


def violated(given: CommandRun) -> set[str]:
    found = list(verdicts(given))
    assert [] == [problem for _, problem in found if not isinstance(problem, ViolationError | NotReachedError | None)]
    return {rule.requirement for rule, problem in found if isinstance(problem, ViolationError)}


HINT = (("openai-poll-after-ms", "1000"),)
AFTER = (("retry-after", "5"),)
DATE = (("retry-after", "Thu, 01 Jan 1970 00:00:05 GMT"),)
SAME = (("idempotency-key", "k"),)
FOREIGN = exchange(1, "download_video_content", request_headers=())

RIGHT = [
    pytest.param(command_run("plain", create(), poll(2), poll(3, "completed")), id="plain"),
    pytest.param(command_run("slow", poll(2, headers=HINT), poll(4, "completed")), id="slow"),
    pytest.param(command_run("unknown-status", poll(2, "finalizing"), poll(3, "completed")), id="unknown-status"),
    pytest.param(command_run("retry-after", create(1, status=429, headers=AFTER), create(8)), id="retry-after"),
    pytest.param(
        command_run("retry-after-date", create(1, status=429, headers=DATE), create(6)), id="retry-after-date"
    ),
    pytest.param(command_run("ambiguous-create", create(1), broken=frozenset({1}), exit_code=1), id="gives-up"),
    pytest.param(
        command_run("failing-create", create(1, more=SAME), create(2, more=SAME), broken=frozenset({1})), id="key"
    ),
    pytest.param(command_run("huge-list", page(1, "a", "b"), page(2, "c", after="b", more=False)), id="walk"),
    pytest.param(command_run("duplicate-cursor", page(1, "a"), page(2, "a", after="a"), exit_code=1), id="circle"),
    pytest.param(
        command_run(
            "unknown-fields",
            poll(1),
            poll(2, "completed"),
            files={"video.json": b'{"status": "completed", "id": "v", "more": 1}'},
        ),
        id="every-field",
    ),
    pytest.param(
        command_run(
            "plain", exchange(1, "retrieve_video", {"id": "v", "error": None}), files={"video.json": b'{"id": "v"}'}
        ),
        id="null",
    ),
    pytest.param(
        command_run("plain", exchange(1, "download_video_content"), media=b"x", files={"video.mp4": b"x"}), id="whole"
    ),
    pytest.param(
        command_run(
            "truncated-download", exchange(1, "download_video_content"), broken=frozenset({1}), media=b"xy", exit_code=1
        ),
        id="reported",
    ),
    pytest.param(
        command_run("redirect", exchange(1, "download_video_content"), foreign=(FOREIGN,), exit_code=1), id="redirect"
    ),
    pytest.param(
        command_run("server-error", create(), poll(2, status=500), poll(3), broken=frozenset({2})), id="goes-on"
    ),
    pytest.param(
        command_run("server-error", create(), poll(2, status=500), broken=frozenset({2}), exit_code=1), id="fails"
    ),
]

WRONG = [
    ("CLI-REQUEST-001", command_run("plain", exchange(1, None))),
    ("CLI-REQUEST-002", command_run("plain", exchange(1, "list_videos", query="limit=many"))),
    ("CLI-REQUEST-003", command_run("plain", create(request_body=json.dumps({**REQUESTED, "size": "80x60"}).encode()))),
    ("CLI-REQUEST-003", command_run("plain", create(request_body=json.dumps({"prompt": "A boat"}).encode()))),
    ("CLI-REQUEST-003", command_run("plain", create(request_body=json.dumps({**REQUESTED, "prompt": "A"}).encode()))),
    ("CLI-AUTH-001", command_run("plain", create(request_headers=(("content-type", "application/json"),)))),
    ("CLI-AUTH-002", command_run("redirect", create(), foreign=(exchange(1, "download_video_content"),))),
    ("CLI-CREATE-001", command_run("ambiguous-create", create(1), create(2), broken=frozenset({1}))),
    ("CLI-CREATE-001", command_run("failing-create", create(1, more=SAME), create(2), broken=frozenset({1}))),
    ("CLI-CREATE-002", command_run("plain", create(1), create(2))),
    ("CLI-RETRY-001", command_run("retry-after", create(1, status=429, headers=AFTER), create(2))),
    ("CLI-RETRY-001", command_run("retry-after-date", create(1, status=429, headers=DATE), create(5))),
    ("CLI-POLL-001", command_run("slow", poll(1, headers=HINT), poll(2, began=1.5))),
    ("CLI-POLL-002", command_run("unknown-status", poll(2, "finalizing"))),
    ("CLI-POLL-003", command_run("plain", *(poll(number, "completed") for number in range(1, 9)))),
    ("CLI-POLL-004", command_run("server-error", create(1), poll(2, status=500), create(3), broken=frozenset({2}))),
    ("CLI-POLL-004", command_run("server-error", create(1), poll(2, status=500), broken=frozenset({2}))),
    ("CLI-LIST-001", command_run("plain", page(1, "a", "b"), page(2, "b", "c", after="a", more=False))),
    ("CLI-LIST-001", command_run("plain", page(1, "a"), page(2, "b", after="a"), page(3, "b", after="a", more=False))),
    ("CLI-LIST-002", command_run("huge-list", page(1, "a"), page(2, "b", after="a"))),
    ("CLI-LIST-003", command_run("duplicate-cursor", *(page(number, "a", after="a") for number in range(1, 9)))),
    *(
        ("CLI-READ-001", command_run("unknown-fields", poll(2, "completed"), files={"video.json": given}))
        for given in (
            b'{"id": "v"}',
            b'{"id": "v", "status": "done"}',
            b'{"id": "w", "status": "completed"}',
            b"[]",
            b"{",
            b"[" * 99999,
        )
    ),
    (
        "CLI-READ-001",
        command_run(
            "unknown-fields",
            exchange(1, "retrieve_video", {"id": "v", "more": None}),
            files={"video.json": b'{"id": "v"}'},
        ),
    ),
    (
        "CLI-CONTENT-001",
        command_run("plain", exchange(1, "download_video_content"), media=b"xy", files={"video.mp4": b"x"}),
    ),
    ("CLI-CONTENT-001", command_run("plain", exchange(1, "download_video_content"), media=b"xy")),
    (
        "CLI-CONTENT-002",
        command_run(
            "truncated-download",
            exchange(1, "download_video_content"),
            broken=frozenset({1}),
            media=b"xy",
            files={"video.mp4": b"x"},
            exit_code=1,
        ),
    ),
    ("CLI-RUN-001", command_run("missing-keys", create(), exit_code=1, output_tail="KeyError")),
    ("CLI-RUN-002", command_run("plain", create(), exit_code=None)),
]


@pytest.mark.parametrize("given", RIGHT)
def test_a_right_client_violates_nothing(given: CommandRun) -> None:
    assert set() == violated(given)


@pytest.mark.parametrize(("requirement", "given"), WRONG)
def test_a_wrong_client_violates_exactly_one_requirement(requirement: str, given: CommandRun) -> None:
    assert {requirement} == violated(given)


def test_every_requirement_of_clients_has_a_rule_and_a_wrong_command_run() -> None:
    assert {rule.requirement for rule in RULES} == set(client_catalogue())
    assert {requirement for requirement, _ in WRONG} == set(client_catalogue())
    assert {name for rule in RULES for name in rule.scenarios} <= set(SCENARIOS)


def test_a_command_run_without_requests_passes_nothing() -> None:
    for scenario in SCENARIOS:
        assert [] == [rule.requirement for rule, problem in verdicts(command_run(scenario)) if problem is None]
