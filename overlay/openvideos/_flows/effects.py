"""Define the effects that a flow may yield to its driver.

A flow is a generator that only decides. It yields an effect, receives the effect's outcome, and finally returns its
result. It never sleeps, awaits or opens a socket. A driver, blocking or async, carries the effects out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import field, frozen

if TYPE_CHECKING:
    import httpx

    from .._calls import Call

T = TypeVar("T")


@frozen
class Send:
    """Attempt a call once. Outcome: the response, or the APIConnectionError of the attempt.

    `within` is the time limit of the attempt in seconds; None for the call's own timeout only. With `stream`, the body
    is not read, and the flow has to close the response.
    """

    call: Call[Any]
    within: float | None = None
    stream: bool = False


@frozen
class Sleep:
    """Wait. Outcome: None, `seconds` later."""

    seconds: float


@frozen
class Do:
    """Run a function that may block, such as a write to disk. Outcome: its result, or its exception."""

    function: Callable[[], Any]


@frozen
class Notify:
    """Call a caller's callback; the async driver awaits its result if that is awaitable. Outcome: None.

    Exceptions of the callback are raised in the flow; a StopIteration is raised as a RuntimeError.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@frozen
class Save:
    """Pass an open response's body to `write`, in pieces, and close the response; call `progress` after each write.

    Outcome: None once the body has ended, or the APIConnectionError that interrupted it.
    """

    response: httpx.Response
    write: Callable[[bytes], None]
    progress: Callable[[], Any]


@frozen
class Close:
    """Close an open response, of whose body at most `most` bytes are read.

    Outcome: a copy of the response with these bytes, or the APIConnectionError that interrupted it.
    """

    response: httpx.Response
    most: int = 0


@frozen
class Gather:
    """Run flows concurrently, at most `limit` at once. Outcome: their results or OpenVideosErrors, in their order."""

    flows: Sequence[Flow[Any]] = field(repr=False)
    limit: int


@frozen
class Emit:
    """Yield an item to the caller, who iterates. Outcome: None, once the caller wants the next item."""

    item: Any


Effect: TypeAlias = Send | Sleep | Do | Notify | Save | Close | Gather | Emit
Flow: TypeAlias = Generator[Effect, Any, T]
