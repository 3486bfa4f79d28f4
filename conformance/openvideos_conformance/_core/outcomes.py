"""Define the exceptions by which a check ends without passing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .exchange import Exchange


class Finding(NamedTuple):
    """One violation: a sentence that describes it, the exchanges that show it, and the statuses that were expected."""

    message: str
    exchanges: tuple[Exchange, ...] = ()
    statuses: frozenset[int] = frozenset()
    """Empty if the violation is not about a status."""


BOUND_REACHED: Final = "the limit of "
"""How the message begins of what was not sent, since it would start a video beyond the bound."""


class OutcomeError(Exception):
    """A check did not pass; `exchanges` show why."""

    def __init__(self, message: str, *exchanges: Exchange) -> None:
        """Keep what was seen, as a sentence, and the exchanges that show it."""
        super().__init__(message)
        self.message = message
        self.exchanges = exchanges


class ViolationError(OutcomeError):
    """The server, or the client, violated the requirement, in each of the ways of `findings`."""

    def __init__(self, message: str, *exchanges: Exchange, statuses: Iterable[int] = ()) -> None:
        """Keep one finding."""
        super().__init__(message, *exchanges)
        self.findings: tuple[Finding, ...] = (Finding(message, exchanges, frozenset(statuses)),)

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> Self:
        """Return a violation with all of these findings, of which its message tells the first."""
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        made = cls(first.message + more, *first.exchanges)
        made.findings = tuple(findings)
        return made


class NotReachedError(OutcomeError):
    """The requirement was not exercised: what the check needs did not happen, so it has no result."""


class OverdueError(NotReachedError):
    """A job did not end within the deadline."""


class UnsupportedError(OutcomeError):
    """The server does not offer the capability that the requirement needs."""


class CannotJudgeError(Exception):
    """No verdict is possible: the server cannot be reached, refuses the key, or does not serve the Videos API."""
