"""Test that a run starts no more jobs than its bound, whatever the server answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.outcomes import NotReachedError
from openvideos_conformance._core.target import Target
from openvideos_conformance._fuzz.transport import RecordingTransport
from openvideos_conformance._server.recording_client import RecordingClient
from openvideos_conformance._server.wire import Received

BASE = "http://server.test/v1"
STATUSES = (200, 201, 202, 302, 400, 404, 429, 500, 501, 503, 504)
WAYS = ("form", "json", "remix", "slash", "put", "generated")


class Billing:
    """A server that may start a job for any request that could be a create, whatever it answers, if at all."""

    def __init__(self, answers: list[tuple[int | None, bool]]) -> None:
        self.answers, self.bills = answers, 0
        self._lock = threading.Lock()

    def next(self) -> tuple[int | None, int]:
        with self._lock:
            status, is_billed = self.answers.pop() if self.answers else (200, True)
            # A 4XX and a 501 start nothing; of everything else, the client cannot know.
            self.bills += is_billed and not (status is not None and (400 <= status < 500 or status == 501))
            return status, self.bills

    def __call__(self, request: httpx.Request) -> httpx.Response:
        status, number = self.next()
        if status is None:
            raise httpx.ReadTimeout("timed out")
        return httpx.Response(status, json={"id": f"video_{number}"}, headers={"retry-after": "0"})

    def received(self) -> Received:
        status, number = self.next()
        if status is None:
            return Received(failure="ReadTimeout: timed out")
        body = b'{"id": "video_%d"}' % number
        return Received(status=status, headers=(("retry-after", "0"),), body=body, length=len(body))


def _send(client: RecordingClient, fuzz: RecordingTransport, server: Billing, way: str) -> None:
    boat: dict[str, Any] = {"prompt": "A boat"}
    with suppress(NotReachedError, requests.RequestException):
        if way == "generated":
            fuzz.exchange(requests.Request("POST", f"{BASE}/videos", json=boat).prepare(), server.received)
        elif way == "form":
            client.post("/videos", form=boat)
        else:
            path = {"remix": "/videos/video_1/remix", "slash": "/videos/"}.get(way, "/videos")
            client.send("PUT" if way == "put" else "POST", path, json=boat)


@given(
    st.integers(1, 6),
    st.lists(st.sampled_from(WAYS), max_size=20),
    st.lists(st.tuples(st.sampled_from([None, *STATUSES]), st.booleans()), max_size=40),
    st.sampled_from([1, 4]),
)
def test_no_more_jobs_are_started_than_the_bound(
    most: int, ways: list[str], answers: list[tuple[int | None, bool]], threads: int
) -> None:
    server = Billing(answers)
    with RecordingClient(Target(base_url=BASE, max_videos=most), httpx.MockTransport(server)) as client:
        fuzz = RecordingTransport(client, 12)
        with ThreadPoolExecutor(threads) as pool:
            for each in [pool.submit(_send, client, fuzz, server, way) for way in ways]:
                each.result()
        assert server.bills <= client.videos_started <= most
        assert 0 == client.starts.unsettled


def test_a_refused_request_gives_its_start_back_and_a_lost_one_does_not() -> None:
    statuses: list[tuple[int | None, bool]] = [(None, True), (500, True), (501, False), (422, False)]
    with RecordingClient(Target(base_url=BASE, max_videos=2), httpx.MockTransport(Billing(statuses))) as client:
        for _ in range(4):
            client.post("/videos", json={"prompt": "A boat"})
        assert 2 == client.videos_started
        with pytest.raises(NotReachedError, match="the limit of 2 videos is reached; raise it with --max-videos"):
            client.post("/videos", json={"prompt": "A boat"})


def test_a_repeat_that_returns_the_earlier_job_starts_none() -> None:
    server = httpx.MockTransport(lambda _: httpx.Response(200, json={"id": "video_1"}))
    with RecordingClient(Target(base_url=BASE), server) as client:
        for _ in range(2):
            client.post("/videos", json={"prompt": "A boat"}, headers={"idempotency-key": "k"})
        assert 1 == client.videos_started


def test_an_interrupted_create_may_have_started_a_job() -> None:
    def interrupt(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    with RecordingClient(Target(base_url=BASE), httpx.MockTransport(interrupt)) as client:
        with pytest.raises(KeyboardInterrupt):
            client.post("/videos", json={"prompt": "A boat"})
        assert (1, 1) == (client.videos_started, client.starts.unsettled)


def test_below_the_options_limit_a_run_is_held_to_what_its_checks_need() -> None:
    with RecordingClient(Target(base_url=BASE, max_videos=9), httpx.MockTransport(Billing([]))) as client:
        client.starts.limit(1)
        client.post("/videos", json={"prompt": "A boat"})
        with pytest.raises(NotReachedError, match="the limit of 1 videos is reached, more than a server needs"):
            client.post("/videos", json={"prompt": "A boat"})


def test_reads_deletions_and_characters_start_nothing() -> None:
    with RecordingClient(Target(base_url=BASE, max_videos=1), httpx.MockTransport(Billing([]))) as client:
        client.starts.limit(0)
        client.get("/videos")
        client.delete("/videos/video_1")
        client.post("/videos/characters", json={"name": "Ada"})
        assert 0 == client.videos_started


def test_a_create_waits_for_another_that_may_be_refused() -> None:
    asked, answered = threading.Event(), threading.Event()

    def server(request: httpx.Request) -> httpx.Response:
        if b"first" in request.content:
            asked.set()
            answered.wait(10)
            return httpx.Response(400)
        return httpx.Response(200, json={"id": "video_1"})

    target = Target(base_url=BASE, max_videos=1)
    with RecordingClient(target, httpx.MockTransport(server)) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/videos", json={"prompt": "first"})
        assert asked.wait(10)
        second = pool.submit(client.post, "/videos", json={"prompt": "second"})
        assert not second.done()
        answered.set()
        assert (400, 200) == (first.result().status, second.result().status)
