"""Check the `http_client` that a caller gives, and let a client of httpx2 send for a client of httpx.

httpx2 continues httpx under another name, so that its clients, errors and timeouts are other classes. A transport of
httpx passes each request to the caller's client and translates what comes back. The clients of httpx-aiohttp are
clients of httpx, and need no adapter.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from .._errors import ConfigurationError

if TYPE_CHECKING:
    import httpx2

ADAPTER: Final = __name__

UNTRUSTED: Final = "openvideos.untrusted"
"""The extension of a request, following a redirect, to which the caller's client must not add its credentials."""


def blocking_client(given: object) -> httpx.Client:
    """Return the httpx client that sends over a caller's `http_client`.

    Raises:
        ConfigurationError: It is not a blocking client of httpx or httpx2.
    """
    if isinstance(given, httpx.Client):
        return given
    module = sys.modules.get("httpx2")
    if module is not None and isinstance(given, module.Client):
        transport = _Httpx2Transport(cast("httpx2.Client", given))
        return httpx.Client(transport=transport, timeout=None, trust_env=False)  # noqa: S113 - each request has its own
    raise _refused(given, "an httpx.Client or httpx2.Client", "AsyncOpenVideos")


def async_client(given: object) -> httpx.AsyncClient:
    """Return the httpx client that sends over a caller's `http_client`.

    Raises:
        ConfigurationError: It is not an async client of httpx or httpx2.
    """
    if isinstance(given, httpx.AsyncClient):
        return given
    module = sys.modules.get("httpx2")
    if module is not None and isinstance(given, module.AsyncClient):
        transport = _AsyncHttpx2Transport(cast("httpx2.AsyncClient", given))
        return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113 - likewise
    raise _refused(given, "an httpx.AsyncClient, httpx2.AsyncClient or httpx_aiohttp.HttpxAiohttpClient", "OpenVideos")


def _refused(given: object, wanted: str, other: str) -> ConfigurationError:
    kind = f"{type(given).__module__}.{type(given).__qualname__}"
    return ConfigurationError(
        f"http_client is of the type {kind}; pass {wanted}, or use {other} if it is a client of the other kind."
    )


@contextmanager
def _translating(request: httpx.Request) -> Generator[None]:
    """Raise the exceptions of httpx2 as those of httpx with the same names, the cause of each unchanged."""
    import httpx2

    try:
        yield
    except httpx2.HTTPStatusError:
        raise  # the caller's own hook raises it
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, httpx2.CookieConflict) as error:
        kind: Any = getattr(httpx, type(error).__name__, httpx.TransportError)
        if issubclass(kind, httpx.StreamError):
            kind = httpx.ReadError
        translated = kind(str(error))
        if isinstance(translated, httpx.RequestError):
            translated.request = request
        raise translated from error.__cause__ or error


class _Body:
    """A request's body for httpx2, whose classes of streams are others."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def __aiter__(self) -> AsyncIterator[bytes]:
        iterator: AsyncIterator[bytes] = aiter(self._stream)
        return iterator


def _prepared(client: httpx2.Client | httpx2.AsyncClient, request: httpx.Request) -> tuple[httpx2.Request, Any]:
    """Return a request as the caller's client builds it, with its headers, and the `auth` to send it with."""
    import httpx2

    stream_kind: Any = httpx2.SyncByteStream if isinstance(client, httpx2.Client) else httpx2.AsyncByteStream
    body_kind: Any = type("Body", (_Body, stream_kind), {})
    extensions = {name: value for name, value in request.extensions.items() if name != UNTRUSTED}
    built = client.build_request(request.method, str(request.url), headers=request.headers.raw, extensions=extensions)
    built.stream = body_kind(request.stream)
    return built, httpx2.Auth() if UNTRUSTED in request.extensions else httpx2.USE_CLIENT_DEFAULT


class _ResponseBody(httpx.SyncByteStream):
    def __init__(self, response: httpx2.Response, request: httpx.Request) -> None:
        self._response, self._request = response, request

    def __iter__(self) -> Iterator[bytes]:
        with _translating(self._request):
            yield from self._response.iter_raw()

    def close(self) -> None:
        self._response.close()


class _Httpx2Transport(httpx.BaseTransport):
    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        built, auth = _prepared(self._client, request)
        with _translating(request):
            response = self._client.send(built, auth=auth, stream=True, follow_redirects=False)
        return httpx.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=_ResponseBody(response, request),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._client.close()


class _AsyncResponseBody(httpx.AsyncByteStream):
    def __init__(self, response: httpx2.Response, request: httpx.Request) -> None:
        self._response, self._request = response, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translating(self._request):
            async for piece in self._response.aiter_raw():
                yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


class _AsyncHttpx2Transport(httpx.AsyncBaseTransport):
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        built, auth = _prepared(self._client, request)
        with _translating(request):
            response = await self._client.send(built, auth=auth, stream=True, follow_redirects=False)
        return httpx.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=_AsyncResponseBody(response, request),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._client.aclose()
