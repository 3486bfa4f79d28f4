"""`OpenVideosServer` steers an emulator with typed methods, each of which says what the control endpoints take."""

from __future__ import annotations

import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import httpx
import pytest
from standardwebhooks import Webhook

from openvideos_emulator._contract import contract
from openvideos_emulator._model import fault_plan, jobs
from openvideos_emulator._process.parent import EmulatorProcess
from openvideos_emulator._testing.environment import environment
from openvideos_emulator._testing.records import FIELDS
from openvideos_emulator.testing import (
    ConnectionReset,
    EmulatorError,
    JobError,
    OpenVideosServer,
    Operation,
    PlannedFault,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = {"prompt": "A cat", "size": "64x48", "seconds": "1"}


@pytest.fixture(scope="module")
def process() -> Iterator[EmulatorProcess]:
    process = EmulatorProcess(api_key="sk-key", cwd=Path.cwd())
    yield process
    process.close()


@pytest.fixture
def server(process: EmulatorProcess) -> OpenVideosServer:
    server = OpenVideosServer(process.base_url, "sk-key")
    server.reset(pace="manual", profile="default")
    return server


@pytest.fixture
def client(server: OpenVideosServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.base_url, headers=headers, trust_env=False) as client:
        yield client


def test_the_words_are_those_of_the_emulator() -> None:
    assert {operation.id for operation in contract().operations} == set(get_args(Operation))
    bodies = {
        operation.id: {
            name.partition("[")[0]
            for address in operation.bodies.values()
            for name in contract().properties_of(contract().schema_at(address))
        }
        for operation in contract().operations
    }
    assert {name: fields for name, fields in bodies.items() if fields} == FIELDS
    assert [status.value for status in jobs.Status] == list(get_args(Status))
    assert [reset.value for reset in fault_plan.ConnectionReset] == list(get_args(ConnectionReset))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1"),
        ({"NO_PROXY": "one.test, two.test"}, "one.test,two.test,127.0.0.1"),
        ({"NO_PROXY": "one.test", "no_proxy": "two.test"}, "two.test,127.0.0.1"),
        ({"no_proxy": "localhost,127.0.0.1"}, "localhost,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_no_proxy_stands_between(before: dict[str, str], after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    found = environment("http://127.0.0.1:8000/v1", "sk-key")
    assert (after, after) == (found["NO_PROXY"], found["no_proxy"])


def test_its_repr_keeps_the_key(server: OpenVideosServer) -> None:
    assert f"OpenVideosServer(base_url='{server.base_url}')" == repr(server)


def test_its_key_is_not_among_the_arguments_of_the_process(process: EmulatorProcess) -> None:
    assert "sk-key" not in str(process._process.args)


def test_variables_for_an_emulator_that_was_started_by_hand_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENVIDEOS_EMULATOR_PACE", "wrong")
    monkeypatch.setenv("OPENVIDEOS_EMULATOR_API_KEY", "sk-other")
    process = EmulatorProcess(api_key="", cwd=Path.cwd())
    try:
        OpenVideosServer(process.base_url, "any").reset()
    finally:
        process.close()


def test_jobs_are_reported_in_the_words_of_the_api(server: OpenVideosServer, client: httpx.Client) -> None:
    created = client.post("/videos", json={**SMALL, "prompt": "A [fail:odd] cat"}).json()
    (job,) = server.jobs
    for name in ("id", "status", "progress", "model", "prompt", "size", "seconds", "created_at", "completed_at"):
        assert created[name] == getattr(job, name)
    assert ("manual", 0, None) == (job.pace, job.polls, job.error)
    assert job.fails_with is not None
    assert "odd" == job.fails_with.code
    (ended,) = server.advance()
    assert ("failed", job.fails_with) == (ended.status, ended.error)


def test_jobs_are_advanced_by_seconds_by_polls_or_to_an_end(server: OpenVideosServer) -> None:
    one, other = server.seed(status="queued"), server.seed(status="in_progress", progress=50)
    assert [(one.id, 30), (other.id, 80)] == [(job.id, job.progress) for job in server.advance(3)]
    assert [(one.id, 40)] == [(job.id, job.progress) for job in server.advance(polls=1, jobs=[one])]
    error = JobError("oom", "The GPU is full.")
    (failed,) = server.advance(to="failed", jobs=[other.id], error=error)
    assert ("failed", error) == (failed.status, failed.error)
    assert [] == server.travel(hours=0)
    assert [(one.id, "completed")] == [(job.id, job.status) for job in server.advance()]
    assert [] == server.advance()


def test_a_job_is_seeded_in_any_state(server: OpenVideosServer, client: httpx.Client) -> None:
    now = int(time.time())
    expired = server.seed(
        id="video_old", created_at=now - 200_000, completed_at=now - 100_000, prompt="Old", seconds="8"
    )
    assert ("video_old", "completed", "Old", "8", now - 100_000) == (
        expired.id,
        expired.status,
        expired.prompt,
        expired.seconds,
        expired.completed_at,
    )
    assert 410 == client.get("/videos/video_old/content").status_code
    failed = server.seed(status="failed", error=JobError("odd", "It is odd."), remixed_from_video_id=expired.id)
    assert (JobError("odd", "It is odd."), expired.id) == (failed.error, failed.remixed_from_video_id)
    running = server.seed(status="in_progress", pace="polls:4", model="sora-2-pro", size="1280x720")
    assert ("polls:4", "sora-2-pro", "1280x720") == (running.pace, running.model, running.size)
    assert [failed, running] == sorted(server.jobs, key=lambda job: job.status)[1:]


def test_a_reset_may_set_another_pace_and_another_profile(server: OpenVideosServer, client: httpx.Client) -> None:
    server.fail_next()
    client.get("/videos")
    server.fail_next(operation="create_video")
    server.advance(3600)
    server.seed()
    server.reset(pace="polls:2", profile="sora")
    assert ([], []) == (server.jobs, server.faults)
    assert "size" == client.post("/videos", json=SMALL).json()["error"]["param"]
    id_ = client.post("/videos", json={"prompt": "A cat"}).json()["id"]
    assert ["in_progress", "completed"] == [client.get(f"/videos/{id_}").json()["status"] for _ in range(2)]
    assert abs(server.jobs[0].created_at - time.time()) < 60
    server.reset()  # both hold until they are set again
    client.post("/videos", json={"prompt": "A cat"})
    assert ["polls:2"] == [job.pace for job in server.jobs]
    assert 400 == client.post("/videos", json=SMALL).status_code


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"status": 500}),
        ({"count": 3, "operation": "list_videos"}, {"status": 500, "times": 3, "operation": "list_videos"}),
        ({"method": "GET", "path": "/v1/*"}, {"status": 500, "method": "GET", "path": "/v1/*"}),
        ({"status": 429, "headers": {"Retry-After": "1"}}, {"status": 429, "headers": {"Retry-After": "1"}}),
        ({"status": 200, "body": [1]}, {"status": 200, "body": [1]}),
        ({"status": 503, "carried_out": True}, {"status": 503, "carried_out": True}),
        ({"headers": {"etag": '"x"'}}, {"headers": {"etag": '"x"'}}),
        ({"delay": 0.5}, {"delay": 0.5}),
        ({"reset": "after_body"}, {"reset": "after_body"}),
        ({"truncate": 0}, {"truncate": 0}),
        ({"content_length": 7}, {"content_length": 7}),
        ({"stall_at": 0}, {"stall": {"at": 0, "seconds": None}}),
        ({"stall_at": 5, "stall_seconds": 1.5}, {"stall": {"at": 5, "seconds": 1.5}}),
        ({"stall_seconds": 2}, {"stall": {"at": 0, "seconds": 2}}),
    ],
)
def test_each_fault_is_planned_as_it_is_said(
    server: OpenVideosServer, client: httpx.Client, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    server.fail_next(**options)
    (planned,) = client.get("/../_emulator/faults").json()["faults"]
    told = {name: planned.pop(name) for name in ("number", "summary")}
    assert told["number"] > 0
    assert any(word in told["summary"] for word in (*expected, str(expected.get("status"))))
    assert {"times": 1, "left": expected.get("times", 1), **expected} == planned
    server.clear_faults()
    assert [] == server.faults


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    """Run a receiver of webhooks, which keeps what it is sent in `received`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
    with HTTPServer(("127.0.0.1", 0), Handler) as receiver:
        receiver.received = received  # type: ignore[attr-defined]
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


def test_webhooks_go_where_a_test_says(server: OpenVideosServer, receiver: Any) -> None:
    running = server.seed(status="queued", pace="seconds:3600")  # its end is known before
    url = f"http://127.0.0.1:{receiver.server_port}/hooks"
    secret = server.send_webhooks(url)
    manual = server.seed(status="queued")
    server.advance(to="failed", jobs=[manual])
    server.advance(jobs=[running])
    bodies = []
    for _ in range(2):
        headers, body = receiver.received.get(timeout=20)
        bodies.append(Webhook(secret).verify(body, headers))
    assert {("video.failed", manual.id), ("video.completed", running.id)} == {
        (body["type"], body["data"]["id"]) for body in bodies
    }
    deadline = time.monotonic() + 20
    while {event.delivery for event in server.events} != {"delivered"}:
        assert time.monotonic() < deadline
    assert [(1, 204, None, None)] * 2 == [
        (event.attempts, event.status, event.problem, event.next_attempt_at) for event in server.events
    ]
    own = f"whsec_{'A' * 32}"
    assert own == server.send_webhooks(url, secret=own)
    server.advance(jobs=[server.seed(status="queued")])
    headers, body = receiver.received.get(timeout=20)
    Webhook(own).verify(body, headers)
    server.stop_webhooks()
    server.advance(jobs=[server.seed(status="queued")])
    assert 3 == len(server.events)
    server.stop_webhooks()  # once more does no harm
    server.reset()
    assert [] == server.events


def test_faults_that_are_left_are_reported(server: OpenVideosServer, client: httpx.Client) -> None:
    server.fail_next(429, count=2, headers={"Retry-After": "0"}, operation="retrieve_video")
    server.fail_next(reset="before_answer", method="POST", path="/v1/videos")
    response = client.get("/videos/video_any")
    assert (429, "0") == (response.status_code, response.headers["retry-after"])
    assert [
        PlannedFault(left=1, status=429, operation="retrieve_video", summary="status 429, headers Retry-After"),
        PlannedFault(left=1, method="POST", path="/v1/videos", summary="reset before_answer"),
    ] == server.faults
    with pytest.raises(httpx.ReadError):
        client.post("/videos", json=SMALL)
    assert 1 == len(server.jobs)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda server: server.advance(-1), "seconds"),
        (lambda server: server.advance(jobs=["video_none"]), "No video has the id video_none"),
        (lambda server: server.fail_next(operation="nothing"), "it must be one of create_character"),
        (lambda server: server.fail_next(count=0), "^count is 0; it must be at least 1"),
        (lambda server: server.fail_next(stall_at=-1), "^stall_at is -1; it must be at least 0"),
        (lambda server: server.fail_next(stall_at=1, stall_seconds=-1), "^stall_seconds is -1; it must be"),
        (lambda server: server.reset(pace="fast"), "the pace 'fast' is unknown"),
        (lambda server: server.seed(size="1x1"), "even numbers"),
        (lambda server: server.send_webhooks("ftp://127.0.0.1"), "the webhook URL must be http"),
        (lambda server: server.send_webhooks("http://127.0.0.1:9", secret="short"), "the webhook secret must be"),
        (lambda server: OpenVideosServer(server.base_url, "sk-other").jobs, "key is not valid"),
        (lambda _: OpenVideosServer("http://127.0.0.1:1/v1", "k").jobs, "at http://127.0.0.1:1/v1 does not respond"),
    ],
)
def test_what_is_refused_is_reported(server: OpenVideosServer, ask: Any, words: str) -> None:
    with pytest.raises(EmulatorError, match=words):
        ask(server)
    assert [] == server.jobs
