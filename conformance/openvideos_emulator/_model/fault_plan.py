"""Decide which request meets which fault: a plan that is kept in order and used up. Pure, but for its lock.

A fault is either an answer in place of the right one (`status`), or something that happens to the right one on its way
(`delay`, `reset`, `truncate`, `content_length`, `stall`), or both. What they do to bytes and connections is elsewhere.
"""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reset(Enum):
    """When the connection is reset."""

    BEFORE_REQUEST = "before_request"
    """Before the request is carried out: it has no effect."""
    BEFORE_ANSWER = "before_answer"
    """After the request was carried out, before a byte of its answer."""
    BEFORE_BODY = "before_body"
    """After the status and the headers of the answer."""
    AFTER_BODY = "after_body"
    """After the whole answer: the connection cannot be used again."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Send no more after `at` bytes of the body, for `seconds`, or until the client goes away (None)."""

    at: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to go wrong, with the next `times` requests that match.

    A request matches by the contract's `operation` id, by its `method` and by its `path` with `*` for any letters;
    what is None matches all. With a `status` the request is not carried out, unless `carried_out` is true.
    """

    times: int = 1
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    carried_out: bool = False
    delay: float = 0.0
    reset: Reset | None = None
    truncate: int | None = None
    content_length: int | None = None
    stall: Stall | None = None

    def matches(self, *, operation: str | None, method: str, path: str) -> bool:
        """Tell whether a request is one that this fault is meant for."""
        return (
            (self.operation is None or self.operation == operation)
            and (self.method is None or self.method == method)
            and (self.path is None or fnmatch.fnmatchcase(path, self.path))
        )


@dataclass(slots=True)
class Planned:
    """A fault that is still to happen `left` times."""

    fault: Fault
    left: int


class FaultPlan:
    """The faults that are to happen, in the order in which they were planned."""

    def __init__(self) -> None:
        """Begin with no faults."""
        self._lock = threading.Lock()
        self._planned: list[Planned] = []

    def add(self, fault: Fault) -> None:
        """Plan a fault, behind those that are planned already."""
        with self._lock:
            self._planned.append(Planned(fault, fault.times))

    def clear(self) -> None:
        """Plan no faults."""
        with self._lock:
            self._planned.clear()

    def __bool__(self) -> bool:
        """Tell whether anything is to happen."""
        return bool(self._planned)

    def pending(self) -> list[Planned]:
        """Give what is still to happen, in order."""
        with self._lock:
            return [Planned(each.fault, each.left) for each in self._planned]

    def take(self, *, operation: str | None, method: str, path: str) -> Fault | None:
        """Give the fault of a request, the first planned that matches, and count it; None if there is none."""
        with self._lock:
            for planned in self._planned:
                if planned.fault.matches(operation=operation, method=method, path=path):
                    planned.left -= 1
                    if not planned.left:
                        self._planned.remove(planned)
                    return planned.fault
        return None
