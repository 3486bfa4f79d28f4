"""Connect on asyncio, for httpcore.

anyio's streams, over which httpcore sends otherwise, pause their socket after each read, and let the event loop turn
before each write: that is a fifth of what a call costs.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import Any, Final, cast

import httpcore

from .sockets import SOCKET_OPTIONS, WORTH_A_WRITE, is_readable

_MOST_UNREAD: Final = 1 << 18
"""How many bytes are kept unread; a server that sends more has to wait."""
_NEXT_ADDRESS_S: Final = 0.25  # RFC 8305, 5


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Opens connections of asyncio."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - the SDK names none
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore gives none where a proxy is between
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host, at whichever of its addresses answers first."""
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        # asyncio loses a connection that is made in the moment of its cancellation, if it tries several addresses at
        # once. Other loops, such as uvloop's, try one after the other, and know no such option.
        if isinstance(loop, asyncio.BaseEventLoop) and not _is_address(host):
            options["happy_eyeballs_delay"] = _NEXT_ADDRESS_S
        with _connecting():
            async with asyncio.timeout(timeout):
                transport, stream = await loop.create_connection(lambda: AsyncioStream(loop), host, port, **options)
            try:
                for option in SOCKET_OPTIONS:
                    transport.get_extra_info("socket").setsockopt(*option)
            except OSError:  # some systems refuse it once the server has reset the connection
                transport.abort()
                raise
        return stream


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host))
    return False


@contextmanager
def _connecting() -> Generator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(error) from error
    except OSError as error:  # ssl.SSLError is one
        raise httpcore.ConnectError(error) from error


class AsyncioStream(httpcore.AsyncNetworkStream, asyncio.Protocol):
    """A connection of asyncio, which is written to when a piece is worth it, or when its answer is read."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for a transport."""
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._unsent, self._write_timeout = bytearray(), cast("float | None", None)
        self._unread, self._size = deque[bytes](), 0
        self._read = 0  # so many bytes of the first piece
        self._is_paused, self._may_write = False, True
        self._is_at_end = self._is_closed = False
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    # What asyncio calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Use this transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._pause_if_full()

    def data_received(self, data: bytes) -> None:
        """Keep what the server has sent."""
        self._unread.append(data)
        self._size += len(data)
        self._pause_if_full()
        self._wake()

    def eof_received(self) -> bool:
        """Keep that the server sends no more; what it may still receive is sent."""
        self._is_at_end = True
        self._wake()
        # TLS cannot be closed in one direction, and asyncio warns of who wants to. What has no transport yet is TLS
        # that the server ends in the moment of the handshake.
        return self._transport is not None and self.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep why the connection is lost."""
        self._is_at_end, self._error = True, exc
        self._wake()

    def pause_writing(self) -> None:
        """Let the request wait until the server receives more of it."""
        self._may_write = False

    def resume_writing(self) -> None:
        """Go on with the request."""
        self._may_write = True
        self._wake()

    # What httpcore calls:

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, or none at the end, after what was not sent yet is sent."""
        if self._unsent:
            # As in httpcore, a write may fail: a server may have answered before it had the whole request.
            with suppress(httpcore.WriteError):
                await self._flush()
        while not self._unread:
            if self._is_closed or self._error is not None:
                raise httpcore.ReadError(self._error or "the connection is closed") from self._error
            if self._is_at_end:
                return b""
            await self._wait(timeout, httpcore.ReadTimeout)
        data = self._unread[0]
        if self._read or len(data) > max_bytes:  # each byte is copied once, however often a piece is cut
            data = data[self._read : self._read + max_bytes]
        self._read += len(data)
        self._size -= len(data)
        if self._read == len(self._unread[0]):
            self._unread.popleft()
            self._read = 0
        if self._is_paused and self._size < _MOST_UNREAD:
            self._is_paused = False
            cast("asyncio.Transport", self._transport).resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send these bytes, with those before and those that follow."""
        self._unsent += buffer
        self._write_timeout = timeout
        if len(self._unsent) >= WORTH_A_WRITE:
            await self._flush()

    async def _flush(self) -> None:
        data, self._unsent = self._unsent, bytearray()
        if self._transport is None or self._transport.is_closing():
            raise httpcore.WriteError(self._error or "the connection is closed") from self._error
        self._transport.write(data)
        while not self._may_write and self._error is None and not self._transport.is_closing():
            await self._wait(self._write_timeout, httpcore.WriteTimeout)

    async def aclose(self) -> None:
        """Close the connection at once."""
        self._is_closed = True
        if self._transport is not None:
            self._transport.abort()
            await asyncio.sleep(0)  # for the loop to close the socket

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Encrypt the connection, which the stream that is returned has from then on."""
        stream, transport = AsyncioStream(self._loop), cast("asyncio.Transport", self._transport)
        try:
            with _connecting():
                async with asyncio.timeout(timeout):
                    encrypted = await self._loop.start_tls(
                        transport, stream, ssl_context, server_hostname=server_hostname
                    )
        except BaseException:
            await self.aclose()
            raise
        stream.connection_made(cast("asyncio.Transport", encrypted))
        return stream

    def get_extra_info(self, info: str) -> Any:
        """Tell about the connection, by httpcore's names."""
        if info == "is_readable":
            return bool(self._unread) or self._is_at_end or is_readable(self.get_extra_info("socket"))
        name = {"client_addr": "sockname", "server_addr": "peername"}.get(info, info)
        return None if self._transport is None else self._transport.get_extra_info(name)

    def _pause_if_full(self) -> None:
        if self._size >= _MOST_UNREAD and self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    async def _wait(self, seconds: float | None, late: type[Exception]) -> None:
        """Wait until asyncio has called.

        Raises:
            httpcore.TimeoutException: It has not, in so many seconds.
        """
        self._waiting = future = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(seconds, _expire, future, late)
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _expire(future: asyncio.Future[None], late: type[Exception]) -> None:
    if not future.done():
        future.set_exception(late())
