"""Plan faults, and decide which request each of them happens to. Pure, but for a lock.

A fault replaces the right response (`status`), or disturbs the response while it is sent (`delay`, `reset`, `truncate`,
`content_length`, `stall`), or both. `_http/fault_injection.py` carries faults out.
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
    """Before the request is carried out, so that it has no effect."""
    BEFORE_ANSWER = "before_answer"
    """After the request was carried out, before the first byte of the response."""
    BEFORE_BODY = "before_body"
    """After the status and the headers of the response."""
    AFTER_BODY = "after_body"
    """After the whole response, so that the connection cannot be used again."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Stop sending after `at` bytes of the body, for `seconds`, or until the client disconnects (None)."""

    at: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happens to the next `times` requests that match.

    A request matches if its `operation` id, its `method` and its `path` (in which `*` stands for any characters) match;
    None matches all. With a `status` the request is not carried out, unless `carried_out` is true. `delay` is in
    seconds; `truncate` and `content_length` are in bytes.
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
        """Return whether this fault matches a request."""
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
    """The planned faults that are still to happen, in the order in which they were planned."""

    def __init__(self) -> None:
        """Start without faults."""
        self._lock = threading.Lock()
        self._planned: list[Planned] = []

    def add(self, fault: Fault) -> None:
        """Plan a fault, after those that are planned already."""
        with self._lock:
            self._planned.append(Planned(fault, fault.times))

    def clear(self) -> None:
        """Remove all planned faults."""
        with self._lock:
            self._planned.clear()

    def __bool__(self) -> bool:
        """Return whether a fault is planned."""
        return bool(self._planned)

    def pending(self) -> list[Planned]:
        """Return the faults that are still to happen, in order."""
        with self._lock:
            return [Planned(each.fault, each.left) for each in self._planned]

    def take(self, *, operation: str | None, method: str, path: str) -> Fault | None:
        """Return the first planned fault that matches a request, and count it as used once; None if none matches."""
        with self._lock:
            for planned in self._planned:
                if planned.fault.matches(operation=operation, method=method, path=path):
                    planned.left -= 1
                    if not planned.left:
                        self._planned.remove(planned)
                    return planned.fault
        return None
