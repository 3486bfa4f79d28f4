"""Limit the total time of a blocking request. A timeout of httpx limits only each wait for the next bytes.

A server that sends its headers byte by byte never exceeds such a timeout, so a poll would miss its deadline. Async code
does not need this, since a cancellation ends any wait.
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
    """Limit the total time of this thread's requests with a `bounded` client to `seconds`; None for no limit."""
    _thread.deadline = None if seconds is None else time.perf_counter() + seconds
    try:
        yield
    finally:
        _thread.deadline = None


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


def bounded(client: httpx.Client) -> httpx.Client:
    """Make a client's connections obey `within`, and return the client.

    httpx has no public API for this. If its private attributes change, the deadline is checked only between two pieces
    of a body.
    """
    inside: dict[str, Any] = vars(client)
    for transport in (inside.get("_transport"), *inside.get("_mounts", {}).values()):
        pool = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if isinstance(backend, httpcore.NetworkBackend):
            vars(pool)["_network_backend"] = _Backend(backend)
    return client


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

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(path, _left(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


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
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))
