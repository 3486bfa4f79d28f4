"""Test that a server which limits requests, or bears few, is not judged for that, and that the run says so."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from openvideos_conformance._cli.run import run_suite
from openvideos_conformance._core.outcomes import CannotJudgeError, NotReachedError, ViolationError
from openvideos_conformance._core.target import Target
from openvideos_conformance._core.verdicts import Verdict
from openvideos_conformance._probes.unauthorized_requests import UnauthorizedRequests
from openvideos_conformance._pytest.run_state import RunState
from openvideos_conformance._server.capabilities import Capabilities
from openvideos_conformance._server.cleanup import clean_up
from openvideos_conformance._server.gate import Gate
from openvideos_conformance._server.jobs import JobPool
from openvideos_conformance._server.preflight import preflight
from openvideos_conformance._server.recording_client import RecordingClient
from openvideos_conformance._server.webhook_receiver import WebhookReceiver
from openvideos_conformance.suite import test_authentication as authentication
from openvideos_conformance.suite import test_webhooks as webhooks

from .synthetic_server import BASE_URL, Answer, SyntheticServer, client_of, refusal, started

KEY = "sk-right"
IMPATIENT = {"deadline": 0.0}
BUSY = refusal(429, "rate_limit_exceeded")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll jobs without a pause."""
    monkeypatch.setattr("openvideos_conformance._server.jobs._FIRST_PAUSE", 0.0)
    monkeypatch.setattr("openvideos_conformance._server.jobs._LONGEST_PAUSE", 0.0)


# ---------------------------------------------------------------- wrong keys
def keyless(refuse: Answer) -> Answer:
    """Return a server that answers the requests without the right key so."""

    def wrong(request: httpx.Request) -> httpx.Response | None:
        return None if request.headers.get("authorization") == f"Bearer {KEY}" else refuse(request)

    return wrong


@contextmanager
def unauthorized(wrong: Answer) -> Generator[tuple[RecordingClient, UnauthorizedRequests]]:
    with client_of(SyntheticServer(wrong), api_key=KEY, **IMPATIENT) as client, started(client, "plain") as jobs:
        offered = cast("Capabilities", SimpleNamespace(has=lambda _: True))
        yield client, UnauthorizedRequests(client, offered, known=jobs["plain"].id, doomed="")


def test_a_wrong_key_that_a_server_is_tired_of_was_not_admitted() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        # By what is asked for and not by its number: threads ask in any order.
        is_refused = request.url.path == "/v1/videos" and "authorization" not in request.headers
        return refusal(401, **{"www-authenticate": "Bearer"}) if is_refused else BUSY

    with unauthorized(keyless(refuse)) as (client, requests):
        authentication.test_no_operation_accepts_a_missing_key(client, requests)
        for check in (
            partial(authentication.test_no_operation_accepts_a_wrong_key, client),
            authentication.test_a_key_under_another_scheme_is_refused,
            authentication.test_unauthorized_clients_do_not_learn_which_ids_exist,
        ):
            with pytest.raises(NotReachedError):  # it has no refusal of its own
                check(requests)
        assert any(each.status == 429 for each in requests.exchanges())


def test_a_wrong_key_that_is_admitted_among_busy_responses_is_a_violation() -> None:
    def wrong(request: httpx.Request) -> httpx.Response | None:
        is_right = request.headers.get("authorization") == f"Bearer {KEY}"
        return None if is_right or (request.method, request.url.path) == ("GET", "/v1/videos") else BUSY

    with unauthorized(wrong) as (client, requests), pytest.raises(ViolationError, match="without a key: returned 200"):
        authentication.test_no_operation_accepts_a_missing_key(client, requests)


def test_without_any_refusal_of_a_key_nothing_is_judged() -> None:
    with (
        unauthorized(keyless(lambda _: BUSY)) as (client, requests),
        pytest.raises(NotReachedError, match="too busy to refuse a key"),
    ):
        authentication.test_no_operation_accepts_a_missing_key(client, requests)


def test_a_server_that_needs_no_key_has_one_divergence_and_gets_advice() -> None:
    def wrong(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        is_unknown = path.startswith("/v1/videos/video_") and not path.startswith("/v1/videos/video_1")
        if is_unknown:
            return refusal(404)
        return refusal(409) if path.endswith("/content") else None

    with unauthorized(wrong) as (client, requests):
        checks: tuple[Callable[[], None], ...] = (
            partial(authentication.test_no_operation_accepts_a_missing_key, client, requests),
            partial(authentication.test_no_operation_accepts_a_wrong_key, client, requests),
            partial(authentication.test_a_key_under_another_scheme_is_refused, requests),
            partial(
                authentication.test_an_unauthorized_create_starts_no_job,
                client,
                cast("Capabilities", SimpleNamespace(has=lambda _: True)),
                requests,
            ),
        )
        messages: list[str] = []
        for check in checks:
            with pytest.raises(ViolationError) as caught:
                check()
            messages.append(caught.value.message)
            # By these, what to mend first has one cause for all.
            assert {401} == caught.value.findings[0].statuses
            assert caught.value.exchanges[0].is_ok
        assert "a server that needs no key is judged without --api-key and OPENVIDEOS_API_KEY" in messages[0]
        with pytest.raises(NotReachedError):
            authentication.test_unauthorized_clients_do_not_learn_which_ids_exist(requests)


# ---------------------------------------------------------------- jobs and events
def test_a_poll_that_is_refused_says_nothing_of_the_job() -> None:
    left = iter([BUSY] * 40)

    def wrong(request: httpx.Request) -> httpx.Response | None:
        return next(left, None) if request.method == "GET" and request.url.path.endswith("/video_1") else None

    clock = SimpleNamespace(time=0.0)
    gate = Gate(0.0, None, lambda: cast("float", clock.time))
    target = Target(base_url=BASE_URL)
    with RecordingClient(target, httpx.MockTransport(SyntheticServer(wrong)), gate) as client:
        pool = JobPool(client)
        pool.start(["plain"])
        assert "completed" == pool.ended("plain").status
        pool.stop()


def test_an_event_has_its_time_after_the_end_of_the_job_whatever_the_deadline_is() -> None:
    waited: list[float] = []

    def wait_for(_: object, seconds: float) -> None:
        waited.append(seconds)

    receiver = cast("WebhookReceiver", SimpleNamespace(wait_for=wait_for, deliveries=()))
    with client_of(SyntheticServer(), deadline=1.0) as client, started(client, "plain") as jobs:
        job = jobs.completed()
        with pytest.raises(ViolationError, match="no event was delivered"):
            webhooks._expect_event(client, receiver, job, "video.completed")
    assert waited[0] > webhooks.EVENT_WITHIN - 5


# ---------------------------------------------------------------- the end of a run
def test_a_server_that_takes_no_request_cannot_be_judged() -> None:
    with (
        client_of(SyntheticServer(lambda _: BUSY), **IMPATIENT) as client,
        pytest.raises(CannotJudgeError, match=r"limits requests \(429\).*--rate"),
    ):
        preflight(client)


def run(wrong: Answer, only: set[str], **target: Any) -> tuple[RunState, Any]:
    """Judge a server in memory that needs no patience, and return the state and the result."""
    settings = Target(base_url=BASE_URL, **target)
    moment = SimpleNamespace(now=0.0)

    def sleep(seconds: float) -> None:
        moment.now += seconds

    gate = Gate(settings.deadline, settings.rate, lambda: cast("float", moment.now), sleep)
    state = RunState(target=settings, only=frozenset(only))
    server = SyntheticServer(lambda request: wrong(request) or _illegal(request))
    state.client = RecordingClient(settings, httpx.MockTransport(server), gate)
    instant = partial(clean_up, clock=lambda: moment.now, sleep=sleep)
    with state.client, pytest.MonkeyPatch.context() as patch:
        patch.setattr("openvideos_conformance._pytest.fixtures.clean_up", instant)
        return state, run_suite(state, io.StringIO(), is_coloured=False)


def _illegal(request: httpx.Request) -> httpx.Response | None:
    limit = request.url.params.get("limit", "1")
    return None if limit.isdecimal() and 1 <= int(limit) <= 100 else refusal(400)


READS = {"VID-LIST-014", "VID-RETRIEVE-003", "VID-RETRIEVE-008"}
"""Requirements of which each check sends few requests, and generated requests none."""


def test_a_run_that_the_server_refuses_to_go_on_with_ends_without_a_verdict() -> None:
    left = iter(range(6))
    _, result = run(lambda _: None if next(left, None) is not None else BUSY, READS, deadline=60.0)
    assert "allow more time with --deadline" in (result.problem or "")
    assert 2 == result.exit_code
    assert [] == [each.requirement.id for each in result.results if each.verdict is Verdict.FAIL]


@pytest.mark.slow
def test_a_server_that_refuses_every_other_request_is_judged_like_another() -> None:
    _, free = run(lambda _: None, READS)
    for retry_after in ("1", None, "Wed, 01 Jan 2020 00:00:00 GMT"):
        numbers = count()
        busy = BUSY if retry_after is None else refusal(503, **{"retry-after": retry_after})

        def wrong(
            _: httpx.Request, numbers: count[int] = numbers, busy: httpx.Response = busy
        ) -> httpx.Response | None:
            return busy if next(numbers) % 2 else None

        state, limited = run(wrong, READS)
        assert state.client is not None
        assert any(each.is_busy for each in state.client.history)
        assert [(each.requirement.id, each.verdict) for each in free.results] == [
            (each.requirement.id, each.verdict) for each in limited.results
        ], retry_after
