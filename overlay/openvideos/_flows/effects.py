"""Name what a flow may ask of its driver.

A flow is a generator that decides and does nothing else: it yields an effect, is sent the outcome, and returns its
result. It never sleeps, awaits or opens a socket. The drivers carry the effects out, blocking or async.
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
    """Make one attempt at a call. Outcome: the response, or the APIConnectionError of the attempt.

    `within` is how many seconds are left for the attempt, None for no limit but the call's own timeout. With `stream`
    the body is left unread, and the flow owns the open response.
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
    """Run a function that may block, such as a write to a disk. Outcome: what it returns; what it raises is raised."""

    function: Callable[[], Any]


@frozen
class Tell:
    """Call a caller's callback. Outcome: None; an awaitable that it returns is awaited by the async driver.

    What it raises is raised, a StopIteration as a CarriedError.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@frozen
class Save:
    """Pass an open response's body to `write`, in pieces, and close the response. After each write, call `progress`.

    Outcome: None once the body has ended, or the APIConnectionError that cut it off.
    """

    response: httpx.Response
    write: Callable[[bytes], None]
    progress: Callable[[], Any]


@frozen
class Close:
    """Close an open response without reading it. Outcome: None."""

    response: httpx.Response


@frozen
class Gather:
    """Run flows side by side, at most `limit` at once. Outcome: their results or OpenVideosErrors, in their order."""

    flows: Sequence[Flow[Any]] = field(repr=False)
    limit: int


@frozen
class Emit:
    """Hand an item to whoever iterates. Outcome: None, when the next item is asked for."""

    item: Any


class CarriedError(Exception):
    """Carries a callback's StopIteration through a flow: as a generator, it lets none out (PEP 479)."""

    def __init__(self, inner: StopIteration) -> None:
        """Keep what the driver raises to the caller in the end."""
        super().__init__()
        self.inner = inner


Effect: TypeAlias = Send | Sleep | Do | Tell | Save | Close | Gather | Emit
Flow: TypeAlias = Generator[Effect, Any, T]
