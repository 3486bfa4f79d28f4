"""Run the overlay, blocking and async, against an emulator in memory, in a time that only sleeping moves.

The emulator reads this world's clock, and so do the clients, whose sleeps move it: a job of three seconds is polled to
its end at once. Requests go through `httpx.ASGITransport`, on one event loop that both clients share.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import httpcore
import httpx

from openvideos import AsyncOpenVideos, OpenVideos
from openvideos._flows.retrying import Clocks
from openvideos_emulator import create_app

from .mock_server import BASE_URL, KEY, ORIGIN, faults, read

T = TypeVar("T")

JOB_SECONDS: Final = 4.0
START: Final = 1_700_000_000.0


class World:
    """An emulator, its time, and how requests get there and go wrong on the way."""

    def __init__(self) -> None:
        """Start with no jobs."""
        self._runner = asyncio.Runner()
        self._directory = TemporaryDirectory()
        self.directory = Path(self._directory.name)
        self.now = START
        self.app = create_app(api_key=KEY, pace=f"seconds:{JOB_SECONDS}", clock=lambda: self.now)
        self._asgi = httpx.ASGITransport(app=self.app)
        self.seen: list[str] = []
        """The methods of the requests since it was last emptied."""
        self.answers_to_break: list[str] = []
        """How the next responses to POSTs are lost: `before` it is carried out, or `after`."""
        self.bodies_to_cut: list[int] = []
        """Behind how many bytes the next files break off."""

    def close(self) -> None:
        """End the emulator."""
        self.app.close()
        self._runner.close()
        self._directory.cleanup()

    def awaited(self, value: Awaitable[T]) -> T:
        """Return what an awaitable comes to."""

        async def wait() -> T:
            return await value

        return self._runner.run(wait())

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call a control endpoint of the emulator."""
        request = httpx.Request(
            method, f"{ORIGIN}/_emulator/{path}", json=body, headers={"authorization": f"Bearer {KEY}"}
        )

        async def ask() -> bytes:
            return await (await self._asgi.handle_async_request(request)).aread()

        return json.loads(self.awaited(ask()))

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """Judge a request, carry it out, and return its response, or lose that as planned."""
        await request.aread()
        assert not faults(read(request))
        lost = self.answers_to_break.pop(0) if request.method == "POST" and self.answers_to_break else None
        self.seen.append(request.method)
        if lost == "before":
            raise httpx.ConnectError("no connection was made", request=request) from httpcore.ConnectError()
        response = await self._asgi.handle_async_request(
            httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        )
        content = await response.aread()
        if lost == "after":
            raise httpx.ReadError("the answer is lost", request=request)
        is_file = response.status_code in {200, 206} and request.url.path.endswith("/content")
        cut = self.bodies_to_cut.pop(0) if is_file and self.bodies_to_cut else None
        return httpx.Response(response.status_code, headers=response.headers, stream=_Cut(content, cut))

    def clients(self, **options: Any) -> tuple[OpenVideos, AsyncOpenVideos]:
        """Return a blocking and an async client of the emulator."""
        blocking = OpenVideos(
            base_url=BASE_URL, api_key=KEY, http_client=httpx.Client(transport=_Through(self)), **options
        )
        awaited = AsyncOpenVideos(
            base_url=BASE_URL, api_key=KEY, http_client=httpx.AsyncClient(transport=_AsyncThrough(self)), **options
        )
        clocks = Clocks(monotonic=lambda: self.now, wall=lambda: self.now, random=lambda: 0.5)
        blocking._session.clocks = awaited._session.clocks = clocks
        blocking._session.driver.sleep = self.sleep
        awaited._session.driver.sleep = self._sleep_async
        return blocking, awaited

    def sleep(self, seconds: float) -> None:
        """Move the time."""
        self.now += seconds

    async def _sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class _Through(httpx.BaseTransport):
    def __init__(self, world: World) -> None:
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._world.awaited(self._world.exchange(request))


class _AsyncThrough(httpx.AsyncBaseTransport):
    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._world.exchange(request)


class _Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that may break off."""

    def __init__(self, content: bytes, cut: int | None) -> None:
        self._content, self._cut = content, cut

    def __iter__(self) -> Iterator[bytes]:
        yield self._content[: self._cut]
        if self._cut is not None:
            raise httpx.ReadError("the connection broke")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


class Colour:
    """`client.videos` of one colour, called alike."""

    def __init__(self, world: World, *, is_async: bool) -> None:
        """Make two clients of the emulator: one as it comes, and one whose POSTs may be repeated."""
        self._world = world
        self._plain = world.clients()[is_async].videos
        self._idempotent = world.clients(idempotent_posts=True)[is_async].videos
        self._is_async = is_async

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Return what a method returns; `idempotent:` before its name lets POSTs be repeated."""
        plain, videos = name.removeprefix("idempotent:"), self._idempotent if ":" in name else self._plain
        method: Callable[..., Any] = getattr(videos, plain)
        if not self._is_async:
            return method(*arguments, **named)

        async def call() -> Any:
            return await method(*arguments, **named)

        return self._world.awaited(call())

    def collect(self, name: str, *arguments: Any, **named: Any) -> list[Any]:
        """Return all items that a method's result is iterated for."""
        method: Callable[..., Any] = getattr(self._plain, name)
        if not self._is_async:
            return list(method(*arguments, **named))

        async def gather() -> list[Any]:
            return [item async for item in method(*arguments, **named)]

        return self._world.awaited(gather())
