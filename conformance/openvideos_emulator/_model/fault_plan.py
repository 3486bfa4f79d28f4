"""Plan faults, and decide which request each of them happens to. Pure, but for a lock.

A fault replaces the right response (`status`), or disturbs the response while it is sent (`delay`, `reset`, `truncate`,
`content_length`, `stall`), or both. `_http/fault_injection.py` carries faults out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class ConnectionReset(Enum):
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
class Target:
    """A request to which a fault may happen; `job` is the id in its path, `prompt` that of its body or of its job."""

    operation: str | None
    method: str
    path: str
    job: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happens to the next `times` requests that match.

    A request matches if its `operation` id, `method`, `path`, `prompt` and `job` match; None matches all. In a path and
    a prompt, `*` stands for any characters. The prompt of a request without one is that of the job in its path. With a
    `status` the request is not carried out, unless `carried_out` is true. `delay` is in seconds; `truncate` and
    `content_length` are in bytes.
    """

    times: int = 1
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    prompt: str | None = None
    job: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    carried_out: bool = False
    delay: float = 0.0
    reset: ConnectionReset | None = None
    truncate: int | None = None
    content_length: int | None = None
    stall: Stall | None = None

    def __str__(self) -> str:
        """Say what happens, such as `status 503, delay 2 s`."""
        stall = self.stall and f"stall after {self.stall.at} bytes"
        parts = {
            "status": self.status,
            "headers": ", ".join(self.headers) or None,
            "delay": f"{self.delay:g} s" if self.delay else None,
            "reset": self.reset and self.reset.value,
            "truncate": None if self.truncate is None else f"after {self.truncate} bytes",
            "content_length": self.content_length,
            "stall": stall,
        }
        said = [value if name == "stall" else f"{name} {value}" for name, value in parts.items() if value is not None]
        return ", ".join([*map(str, said), *(["carried out"] if self.carried_out else [])])

    def matches(self, target: Target) -> bool:
        """Return whether this fault matches a request."""
        return (
            self.operation in {None, target.operation}
            and self.method in {None, target.method}
            and self.job in {None, target.job}
            and _fits(self.path, target.path)
            and _fits(self.prompt, target.prompt)
        )


def _fits(pattern: str | None, text: str | None) -> bool:
    if pattern is None or text is None:
        return pattern is None
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *pieces, last = rest
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in pieces:  # each as early as it can be, so that nothing is tried twice
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@dataclass(slots=True)
class Planned:
    """A fault that is still to happen `left` times; `number` tells it from all others that were ever planned."""

    number: int
    fault: Fault
    left: int


class FaultPlan:
    """The planned faults that are still to happen, in the order in which they were planned."""

    def __init__(self) -> None:
        """Start without faults."""
        self._lock = threading.Lock()
        self._planned: list[Planned] = []
        self._number = 0

    def add(self, fault: Fault) -> None:
        """Plan a fault, after those that are planned already."""
        with self._lock:
            self._number += 1
            self._planned.append(Planned(self._number, fault, fault.times))

    def remove(self, number: int) -> bool:
        """Remove a planned fault; return whether it was still planned."""
        with self._lock:
            before = len(self._planned)
            self._planned = [each for each in self._planned if each.number != number]
            return len(self._planned) < before

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
            return [replace(each) for each in self._planned]

    @property
    def need_prompts(self) -> bool:
        """Return whether a planned fault happens only to requests with a certain prompt."""
        with self._lock:
            return any(each.fault.prompt is not None for each in self._planned)

    def take(self, target: Target) -> Fault | None:
        """Return the first planned fault that matches a request, and count it as used once; None if none matches."""
        with self._lock:
            for planned in self._planned:
                if planned.fault.matches(target):
                    planned.left -= 1
                    if not planned.left:
                        self._planned.remove(planned)
                    return planned.fault
        return None
