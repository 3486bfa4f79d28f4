"""Make calls concurrently: all at once, to exercise faults that show only then, or a few at a time, to save time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_PATIENCE: Final = 30.0
"""How many seconds a thread may take to start."""

_AT_A_TIME: Final = 8
"""How many independent requests are under way at a time; the client's gate lowers it for a server that bears fewer."""


def concurrently(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make these calls concurrently, each in a thread of its own, and return their results in order."""
    start = threading.Barrier(len(calls), timeout=_PATIENCE)

    def called(call: Callable[[], T]) -> T:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(called, call) for call in calls]]


def eight_at_a_time(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make independent calls, some of them at the same time, and return their results in order.

    Raises:
        Exception: What the first call that fails, in their order, has raised.

    """
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        futures = [pool.submit(call) for call in calls]
        return [future.result() for future in futures]
