"""Say what both drivers do alike around one attempt: its request, its limits, its log line. No I/O."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import anyio
import httpx

from ._answers import connection_error
from ._calls import Call
from ._effects import Send
from ._errors import APIConnectionError, InvalidArgumentError

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


def follows(call: Call[Any]) -> bool:
    """Tell whether redirects are followed: never with a POST, which would be repeated or turned into a GET."""
    return not call.is_post


def too_large(call: Call[Any], request: httpx.Request) -> APIConnectionError:
    return connection_error(
        httpx.DecodingError(f"the body is larger than {call.largest} bytes", request=request), request, call.secrets
    )


def is_small(response: httpx.Response, call: Call[Any]) -> bool:
    """Tell whether a body may be read at once, because its length is known and within the limit."""
    if call.largest is None:
        return True
    length = response.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= call.largest and "content-encoding" not in response.headers


def reread(response: httpx.Response, content: bytes) -> httpx.Response:
    """Return a response like the one given, with a body that was read in pieces."""
    hidden = {"content-encoding", "transfer-encoding", "content-length"}
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in hidden]
    return httpx.Response(
        response.status_code,
        headers=headers,
        content=content,
        request=response.request,
        extensions=response.extensions,
        history=response.history,
    )


def log_attempt(call: Call[Any], outcome: httpx.Response | APIConnectionError, started: float) -> None:
    if not logger.isEnabledFor(logging.DEBUG):
        return
    what = (
        f"{outcome.status_code} (request id {outcome.headers.get('x-request-id')})"
        if isinstance(outcome, httpx.Response)
        else type(outcome).__name__
    )
    about = f" {call.video_id}" if call.video_id else ""
    logger.debug("%s%s: %s after %.0f ms", call.operation, about, what, (time.perf_counter() - started) * 1000)


def cut_off(error: Exception, response: httpx.Response) -> APIConnectionError:
    result = connection_error(error, response.request, ())
    result.__cause__ = error
    return result
