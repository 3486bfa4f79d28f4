"""Writing beside the event loop: in order, one batch behind what arrives, and never after it has ended."""

from __future__ import annotations

import threading
from typing import Any, cast

import anyio
import anyio.to_thread
import httpx
import pytest

from openvideos._drivers.background_writer import BackgroundWriter
from openvideos._drivers.body import PIECE
from openvideos._flows.effects import Save

pytestmark = pytest.mark.anyio

BATCH = b"x" * PIECE


class Disk:
    """A disk that writes when it is let, and may fail."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.written: list[int] = []
        self.reported: list[int] = []
        self.error: Exception | None = None

    def write(self, data: bytes) -> None:
        assert self.free.wait(30)
        if self.error is not None:
            raise self.error
        self.written.append(len(data))

    def writing(self) -> BackgroundWriter:
        """Return what is tested, on this disk."""
        return BackgroundWriter(Save(cast("httpx.Response", None), self.write, self._progress))

    def _progress(self) -> Any:
        self.reported.append(sum(self.written))


@pytest.fixture
def disk() -> Disk:
    return Disk()


async def is_written(writing: BackgroundWriter) -> None:
    """Wait until the batch that was begun is on the disk."""
    assert writing._written is not None
    await anyio.to_thread.run_sync(writing._written.result)


async def test_pieces_are_written_in_batches_and_the_rest_at_the_end(disk: Disk) -> None:
    async with disk.writing() as writing:
        for _ in range(5):
            await writing.add(b"x" * (PIECE // 2))
        await writing.finish()
    assert [PIECE, PIECE, PIECE // 2] == disk.written
    assert disk.reported == sorted(disk.reported)
    assert sum(disk.written) == disk.reported[-1]


async def test_nothing_is_written_of_nothing(disk: Disk) -> None:
    async with disk.writing() as writing:
        await writing.finish()
    assert ([], []) == (disk.written, disk.reported)


async def test_the_callback_hears_of_a_batch_with_the_next_piece(disk: Disk) -> None:
    async with disk.writing() as writing:
        await writing.add(BATCH)
        await is_written(writing)
        assert [] == disk.reported
        await writing.add(b"x")
        assert [PIECE] == disk.reported


async def test_what_arrives_does_not_wait_for_the_disk(disk: Disk) -> None:
    disk.free.clear()
    async with disk.writing() as writing:
        await writing.add(BATCH)
        await writing.add(b"x")
        assert [] == disk.written
        disk.free.set()


async def test_but_no_more_than_a_batch_waits_in_memory(disk: Disk) -> None:
    disk.free.clear()
    async with disk.writing() as writing, anyio.create_task_group() as group:
        await writing.add(BATCH)
        went_on = anyio.Event()

        async def next_batch() -> None:
            await writing.add(BATCH)
            went_on.set()

        group.start_soon(next_batch)
        await anyio.wait_all_tasks_blocked()
        assert not went_on.is_set()
        disk.free.set()
        await went_on.wait()
        assert [PIECE] == disk.reported


async def test_what_a_write_raises_comes_out_as_it_is(disk: Disk) -> None:
    disk.error = OSError("the disk is full")
    async with disk.writing() as writing:
        await writing.add(BATCH)
        with pytest.raises(OSError, match="the disk is full") as caught:
            await writing.finish()
        assert disk.error is caught.value


async def test_a_cancellation_waits_for_the_write_that_was_begun(disk: Disk) -> None:
    disk.free.clear()
    with anyio.CancelScope() as scope:
        async with disk.writing() as writing:
            await writing.add(BATCH)
            scope.cancel()
            threading.Thread(target=disk.free.set).start()
            await anyio.lowlevel.checkpoint()
    assert [PIECE] == disk.written
