"""Define what checks expect of a response. Each function raises ViolationError with a sentence and the exchange."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.exchange import json_object
from .._core.flaws import shown, told
from .._core.outcomes import NotReachedError, ViolationError

__all__ = [
    "BAD_INPUT",
    "NOT_COMPLETED",
    "accepted",
    "expect",
    "expect_response",
    "fits",
    "same",
    "shown",
    "violated",
]

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .._core.exchange import Exchange

BAD_INPUT: Final = frozenset({400, 422})
"""The statuses that refuse invalid input."""

NOT_COMPLETED: Final = BAD_INPUT | {404, 409}
"""The statuses that refuse what needs a completed job."""


_EXCUSE: Final = re.compile(r"moderation|policy|safety|not_implemented|not_supported|unsupported|invalid_value")
"""The codes of jobs that moderation refuses, or of what a server does not offer."""


def violated(message: str, *exchanges: Exchange, statuses: Collection[int] = ()) -> ViolationError:
    """Return a violation for the caller to raise; `statuses` are those that were expected instead."""
    return ViolationError(message, *exchanges, statuses=statuses)


def expect_response(exchange: Exchange) -> Exchange:
    """Return an exchange that has a complete response.

    Raises:
        ViolationError: There is no complete response.
        NotReachedError: The response says nothing of what the server promises.

    """
    if exchange.is_busy or not exchange.is_kept:
        raise NotReachedError(f"the server is overloaded, or the run has no room: {exchange.summary}", exchange)
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
        raise violated(f"{what}: returned {exchange.status}, not {_listed(allowed)}", exchange, statuses=allowed)
    return exchange


def accepted(exchange: Exchange, what: str) -> Exchange:
    """Return an exchange that was accepted, with any 2XX; other requirements judge which, and the body.

    Raises:
        ViolationError: It was refused, or there is no complete response.

    """
    if not expect_response(exchange).is_ok:
        raise violated(f"{what}: returned {exchange.status}, and should be accepted", exchange)
    return exchange


def fits(exchange: Exchange, address: str, what: str) -> dict[str, Any]:
    """Return the JSON object of a 200 whose body fits the schema at an address.

    Raises:
        ViolationError: The status is not 200, or the body does not fit.

    """
    expect(exchange, 200, what)
    flaws = contract().flaws(exchange.json, address) if exchange.object else ["the body is not a JSON object"]
    if flaws:
        raise violated(f"{what}: the response does not fit {address.rpartition('/')[2]}: {told(flaws)}", exchange)
    return exchange.object


def expect_completed(video: Mapping[str, Any], what: str, *exchanges: Exchange) -> None:
    """Expect that a job, of which this is the last Video, has completed.

    Raises:
        ViolationError: It has failed, and does not say that moderation refuses it or that it is not offered.
        NotReachedError: It says so, or its end was not seen.

    """
    status, error = video.get("status"), json_object(video.get("error"))
    if status == "completed":
        return
    if status != "failed":
        raise NotReachedError(f"{what} is {shown(status)}, and can no longer be read", *exchanges)
    if _EXCUSE.search(str(error.get("code")).lower()):
        raise NotReachedError(f"{what} failed, with the code {shown(error['code'])}", *exchanges)
    raise violated(f"{what} failed, {f'because of {shown(error)}' if error else 'without an error'}", *exchanges)


def same(actual: object, expected: object, what: str, *exchanges: Exchange) -> None:
    """Expect a value; null and absent values are left to other requirements.

    Raises:
        ViolationError: The value is another one.

    """
    if actual is not None and actual != expected:
        raise violated(f"{what} is {shown(actual)}, not {shown(expected)}", *exchanges)


def _listed(statuses: Collection[int]) -> str:
    ordered = [str(status) for status in sorted(statuses)]
    return ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} or {ordered[-1]}"
