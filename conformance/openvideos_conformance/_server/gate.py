"""Keep to the pace that the server, or the operator, wants of all threads of a run.

The decisions are pure but for the clock, which tests replace.
"""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .._core.exchange import Exchange

ATTEMPTS: Final = 8
"""How often a request is sent at most while the server is busy."""

_LONGEST_GUESS: Final = 16.0
"""The longest pause, in seconds, before a busy server that does not say how long is asked again."""

_FEWEST: Final = 4
"""How many requests are sent at a time at the least. Faults show only when some are; a server that bears fewer refuses
them, and they are sent again."""

_IN_VAIN: Final = 5
"""After how many requests in a row that a busy server refused for good, or did not answer, the run is of no use."""


class Gate:
    """Lets requests pass, waits while the server is busy, and notices when waiting is of no use. Thread-safe."""

    def __init__(
        self,
        patience: float,
        rate: float | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Wait for a busy server for `patience` seconds in all, and send `rate` requests a second at most."""
        self._left = patience
        self._interval = 0.0 if rate is None else 1 / rate
        self._now, self._sleep = now, sleep
        self._changed = threading.Condition()
        self._opens, self._next = 0.0, 0.0
        self._passing, self._width = 0, 1 << 10
        self._refused = 0

    @property
    def is_of_no_use(self) -> bool:
        """Whether many requests in a row were refused by a busy server for longer than the patience, or unanswered."""
        return self._refused >= _IN_VAIN

    @contextlib.contextmanager
    def passage(self) -> Generator[None]:
        """Enter the block when a request may be sent; leave it when the response is there."""
        with self._changed:
            self._changed.wait_for(lambda: self._passing < self._width)
            self._passing += 1
        try:
            while (left := self._left_until_slot()) > 0:
                self._sleep(left)
            yield
        finally:
            with self._changed:
                self._passing -= 1
                self._changed.notify_all()

    def _left_until_slot(self) -> float:
        """Take the place of the next request, and return 0; or return how long to wait before there is one."""
        with self._changed:
            now = self._now()
            left = max(self._opens, self._next) - now
            if left <= 0:
                self._next = now + self._interval
            return left

    def pause(self, exchange: Exchange, turn: int, most: float) -> bool:
        """Close the gate for as long as a busy response asks for; return whether to send the request again.

        `turn` counts the attempts of the request from 0. It is not sent again if that takes more than `most` seconds,
        or more than is left of the patience.
        """
        guess = min(_LONGEST_GUESS, float(2**turn))
        asked = retry_after(exchange)
        seconds = guess if asked is None else max(asked, guess / 2 if turn else 0.0)
        with self._changed:
            # What the server bore was less than the requests that were on their way.
            self._width = max(_FEWEST, min(self._width, (self._passing + 1) // 2))
            now = self._now()
            opens = max(self._opens, now + seconds)
            added = opens - max(self._opens, now)
            if turn + 1 >= ATTEMPTS or seconds > most or added > self._left:
                return False
            self._left -= added
            self._opens = opens
            return True

    def limit(self, patience: float) -> None:
        """Wait for a busy server for no longer than `patience` seconds from now on."""
        with self._changed:
            self._left = min(self._left, patience)

    def ended(self, *, is_in_vain: bool) -> None:
        """Note how a request with the key ended, after all attempts: whether the server was busy, or out of time."""
        with self._changed:
            self._refused = self._refused + 1 if is_in_vain else 0


def retry_after(exchange: Exchange) -> float | None:
    """Return how many seconds Retry-After asks to wait; None without a valid one. Pure.

    A date counts from the Date of the response, since the clocks of two machines differ.
    """
    text = (exchange.header("retry-after") or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    then, now = _moment(text), _moment(exchange.header("date") or "")
    return None if then is None else max(0.0, then - (exchange.at if now is None else now))


def _moment(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
