"""Check, before the first job, that the server has the Videos API and accepts the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.exchange import MISSING
from .._core.outcomes import CannotJudgeError

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .recording_client import RecordingClient


def preflight(client: RecordingClient) -> None:
    """Request one page of videos.

    Raises:
        CannotJudgeError: The server does not respond, refuses the key, or does not have the API.

    """
    exchange = client.get("/videos", query={"limit": 1}, layer="setup")
    reason = _reason(exchange, client)
    if reason:
        raise CannotJudgeError(reason)


def is_alive(client: RecordingClient) -> bool:
    """Tell whether the server still responds."""
    return any(client.get("/videos", query={"limit": 1}, layer="setup").status is not None for _ in range(3))


def _reason(exchange: Exchange, client: RecordingClient) -> str:
    base, status = client.target.base_url, exchange.status
    if exchange.failure:
        return f"{base} does not respond: {exchange.failure}. Is the server running, and is this its base URL?"
    if status in {401, 403}:
        remedy = "check --api-key" if client.target.api_key else "give one with --api-key or OPENVIDEOS_API_KEY"
        return f"{base} refuses the request ({status}): the key is wrong or missing; {remedy}"
    if status is not None and status // 100 == 3:  # noqa: PLR2004 - HTTP's own
        where = exchange.header("location") or "nowhere"
        return f"{base} redirects to {where[:200]}; give that URL as --base-url"
    if exchange.json is MISSING and status is not None and status // 100 != 5:  # noqa: PLR2004 - HTTP's own
        return (
            f"{base}/videos returns {status} with a body that is not JSON ({exchange.media_type or 'no media type'}): "
            "this is not the Videos API. The base URL usually ends with /v1"
        )
    return ""
