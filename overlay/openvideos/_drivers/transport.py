"""Hold a client's httpx client: make it when it is first used, again after a fork, and once for each event loop.

To make an httpx client takes milliseconds, so neither an import nor a constructor makes one. Its connections cannot be
used after a fork, and async connections cannot be used in another event loop.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import AsyncGenerator
from http.cookiejar import Cookie, CookieJar
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

import anyio
import httpx
from anyio.lowlevel import RunVar
from attrs import define, frozen

from .._errors import ConfigurationError
from .callers_client import async_client, blocking_client

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

CLOSED: Final = "The client is closed; make a new one, or keep it open for longer (`with OpenVideos() as client:`)."
FORKED: Final = (
    "This process is a fork of the one in which the client got its http_client, whose connections both would read from;"
    " make a client in each process."
)
_MOST_COOKIES: Final = 50
_LONGEST_COOKIE: Final = 4096


class _Cookies(CookieJar):
    """Keeps some cookies, of all servers together: each response may name new ones."""

    def set_cookie(self, cookie: Cookie) -> None:
        self.clear_expired_cookies()
        known = {(each.domain, each.path, each.name) for each in self}
        is_new = (cookie.domain, cookie.path, cookie.name) not in known
        if len(cookie.name) + len(cookie.value or "") <= _LONGEST_COOKIE and (len(known) < _MOST_COOKIES or not is_new):
            super().set_cookie(cookie)


def _options() -> dict[str, Any]:
    """Return the options of the SDK's own httpx clients; each request has a timeout of its own."""
    return {"cookies": _Cookies(), "timeout": None, "trust_env": False}


class SyncTransport:
    """Hold a blocking httpx client."""

    def __init__(self, callers: object = None) -> None:
        """Use the caller's client, or make one when it is first used.

        Raises:
            ConfigurationError: The caller's client is not a blocking client of a supported kind.
        """
        self.callers: Any = callers
        self._client = None if callers is None else blocking_client(callers)
        self._closed = False
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def client(self) -> httpx.Client:
        """Return the httpx client to use.

        Raises:
            ConfigurationError: The client is closed, or is the caller's own and from before a fork.
        """
        client = self._client
        if client is not None and self._pid == os.getpid() and not self.is_closed:
            return client
        return self._another()

    def _another(self) -> httpx.Client:
        if self._pid != os.getpid():  # pragma: no cover - runs only in a child process, which is not measured
            if self.callers is not None and not self.is_closed:
                raise ConfigurationError(FORKED)
            # If another thread held the lock at the fork, it stays locked in the child process.
            self._lock = threading.Lock()
        with self._lock:
            if self.is_closed:
                raise ConfigurationError(CLOSED)
            if self._client is None or self._pid != os.getpid():
                # After a fork, the connections are shared with the parent process: do not use or close them here.
                from .routing import RoutingTransport  # imported late, because it imports httpcore

                self._client = httpx.Client(transport=RoutingTransport(), **_options())
            self._pid = os.getpid()
            return self._client

    @property
    def is_closed(self) -> bool:
        """Whether this client, or the caller's own, was closed."""
        return self._closed or (self.callers is not None and self.callers.is_closed)

    def close(self) -> None:
        """Close the connections. A second call does nothing."""
        with self._lock:
            self._closed = True
            client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()


@define(eq=False)
class _Connections:
    """The connections of one client in one event loop."""

    client: httpx.AsyncClient
    pid: int
    keeper: AsyncGenerator[None]
    """An async generator that closes the connections when it ends, which the loop brings about at its own end."""


_in_this_loop: Final = RunVar["WeakKeyDictionary[AsyncTransport, _Connections]"]("openvideos")


class AsyncTransport:
    """Hold the async httpx clients, one for each event loop that uses it."""

    def __init__(self, callers: object = None) -> None:
        """Use the caller's client, or make one when it is first used.

        Raises:
            ConfigurationError: The caller's client is not an async client of a supported kind.
        """
        self.callers: Any = callers
        self._client = None if callers is None else async_client(callers)
        self._latest: _Latest | None = None
        self._closed = False
        self._pid = os.getpid()

    async def client(self) -> httpx.AsyncClient:
        """Return the httpx client to use in this event loop and this process.

        Raises:
            ConfigurationError: The client is closed, or is the caller's own and from before a fork.
        """
        if self.is_closed:
            raise ConfigurationError(CLOSED)
        if self._client is not None:
            if self._pid != os.getpid():  # pragma: no cover - runs only in a child process, which is not measured
                raise ConfigurationError(FORKED)
            return self._client
        loop, latest = _loop_of_asyncio(), self._latest
        # To find out which library runs, and its loop, takes anyio a tenth of what a call costs.
        if latest is not None and latest.loop is loop and latest.connections.pid == os.getpid():
            return latest.connections.client
        connections = _here().get(self)
        if connections is None or connections.pid != os.getpid():
            connections = _here()[self] = await _connections()
        self._latest = None if loop is None else _Latest(loop, connections)
        return connections.client

    @property
    def is_closed(self) -> bool:
        """Whether this client, or the caller's own, was closed."""
        return self._closed or (self.callers is not None and self.callers.is_closed)

    async def aclose(self) -> None:
        """Close the connections of this event loop; those of another loop close with it. A second call does nothing."""
        self._closed = True
        if self._client is not None and self._pid == os.getpid():
            await self._client.aclose()
        self._latest = None
        connections = _here().pop(self, None)
        if connections is not None and connections.pid == os.getpid():
            await connections.keeper.aclose()


@frozen
class _Latest:
    """The connections that were used last, and their event loop."""

    loop: AbstractEventLoop
    connections: _Connections


def _loop_of_asyncio() -> AbstractEventLoop | None:
    """Return the event loop if it is asyncio's; a guest of it, such as trio, runs in no task."""
    asyncio = sys.modules.get("asyncio")  # to import it takes a tenth of what `import openvideos` does
    if asyncio is None:
        return None
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    return None if task is None else cast("AbstractEventLoop", task.get_loop())


def _here() -> WeakKeyDictionary[AsyncTransport, _Connections]:
    """Return the connections of this event loop, by their transports."""
    try:
        return _in_this_loop.get()
    except LookupError:
        here = WeakKeyDictionary[AsyncTransport, _Connections]()
        _in_this_loop.set(here)
        return here


async def _connections() -> _Connections:
    from .routing import AsyncRoutingTransport

    client = httpx.AsyncClient(transport=AsyncRoutingTransport(), **_options())

    async def keep() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await client.aclose()

    keeper = keep()
    await anext(keeper)
    return _Connections(client, os.getpid(), keeper)
