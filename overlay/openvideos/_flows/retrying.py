"""Decide whether and when a call is sent again. The only place where that is decided. Pure.

The rule (DESIGN: Retry): reads (GET, DELETE) are tried again after connection errors, timeouts, 408, 409, 429 and
5xx. A POST starts a job that costs money, so it is tried again only when it provably was not accepted: the connection
was never made, or the server said 429, or 503 with Retry-After. Whoever declares that the server honours
`Idempotency-Key` has POSTs treated as reads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx
from attrs import frozen

from .._calls import Call
from .._errors import APIConnectionError, APIError
from .._parsing import status_error
from .effects import Flow, Send, Sleep
from .hints import retry_after

T = TypeVar("T")

FIRST_PAUSE_S: Final = 0.5
MOST_DOUBLINGS: Final = 4
LONGEST_HINT_S: Final = 60.0
SHORTEST_ATTEMPT_S: Final = 1.0

logger = logging.getLogger("openvideos")


@frozen
class Clocks:
    """The times and the chance that flows depend on; a test gives its own."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    random: Callable[[], float]


@frozen
class Retries:
    """How often and how fast a call is sent again."""

    limit: int
    clocks: Clocks
    idempotent_posts: bool = False


def backoff(failures: int, random: float) -> float:
    """Return the pause after so many failures (1, 2, …): 0.5 s doubling to 8 s, less up to a quarter by chance."""
    # The exponent is bounded, and not the power, so that no count overflows.
    return FIRST_PAUSE_S * 2.0 ** min(failures - 1, MOST_DOUBLINGS) * (1 - random / 4)


def is_success(call: Call[Any], response: httpx.Response) -> bool:
    """Tell whether a response is the answer that the call wants."""
    if response.is_success:
        return True
    return call.recognises is not None and call.recognises(response)


def is_transient(outcome: httpx.Response | APIConnectionError, *, conflict_may_pass: bool = True) -> bool:
    """Tell whether a read that ended so may succeed when it is repeated."""
    if isinstance(outcome, APIConnectionError):
        return not isinstance(outcome.__cause__, (httpx.TooManyRedirects, httpx.UnsupportedProtocol))
    hint: str | None = outcome.headers.get("x-should-retry")
    if hint in {"true", "false"}:
        return hint == "true"
    status = outcome.status_code
    if status == HTTPStatus.CONFLICT:
        return conflict_may_pass or "retry-after" in outcome.headers
    return status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS} or status >= 500  # noqa: PLR2004 - RFC 9110, 15.6


def was_not_accepted(outcome: httpx.Response | APIConnectionError) -> bool:
    """Tell whether a POST that ended so provably started nothing."""
    if isinstance(outcome, APIConnectionError):
        return outcome.never_sent and not isinstance(outcome.__cause__, httpx.UnsupportedProtocol)
    if outcome.headers.get("x-should-retry") == "false":
        return False
    if outcome.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        return "retry-after" in outcome.headers or "retry-after-ms" in outcome.headers
    return outcome.status_code == HTTPStatus.TOO_MANY_REQUESTS


def may_repeat(call: Call[Any], outcome: httpx.Response | APIConnectionError, *, idempotent_posts: bool) -> bool:
    """Tell whether the call may be sent again after this outcome, without a thought of how often it was."""
    if not call.rewindable:
        return False
    if call.is_post and not idempotent_posts:
        return was_not_accepted(outcome)
    return is_transient(outcome, conflict_may_pass=call.conflict_may_pass)


def pause_before_repeat(outcome: httpx.Response | APIConnectionError, failures: int, clocks: Clocks) -> float | None:
    """Return how long to wait before the next attempt, in seconds; None if the server wants more than we wait."""
    if isinstance(outcome, httpx.Response):
        hint = retry_after(outcome.headers, now=clocks.wall())
        if hint is not None:
            # To come back sooner than asked would be rude, and to wait for hours would look like a hang.
            return hint if hint <= LONGEST_HINT_S else None
    return backoff(failures, clocks.random())


def failure(call: Call[Any], outcome: httpx.Response | APIConnectionError) -> APIError:
    """Return the error that an outcome means to the caller."""
    error: APIError = outcome if isinstance(outcome, APIConnectionError) else status_error(outcome)
    error.about(call.video_id)
    return error


def sending(
    call: Call[T], retries: Retries, *, deadline: float | None = None, stream: bool = False
) -> Flow[httpx.Response]:
    """Send a call until it succeeds, and return the response; raise the last failure when it may not be sent again.

    `deadline` is on the monotonic clock: no attempt gets more time than is left, and no pause goes beyond it.
    """
    failures = 0
    while True:
        within = None if deadline is None else max(deadline - retries.clocks.monotonic(), SHORTEST_ATTEMPT_S)
        outcome: httpx.Response | APIConnectionError = yield Send(call, within=within, stream=stream)
        if isinstance(outcome, httpx.Response) and is_success(call, outcome):
            return outcome
        failures += 1
        error = failure(call, outcome)
        if failures > retries.limit or not may_repeat(call, outcome, idempotent_posts=retries.idempotent_posts):
            raise error
        pause = pause_before_repeat(outcome, failures, retries.clocks)
        if pause is None or (deadline is not None and retries.clocks.monotonic() + pause >= deadline):
            raise error
        logger.info(
            "%s: attempt %d failed (%s); the next in %.2f s", call.operation, failures, type(error).__name__, pause
        )
        yield Sleep(pause)


def calling(call: Call[T], retries: Retries, *, deadline: float | None = None) -> Flow[T]:
    """Send a call as `sending` does, and return what its answer means."""
    response = yield from sending(call, retries, deadline=deadline)
    return call.parse(response)
