"""What scenarios expect of a response. Each raises ViolationError with a sentence and the exchange that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.outcomes import ViolationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from .._core.exchange import Exchange

BAD_INPUT: Final = frozenset({400, 422})
"""How bad input is refused."""


def violated(message: str, *exchanges: Exchange) -> ViolationError:
    """Return a violation, to be raised."""
    return ViolationError(message, *exchanges)


def expect_response(exchange: Exchange) -> Exchange:
    """Return an exchange that has a whole response."""
    if exchange.failure:
        raise violated(f"{exchange.method} {exchange.target} has no whole response: {exchange.failure}", exchange)
    return exchange


def expect(exchange: Exchange, statuses: int | Collection[int], what: str) -> Exchange:
    """Return an exchange whose status is one of these; `what` says in a few words what was asked."""
    allowed = {statuses} if isinstance(statuses, int) else set(statuses)
    if expect_response(exchange).status not in allowed:
        raise violated(f"{what}: returned {exchange.status}, not {_listed(allowed)}", exchange)
    return exchange


def fits(exchange: Exchange, address: str, what: str) -> dict[str, Any]:
    """Return the JSON object of a 200 whose body fits a schema of the contract."""
    expect(exchange, 200, what)
    flaws = contract().flaws(exchange.json, address) if exchange.object else ["the body is no JSON object"]
    if flaws:
        raise violated(
            f"{what}: the response does not fit {address.rpartition('/')[2]}: {'; '.join(flaws[:3])}", exchange
        )
    return exchange.object


def same(seen: object, expected: object, what: str, *exchanges: Exchange) -> None:
    """Expect a value; null and absent ones say nothing, and are judged by other requirements."""
    if seen is not None and seen != expected:
        raise violated(f"{what} is {shown(seen)}, not {shown(expected)}", *exchanges)


def shown(value: object) -> str:
    """Return a value as a message shows it: cut, if it is long."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:100]}… ({len(text)} characters)"  # noqa: PLR2004 - a line


def _listed(statuses: Collection[int]) -> str:
    ordered = [str(status) for status in sorted(statuses)]
    return ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} or {ordered[-1]}"
