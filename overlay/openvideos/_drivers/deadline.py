"""Bound a blocking exchange as a whole. A timeout of httpx bounds each wait for the next bytes alone.

A server that drips never trips such a timeout: a poll's deadline would pass unnoticed while its headers trickle in.
Async code needs none of this, since a cancellation ends any wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any, Final

import httpcore
import httpx

_thread: Final = threading.local()


@contextmanager
def within(seconds: float | None) -> Generator[None]:
    """Let this thread's exchanges with a `bounded` client take no longer, None for no limit."""
    _thread.deadline = None if seconds is None else time.perf_counter() + seconds
    try:
        yield
    finally:
        _thread.deadline = None


def _left(timeout: float | None) -> float | None:
    """Return how long a wait may take: the timeout, or what is left of the thread's deadline.

    Raises httpcore.ReadTimeout when nothing is left.
    """
    deadline: float | None = getattr(_thread, "deadline", None)
    if deadline is None:
        return timeout
    left = deadline - time.perf_counter()
    if left <= 0:
        raise httpcore.ReadTimeout("the answer came too slowly")
    return left if timeout is None else min(left, timeout)


def bounded(client: httpx.Client) -> httpx.Client:
    """Return the client, its connections made to heed `within`.

    httpx has no public way to this. Should its inside change, a deadline is checked between two pieces of a body only.
    """
    inside: dict[str, Any] = vars(client)
    for transport in (inside.get("_transport"), *inside.get("_mounts", {}).values()):
        pool = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if isinstance(backend, httpcore.NetworkBackend):
            vars(pool)["_network_backend"] = _Backend(backend)
    return client


class _Backend(httpcore.NetworkBackend):
    """Makes connections that heed the thread's deadline."""

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

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(path, _left(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection that heeds the thread's deadline."""

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
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))
