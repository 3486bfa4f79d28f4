"""Write what arrives beside the event loop: the loop never waits for the disk, nor the disk for the network."""

from __future__ import annotations

import inspect
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any, Self

import anyio
import anyio.to_thread

from .._flows.effects import Save
from .body import PIECE


class Writing:
    """Write pieces in a thread of its own, in large batches, one of them behind what is being read.

    What a write or the progress callback raises comes out of the next call, as it is.
    """

    def __init__(self, save: Save) -> None:
        """Begin with nothing to write."""
        self._save = save
        self._batch: list[bytes] = []
        self._size = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="openvideos")
        self._written: Future[None] | None = None

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the thread, after its last write: the file is about to be put in its place, or closed and removed."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._thread.shutdown)

    async def add(self, piece: bytes) -> None:
        """Take a piece; begin to write when there are enough."""
        self._batch.append(piece)
        self._size += len(piece)
        if self._size >= PIECE:
            await self._flush()
        elif self._written is not None and self._written.done():
            await self._settle()  # so that the callback hears of it now, however slowly the next batch comes

    async def finish(self) -> None:
        """Write what is left, and wait for it."""
        if self._batch:
            await self._flush()
        await self._settle()

    async def _flush(self) -> None:
        await self._settle()
        data = b"".join(self._batch)
        self._batch.clear()
        self._size = 0
        self._written = self._thread.submit(self._save.write, data)

    async def _settle(self) -> None:
        """Wait for the write that was begun, and tell how far the file is."""
        written, self._written = self._written, None
        if written is None:
            return
        if not written.done():
            await anyio.to_thread.run_sync(wait_for, [written])
        written.result()
        await awaited(self._save.progress())


async def awaited(result: Any) -> None:
    """Await what a callback returned, if that can be awaited."""
    if inspect.isawaitable(result):
        await result
