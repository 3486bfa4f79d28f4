"""Read the newest videos of the list, in which a run looks for jobs by their prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._core.exchange import json_array, json_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.exchange import Exchange
    from .recording_client import RecordingClient

_MOST: Final = 10
"""How many pages are read at most. Other callers of the server may have started jobs meanwhile."""


def newest_pages(client: RecordingClient, *, layer: str | None = None) -> Iterator[Exchange]:
    """Request and yield pages, the newest first; the last one is that of the list, the tenth, or one that is refused.

    Raises:
        NotReachedError: The server stayed busy; see `RecordingClient.send`.

    """
    query: dict[str, Any] = {"limit": client.contract.parameter("list_videos", "limit")["maximum"]}
    for _ in range(_MOST):
        page = client.get("/videos", query=query, layer=layer)
        yield page
        last = page.object.get("last_id")
        is_last = page.object.get("has_more") is not True or not isinstance(last, str)
        if not page.is_ok or is_last or query.get("after") == last:
            return
        query["after"] = last


def videos_on(page: Exchange) -> list[dict[str, Any]]:
    """Return the videos on a page."""
    return [json_object(each) for each in json_array(page.object.get("data"))]
