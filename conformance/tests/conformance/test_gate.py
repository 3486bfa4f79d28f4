"""Test that a run keeps to the pace of a server that is busy, without a verdict on it and without a real pause."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.outcomes import NotReachedError
from openvideos_conformance._core.target import Target
from openvideos_conformance._server.gate import ATTEMPTS, Gate, retry_after
from openvideos_conformance._server.recording_client import RecordingClient

from .runs import exchange
from .synthetic_server import BASE_URL, refusal

NOW = 1_800_000_000.0


@dataclass
class Clock:
    """A clock that stands still until somebody sleeps."""

    time: float = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def gate(self, patience: float = 600.0, rate: float | None = None) -> Gate:
        return Gate(patience, rate, self.now, self.sleep)


def busy(status: int = 429, **headers: str) -> httpx.Response:
    return refusal(status, **{name.replace("_", "-"): value for name, value in headers.items()})


def client_of(answer: Callable[[httpx.Request], httpx.Response], gate: Gate, **target: Any) -> RecordingClient:
    return RecordingClient(Target(base_url=BASE_URL, **target), httpx.MockTransport(answer), gate)


def after(*refusals: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    """Return a server that refuses so many requests, and answers all others."""
    left = iter(refusals)
    return lambda _: next(left, httpx.Response(200, json={}))


# ---------------------------------------------------------------- Retry-After
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": formatdate(NOW + 20, usegmt=True), "date": formatdate(NOW + 5, usegmt=True)}, 15.0),
        ({"retry-after": formatdate(NOW + 20, usegmt=True)}, 20.0),
        ({"retry-after": formatdate(NOW - 20, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "1.5"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_a_server_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds == retry_after(exchange(status=429, headers=tuple(headers.items()), at=NOW))


@given(text=st.text(max_size=40) | st.integers().map(str), date=st.text(max_size=30))
def test_whatever_it_says_is_a_time_or_nothing(text: str, date: str) -> None:
    seconds = retry_after(exchange(status=429, headers=(("retry-after", text), ("date", date))))
    assert seconds is None or 0 <= seconds < math.inf


# ---------------------------------------------------------------- waiting
@pytest.mark.parametrize("status", [429, 503])
def test_a_request_is_sent_again_after_the_pause_that_the_server_asks_for(status: int) -> None:
    clock = Clock()
    with client_of(after(busy(status, retry_after="30")), clock.gate()) as client:
        assert client.get("/videos").is_ok
        assert [status, 200] == [each.status for each in client.history]
    assert 130.0 == clock.time


def test_all_requests_wait_when_one_is_refused() -> None:
    clock = Clock()
    gate = clock.gate()
    assert gate.pause(exchange(status=429, headers=(("retry-after", "30"),)), 0, math.inf)
    with gate.passage():
        assert 130.0 == clock.time


def test_a_server_that_does_not_say_how_long_gets_ever_more_time() -> None:
    clock = Clock()
    with client_of(after(*[busy()] * 4), clock.gate()) as client:
        assert client.get("/videos").is_ok
    assert 100.0 + 1 + 2 + 4 + 8 == clock.time


Refusals = st.lists(
    st.one_of(st.none(), st.integers(0, 500).map(str), st.just("nonsense"), st.just(formatdate(NOW, usegmt=True))),
    max_size=40,
)


@given(refusals=Refusals, patience=st.floats(0, 1_000), requests=st.integers(1, 5))
def test_the_waiting_ends_with_the_patience(refusals: list[str | None], patience: float, requests: int) -> None:
    clock = Clock()
    left = iter([busy() if each is None else busy(retry_after=each) for each in refusals])
    with client_of(lambda _: next(left, httpx.Response(200, json={})), clock.gate(patience)) as client:
        for _ in range(requests):
            client.get("/videos", layer="following")
        assert len(client.history) <= ATTEMPTS * requests
    assert clock.time - 100.0 <= patience + 1e-6


@given(rate=st.integers(1, 50), asked=st.integers(1, 30))
def test_a_polite_run_keeps_its_rate_after_a_pause(rate: int, asked: int) -> None:
    clock = Clock()
    gate = clock.gate(rate=rate)
    assert gate.pause(exchange(status=429, headers=(("retry-after", str(asked)),)), 0, math.inf)
    sent: list[float] = []
    for _ in range(8):
        with gate.passage():
            sent.append(clock.now())
    assert sent[0] >= 100.0 + asked
    assert all(later - earlier >= 1 / rate - 1e-9 for earlier, later in pairwise(sent))


@given(rate=st.integers(1, 50), number=st.integers(1, 30))
def test_a_polite_run_sends_no_more_than_its_rate(rate: int, number: int) -> None:
    clock, sent = Clock(), list[float]()
    gate = clock.gate(rate=rate)
    for _ in range(number):
        with gate.passage():
            sent.append(clock.time)
    assert all(later - earlier >= 1 / rate - 1e-9 for earlier, later in pairwise(sent))
    assert sent[-1] - sent[0] == pytest.approx((number - 1) / rate)


def test_fewer_requests_are_under_way_once_the_server_could_not_bear_them() -> None:
    gate, has_entered = Clock().gate(), threading.Event()
    for _ in range(10):
        gate.pause(exchange(status=503, headers=(("retry-after", "0"),)), 0, math.inf)

    def enter() -> None:
        with gate.passage():
            has_entered.set()

    with ThreadPoolExecutor(1) as pool:
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(gate.passage())
            entering = pool.submit(enter)
            assert not has_entered.wait(0.05)
        entering.result(timeout=10)


# ---------------------------------------------------------------- what a busy answer means
def test_a_check_has_no_verdict_on_a_server_that_stays_busy() -> None:
    with (
        client_of(lambda _: busy(retry_after="900"), Clock().gate()) as client,
        pytest.raises(NotReachedError, match="overloaded, or limits requests") as caught,
    ):
        client.get("/videos")
    assert [429] == [each.status for each in caught.value.exchanges]


def test_a_wrong_key_is_not_sent_again_and_again() -> None:
    with client_of(lambda _: busy(retry_after="60"), Clock().gate(), api_key="sk-right") as client:
        assert 429 == client.get("/videos", authorization="Bearer wrong").status
        assert 1 == len(client.history)
        assert not client.gate.is_of_no_use


def test_a_server_that_does_not_answer_is_not_asked_for_ever() -> None:
    clock = Clock()

    def silent(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out")

    with client_of(silent, clock.gate(), timeout=0.0) as client:
        found = [(client.get("/videos", layer="following"), client.gate.is_of_no_use)[1] for _ in range(6)]
    assert [False] * 4 + [True] * 2 == found


def test_waiting_is_of_no_use_when_nothing_else_comes() -> None:
    refused = iter([True] * 4 + [False] + [True] * 5)
    answers = lambda _: busy(retry_after="999") if next(refused) else httpx.Response(200, json={})  # noqa: E731
    with client_of(answers, Clock().gate()) as client:
        found = [(client.get("/videos", layer="following"), client.gate.is_of_no_use)[1] for _ in range(10)]
    assert [False] * 9 + [True] == found
