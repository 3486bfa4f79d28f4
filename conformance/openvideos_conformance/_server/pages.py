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

MOST_BYTES: Final = 16 << 20
"""How long the pages that are read together may be, since all of them are in memory while they are judged.

Thousands of videos have less, with prompts of a few hundred letters.
"""


def newest_pages(client: RecordingClient, *, layer: str | None = None) -> Iterator[Exchange]:
    """Request and yield pages, the newest first.

    The last one is that of the list, the tenth, one that is refused, or the one with which they have MOST_BYTES.

    Raises:
        NotReachedError: The server stayed busy; see `RecordingClient.send`.

    """
    query: dict[str, Any] = {"limit": client.contract.parameter("list_videos", "limit")["maximum"]}
    length = 0
    for _ in range(_MOST):
        page = client.get("/videos", query=query, layer=layer)
        length += page.length
        yield page
        last = page.object.get("last_id")
        is_last = page.object.get("has_more") is not True or not isinstance(last, str)
        if not page.is_ok or is_last or query.get("after") == last or length >= MOST_BYTES:
            return
        query["after"] = last


def videos_on(page: Exchange) -> list[dict[str, Any]]:
    """Return the videos on a page."""
    return [json_object(each) for each in json_array(page.object.get("data"))]
