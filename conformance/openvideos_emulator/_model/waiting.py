"""Decide which connections have waited too long for the rest of a request. Pure.

Each connection is an open file of the process, and a client that never finishes a request would keep it for ever. So
the head of a request must arrive within a time limit; its body may take any time, but must not stop for too long.
"""

from __future__ import annotations

import itertools
from enum import Enum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

_Connection = TypeVar("_Connection")


class Missing(Enum):
    """What of a request has still to arrive."""

    HEAD = "head"
    BODY = "body"


SECONDS: Final = {Missing.HEAD: 30.0, Missing.BODY: 60.0}
"""How long a head may take in total, and a body without a byte."""


class Waiting(Generic[_Connection]):
    """The connections that wait for the rest of a request."""

    def __init__(self) -> None:
        """Start without connections."""
        # In the order of the times.
        self._since: dict[Missing, dict[_Connection, float]] = {part: {} for part in Missing}

    def __len__(self) -> int:
        return sum(map(len, self._since.values()))

    def note(self, connection: _Connection, part: Missing | None, now: float) -> None:
        """Store that a connection waits for this part, or for nothing.

        The time of a head runs on from the first call; that of a body begins anew with each call.
        """
        for each, since in self._since.items():
            if each is not part or part is Missing.BODY:
                since.pop(connection, None)
        if part is not None:
            self._since[part].setdefault(connection, now)

    def oldest_head(self) -> list[tuple[_Connection, float]]:
        """Return the connection that has waited longest for a head, and since when; nothing if none waits for one."""
        return [*itertools.islice(self._since[Missing.HEAD].items(), 1)]

    def overdue(self, now: float) -> Iterator[tuple[_Connection, Missing]]:
        """Remove the connections whose time is over, and yield them with the part that they lack."""
        for part, since in self._since.items():
            while since:
                connection, begun = next(iter(since.items()))
                if now - begun < SECONDS[part]:
                    break
                del since[connection]
                yield connection, part
