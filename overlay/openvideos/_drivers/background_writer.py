"""Write a download in a thread, so that the event loop never waits for the disk, nor the disk for the network."""

from __future__ import annotations

import inspect
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

from .._flows.effects import Save
from .body import PIECE
from .threads import ended


class BackgroundWriter:
    """Write pieces in a separate thread, in large batches; one batch is written while the next is read.

    An exception of a write or of the progress callback is raised unchanged by the next call of a method.
    """

    def __init__(self, save: Save) -> None:
        """Start without pieces."""
        self._save = save
        self._batch: list[bytes] = []
        self._size = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="openvideos")
        self._written: Future[None] | None = None

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for the last write and end the thread, since the file is then renamed, or closed and removed."""
        self._thread.shutdown(wait=False)
        if self._written is not None:
            await ended(self._written)

    async def add(self, piece: bytes) -> None:
        """Add a piece; start to write a batch if there are enough pieces."""
        self._batch.append(piece)
        self._size += len(piece)
        if self._size >= PIECE:
            await self._flush()
        elif self._written is not None and self._written.done():
            await self._settle()  # report progress now, because the next batch may arrive slowly

    async def finish(self) -> None:
        """Write the remaining pieces, and wait until they are written."""
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
        """Wait for the running write, if there is one, and report the progress."""
        written = self._written
        if written is None:
            return
        await ended(written)
        self._written = None
        written.result()
        await await_if_needed(self._save.progress())


async def await_if_needed(result: Any) -> None:
    """Await a callback's result if it is awaitable."""
    if inspect.isawaitable(result):
        await result
