"""Depart from what a request without a right key is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .departure import Departure, departure
from .wrapping import Request, ServerResponse, error

if TYPE_CHECKING:
    from .departure import Memory
    from .wrapping import Handler


def wrong_keys_are(status: int, message: str) -> Departure:
    """Refuse a wrong key with this status."""

    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        response = await ask(request)
        if response.status != 401 or request.header("authorization") is None:
            return response
        return error(status, message, code="no_db_connection")

    return Departure("wrong_keys", f"Refuse a wrong key with a {status}.", depart)


@departure
async def refused_keys_lack_the_scheme(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send no WWW-Authenticate with a 401."""
    return (await ask(request)).with_header("www-authenticate", None)
