"""Decide which connection a request is sent on, in a time that does not grow with their number. Pure.

httpcore's own pool looks at each of its connections for each request, which costs more than all else once there are
dozens. Here, the connections at rest stand in the order in which they came to rest, and the requests that wait in that
of their arrival. HTTP/1.1 sends one request at a time on a connection, so that each connection has one user.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from attrs import define

MOST: Final = 100
"""The most connections over one route, in use or at rest; httpx has as many."""
EXPIRY_S: Final = 5.0
"""How long a connection is kept at rest; httpx keeps it as long."""


class Connection(Protocol):
    """What is asked of a connection of httpcore, blocking or async."""

    def is_idle(self) -> bool:
        """Return whether it is open, and no request is on it."""
        ...

    def is_closed(self) -> bool:
        """Return whether it is closed, or was never made."""
        ...

    def has_expired(self) -> bool:
        """Return whether it was closed by the server, or has been at rest for too long."""
        ...


C = TypeVar("C", bound=Connection)

Origin: TypeAlias = tuple[bytes, bytes, int]
"""A scheme, a host and a port."""


@define(eq=False)
class Waiting(Generic[C]):
    """A request that waits until a connection is free."""

    origin: Origin
    wake: Callable[[], object]
    """Called when there is a connection, or when there will be none."""
    connection: C | None = None


class Connections(Generic[C]):
    """The connections over one route. Each method returns the connections that its caller has to close."""

    def __init__(self, make: Callable[[Origin], C], clock: Callable[[], float], most: int = MOST) -> None:
        """Make connections to an origin by `make`, which does not connect yet; `clock` is monotonic, in seconds."""
        self._make, self._clock, self._most = make, clock, most
        self._origins: dict[C, Origin] = {}
        self._at_rest: OrderedDict[C, float] = OrderedDict()  # since when; the one that rests longest is the first
        self._at_rest_by_origin: dict[Origin, dict[C, None]] = {}
        self._waiting: OrderedDict[Waiting[C], None] = OrderedDict()
        self.is_closed = False

    def all(self) -> list[C]:
        """Return the connections, in use or at rest."""
        return [*self._origins]

    def take(self, origin: Origin) -> tuple[C | None, list[C]]:
        """Return a connection to an origin for one request; None if all connections are in use."""
        closing: list[C] = []
        while origin in self._at_rest_by_origin:
            # The last one is the likeliest to be open still, and lets the others expire.
            connection = self._taken_from_rest(next(reversed(self._at_rest_by_origin[origin])))
            if not connection.has_expired():
                return connection, closing
            del self._origins[connection]
            closing.append(connection)
        if len(self._origins) >= self._most:
            if not self._at_rest:
                return None, closing
            closing.append(self._forgotten())
        return self._new(origin), closing

    def wait(self, origin: Origin, wake: Callable[[], object]) -> Waiting[C]:
        """Wait for a connection, after `take` has returned none."""
        waiting = Waiting[C](origin, wake)
        self._waiting[waiting] = None
        return waiting

    def received(self, waiting: Waiting[C]) -> tuple[C | None, list[C]]:
        """Return what was waited for, or a new connection in its place if it has expired.

        None if it is not there yet, or was closed with all others. In any case, nothing is waited for any longer.
        """
        connection = waiting.connection
        if connection is None or self.is_closed:
            self._waiting.pop(waiting, None)
            return None, []
        if connection.has_expired():
            return self._new(self._origins.pop(connection)), [connection]
        return connection, []

    def give_back(self, connection: C, *, is_clean: bool = True) -> list[C]:
        """Let the next request have a connection, or let it rest; one that cannot be used again is replaced.

        One is not clean on which the server has sent more than its response.
        """
        origin = self._origins.get(connection)
        if origin is None or not is_clean or not connection.is_idle():
            self._origins.pop(connection, None)
            if self._waiting and not self.is_closed:
                self._serve(None)
            return [] if connection.is_closed() else [connection]
        if not self._waiting:
            self._at_rest[connection] = self._clock()
            self._at_rest_by_origin.setdefault(origin, {})[connection] = None
            return self._expired()
        if next(iter(self._waiting)).origin == origin:
            self._serve(connection)
            return []
        del self._origins[connection]
        self._serve(None)
        return [connection]

    def close(self) -> list[C]:
        """Forget all connections, and wake those who wait for one."""
        self.is_closed = True
        closing = self.all()
        self._origins.clear()
        self._at_rest.clear()
        self._at_rest_by_origin.clear()
        while self._waiting:
            self._waiting.popitem(last=False)[0].wake()
        return closing

    def _new(self, origin: Origin) -> C:
        connection = self._make(origin)
        self._origins[connection] = origin
        return connection

    def _serve(self, connection: C | None) -> None:
        """Let who has waited longest have this connection, or a new one."""
        waiting, _ = self._waiting.popitem(last=False)
        waiting.connection = self._new(waiting.origin) if connection is None else connection
        waiting.wake()

    def _expired(self) -> list[C]:
        """Forget the connections that have been at rest for too long: not all of them are asked for again."""
        closing: list[C] = []
        oldest = self._clock() - EXPIRY_S
        while self._at_rest[next(iter(self._at_rest))] < oldest:
            closing.append(self._forgotten())
        return closing

    def _forgotten(self) -> C:
        connection = self._taken_from_rest(next(iter(self._at_rest)))
        del self._origins[connection]
        return connection

    def _taken_from_rest(self, connection: C) -> C:
        del self._at_rest[connection]
        same = self._at_rest_by_origin[self._origins[connection]]
        del same[connection]
        if not same:
            del self._at_rest_by_origin[self._origins[connection]]
        return connection
