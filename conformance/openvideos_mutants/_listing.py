"""Break requirements about lists."""

from __future__ import annotations

import random
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from openvideos_emulator._imitations.wrapping import Request, ServerResponse, error

from ._registry import mutant

if TYPE_CHECKING:
    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

LIST = "list_videos"


def _paged(response: ServerResponse, data: list[dict[str, Any]], **fields: Any) -> ServerResponse:
    """Return a page with other videos, whose cursors agree with them."""
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return response.with_fields(data=data, **{**ends, **fields})


@mutant("VID-LIST-001")
async def a_page_is_a_bare_list(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave has_more out of a page."""
    response = await ask(request)
    return response.without("has_more") if request.operation == LIST and response.is_ok else response


@mutant("VID-LIST-002", along={"VID-LIST-014": "a page of 20 is not full where more are asked for"})
async def limit_is_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Use the default instead of each legal limit."""
    limit = request.parameter("limit") or ""
    if request.operation == LIST and limit.isdecimal() and 1 <= int(limit) <= 100:
        request = request.with_parameter("limit", None)
    return await ask(request)


@mutant("VID-LIST-002")
async def pages_hold_one_too_many(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Put one more video on a page than was requested."""
    limit = request.parameter("limit") or ""
    if request.operation == LIST and limit.isdecimal() and 1 <= int(limit) < 100:
        request = request.with_parameter("limit", str(int(limit) + 1))
    return await ask(request)


@mutant(
    "VID-LIST-003",
    along=dict.fromkeys(("VID-LIST-004", "VID-LIST-006", "VID-LIST-007"), "the page after the first id is asked for"),
)
async def the_cursor_is_the_first_id(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report the first id as the last."""
    response = await ask(request)
    is_meant = request.operation == LIST and response.is_ok
    return response.with_fields(last_id=response.object["first_id"]) if is_meant else response


@mutant("VID-LIST-003")
async def there_is_no_cursor(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report no last id."""
    response = await ask(request)
    return response.with_fields(last_id=None) if request.operation == LIST and response.is_ok else response


@mutant(
    "VID-LIST-004",
    along=dict.fromkeys(("VID-LIST-003", "VID-LIST-005", "VID-LIST-014"), "the page ends before its cursor"),
)
async def the_second_page_misses_one(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Omit the last video of each page but the first, but send its id as the cursor."""
    response = await ask(request)
    if request.operation == LIST and response.is_ok and request.parameter("after") and len(response.object["data"]) > 1:
        return response.with_fields(data=response.object["data"][:-1])
    return response


@mutant("VID-LIST-005")
async def pages_end_after_the_second(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """End each walk on its second page."""
    response = await ask(request)
    if request.operation == LIST and response.is_ok and request.parameter("after"):
        return response.with_fields(has_more=False)
    return response


@mutant("VID-LIST-005")
async def there_is_always_more(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send has_more: true on the last page, too."""
    response = await ask(request)
    return response.with_fields(has_more=True) if request.operation == LIST and response.is_ok else response


@mutant("VID-LIST-005")
async def there_is_never_more(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Always send has_more: false."""
    response = await ask(request)
    return response.with_fields(has_more=False) if request.operation == LIST and response.is_ok else response


@mutant(
    "VID-LIST-006",
    along={
        "VID-LIST-004": "the first page has what the last one has in the other order",
        "VID-LIST-011": "no new job is on the first page",
    },
)
async def the_oldest_come_first(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """List the oldest first unless another order is requested."""
    if request.operation == LIST and request.parameter("order") is None:
        request = request.with_parameter("order", "asc")
    return await ask(request)


@mutant(
    "VID-LIST-007", along={"VID-LIST-008": "the page after a cursor begins with an older video, not with a newer one"}
)
async def order_is_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Treat asc as desc."""
    if request.operation == LIST and request.parameter("order") == "asc":
        request = request.with_parameter("order", "desc")
    return await ask(request)


@mutant("VID-LIST-008", along={"VID-LIST-004": "the page after a cursor is that which ends with it"})
async def pages_begin_with_the_cursor(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Begin each page with the video that the cursor names."""
    response = await ask(request)
    after = request.parameter("after")
    if request.operation == LIST and response.is_ok and after:
        video = await ask(request.at(f"/v1/videos/{after}").with_parameter("after", None))
        if video.is_ok:
            limit = int(request.parameter("limit") or 20)
            data = [video.object, *response.object["data"]]
            return _paged(response, data[:limit], has_more=response.object["has_more"] or len(data) > limit)
    return response


@mutant(
    "VID-LIST-008",
    along={"VID-LIST-004": "what is skipped is on no page", "VID-LIST-014": "the page lacks what is skipped"},
)
async def pages_skip_one(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Skip the video right after the cursor."""
    response = await ask(request)
    if request.operation == LIST and response.is_ok and request.parameter("after") and len(response.object["data"]) > 1:
        return _paged(response, response.object["data"][1:])
    return response


@mutant(
    "VID-LIST-008", along=dict.fromkeys(("VID-LIST-004", "VID-LIST-006", "VID-LIST-007"), "each page is the first one")
)
async def the_cursor_is_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Return the first page for each page."""
    response = await ask(request)
    if request.operation == LIST and response.is_ok and request.parameter("after"):
        return await ask(request.with_parameter("after", None))
    return response


@mutant("VID-LIST-009")
async def an_unknown_cursor_begins_again(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to a cursor that is unknown with the first page."""
    response = await ask(request)
    if request.operation == LIST and response.status == 404:
        return await ask(request.with_parameter("after", None))
    return response


@mutant("VID-LIST-009")
async def an_unknown_cursor_is_the_end(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to a cursor that is unknown with an empty page."""
    response = await ask(request)
    if request.operation == LIST and response.status == 404:
        page: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
        return response.with_json(page, 200)
    return response


@mutant("VID-LIST-010")
async def a_deleted_cursor_is_the_end(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to the id of a deleted video as a cursor with an empty page."""
    after = request.parameter("after")
    if request.operation == LIST and after:
        video = await ask(request.at(f"/v1/videos/{quote(after, safe='')}"))
        response = await ask(request)
        return response if video.is_ok or not response.is_ok else _paged(response, [], has_more=False)
    return await ask(request)


@mutant("VID-LIST-011", along={"VID-LIST-014": "the page lacks the new jobs"})
async def new_jobs_are_not_listed(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """List only jobs that have ended."""
    response = await ask(request)
    if request.operation == LIST and response.is_ok:
        return _paged(
            response, [video for video in response.object["data"] if video["status"] in {"completed", "failed"}]
        )
    return response


@mutant("VID-LIST-012")
async def a_limit_of_nothing_is_legal(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to limit=0 with an empty page with has_more: true."""
    if request.operation == LIST and request.parameter("limit") == "0":
        page: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": True}
        response = await ask(request.with_parameter("limit", "1"))
        return response.with_json(page) if response.is_ok else response
    return await ask(request)


@mutant("VID-LIST-012")
async def a_limit_beyond_the_largest_is_cut(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Treat a limit above 100 as 100."""
    limit = request.parameter("limit") or ""
    if request.operation == LIST and limit.isdecimal() and int(limit) > 100:
        request = request.with_parameter("limit", "100")
    return await ask(request)


@mutant("VID-LIST-012")
async def a_limit_that_is_no_number_is_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Treat a limit that is not a number as the default."""
    limit = request.parameter("limit")
    if request.operation == LIST and limit is not None and not limit.lstrip("-").isdecimal():
        request = request.with_parameter("limit", None)
    return await ask(request)


@mutant("VID-LIST-013")
async def an_unknown_order_is_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Treat an unknown order as the default."""
    if request.operation == LIST and request.parameter("order") not in {"asc", "desc"}:
        request = request.with_parameter("order", None)
    return await ask(request)


@mutant("VID-LIST-014")
async def pages_are_short(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Put one video less on a page than was requested, and say that there are more."""
    limit = request.parameter("limit") or ""
    if request.operation == LIST and limit.isdecimal() and 2 <= int(limit) <= 100:
        request = request.with_parameter("limit", str(int(limit) - 1))
    return await ask(request)


@mutant(
    "VID-LIST-015",
    along=dict.fromkeys(("VID-LIST-004", "VID-LIST-008", "VID-LIST-010"), "the order changes from page to page"),
)
async def ties_are_shuffled(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Order the videos of one second otherwise at each request."""
    response = await ask(request)
    if request.operation == LIST and response.is_ok and len(response.object["data"]) > 1:
        dice = memory.setdefault("dice", random.Random(1))  # noqa: S311 - a shuffle, no secret
        seconds = groupby(response.object["data"], lambda video: video["created_at"])
        tied = [list(videos) for _, videos in seconds]
        return _paged(response, [video for videos in tied for video in dice.sample(videos, len(videos))])
    return response


@mutant("VID-LIST-016")
async def the_largest_limit_is_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse limit=100."""
    if request.operation == LIST and request.parameter("limit") == "100":
        return error(400, "limit is too large.", param="limit")
    return await ask(request)


@mutant(
    "VID-LIST-008", along=dict.fromkeys(("VID-LIST-004", "VID-LIST-006"), "a page repeats what was before its cursor")
)
async def the_cursor_is_an_offset(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Keep the place of each cursor in the list, which a create shifts."""
    response = await ask(request)
    if request.operation != LIST or not response.is_ok or request.parameter("order") == "asc":
        return response
    after, limit = request.parameter("after"), int(request.parameter("limit") or 20)
    every = (await ask(request.with_parameter("after", None).with_parameter("limit", "100"))).object
    if after in memory:
        data = every["data"][memory[after] :]
        response = _paged(response, data[:limit], has_more=every["has_more"] or len(data) > limit)
    ids = [video["id"] for video in every["data"]]
    last = response.object["last_id"]
    if last in ids:
        memory.setdefault(last, ids.index(last) + 1)
    return response
