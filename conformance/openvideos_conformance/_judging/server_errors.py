"""Find the exchanges that ended in an error of the server. Pure.

Checks, rules and generated requests judge the same exchanges, so this is decided here alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._core.exchange import Exchange

_SERVER_ERROR: Final = 500
_NOT_IMPLEMENTED: Final = 501
_UNANSWERED: Final = ("RemoteProtocolError", "ReadError", "ReadTimeout")
"""The failures of requests that were sent. Any other request without a response never reached the server."""


def is_unanswered(exchange: Exchange) -> bool:
    """Tell whether a request was sent, and no response came, or none that can be read.

    It was not lost on a connection that the server had closed before: `_server/wire.py` repeats such a request.
    """
    return exchange.is_kept and exchange.status is None and exchange.failure.partition(":")[0] in _UNANSWERED


def server_errors(exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """Yield the exchanges without a response, and with a 5XX other than that of a busy server.

    A 501 is right for what the server does not offer, of which nothing has succeeded.
    """
    offered = {_what(each) for each in exchanges if each.is_ok and not each.elsewhere}
    for exchange in exchanges:
        if exchange.elsewhere or exchange.is_busy:
            continue
        is_not_offered = exchange.status == _NOT_IMPLEMENTED and _what(exchange) not in offered
        if is_unanswered(exchange) or ((exchange.status or 0) >= _SERVER_ERROR and not is_not_offered):
            yield exchange


def _what(exchange: Exchange) -> object:
    """Return a key for what a server may offer or not: an operation, and for downloads the variant."""
    if exchange.operation is None:
        return None, exchange.method, exchange.path
    return exchange.operation, tuple(parse_qs(exchange.query, keep_blank_values=True).get("variant", ["video"]))
