"""Prepare and describe one attempt of a call, for both drivers: its request, its limits, its log line. No I/O."""

from __future__ import annotations

import logging
import time
import traceback
from typing import Any, Final, cast

import anyio
import httpx

from .._calls import Call
from .._environment import has_valid_port, same_origin
from .._errors import APIConnectionError, InvalidArgumentError
from .._flows.effects import Send
from .._parsing import connection_error, secrets_of
from .._secrets import is_secret_name, scrub, secrets_in
from .request_body import RequestBody

MAX_REDIRECTS: Final = 20
"""The most redirects that are followed."""

logger = logging.getLogger("openvideos")

# The exceptions that httpx raises or passes on: OSError from custom transports, ValueError from unusual headers and
# URLs.
TRANSPORT_ERRORS: Final = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    OSError,
    ValueError,
)

# anyio raises these if another task has closed the connection.
ASYNC_TRANSPORT_ERRORS: Final = (
    *TRANSPORT_ERRORS,
    anyio.ClosedResourceError,
    anyio.BrokenResourceError,
    anyio.EndOfStream,
)


def limited_timeout(timeout: float | httpx.Timeout | None, within: float | None) -> httpx.Timeout:
    """Limit each phase of a timeout to `within` seconds."""
    base = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
    if within is None:
        return base
    phases = {name: within if value is None else min(value, within) for name, value in base.as_dict().items()}
    return httpx.Timeout(**phases)


def build(http: httpx.Client | httpx.AsyncClient, send: Send) -> httpx.Request:
    """Build the request of one attempt.

    Raises:
        InvalidArgumentError: The URL cannot be encoded, or a file is async and the client is blocking.
    """
    call = send.call
    for content in call.contents:
        content.check_client(awaits=isinstance(http, httpx.AsyncClient))
    try:
        request = http.build_request(
            call.method,
            call.url,
            headers=call.headers,
            params=call.query,
            json=call.json,
            files=call.files,
            timeout=limited_timeout(call.timeout, send.within),
        )
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InvalidArgumentError(f"The address of {call.operation} cannot be written: {error}.") from error
    if call.files or isinstance(http, httpx.AsyncClient):
        request.stream = RequestBody(cast("httpx.SyncByteStream", request.stream))
    return request


def redirect_request(call: Call[Any], response: httpx.Response) -> httpx.Request | None:
    """Return the request to which a response redirects; None if it is no redirect, or one that is not followed.

    A redirect of a POST is not followed, since that would repeat the POST or turn it into a GET. A redirect that
    changes another method is not followed either: a DELETE that becomes a GET deletes nothing. Secrets are removed if
    the redirect leads to another origin; httpx itself removes only Authorization.
    """
    request = response.next_request
    if request is None or call.is_post or request.method != response.request.method:
        return None
    if not same_origin(request.url, response.request.url):
        for name in [name for name in request.headers if is_secret_name(name)]:
            del request.headers[name]
    return request


def redirect_history(response: httpx.Response) -> list[httpx.Response]:
    """Return the redirects so far, including this response.

    Raises:
        httpx.TooManyRedirects: There are more than MAX_REDIRECTS.
        httpx.RemoteProtocolError: The redirect leads to an invalid port.
    """
    following = response.next_request
    if following is not None and not has_valid_port(following.url):
        raise httpx.RemoteProtocolError(f"a redirect to the port {following.url.port}", request=response.request)
    if len(response.history) >= MAX_REDIRECTS:
        raise httpx.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects", request=response.request)
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


def failed_attempt_error(call: Call[Any], request: httpx.Request, error: Exception) -> APIConnectionError:
    """Build the error of an attempt without a response, or with an incomplete one."""
    return _connection_error_from(error, request, (*call.secrets, *secrets_in([request.headers])))


def broken_body_error(error: Exception, response: httpx.Response) -> APIConnectionError:
    """Build the error of a response whose body broke off."""
    return _connection_error_from(error, response.request, secrets_of(response))


def _connection_error_from(error: Exception, request: httpx.Request, secrets: tuple[str, ...]) -> APIConnectionError:
    result = connection_error(error, request, secrets)
    # The texts of httpx's, httpcore's and h11's exceptions, all of which a traceback shows, may contain what the server
    # sent.
    text = "".join(traceback.format_exception_only(error))
    if scrub(text, secrets) != text:
        kind = type(error) if isinstance(error, httpx.RequestError) else httpx.TransportError
        error = kind(scrub(str(error), secrets))
    result.__cause__ = error
    return result
