"""Say how a check ended, other than by passing: each is an exception that a check raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .exchange import Exchange


class OutcomeError(Exception):
    """The end of a check, with the exchanges that show it."""

    def __init__(self, message: str, *exchanges: Exchange) -> None:
        """Say what was seen, in a sentence, and where."""
        super().__init__(message)
        self.message = message
        self.exchanges = exchanges


class ViolationError(OutcomeError):
    """The server broke the requirement that was checked."""


class NotReachedError(OutcomeError):
    """What the check needs did not come about, so that it can say nothing."""


class OverdueError(NotReachedError):
    """A job did not end within the deadline."""


class UnsupportedError(OutcomeError):
    """The server does not offer what the requirement is about."""


class Finding(NamedTuple):
    """One way in which a server breaks a promise: a sentence, and the exchanges that show it."""

    message: str
    exchanges: tuple[Exchange, ...] = ()


class CannotJudgeError(Exception):
    """No verdict is possible: the server cannot be reached, refuses the key, or is no Videos API."""
