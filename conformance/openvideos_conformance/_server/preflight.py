"""Check, before the first job, that the server has the Videos API and accepts the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.exchange import MISSING
from .._core.outcomes import CannotJudgeError
from .._core.redaction import redacted, secrets_of
from .capabilities import NO_OPERATION

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .recording_client import RecordingClient


def preflight(client: RecordingClient) -> None:
    """Request one page of videos or, from a server that has no list, a video.

    Raises:
        CannotJudgeError: The server does not respond, refuses the key, or does not have the API.

    """
    exchange = client.get("/videos", query={"limit": 1}, layer="setup")
    if exchange.status in NO_OPERATION:
        exchange = client.get("/videos/openvideos-no-such-video", layer="setup")
    reason = _reason(exchange, client)
    if reason:
        raise CannotJudgeError(reason)


def is_alive(client: RecordingClient) -> bool:
    """Tell whether the server still responds."""
    return any(client.get("/videos", query={"limit": 1}, layer="setup").status is not None for _ in range(3))


def _reason(exchange: Exchange, client: RecordingClient) -> str:
    base, status = client.target.base_url, exchange.status
    if exchange.failure:
        cause = "does not respond" if status is None else f"returns {status}, and no response that can be read"
        remedy = ". Is the server running, and is this its base URL?" if status is None else ""
        return f"{base} {cause}: {exchange.failure}{remedy}"
    if exchange.is_busy:
        return f"{base} is overloaded, or limits requests ({status}), also after all waiting; see --deadline and --rate"
    if status in {401, 403}:
        remedy = "check --api-key" if client.target.api_key else "give one with --api-key or OPENVIDEOS_API_KEY"
        return f"{base} refuses the request ({status}): the key is wrong or missing; {remedy}"
    if status is not None and status // 100 == 3:  # noqa: PLR2004 - HTTP's own
        where = redacted(exchange.header("location") or "nowhere", secrets_of(client.target))
        return f"{base} redirects to {where[:200]}; give that URL as --base-url"
    if exchange.json is MISSING and status is not None and status // 100 != 5:  # noqa: PLR2004 - HTTP's own
        return (
            f"{base}{exchange.path} returns {status} with a body that is {exchange.no_json} "
            f"({exchange.media_type or 'no media type'}): this is not the Videos API. "
            "The base URL usually ends with /v1"
        )
    return ""
