"""Test that a run leaves no job behind, or names it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.exchange import OTHER_CALLER
from openvideos_conformance._core.outcomes import CannotJudgeError, NotReachedError
from openvideos_conformance._core.target import Target
from openvideos_conformance._server.cleanup import Remains, clean_up
from openvideos_conformance._server.gate import Gate
from openvideos_conformance._server.jobs import JobPool
from openvideos_conformance._server.recording_client import RecordingClient

from .synthetic_server import BASE_URL, SyntheticServer, client_of, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

BOAT = {"prompt": "A boat"}


class Clock:
    """A clock that only sleeping moves; at each nap something may happen."""

    def __init__(self, on_nap: Callable[[float], object] = lambda _: None) -> None:
        self.now, self.on_nap = 0.0, on_nap

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_nap(self.now)


def cleaned(client: RecordingClient, clock: Clock | None = None) -> Remains:
    clock = clock or Clock()
    return clean_up(client, clock=lambda: clock.now, sleep=clock.sleep)


def prompt_in(request: httpx.Request) -> str:
    return str(json.loads(request.content)["prompt"])


class Losing(SyntheticServer):
    """A server whose creates make jobs with their prompts; the responses to some of them are lost."""

    def __init__(self, lost: dict[int, int | None]) -> None:
        super().__init__(self._answer)
        self.lost, self.creates = lost, 0

    def _answer(self, request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST":
            return None
        self.creates += 1
        job = self.add(prompt=prompt_in(request))
        if self.creates in self.lost:
            status = self.lost[self.creates]
            if status is None:
                raise httpx.ReadTimeout("timed out")
            return httpx.Response(status, text="Gateway Time-out")
        return httpx.Response(200, json=job)


@given(st.dictionaries(st.integers(1, 6), st.sampled_from([None, 500, 502, 503, 504])), st.integers(0, 250))
def test_jobs_whose_response_was_lost_are_found_in_the_list_and_deleted(
    lost: dict[int, int | None], others: int
) -> None:
    server = Losing(lost)
    with client_of(server) as client:
        for _ in range(6):
            client.post("/videos", json=BOAT)
        theirs = {server.add(prompt="Somebody else's")["id"] for _ in range(others)}
        assert Remains([], []) == cleaned(client)
        assert server.jobs.keys() == theirs


def test_a_job_that_appears_late_is_looked_for_again() -> None:
    def lose(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST":
            return None
        late.append(prompt_in(request))
        raise httpx.ReadTimeout("timed out")

    late: list[str] = []
    server = SyntheticServer(lose)
    with client_of(server) as client:
        client.post("/videos", json=BOAT)
        clock = Clock(lambda now: server.add(prompt=late.pop()) if now > 20 and late else None)
        assert Remains([], []) == cleaned(client, clock)
        assert {} == server.jobs
        assert [] == late


@pytest.mark.parametrize("lists", [200, 404], ids=["a list without prompts", "no list"])
def test_a_job_that_cannot_be_found_is_named(lists: int) -> None:
    def lose(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out")
        return None if lists == 200 else refusal(lists)

    with client_of(SyntheticServer(lose)) as client:
        client.post("/videos", json=BOAT)
        client.post("/videos", form=BOAT)
        clock = Clock()
        remains = cleaned(client, clock)
        assert clock.now <= 60
        assert clock.now > 30 or lists == 404
    expected = f"2 creates had no response: their jobs may still run; look for `{client.run_id}` in your account"
    assert Remains([], [expected]) == remains


def test_a_lost_create_without_a_mark_is_named_by_its_time() -> None:
    def lose(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out")
        return refusal(404)

    with client_of(SyntheticServer(lose)) as client:
        client.post("/videos", content=b'{"prompt": "A boat"', headers={"content-type": "application/json"})
        client.post("/videos", json=BOAT)
        (unmarked, _) = client.history
        remains = cleaned(client)
    moment = datetime.fromtimestamp(unmarked.at, UTC).strftime("%H:%M:%S")
    lost = "1 create had no response: its job may still run"
    expected = [
        f"{lost}; look for `{client.run_id}` in your account",
        f"{lost}; look in your account for what was started at {moment} (UTC)",
    ]
    assert Remains([], expected) == remains


def test_a_busy_server_does_not_make_the_deletion_longer() -> None:
    def busy(request: httpx.Request) -> httpx.Response | None:
        if request.method == "DELETE":
            return httpx.Response(429, headers={"retry-after": "40"})
        return None

    clock = Clock()
    gate = Gate(600.0, now=lambda: clock.now, sleep=clock.sleep)
    transport = httpx.MockTransport(SyntheticServer(busy))
    with RecordingClient(Target(base_url=BASE_URL), transport, gate) as client:
        for _ in range(9):
            client.post("/videos", json=BOAT)
        assert 9 == len(cleaned(client, clock).left_over)
    assert clock.now <= 60


def test_a_job_of_another_caller_that_the_server_gave_to_the_run_is_deleted() -> None:
    def foreign(request: httpx.Request) -> httpx.Response | None:
        is_his = request.headers["authorization"] == "Bearer sk-of-another"
        return refusal(404) if is_his and request.method != "POST" else None

    with client_of(SyntheticServer(foreign), api_key="sk-of-the-run", other_api_key="sk-of-another") as client:
        client.post("/videos", json=BOAT, authorization="Bearer sk-of-another", layer=OTHER_CALLER)
        assert Remains([], []) == cleaned(client)
        assert "DELETE" == [each for each in client.history if each.is_ok][-1].method


@pytest.mark.parametrize("status", [405, 501, None])
def test_a_server_without_delete_is_asked_once_and_every_job_is_named(status: int | None) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        if request.method != "DELETE":
            return None
        if status is None:
            raise httpx.ConnectError("gone")
        return refusal(status)

    server = SyntheticServer(refuse)
    with client_of(server) as client:
        for _ in range(3):
            client.post("/videos", json=BOAT)
        assert Remains(["video_3", "video_2", "video_1"], []) == cleaned(client)
    assert 1 == len([each for each in server.requests if each.method == "DELETE"]) or status is None


@pytest.mark.parametrize(("ends", "left"), [(40.0, []), (1000.0, ["video_1"])])
def test_a_deletion_of_a_running_job_is_tried_again_for_a_limited_time(ends: float, left: list[str]) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        return refusal(409) if request.method == "DELETE" and clock.now < ends else None

    clock = Clock()
    with client_of(SyntheticServer(refuse)) as client:
        client.post("/videos", json=BOAT)
        assert Remains(left, []) == cleaned(client, clock)
    assert clock.now <= 60


def test_a_deletion_that_is_refused_for_good_is_not_waited_for() -> None:
    clock = Clock()
    with client_of(SyntheticServer(lambda each: refusal(403) if each.method == "DELETE" else None)) as client:
        client.post("/videos", json=BOAT)
        assert Remains(["video_1"], []) == cleaned(client, clock)
    assert clock.now < 10


def test_a_deletion_that_takes_long_is_bounded() -> None:
    def slow(request: httpx.Request) -> httpx.Response | None:
        if request.method == "DELETE":
            clock.now += 50
        return None

    clock = Clock()
    with client_of(SyntheticServer(slow)) as client:
        for _ in range(9):
            client.post("/videos", json=BOAT)
        assert 7 == len(cleaned(client, clock).left_over)


def test_no_job_is_started_while_the_run_cleans_up() -> None:
    with client_of(SyntheticServer()) as client:
        cleaned(client)
        with pytest.raises(NotReachedError):
            client.post("/videos", json=BOAT)


def test_an_interrupted_create_is_found_too() -> None:
    def interrupt(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST":
            server.add(prompt=prompt_in(request))
            raise KeyboardInterrupt
        return None

    server = SyntheticServer(interrupt)
    with client_of(server) as client:
        with pytest.raises(KeyboardInterrupt):
            client.post("/videos", json=BOAT)
        assert Remains([], []) == cleaned(client)
        assert {} == server.jobs


def _answering(answer: int | None) -> Callable[[httpx.Request], httpx.Response | None]:
    def respond(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and answer is None:
            raise httpx.ReadTimeout("timed out")
        return refusal(answer or 200) if request.method == "POST" else None

    return respond


def test_a_plain_create_whose_connection_is_closed_is_not_helped_by_time() -> None:
    def respond(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return None

    with client_of(SyntheticServer(respond)) as client, pytest.raises(CannotJudgeError) as caught:
        JobPool(client).start(("plain",))
    assert str(caught.value).endswith(" a response. Its job may run all the same. The server's log may say why")


@pytest.mark.parametrize(
    ("answer", "advice"),
    [(None, "--timeout"), (504, "--timeout"), (404, "usually with /v1"), (405, "usually with /v1"), (422, "--size")],
)
def test_a_plain_create_that_starts_nothing_ends_the_run_with_advice(answer: int | None, advice: str) -> None:
    server = SyntheticServer(_answering(answer))
    kinds: Any = ("plain", "doomed", "longest")
    with client_of(server) as client, pytest.raises(CannotJudgeError, match=advice):
        JobPool(client).start(kinds)
    assert len(server.sent("POST", "/videos")) <= 2
