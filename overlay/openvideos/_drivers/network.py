"""Open connections for the pools: with TCP keep-alive, and, blocking, within the total time of their thread.

A server that sends its headers byte by byte never exceeds the timeout of a single read, so a poll would miss its
deadline. Async code needs no such limit, since a cancellation ends any wait.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

import anyio
import httpcore

from .sockets import SOCKET_OPTIONS, WORTH_A_WRITE

_thread: Final = threading.local()


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Limit the total time of this thread's requests over a Backend; an inner limit may be a shorter one."""
    before: float | None = getattr(_thread, "deadline", None)
    deadline = time.perf_counter() + seconds
    _thread.deadline = deadline if before is None else min(before, deadline)
    try:
        yield
    finally:
        _thread.deadline = before


def left(timeout: float | None) -> float | None:
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


class Backend(httpcore.NetworkBackend):
    """Opens connections that obey the thread's deadline."""

    def __init__(self, inner: httpcore.NetworkBackend | None = None) -> None:
        """Connect by this backend, which tests replace."""
        self._inner = inner or _EachAddress()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore gives none where a proxy is between
    ) -> httpcore.NetworkStream:
        """Connect to a host, and keep the connection known to what is between."""
        return _Stream(self._inner.connect_tcp(host, port, left(timeout), local_address, SOCKET_OPTIONS))


class _EachAddress(httpcore.SyncBackend):
    """Tries one address of a host after the other, all within the deadline; Python gives each the whole timeout."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in _addresses(host, port):
            try:
                return super().connect_tcp(address, port, left(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            except httpcore.ReadTimeout as error:
                failure = failure or error
                break
        raise failure or httpcore.ConnectError(f"{host} has no address")


def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order in which they are to be tried."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(error) from error
    return [socket.getnameinfo(each[4], socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0] for each in found]


class _Stream(httpcore.NetworkStream):
    """A connection that obeys the deadline, and is written to when a piece is worth it, or when its answer is read."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._unsent = bytearray()
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent:
            # As in httpcore, a write may fail: a server may have answered before it had the whole request.
            with suppress(httpcore.WriteError):
                self._flush()
        return self._inner.read(max_bytes, left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unsent += buffer
        self._write_timeout = timeout
        if len(self._unsent) >= WORTH_A_WRITE:
            self._flush()

    def _flush(self) -> None:
        data, self._unsent = self._unsent, bytearray()
        self._inner.write(bytes(data), left(self._write_timeout))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        found = self._inner.get_extra_info(info)
        if info != "is_readable" or found:
            return found
        # httpcore looks into the socket alone, and TLS inside of TLS may have received more from it than one record.
        received = getattr(self._inner, "_incoming", None)
        return received is not None and received.pending > 0

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left(timeout)))


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Opens connections on asyncio or trio, whichever runs."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend | None = None) -> None:
        """Connect by this backend, which tests replace."""
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore gives none where a proxy is between
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host, and keep the connection known to what is between."""
        inner = self._inner or _running_backend()
        return await inner.connect_tcp(host, port, timeout, local_address, SOCKET_OPTIONS)


def _running_backend() -> httpcore.AsyncNetworkBackend:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or anyio.get_cancelled_exc_class() is not asyncio.CancelledError:
        return _AnyioBackend()
    from .asyncio_stream import AsyncioBackend  # imported late: a blocking client does without asyncio

    return AsyncioBackend()


class _AnyioBackend(httpcore.AsyncNetworkBackend):
    """Opens connections of anyio, on trio."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        stream = await backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return cast("httpcore.AsyncNetworkStream", _AnyioStream(stream))


class _AnyioStream:
    """A connection of httpcore that is closed when its handshake is cancelled, and tells what it has not decrypted."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get_extra_info(self, info: str) -> Any:
        found = self._inner.get_extra_info(info)
        if info != "is_readable" or found:
            return found
        # httpcore looks into the socket alone, and anyio may have received more from it than one record of TLS.
        stream = getattr(self._inner, "_stream", None)
        while stream is not None:
            received = getattr(stream, "_read_bio", None)
            if received is not None and received.pending > 0:
                return True
            stream = getattr(stream, "transport_stream", None)  # of TLS inside of TLS
        return False

    async def start_tls(self, *with_what: Any, **options: Any) -> _AnyioStream:
        try:
            return _AnyioStream(await self._inner.start_tls(*with_what, **options))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._inner.aclose()
            raise
