"""Check the `http_client` that a caller passes, and let a client of httpx2 send for a client of httpx.

httpx2 continues httpx under another name, so that its clients, errors and streams are other classes. A client of httpx
builds the requests, with the headers and parameters of the caller's client; its transport passes each to the caller's
client, and translates what comes back. The clients of httpx-aiohttp are clients of httpx, and need no adapter.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from .._errors import ConfigurationError

if TYPE_CHECKING:
    import httpx2

ADAPTER: Final = __name__

REDIRECTED: Final = "openvideos.redirected"
"""The extension of a request that follows a redirect, to which the caller's client must add no credentials."""


def blocking_client(callers: object) -> httpx.Client:
    """Return the httpx client that sends over a caller's `http_client`.

    Raises:
        ConfigurationError: It is not a blocking client of httpx or httpx2.
    """
    if isinstance(callers, httpx.Client):
        return callers
    if _is_of_httpx2(callers, "Client"):
        client = cast("httpx2.Client", callers)
        return httpx.Client(transport=_Httpx2Transport(client), **_defaults(client))
    raise _refused(callers, "an httpx.Client or httpx2.Client", "AsyncOpenVideos")


def async_client(callers: object) -> httpx.AsyncClient:
    """Return the httpx client that sends over a caller's `http_client`.

    Raises:
        ConfigurationError: It is not an async client of httpx or httpx2.
    """
    if isinstance(callers, httpx.AsyncClient):
        return callers
    if _is_of_httpx2(callers, "AsyncClient"):
        client = cast("httpx2.AsyncClient", callers)
        return httpx.AsyncClient(transport=_AsyncHttpx2Transport(client), **_defaults(client))
    raise _refused(
        callers, "an httpx.AsyncClient, httpx2.AsyncClient or httpx_aiohttp.HttpxAiohttpClient", "OpenVideos"
    )


def sends_once(callers: Any) -> bool:
    """Return whether a caller's client sends a request once in an attempt, so that a failed connection is a proof.

    The authentication of a client may send a request a second time, for example with a fresh token.
    """
    auth = getattr(callers, "auth", None)
    return auth is None or type(auth).__name__ in {"BasicAuth", "NetRCAuth"}


def _is_of_httpx2(callers: object, kind: str) -> bool:
    module = sys.modules.get("httpx2")  # if it is not loaded, nothing is of it
    return module is not None and isinstance(callers, getattr(module, kind))


def _defaults(client: httpx2.Client | httpx2.AsyncClient) -> dict[str, Any]:
    """Return what a client of httpx takes over from the caller's client. Each request has its own timeout."""
    return {
        "headers": client.headers.raw,
        "params": client.params.multi_items(),
        "cookies": CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),  # the caller's client keeps the cookies
        "timeout": None,
        "trust_env": False,
    }


def _refused(callers: object, wanted: str, other: str) -> ConfigurationError:
    kind = f"{type(callers).__module__}.{type(callers).__qualname__}"
    return ConfigurationError(
        f"http_client is of the type {kind}; pass {wanted}, or use {other} if it is a client of the other kind."
    )


class CallersError(Exception):
    """Carries an exception of the caller's own, of a hook for example, past httpx, which would change its request."""

    def __init__(self, inner: Exception) -> None:
        """Keep the exception, which the driver raises."""
        super().__init__()
        self.inner = inner


@contextmanager
def _translating(request: httpx2.Request) -> Generator[None]:
    """Raise the exceptions of httpx2 as those of httpx with the same names, their causes unchanged."""
    import httpx2

    try:
        yield
    except (httpx.HTTPError, httpx2.HTTPStatusError) as error:
        raise CallersError(error) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, httpx2.CookieConflict) as error:
        kind: Any = httpx.ReadError if isinstance(error, httpx2.StreamError) else getattr(httpx, type(error).__name__)
        if getattr(error, "_request", None) not in {None, request}:
            raise CallersError(error) from None
        raise kind(str(error)) from error.__cause__ or error


class _Body:
    """A request's body, whose class httpx2 wants to be its own."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def __aiter__(self) -> AsyncIterator[bytes]:
        iterator: AsyncIterator[bytes] = aiter(self._stream)
        return iterator


@cache
def _body_class() -> Any:
    import httpx2

    return type("Body", (_Body, httpx2.SyncByteStream, httpx2.AsyncByteStream), {})


def _prepared(client: httpx2.Client | httpx2.AsyncClient, request: httpx.Request) -> tuple[httpx2.Request, Any]:
    """Return a request for the caller's client, with its cookies, and the `auth` to send it with."""
    import httpx2

    try:
        url = httpx2.URL(str(request.url))
    except httpx2.InvalidURL as error:  # that of a redirect, which httpx reads less strictly
        raise httpx.InvalidURL(str(error)) from error
    extensions = {name: value for name, value in request.extensions.items() if name != REDIRECTED}
    body = _body_class()(request.stream)
    built = httpx2.Request(request.method, url, headers=request.headers.raw, stream=body, extensions=extensions)
    client.cookies.set_cookie_header(built)
    return built, httpx2.Auth() if REDIRECTED in request.extensions else httpx2.USE_CLIENT_DEFAULT


def _response(response: httpx2.Response, stream: Any) -> httpx.Response:
    """Return a response of the caller's client as one of httpx; its body may have been read by a hook."""
    headers = response.headers.raw
    if response.is_stream_consumed:
        hidden = {b"content-encoding", b"transfer-encoding", b"content-length"}
        headers = [(name, value) for name, value in headers if name.lower() not in hidden]
        stream = httpx.ByteStream(response.content)
    return httpx.Response(response.status_code, headers=headers, stream=stream, extensions=response.extensions)


class _ResponseBody(httpx.SyncByteStream):
    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _translating(self._response.request):
            yield from self._response.iter_raw()

    def close(self) -> None:
        self._response.close()


class _Httpx2Transport(httpx.BaseTransport):
    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        built, auth = _prepared(self._client, request)
        with _translating(built):
            response = self._client.send(built, auth=auth, stream=True, follow_redirects=False)
        return _response(response, _ResponseBody(response))

    def close(self) -> None:
        self._client.close()


class _AsyncResponseBody(httpx.AsyncByteStream):
    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translating(self._response.request):
            async for piece in self._response.aiter_raw():
                yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


class _AsyncHttpx2Transport(httpx.AsyncBaseTransport):
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        built, auth = _prepared(self._client, request)
        with _translating(built):
            response = await self._client.send(built, auth=auth, stream=True, follow_redirects=False)
        return _response(response, _AsyncResponseBody(response))

    async def aclose(self) -> None:
        await self._client.aclose()
