"""Run functions that may block in threads, and never leave one running behind a cancellation.

A file's descriptor, for example, may be closed only once no thread uses it. anyio waits for a thread as long as the
cancellation is its own; asyncio's (`task.cancel()`, `asyncio.timeout`) passes anyio's shields.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """Run a function in a thread, and return its result. If cancelled, wait until the function has ended."""
    future = Future[T]()

    def run() -> None:
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 - the caller gets it
                future.set_exception(error)

    try:
        await anyio.to_thread.run_sync(run)
    except BaseException:
        # A function that has not begun never will.
        if not future.cancel():
            await ended(future)
        raise
    return future.result()


async def ended(future: Future[Any]) -> None:
    """Wait until a function that runs in a thread has ended. A cancellation is raised afterwards."""
    cancelled: BaseException | None = None
    while not future.done():
        try:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(wait, [future])
        except anyio.get_cancelled_exc_class() as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
