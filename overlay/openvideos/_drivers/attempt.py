"""Prepare and describe one attempt of a call, for both drivers: its request, its limits, its log line. No I/O."""

from __future__ import annotations

import inspect
import logging
import time
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, cast

import httpx
from attrs import evolve

from .._calls import Call
from .._environment import has_valid_port, keeps_credentials
from .._errors import APIConnectionError, ConfigurationError, InvalidArgumentError, OpenVideosError
from .._flows.effects import Send
from .._parsing.responses import secrets_of
from .._secrets import error_without_secrets, is_secret_name, scrub, secrets_in, without_secrets
from .callers_client import ADAPTER, REDIRECTED, CallersError, sends_once
from .connection_errors import causes, connection_error
from .request_body import RequestBody
from .transport import CLOSED, AsyncTransport, SyncTransport

MAX_REDIRECTS: Final = 20
"""The most redirects that are followed."""

logger = logging.getLogger("openvideos")

_EXCHANGE_ERRORS: Final = (
    httpx.TransportError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
    httpx.StreamError,
    httpx.InvalidURL,
    httpx.CookieConflict,
)
"""What httpx raises about an exchange. HTTPStatusError is not among them: only a caller's own hook raises that."""

SENT: Final = "openvideos.sent"
"""The extension of a request of which something was sent."""

_TRANSPORTS: Final = frozenset({"handle_request", "handle_async_request"})
"""The methods of httpx's transports, in which an exchange happens."""


def is_failed_exchange(error: Exception) -> bool:
    """Return whether an exception that `httpx.Client.send` raised is about the exchange, and not the caller's own.

    A transport raises other exceptions, too, such as OSError; so do a caller's hook and authentication, whose
    exceptions are bugs or decisions of the caller, and must neither be renamed nor lead to a second attempt.
    """
    if isinstance(error, _EXCHANGE_ERRORS) or type(error).__module__.startswith("idna"):
        return True  # the latter of a redirect to a host that is none
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    # The adapter's transport contains a caller's whole client, with its hooks and its authentication.
    return any(frame.f_code.co_name in _TRANSPORTS and frame.f_globals["__name__"] != ADAPTER for frame in frames)


def _is_about_another(error: Exception, request: httpx.Request) -> bool:
    """Return whether an exception of httpx is about a request of the caller's own, which a hook sent, for example."""
    about = getattr(error, "_request", None)
    return about is not None and about.url != request.url and REDIRECTED not in about.extensions


def time_limit(send: Send) -> float | None:
    """Return the time limit of a whole attempt, in seconds: the flow's, or the call's timeout if it is a number."""
    timeout = send.call.timeout
    limits = [limit for limit in (send.within, timeout) if isinstance(limit, (int, float))]
    return min(limits, default=None)


def limited_timeout(timeout: float | httpx.Timeout | None, within: float | None) -> httpx.Timeout:
    """Limit each phase of a timeout to `within` seconds."""
    base = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
    if within is None:
        return base
    phases = {name: within if value is None else min(value, within) for name, value in base.as_dict().items()}
    return httpx.Timeout(**phases)


def check_time(limit: float | None, started: float, request: httpx.Request) -> None:
    """Check that an attempt that started at a time of `time.perf_counter` has not exceeded its limit.

    Raises:
        httpx.ReadTimeout: It has.
    """
    if limit is not None and time.perf_counter() - started > limit:
        raise late(request)


def late(request: httpx.Request) -> httpx.ReadTimeout:
    """Build the exception of an attempt that has exceeded its limit."""
    return httpx.ReadTimeout("the response took too long", request=request)


def authorized(send: Send) -> Send:
    """Ask the caller's function for the API key of this attempt, if `api_key` is a function.

    Raises:
        ConfigurationError: The function is async, or has not returned a key. Exceptions of the function are its own.
    """
    if send.call.key is None:
        return send
    try:
        key = send.call.key()
    except StopIteration as stop:  # which would end the flow, a generator, without an error
        raise RuntimeError("the function api_key raised StopIteration") from stop
    if inspect.iscoroutine(key):
        key.close()
    return evolve(send, call=send.call.with_key(key))


async def authorized_async(send: Send) -> Send:
    """Ask for the API key of this attempt as `authorized` does, and await it if it can be awaited."""
    if send.call.key is None:
        return send
    key = send.call.key()
    return evolve(send, call=send.call.with_key(await key if inspect.isawaitable(key) else key))


_address: Final = lru_cache(maxsize=128)(httpx.URL)  # to parse one takes as long as all else of a request


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
            _address(call.url),
            headers=call.headers,
            params=call.query,
            json=call.json,
            files=call.files,
            timeout=limited_timeout(call.timeout, time_limit(send)),
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
    if not keeps_credentials(response.request.url, request.url):
        for name in [name for name in request.headers if is_secret_name(name)]:
            del request.headers[name]
    request.extensions = {**request.extensions, REDIRECTED: True}
    return request


def watch(request: httpx.Request) -> None:
    """Let httpcore tell, by its extension `trace`, when a blocking request is sent."""

    def trace(event: str, info: Mapping[str, Any]) -> None:
        _note(request, trace, event, info)

    request.extensions["trace"] = trace


def watch_async(request: httpx.Request) -> None:
    """Let httpcore tell when an async request is sent."""

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        _note(request, trace, event, info)

    request.extensions["trace"] = trace


def _note(request: httpx.Request, trace: Callable[..., Any], event: str, info: Mapping[str, Any]) -> None:
    sent = info.get("request")
    # A CONNECT is for the proxy.
    if event.endswith("send_request_headers.started") and getattr(sent, "method", b"") != b"CONNECT":
        request.extensions[SENT] = True
        # What follows says no more, and there is much of it. The caller's hooks may have put their own in its place.
        if request.extensions.get("trace") is trace:
            del request.extensions["trace"]


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


def failed_exchange(
    call: Call[Any], request: httpx.Request, error: Exception, transport: SyncTransport | AsyncTransport
) -> APIConnectionError:
    """Return the error of an exchange that failed before there was a response; raise what is about something else.

    Raises:
        OpenVideosError: A file of the caller cannot be read, for example; HTTP libraries may wrap that.
        ConfigurationError: The client was closed before the exchange.
        Exception: The caller's own code failed; see `is_failed_exchange`.
    """
    if isinstance(error, CallersError):
        raise error.inner
    own = next((each for each in causes(error) if isinstance(each, OpenVideosError)), None)
    if own is not None:
        raise own
    if not is_failed_exchange(error) or _is_about_another(error, request):
        if transport.is_closed:
            raise ConfigurationError(CLOSED) from None
        raise error
    may_prove = sends_once(transport.callers) and not request.extensions.get(SENT)
    return failed_attempt_error(call, request, error, may_prove=may_prove)


def failed_attempt_error(
    call: Call[Any], request: httpx.Request, error: Exception, *, may_prove: bool = False
) -> APIConnectionError:
    """Build the error of an attempt without a response, or with an incomplete one."""
    return _connection_error_from(error, request, (*call.secrets, *secrets_in([request])), may_prove=may_prove)


def broken_body_error(error: Exception, response: httpx.Response) -> APIConnectionError:
    """Build the error of a response whose body broke off."""
    return _connection_error_from(error, response.request, secrets_of(response), may_prove=False)


def _connection_error_from(
    error: Exception, request: httpx.Request, secrets: tuple[str, ...], *, may_prove: bool
) -> APIConnectionError:
    result = connection_error(error, request, secrets, may_prove=may_prove)
    # A traceback shows the cause, and its attributes have the request that was sent, with its headers.
    result.__cause__ = error_without_secrets(error, without_secrets(request, secrets), secrets)
    return result
