"""Send the plain case of a request, with which a check compares its own: where that fails, nothing can be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.outcomes import NotReachedError

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._server.recording_client import RecordingClient


def plain_list(client: RecordingClient) -> Exchange:
    """Return a list without parameters that was returned; one of the run, or else a new one.

    Raises:
        NotReachedError: The server refuses it, which another requirement judges.

    """
    plain = (each for each in reversed(client.history) if each.operation == "list_videos" and each.has_key)
    page = next((each for each in plain if not each.query and each.is_ok), None) or client.get("/videos")
    if not page.is_ok:
        raise NotReachedError(f"a plain list is not returned, so this says nothing: {page.summary}", page)
    return page
