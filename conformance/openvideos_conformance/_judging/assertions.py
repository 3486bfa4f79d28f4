"""Define what checks expect of a response. Each function raises ViolationError with a sentence and the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.outcomes import ViolationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from .._core.exchange import Exchange

BAD_INPUT: Final = frozenset({400, 422})
"""The statuses that refuse invalid input."""

NOT_COMPLETED: Final = BAD_INPUT | {404, 409}
"""The statuses that refuse what needs a completed job."""


def violated(message: str, *exchanges: Exchange) -> ViolationError:
    """Return a violation for the caller to raise."""
    return ViolationError(message, *exchanges)


def expect_response(exchange: Exchange) -> Exchange:
    """Return an exchange that has a complete response.

    Raises:
        ViolationError: There is no complete response.

    """
    if exchange.failure:
        raise violated(f"{exchange.method} {exchange.target} has no complete response: {exchange.failure}", exchange)
    return exchange


def expect(exchange: Exchange, statuses: int | Collection[int], what: str) -> Exchange:
    """Return an exchange whose status is one of these. Messages call the request `what`.

    Raises:
        ViolationError: The status is another one, or there is no complete response.

    """
    allowed = {statuses} if isinstance(statuses, int) else set(statuses)
    if expect_response(exchange).status not in allowed:
        raise violated(f"{what}: returned {exchange.status}, not {_listed(allowed)}", exchange)
    return exchange


def fits(exchange: Exchange, address: str, what: str) -> dict[str, Any]:
    """Return the JSON object of a 200 whose body fits the schema at an address.

    Raises:
        ViolationError: The status is not 200, or the body does not fit.

    """
    expect(exchange, 200, what)
    flaws = contract().flaws(exchange.json, address) if exchange.object else ["the body is not a JSON object"]
    if flaws:
        raise violated(
            f"{what}: the response does not fit {address.rpartition('/')[2]}: {'; '.join(flaws[:3])}", exchange
        )
    return exchange.object


def same(actual: object, expected: object, what: str, *exchanges: Exchange) -> None:
    """Expect a value; null and absent values are left to other requirements.

    Raises:
        ViolationError: The value is another one.

    """
    if actual is not None and actual != expected:
        raise violated(f"{what} is {shown(actual)}, not {shown(expected)}", *exchanges)


def shown(value: object) -> str:
    """Return a value as messages show it, shortened if it is long."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:100]}… ({len(text)} characters)"  # noqa: PLR2004 - a line


def _listed(statuses: Collection[int]) -> str:
    ordered = [str(status) for status in sorted(statuses)]
    return ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} or {ordered[-1]}"
