"""Decide whether and when a call is sent again. Pure.

The rule (DESIGN: Retry): GET and DELETE are retried after connection errors, timeouts, 408, 409, 429 and 5xx. A POST
starts a job that costs money, so it is retried only if the server provably did not accept it: the connection was never
made, or the response is a 429, or a 503 with Retry-After, and not a job. If the caller declares that the server honours
`Idempotency-Key`, POSTs are retried like GETs. Of the methods that only `client.request` sends, PATCH is as POST, and
the others are as GET.
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
from .._parsing.responses import job_id, refuses, status_error
from .effects import Flow, Send, Sleep
from .hints import LONGEST_RETRY_PAUSE_S, retry_after

T = TypeVar("T")

FIRST_PAUSE_S: Final = 0.5
MOST_DOUBLINGS: Final = 4
SHORTEST_ATTEMPT_S: Final = 1.0

logger = logging.getLogger("openvideos")


@frozen
class Clocks:
    """The clocks, in seconds, and the random numbers from 0 to 1 that flows use; tests provide their own."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    random: Callable[[], float]


@frozen
class Retries:
    """How a call is retried: at most `limit` times; POSTs like GETs with `idempotent_posts`."""

    limit: int
    clocks: Clocks
    idempotent_posts: bool = False


def backoff(failures: int, random: float) -> float:
    """Return the pause in seconds after this many failures: 0.5, doubled up to 8, minus a random part of up to 1/4."""
    # The exponent is limited, not the power, so that a large count does not overflow.
    return FIRST_PAUSE_S * 2.0 ** min(failures - 1, MOST_DOUBLINGS) * (1 - random / 4)


def is_success(call: Call[Any], response: httpx.Response) -> bool:
    """Return whether a response is a success, or an error status that the call accepts."""
    if response.is_success:
        return True
    return call.accepts_error_status is not None and call.accepts_error_status(response)


def is_transient(outcome: httpx.Response | APIConnectionError, *, conflict_may_pass: bool = True) -> bool:
    """Return whether a GET or DELETE with this outcome may succeed if it is repeated."""
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
    """Return whether a POST with this outcome provably started no job."""
    if isinstance(outcome, APIConnectionError):
        return outcome.never_sent and not isinstance(outcome.__cause__, httpx.UnsupportedProtocol)
    return refuses(outcome)


def may_repeat(call: Call[Any], outcome: httpx.Response | APIConnectionError, *, idempotent_posts: bool) -> bool:
    """Return whether the call may be sent again after this outcome; the number of attempts is not considered here."""
    if not call.rewindable:
        return False
    if call.is_post and isinstance(outcome, httpx.Response) and job_id(outcome) is not None:
        return False  # the job was accepted, whatever the status
    if call.is_post and not idempotent_posts:
        return was_not_accepted(outcome)
    return is_transient(outcome, conflict_may_pass=call.conflict_may_pass)


def pause_before_repeat(outcome: httpx.Response | APIConnectionError, failures: int, clocks: Clocks) -> float | None:
    """Return how long to wait before the next attempt, in seconds; None if the server demands too long a wait."""
    if isinstance(outcome, httpx.Response):
        hint = retry_after(outcome.headers, now=clocks.wall())
        if hint is not None:
            # An earlier retry would ignore the server's demand, and a wait of hours would look like a hang.
            return hint if hint <= LONGEST_RETRY_PAUSE_S else None
    return backoff(failures, clocks.random())


def failure(call: Call[Any], outcome: httpx.Response | APIConnectionError) -> APIError:
    """Return the error for a failed outcome."""
    error: APIError = outcome if isinstance(outcome, APIConnectionError) else status_error(outcome)
    error.about(call.video_id)
    return error


def sending(
    call: Call[T], retries: Retries, *, deadline: float | None = None, stream: bool = False
) -> Flow[httpx.Response]:
    """Send a call until it succeeds, and return the response.

    `deadline`, on the monotonic clock in seconds, limits the time of each attempt and of each pause.

    Raises:
        APIError: The call failed, and may not be sent again.
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
    """Send a call as `sending` does, and return the parsed response.

    Raises:
        APIError: The call failed, and may not be sent again; or the response breaks the contract.
    """
    response = yield from sending(call, retries, deadline=deadline)
    return call.parse(response)
