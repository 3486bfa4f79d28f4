"""Define the exceptions by which a check ends without passing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .exchange import Exchange


class OutcomeError(Exception):
    """A check did not pass; `exchanges` show why."""

    def __init__(self, message: str, *exchanges: Exchange) -> None:
        """Keep what was seen, as a sentence, and the exchanges that show it."""
        super().__init__(message)
        self.message = message
        self.exchanges = exchanges


class ViolationError(OutcomeError):
    """The server, or the client, violated the requirement."""


class NotReachedError(OutcomeError):
    """The requirement was not exercised: what the check needs did not happen, so it has no result."""


class OverdueError(NotReachedError):
    """A job did not end within the deadline."""


class UnsupportedError(OutcomeError):
    """The server does not offer the capability that the requirement needs."""


class Finding(NamedTuple):
    """One violation: a sentence that describes it, and the exchanges that show it."""

    message: str
    exchanges: tuple[Exchange, ...] = ()


class CannotJudgeError(Exception):
    """No verdict is possible: the server cannot be reached, refuses the key, or does not serve the Videos API."""
