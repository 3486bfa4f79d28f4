"""Limit the total time of a blocking request. A timeout of httpx limits only each wait for the next bytes.

A server that sends its headers byte by byte never exceeds such a timeout, so a poll would miss its deadline. Async code
does not need this, since a cancellation ends any wait.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final

import httpcore
import httpx

_LIMITS: Final = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}  # as in httpx
_SILENT_S: Final = 60

SOCKET_OPTIONS: Final = [
    # Gateways and NAT forget connections that are silent for minutes, as a create may be.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", _SILENT_S), ("TCP_KEEPINTVL", _SILENT_S), ("TCP_KEEPCNT", 5))
        if hasattr(socket, name)  # not every system has all of them
    ),
]

_thread: Final = threading.local()


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Limit the total time of this thread's requests over a BoundedTransport; an inner limit may be a shorter one."""
    before: float | None = getattr(_thread, "deadline", None)
    deadline = time.perf_counter() + seconds
    _thread.deadline = deadline if before is None else min(before, deadline)
    try:
        yield
    finally:
        _thread.deadline = before


def _left(timeout: float | None) -> float | None:
    """Return how long a wait may take, in seconds: the timeout, or the time until the thread's deadline if it is less.

    Raises:
        httpcore.ReadTimeout: The deadline has passed.
    """
    deadline: float | None = getattr(_thread, "deadline", None)
    if deadline is None:
        return timeout
    left = deadline - time.perf_counter()
    if left <= 0:
        raise httpcore.ReadTimeout("the response took too long")
    return left if timeout is None else min(left, timeout)


class BoundedTransport(httpx.HTTPTransport):
    """httpx's transport, on connections that obey `within`.

    httpx has no parameter for the connections' backend, while httpcore has one. It stays an HTTPTransport, because
    stock instrumentation, such as OpenTelemetry's, watches that class.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        proxy: httpx.Proxy | None = None,
        backend: httpcore.NetworkBackend | None = None,
    ) -> None:
        """Connect with TLS as the context says, over a proxy if there is one; tests replace the backend."""
        options: dict[str, Any] = {
            "ssl_context": context,
            **_LIMITS,
            "network_backend": _Backend(backend or httpcore.SyncBackend()),
        }
        # The only attribute that the methods of httpx's transport use.
        self._pool: httpcore.ConnectionPool
        if proxy is None:
            self._pool = httpcore.ConnectionPool(socket_options=SOCKET_OPTIONS, **options)
            return
        url = httpcore.URL(
            scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
        )
        options |= {"proxy_url": url, "proxy_auth": proxy.raw_auth}
        if proxy.url.scheme in {"http", "https"}:
            self._pool = httpcore.HTTPProxy(
                proxy_headers=proxy.headers.raw,
                proxy_ssl_context=proxy.ssl_context,
                socket_options=SOCKET_OPTIONS,
                **options,
            )
        else:
            self._pool = httpcore.SOCKSProxy(**options)


class _Backend(httpcore.NetworkBackend):
    """Opens connections that obey the thread's deadline."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_tcp(host, port, _left(timeout), local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """A connection that obeys the thread's deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))
