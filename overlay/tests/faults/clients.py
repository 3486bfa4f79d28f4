"""Clients of every flavour, called alike, and what must hold of them whatever a server does."""

from __future__ import annotations

import gc
import inspect
import pickle
import ssl
import traceback
import types
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Self, TypeAlias

import anyio.to_thread
import httpx
import httpx2
from httpx_aiohttp import HttpxAiohttpClient

from openvideos import AsyncOpenVideos, OpenVideos, OpenVideosError
from openvideos._drivers.own_transport import AsyncOwnTransport, OwnTransport

from .flavours import is_blocking
from .server import WAIT_S, Behaviour, FaultServer

KEY: Final = "sk-fault-0123456789"
TLS: Final = ssl.create_default_context()
"""Made once, since it takes longer than a test. httpx clients made with it are otherwise those that the SDK makes."""

HTTP_CLIENTS: Final[dict[str, Callable[[], object]]] = {
    "sync": lambda: httpx.Client(transport=OwnTransport(TLS)),
    "asyncio": lambda: httpx.AsyncClient(transport=AsyncOwnTransport(TLS)),
    "trio": lambda: httpx.AsyncClient(transport=AsyncOwnTransport(TLS)),
    "httpx2": lambda: httpx2.Client(verify=TLS),
    "httpx2 async": lambda: httpx2.AsyncClient(verify=TLS),
    "aiohttp": lambda: HttpxAiohttpClient(verify=TLS),
}
_NOT_CARRIED: Final = (type, types.ModuleType, types.FunctionType, types.TracebackType, types.FrameType)

Against: TypeAlias = Callable[..., AbstractAsyncContextManager[tuple[FaultServer, "Client"]]]


class Client:
    """A client of any flavour, whose methods are awaited all the same, and whose pauses take no time."""

    def __init__(self, flavour: str, base_url: str, **options: Any) -> None:
        self.pauses: list[float] = []
        """How long it would have waited between attempts."""
        options = {"base_url": base_url, "api_key": KEY, "timeout": WAIT_S, **options}
        if "http_client" not in options:
            options["http_client"] = HTTP_CLIENTS[flavour]()
        blocking = is_blocking(flavour)
        self.sdk: Any = OpenVideos(**options) if blocking else AsyncOpenVideos(**options)
        self.sdk._session.driver.sleep = self.pauses.append if blocking else self._pause

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def call(self, method: str, /, *arguments: Any, **options: Any) -> Any:
        """Call a method of `client.videos`, or the client's own `request`; return what it returns, or yields."""
        result = getattr(self.sdk if method == "request" else self.sdk.videos, method)(*arguments, **options)
        if inspect.isgenerator(result):
            return list(result)
        if inspect.isasyncgen(result):
            return [item async for item in result]
        return await result if inspect.isawaitable(result) else result

    async def fails(self, method: str, /, *arguments: Any, **options: Any) -> Any:
        """Call a method and return the SDK's exception that it raises, after a check of what all of them promise."""
        try:
            result = await self.call(method, *arguments, **options)
        except OpenVideosError as error:
            check_promises(error, KEY)
            return error
        raise AssertionError(f"{method} returned {result!r}")

    @property
    def busy(self) -> list[str]:
        """The connections that are neither closed nor at rest in the pool."""
        http = self.sdk._session.driver.transport.callers
        pool = getattr(getattr(http, "_transport", None), "_pool", None)
        connections = [] if pool is None else pool.connections
        return [repr(connection) for connection in connections if not (connection.is_idle() or connection.is_closed())]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        busy = self.busy
        closed = self.sdk.close()
        if closed is not None:
            await closed
        assert kind is not None or [] == busy


def check_promises(error: OpenVideosError, key: str) -> None:
    """Check what every exception promises: it pickles with what it carries, and never tells the key."""
    copy = pickle.loads(pickle.dumps(error))
    assert (type(error), str(error), error.video_id) == (type(copy), str(copy), copy.video_id)
    assert set(vars(error)) == set(vars(copy))
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert key not in shown
    assert key.encode() not in pickle.dumps(error)
    assert [] == [text for text in reachable_texts(error) if key in text]


def reachable_texts(root: object) -> list[str]:
    """Return each text that a thing leads to by whatever attributes, items, causes and contexts; not by tracebacks."""
    texts: list[str] = []
    seen, waiting = {id(root)}, [root]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, (bytes, bytearray)):
            texts.append(bytes(thing).decode("latin-1"))
        elif isinstance(thing, str):
            texts.append(thing)
        elif not isinstance(thing, _NOT_CARRIED):
            inner = [each for each in gc.get_referents(thing) if id(each) not in seen]
            seen.update(map(id, inner))
            waiting += inner
    return texts


def against(flavour: str) -> Against:
    """Return how a server with a script and a client of it are had; both end without an open connection."""

    @asynccontextmanager
    async def opened(*script: Behaviour, **options: Any) -> AsyncGenerator[tuple[FaultServer, Client]]:
        with FaultServer(*script) as server:
            async with Client(flavour, server.base_url, **options) as client:
                yield server, client
            assert await anyio.to_thread.run_sync(server.wait_until_closed), "a connection was left open"

    return opened
