"""Depart from the pages of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .departure import Departure, control_request, departure, refused
from .wrapping import Request, ServerResponse, error

if TYPE_CHECKING:
    from .departure import Memory
    from .wrapping import Handler

LIST = "list_videos"
_MOST = 100


async def _all_videos(request: Request, ask: Handler) -> ServerResponse:
    """Return a page of all videos, the newest first; or the refusal of the request."""
    plain = request.with_parameter("limit", str(_MOST)).with_parameter("order", None).with_parameter("after", None)
    page = first = await ask(plain)
    data: list[Any] = list(first.object.get("data") or [])
    while page.is_ok and page.object.get("has_more"):
        page = await ask(plain.with_parameter("after", page.object["last_id"]))
        data += page.object.get("data") or []
    return (
        first.with_fields(data=data, has_more=False, last_id=data[-1]["id"] if data else None) if first.is_ok else first
    )


def page_keys_are_missing(*names: str) -> Departure:
    """Leave these keys out of a page."""

    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        response = await ask(request)
        return response.without(*names) if request.operation == LIST and response.is_ok else response

    return Departure("page_keys_are_missing", f"Leave {', '.join(names)} out of a page.", depart)


@departure
async def an_empty_page_is_null(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send null as the data of a page without videos."""
    response = await ask(request)
    if request.operation == LIST and response.is_ok and not response.object["data"]:
        return response.with_fields(data=None)
    return response


@departure
async def a_limit_of_zero_is_taken(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Answer limit=0 with an empty page that has more."""
    if request.operation != LIST or request.parameter("limit") != "0":
        return await ask(request)
    response = await ask(request.with_parameter("limit", "1"))
    return response.with_fields(data=[], first_id=None, last_id=None, has_more=True) if response.is_ok else response


@departure
async def an_unknown_cursor_is_the_end(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Answer an `after` that is unknown, or was deleted, with an empty page."""
    after = request.parameter("after")
    if request.operation != LIST or not after:
        return await ask(request)
    found = await ask(control_request(request, f"jobs/{quote(after, safe='')}"))
    response = await ask(request.with_parameter("after", None) if found.status == 404 else request)
    if found.status != 404 or not response.is_ok:
        return response
    return response.with_fields(data=[], first_id=None, last_id=None, has_more=False)


@departure
async def any_order_is_taken(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take an unknown order for the default."""
    if request.operation == LIST and request.parameter("order") not in {None, "asc", "desc"}:
        request = request.with_parameter("order", None)
    return await ask(request)


@departure
async def paging_is_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send all videos in one page, whatever after, limit and order are."""
    if request.operation != LIST:
        return await ask(request)
    response = await _all_videos(request, ask)
    return response.with_json({"object": "list", "data": response.object["data"]}) if response.is_ok else response


@departure
async def ties_keep_their_order(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Sort by created_at alone, so that videos of one second keep their order both ways."""
    after, limit = request.parameter("after"), request.parameter("limit") or "20"
    order = request.parameter("order") or "desc"
    if request.operation != LIST:
        return await ask(request)
    right = await ask(request)
    if not right.is_ok:
        return right
    everything = await _all_videos(request, ask)
    data = list(reversed(everything.object["data"]))
    data.sort(key=lambda video: video["created_at"], reverse=order == "desc")
    ids = [video["id"] for video in data]
    start = ids.index(after) + 1 if after in ids else 0
    page = data[start : start + int(limit)]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return right.with_fields(data=page, has_more=start + len(page) < len(data), **ends)


def lists_are_refused(status: int, message: str) -> Departure:
    """Refuse each list."""

    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        if request.operation != LIST:
            return await ask(request)
        return await refused(request, ask, error(status, message, code="unsupported"))

    return Departure("lists_are_refused", f"Refuse each list with a {status}.", depart)
