"""Send the requests of the SDK's own client over one route: directly, or over a proxy.

httpcore makes the connections, and httpx translates its requests and errors; the pool between them is ours.
"""

from __future__ import annotations

import ssl
from typing import Any, Self

import httpcore
import httpx

from .connections import EXPIRY_S, Origin
from .network import AsyncBackend, Backend
from .pool import AsyncPool, Pool


def _options(context: ssl.SSLContext, proxy: httpx.Proxy | None) -> dict[str, Any]:
    """Return the options of a pool of httpcore, of which only `create_connection` is used."""
    options: dict[str, Any] = {"ssl_context": context, "keepalive_expiry": EXPIRY_S}
    if proxy is None:
        return options
    url = httpcore.URL(
        scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
    )
    options |= {"proxy_url": url, "proxy_auth": proxy.raw_auth}
    if proxy.url.scheme in {"http", "https"}:
        options |= {"proxy_headers": proxy.headers.raw, "proxy_ssl_context": proxy.ssl_context}
    return options


def _kind(proxy: httpx.Proxy | None) -> str:
    return "direct" if proxy is None else "http" if proxy.url.scheme in {"http", "https"} else "socks"


class OwnTransport(httpx.HTTPTransport):
    """httpx's transport over a pool of our own.

    It stays an HTTPTransport, because stock instrumentation, such as OpenTelemetry's, watches that class.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        proxy: httpx.Proxy | None = None,
        backend: httpcore.NetworkBackend | None = None,
    ) -> None:
        """Connect with TLS as the context says, over a proxy if there is one; tests replace the backend."""
        kinds = {"direct": httpcore.ConnectionPool, "http": httpcore.HTTPProxy, "socks": httpcore.SOCKSProxy}
        connecting: httpcore.ConnectionPool = kinds[_kind(proxy)](
            **_options(context, proxy), network_backend=Backend(backend)
        )

        def make(origin: Origin) -> httpcore.ConnectionInterface:
            return connecting.create_connection(httpcore.Origin(*origin))

        # The only attribute that the methods of httpx's transport use.
        self._pool: Any = Pool(make)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncOwnTransport(httpx.AsyncHTTPTransport):
    """httpx's async transport over a pool of our own; see `OwnTransport`."""

    def __init__(
        self,
        context: ssl.SSLContext,
        proxy: httpx.Proxy | None = None,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """Connect with TLS as the context says, over a proxy if there is one; tests replace the backend."""
        kinds = {
            "direct": httpcore.AsyncConnectionPool,
            "http": httpcore.AsyncHTTPProxy,
            "socks": httpcore.AsyncSOCKSProxy,
        }
        connecting: httpcore.AsyncConnectionPool = kinds[_kind(proxy)](
            **_options(context, proxy), network_backend=AsyncBackend(backend)
        )

        def make(origin: Origin) -> httpcore.AsyncConnectionInterface:
            return connecting.create_connection(httpcore.Origin(*origin))

        self._pool: Any = AsyncPool(make)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
