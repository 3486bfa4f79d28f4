"""A download that is cancelled anywhere leaves nothing: no part file, no descriptor, and none of others is closed.

asyncio has cancellations of its own beside anyio's, which do not wait for a thread that is writing.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openvideos import AsyncOpenVideos, HttpxBinaryResponseContent
from openvideos._drivers import background_writer
from openvideos._drivers.threads import in_thread

from .faults.server import WAIT_S

OLD: Final = b"what stood there before"
FILE: Final = bytes(range(100))
CALLS: Final = ("open", "write", "ftruncate", "fsync", "close", "replace")
THOROUGH: Final = settings(deadline=None, max_examples=4 * settings().max_examples)


class Disk:
    """The disk as the SDK uses it: who opens and closes what, and a call at which its thread waits."""

    def __init__(self, wait_at: int | None = None, *, afterwards: bool = False) -> None:
        self.wait_at, self.afterwards = wait_at, afterwards
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.calls = 0
        self.mine: set[int] = set()
        self.closed_of_others: list[int] = []
        self._loop = threading.get_ident()

    @contextmanager
    def mounted(self) -> Generator[None]:
        """Let the system's own calls pass through here."""
        with ExitStack() as stack:
            for name in CALLS:
                stack.enter_context(mock.patch.object(os, name, self._through(name, getattr(os, name))))
            # Small batches are written in many steps.
            stack.enter_context(mock.patch.object(background_writer, "PIECE", 10))
            yield

    def _through(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            here = False
            if threading.get_ident() != self._loop:
                here = self.calls == self.wait_at
                self.calls += 1
            if here and not self.afterwards:
                self._wait()
            result = self._noted(name, real, *arguments, **options)
            if here and self.afterwards:
                self._wait()
            return result

        return call

    def _noted(self, name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if name == "close" and arguments[0] not in self.mine:
            self.closed_of_others.append(arguments[0])
            return None
        if name == "close":
            self.mine.discard(arguments[0])
        result = real(*arguments, **options)
        if name == "open":
            self.mine.add(result)
        return result

    def _wait(self) -> None:
        self.entered.set()
        assert self.go_on.wait(WAIT_S)


class Body(httpx.AsyncByteStream):
    """A body whose pieces come one turn of the event loop after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), 7):
            await anyio.lowlevel.checkpoint()
            yield self._content[start : start + 7]


def client() -> AsyncOpenVideos:
    """Return a client of a server that breaks off once, and then sends the file from its start."""
    bodies = iter([FILE[:50], FILE])

    def handle(_: httpx.Request) -> httpx.Response:
        headers = {"content-length": str(len(FILE)), "content-type": "video/mp4"}
        return httpx.Response(200, headers=headers, stream=Body(next(bodies)))

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    result = AsyncOpenVideos(base_url="http://server.test/v1", http_client=http)
    result._session.driver.sleep = lambda _: anyio.lowlevel.checkpoint()
    return result


async def turn(turns: int) -> None:
    """Let other tasks run."""
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()


async def until(disk: Disk, is_over: Callable[[], bool]) -> bool:
    """Wait until the disk's thread waits, or it is over; return whether it waits."""
    while not disk.entered.is_set() and not is_over():
        await turn(1)
    return disk.entered.is_set()


async def cancelled_task(download: Callable[[], Any], disk: Disk, times: int) -> None:
    """Cancel a task as asyncio does, some times over, while a thread is at work."""
    task = asyncio.create_task(download())
    if await until(disk, task.done):
        for _ in range(times):
            task.cancel()
            await turn(5)
        assert not task.done(), "it is over before its thread is"
        disk.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.wait([task])


async def timed_out(download: Callable[[], Any], disk: Disk, times: int) -> None:
    """Let asyncio's timeout end it."""
    timeout = asyncio.timeout(None)
    ended: list[str] = []

    async def run() -> None:
        try:
            async with timeout:
                await download()
        except TimeoutError:
            ended.append("in time")

    task = asyncio.create_task(run())
    if await until(disk, task.done):
        timeout.reschedule(asyncio.get_running_loop().time() - 1)
        await turn(5 * times)
        assert not task.done(), "it is over before its thread is"
        disk.go_on.set()
        await task
        assert ["in time"] == ended
    await task


async def cancelled_scope(download: Callable[[], Any], disk: Disk, times: int) -> None:
    """Cancel a scope of anyio."""
    over: list[bool] = []

    async def run() -> None:
        try:
            await download()
        finally:
            over.append(True)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        if await until(disk, lambda: bool(over)):
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await turn(5 * times)
                assert not over, "it is over before its thread is"
                disk.go_on.set()


WAYS: Final = {
    "task": ("asyncio", cancelled_task),
    "timeout": ("asyncio", timed_out),
    "scope": ("asyncio", cancelled_scope),
    "scope of trio": ("trio", cancelled_scope),
}


@contextmanager
def folder(disk: Disk, *, occupied: bool) -> Generator[Path]:
    """Give a target in a folder of its own, and afterwards see that it is old or new, and that nothing else is left."""
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "video.mp4"
        if occupied:
            target.write_bytes(OLD)
        with disk.mounted():
            yield target
        assert ([], set()) == (disk.closed_of_others, disk.mine)
        assert {path.name for path in Path(name).iterdir()} <= {"video.mp4"}
        assert (target.read_bytes() if target.exists() else None) in {OLD if occupied else None, FILE}


@pytest.mark.parametrize("way", WAYS)
@THOROUGH
@given(at=st.integers(0, 25), afterwards=st.booleans(), times=st.integers(1, 3), occupied=st.booleans())
def test_while_a_thread_is_at_work(way: str, at: int, afterwards: bool, times: int, occupied: bool) -> None:  # noqa: FBT001 - generated
    backend, cancel = WAYS[way]
    disk = Disk(at, afterwards=afterwards)
    with folder(disk, occupied=occupied) as target:

        async def run() -> None:
            async with client() as sdk:
                await cancel(lambda: sdk.videos.download("video_1", target), disk, times)

        anyio.run(run, backend=backend)
    assert 10 <= disk.calls or disk.entered.is_set()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@THOROUGH
@given(turns=st.integers(0, 150), native=st.booleans(), occupied=st.booleans())
def test_at_any_turn(backend: str, turns: int, native: bool, occupied: bool) -> None:  # noqa: FBT001 - generated
    disk = Disk()
    with folder(disk, occupied=occupied) as target:

        async def run() -> None:
            async with client() as sdk:
                if backend == "asyncio" and native:
                    task = asyncio.create_task(sdk.videos.download("video_1", target))
                    await turn(turns)
                    task.cancel()
                    await asyncio.wait([task])
                else:
                    async with anyio.create_task_group() as group:
                        group.start_soon(sdk.videos.download, "video_1", target)
                        await turn(turns)
                        group.cancel_scope.cancel()

        anyio.run(run, backend=backend)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at", range(6))
def test_a_file_in_memory_is_written_to_its_end(way: str, at: int) -> None:
    backend, cancel = WAYS[way]
    disk = Disk(at)
    with folder(disk, occupied=True) as target:

        async def run() -> None:
            content = HttpxBinaryResponseContent(httpx.Response(200, content=FILE))
            await cancel(lambda: content.awrite_to_file(target), disk, 2)

        anyio.run(run, backend=backend)
    assert disk.entered.is_set()


@pytest.mark.anyio
async def test_what_a_function_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


@pytest.mark.anyio
async def test_a_function_that_has_not_begun_never_does(monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[Callable[[], None]] = []

    async def cancelled(run: Callable[[], None]) -> None:
        late.append(run)
        raise ZeroDivisionError

    monkeypatch.setattr(anyio.to_thread, "run_sync", cancelled)
    begun: list[str] = []
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: begun.append("begun"))
    late.pop()()
    assert [] == begun
