"""Send requests on connections of httpcore, blocking or async, as `connections.py` decides."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any, Final, Protocol, cast

import anyio
import httpcore
import httpx

from .connections import Connections, Origin, Waiting
from .network import left

_PORTS: Final = {b"http": 80, b"https": 443}


def _origin(request: httpcore.Request) -> Origin:
    """Return the origin to which a request goes.

    Raises:
        httpcore.UnsupportedProtocol: It is not one of HTTP; a redirect may lead anywhere.
    """
    url = request.url
    port = _PORTS.get(url.scheme)
    if port is None:
        raise httpcore.UnsupportedProtocol(f"the scheme {url.scheme.decode('ascii', 'replace')!r} is not one of HTTP")
    return url.scheme, url.host, port if url.port is None else url.port


def _patience(request: httpcore.Request) -> float | None:
    """Return how long a request may wait for a connection, in seconds."""
    extensions = cast("dict[str, Any]", request.extensions)  # pyright: ignore[reportUnknownMemberType] # its types are partial
    timeouts: dict[str, float | None] = extensions.get("timeout", {})
    return timeouts.get("pool")


def _no_connection(*, is_closed: bool) -> Exception:
    if is_closed:
        return httpcore.ConnectError("the client was closed before there was a connection")
    return httpcore.PoolTimeout("all connections were in use for too long")


def _is_clean(connection: object) -> bool:
    """Return whether the server has sent no more than its response: httpcore would take that for the next one.

    RFC 9112, 9.2, forbids it: the next response could be the job of another create. Only h11 has what was read too far.
    """
    inner: Any = connection
    while (further := getattr(inner, "_connection", None)) is not None:  # of a tunnel, for example
        inner = further
    parser = getattr(inner, "_h11_state", None)
    return parser is None or not parser.trailing_data[0]


class Pool:
    """Connections over one route, shared by threads."""

    def __init__(self, make: Callable[[Origin], httpcore.ConnectionInterface]) -> None:
        """Make a connection to an origin by `make`, when there is a request for it."""
        self._lock = threading.Lock()
        self._connections = Connections(make, time.monotonic)

    @property
    def connections(self) -> list[httpcore.ConnectionInterface]:
        """The connections, in use or at rest."""
        with self._lock:
            return self._connections.all()

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request; its connection is in use until the response is closed."""
        connection = self._taken(request)
        try:
            response = connection.handle_request(request)
        except BaseException:
            self._give_back(connection)
            raise
        response.stream = _Body(cast("Iterable[bytes]", response.stream), lambda: self._give_back(connection))
        return response

    def close(self) -> None:
        """Close all connections, those in use too."""
        with self._lock:
            closing = self._connections.close()
        _close(closing)

    def _taken(self, request: httpcore.Request) -> httpcore.ConnectionInterface:
        origin = _origin(request)
        with self._lock:
            if self._connections.is_closed:
                raise _no_connection(is_closed=True)
            connection, closing = self._connections.take(origin)
            # Before another thread can give a connection back.
            woken = threading.Event() if connection is None else None
            waiting = None if woken is None else self._connections.wait(origin, woken.set)
        _close(closing)
        if woken is None or waiting is None:
            return cast("httpcore.ConnectionInterface", connection)
        return self._awaited(waiting, woken, _patience(request))

    def _awaited(
        self, waiting: Waiting[httpcore.ConnectionInterface], woken: threading.Event, timeout: float | None
    ) -> httpcore.ConnectionInterface:
        is_awaited = False
        try:
            woken.wait(left(timeout))
            is_awaited = True
        finally:
            with self._lock:
                connection, closing = self._connections.received(waiting)
                if connection is not None and not is_awaited:  # Ctrl-C, for example
                    closing = [*closing, *self._connections.give_back(connection)]
            _close(closing)
        if connection is None:
            raise _no_connection(is_closed=self._connections.is_closed)
        return connection

    def _give_back(self, connection: httpcore.ConnectionInterface) -> None:
        is_clean = _is_clean(connection)
        with self._lock:
            closing = self._connections.give_back(connection, is_clean=is_clean)
        _close(closing)


def _close(connections: list[httpcore.ConnectionInterface]) -> None:
    for connection in connections:
        connection.close()


class _Body(httpx.SyncByteStream):
    """The body of a response, at whose end its connection is given back."""

    def __init__(self, inner: Iterable[bytes], give_back: Callable[[], None]) -> None:
        self._inner, self._give_back, self._is_closed = inner, give_back, False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._inner
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            try:
                cast("httpx.SyncByteStream", self._inner).close()
            finally:
                self._give_back()


class AsyncPool:
    """Connections over one route, of one event loop."""

    def __init__(self, make: Callable[[Origin], httpcore.AsyncConnectionInterface]) -> None:
        """Make a connection to an origin by `make`, when there is a request for it."""
        self._connections = Connections(make, time.monotonic)

    @property
    def connections(self) -> list[httpcore.AsyncConnectionInterface]:
        """The connections, in use or at rest."""
        return self._connections.all()

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request; its connection is in use until the response is closed."""
        origin = _origin(request)
        if self._connections.is_closed:
            raise _no_connection(is_closed=True)
        connection, closing = self._connections.take(origin)
        try:
            if closing:
                await aclose_all(closing)
            if connection is None:
                connection = await self._awaited(origin, _patience(request))
            response = await connection.handle_async_request(request)
        except BaseException:
            if connection is not None:
                await self._give_back(connection)
            raise
        response.stream = _AsyncBody(cast("AsyncIterable[bytes]", response.stream), self._give_back, connection)
        return response

    async def aclose(self) -> None:
        """Close all connections, those in use too."""
        await aclose_all(self._connections.close())

    async def _awaited(self, origin: Origin, patience: float | None) -> httpcore.AsyncConnectionInterface:
        woken = anyio.Event()
        waiting = self._connections.wait(origin, woken.set)
        is_awaited = False
        try:
            with anyio.move_on_after(patience):
                await woken.wait()
            is_awaited = True
        finally:
            connection, closing = self._connections.received(waiting)
            if connection is not None and not is_awaited:
                closing = [*closing, *self._connections.give_back(connection)]
            if closing:
                await aclose_all(closing)
        if connection is None:
            raise _no_connection(is_closed=self._connections.is_closed)
        return connection

    async def _give_back(self, connection: httpcore.AsyncConnectionInterface) -> None:
        closing = self._connections.give_back(connection, is_clean=_is_clean(connection))
        if closing:
            await aclose_all(closing)


class _Closable(Protocol):
    async def aclose(self) -> None: ...


async def aclose_all(closing: Iterable[_Closable]) -> None:
    """Close all of these, and then raise what one of them has raised: asyncio cancels a task in spite of the shield."""
    failure: BaseException | None = None
    with anyio.CancelScope(shield=True):
        for each in closing:
            try:
                await each.aclose()
            except BaseException as error:  # noqa: BLE001 - raised below
                failure = error
    if failure is not None:
        raise failure


class _AsyncBody(httpx.AsyncByteStream):
    """The body of a response, at whose end its connection is given back."""

    def __init__(
        self,
        inner: AsyncIterable[bytes],
        give_back: Callable[[httpcore.AsyncConnectionInterface], Awaitable[None]],
        connection: httpcore.AsyncConnectionInterface,
    ) -> None:
        self._inner, self._give_back, self._connection, self._is_closed = inner, give_back, connection, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._inner:
                yield piece
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            try:
                await cast("httpx.AsyncByteStream", self._inner).aclose()
            finally:
                await self._give_back(self._connection)
