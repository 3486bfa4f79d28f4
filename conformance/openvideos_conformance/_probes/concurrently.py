"""Make calls concurrently, to exercise faults that show only then."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_PATIENCE: Final = 30.0
"""How many seconds a thread may take to start."""


def concurrently(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make these calls concurrently, each in a thread of its own, and return their results in order."""
    start = threading.Barrier(len(calls), timeout=_PATIENCE)

    def called(call: Callable[[], T]) -> T:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(called, call) for call in calls]]
