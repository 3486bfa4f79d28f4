"""Say what both drivers do alike around one attempt: its request, its limits, its log line. No I/O."""

from __future__ import annotations

import logging
import time
import traceback
from typing import Any, Final

import anyio
import httpx

from .._calls import Call
from .._environment import has_valid_port, same_origin
from .._errors import APIConnectionError, InvalidArgumentError
from .._flows.effects import Send
from .._parsing import connection_error, secrets_of
from .._secrets import is_secret_name, scrub, secrets_in

LONGEST_WAY: Final = 20
"""How many redirects are followed."""

logger = logging.getLogger("openvideos")

# What httpx raises of its own, and what it lets through: OSError from custom transports, ValueError from odd headers
# and URLs.
FOREIGN: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict, OSError, ValueError)

# What anyio raises on a connection that another task has closed comes on top.
FOREIGN_ASYNC: Final = (*FOREIGN, anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)


def clamped(timeout: float | httpx.Timeout | None, within: float | None) -> httpx.Timeout:
    """Return a timeout none of whose phases is longer than `within` seconds."""
    base = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
    if within is None:
        return base
    phases = {name: within if value is None else min(value, within) for name, value in base.as_dict().items()}
    return httpx.Timeout(**phases)


def build(http: httpx.Client | httpx.AsyncClient, send: Send) -> httpx.Request:
    """Return the request of one attempt."""
    call = send.call
    try:
        return http.build_request(
            call.method,
            call.url,
            headers=call.headers,
            params=call.query,
            json=call.json,
            files=call.files,
            timeout=clamped(call.timeout, send.within),
        )
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InvalidArgumentError(f"The address of {call.operation} cannot be written: {error}.") from error


def redirected(call: Call[Any], response: httpx.Response) -> httpx.Request | None:
    """Return the request that an answer sends the call on to, None if it is not to be followed.

    A POST is not, since it would be repeated or turned into a GET; nor any other method that would be turned into one:
    a DELETE that became a GET deletes nothing. No secret goes to another origin; httpx drops Authorization alone.
    """
    request = response.next_request
    if request is None or call.is_post or request.method != response.request.method:
        return None
    if not same_origin(request.url, response.request.url):
        for name in [name for name in request.headers if is_secret_name(name)]:
            del request.headers[name]
    return request


def way(response: httpx.Response) -> list[httpx.Response]:
    """Return a redirect that is to be followed, and those before it.

    Raises httpx.TooManyRedirects when they are too many, httpx.RemoteProtocolError when it leads nowhere.
    """
    following = response.next_request
    if following is not None and not has_valid_port(following.url):
        raise httpx.RemoteProtocolError(f"a redirect to the port {following.url.port}", request=response.request)
    if len(response.history) >= LONGEST_WAY:
        raise httpx.TooManyRedirects(f"more than {LONGEST_WAY} redirects", request=response.request)
    return [*response.history, response]


def log_attempt(call: Call[Any], outcome: httpx.Response | APIConnectionError, started: float) -> None:
    if not logger.isEnabledFor(logging.DEBUG):
        return
    what = (
        f"{outcome.status_code} (request id {scrub(outcome.headers.get('x-request-id'), call.secrets)})"
        if isinstance(outcome, httpx.Response)
        else type(outcome).__name__
    )
    about = f" {call.video_id}" if call.video_id else ""
    logger.debug("%s%s: %s after %.0f ms", call.operation, about, what, (time.perf_counter() - started) * 1000)


def attempt_failed(call: Call[Any], request: httpx.Request, error: Exception) -> APIConnectionError:
    """Return the error of an attempt that brought no answer, or only the beginning of one."""
    return _caused(error, request, (*call.secrets, *secrets_in([request.headers])))


def cut_off(error: Exception, response: httpx.Response) -> APIConnectionError:
    """Return the error of an answer that broke off while its body was saved."""
    return _caused(error, response.request, secrets_of(response))


def _caused(error: Exception, request: httpx.Request, secrets: tuple[str, ...]) -> APIConnectionError:
    result = connection_error(error, request, secrets)
    # What the server sent may stand in the texts of httpx's, httpcore's and h11's exceptions, all of them in a
    # traceback.
    told = "".join(traceback.format_exception_only(error))
    if scrub(told, secrets) != told:
        kind = type(error) if isinstance(error, httpx.RequestError) else httpx.TransportError
        error = kind(scrub(str(error), secrets))
    result.__cause__ = error
    return result
