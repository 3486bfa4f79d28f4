"""Send requests with the key of another caller, who may not see the videos of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.exchange import OTHER_CALLER
from .._core.outcomes import NotReachedError

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._server.recording_client import RecordingClient


def ask_as_another(client: RecordingClient, method: str, path: str, **options: Any) -> Exchange:
    """Send a request with the key of another caller, and return the exchange.

    Raises:
        NotReachedError: There is no such key, or the server refuses it.

    """
    key = client.target.other_api_key
    if key is None:
        raise NotReachedError("no key of another caller was given; give one with --other-api-key")
    exchange = client.send(method, path, authorization=f"Bearer {key}", layer=OTHER_CALLER, **options)
    if exchange.status == 401:  # noqa: PLR2004 - HTTP's own
        raise NotReachedError(f"the server refuses the key of the other caller: {exchange.summary}", exchange)
    return exchange
