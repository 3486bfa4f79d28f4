"""Break what is promised of lists."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from ._registry import mutant
from ._wrapping import Answer, Request, error

if TYPE_CHECKING:
    from ._registry import Memory
    from ._wrapping import Handler

LIST = "list_videos"


def _paged(answer: Answer, data: list[dict[str, Any]], **fields: Any) -> Answer:
    """Return a page with other videos, whose cursors agree with them."""
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return answer.with_fields(data=data, **{**ends, **fields})


@mutant("VID-LIST-001")
async def a_page_is_a_bare_list(request: Request, ask: Handler, _: Memory) -> Answer:
    """Leave has_more out of a page."""
    answer = await ask(request)
    return answer.without("has_more") if request.operation == LIST and answer.is_ok else answer


@mutant("VID-LIST-002")
async def limit_is_ignored(request: Request, ask: Handler, _: Memory) -> Answer:
    """Take each legal limit for the default."""
    limit = request.parameter("limit") or ""
    if request.operation == LIST and limit.isdecimal() and 1 <= int(limit) <= 100:
        request = request.with_parameter("limit", None)
    return await ask(request)


@mutant("VID-LIST-002")
async def pages_hold_one_too_many(request: Request, ask: Handler, _: Memory) -> Answer:
    """Put one more video on a page than was asked for."""
    limit = request.parameter("limit") or ""
    if request.operation == LIST and limit.isdecimal() and 1 <= int(limit) < 100:
        request = request.with_parameter("limit", str(int(limit) + 1))
    return await ask(request)


@mutant("VID-LIST-003")
async def the_cursor_is_the_first_id(request: Request, ask: Handler, _: Memory) -> Answer:
    """Tell the first id as the last."""
    answer = await ask(request)
    is_meant = request.operation == LIST and answer.is_ok
    return answer.with_fields(last_id=answer.object["first_id"]) if is_meant else answer


@mutant("VID-LIST-003")
async def there_is_no_cursor(request: Request, ask: Handler, _: Memory) -> Answer:
    """Tell no last id."""
    answer = await ask(request)
    return answer.with_fields(last_id=None) if request.operation == LIST and answer.is_ok else answer


@mutant("VID-LIST-004")
async def the_second_page_misses_one(request: Request, ask: Handler, _: Memory) -> Answer:
    """Lose the last video of each page but the first, and tell it as the cursor all the same."""
    answer = await ask(request)
    if request.operation == LIST and answer.is_ok and request.parameter("after") and len(answer.object["data"]) > 1:
        return answer.with_fields(data=answer.object["data"][:-1])
    return answer


@mutant("VID-LIST-004")
async def pages_end_after_the_second(request: Request, ask: Handler, _: Memory) -> Answer:
    """End each walk on its second page."""
    answer = await ask(request)
    if request.operation == LIST and answer.is_ok and request.parameter("after"):
        return answer.with_fields(has_more=False)
    return answer


@mutant("VID-LIST-005")
async def there_is_always_more(request: Request, ask: Handler, _: Memory) -> Answer:
    """Say has_more on the last page, too."""
    answer = await ask(request)
    return answer.with_fields(has_more=True) if request.operation == LIST and answer.is_ok else answer


@mutant("VID-LIST-005")
async def there_is_never_more(request: Request, ask: Handler, _: Memory) -> Answer:
    """Never say has_more."""
    answer = await ask(request)
    return answer.with_fields(has_more=False) if request.operation == LIST and answer.is_ok else answer


@mutant("VID-LIST-006")
async def the_oldest_come_first(request: Request, ask: Handler, _: Memory) -> Answer:
    """List the oldest first unless another order is asked for."""
    if request.operation == LIST and request.parameter("order") is None:
        request = request.with_parameter("order", "asc")
    return await ask(request)


@mutant("VID-LIST-007")
async def order_is_ignored(request: Request, ask: Handler, _: Memory) -> Answer:
    """Take asc for desc."""
    if request.operation == LIST and request.parameter("order") == "asc":
        request = request.with_parameter("order", "desc")
    return await ask(request)


@mutant("VID-LIST-008")
async def pages_begin_with_the_cursor(request: Request, ask: Handler, _: Memory) -> Answer:
    """Begin each page with the video that the cursor names."""
    answer = await ask(request)
    after = request.parameter("after")
    if request.operation == LIST and answer.is_ok and after:
        video = await ask(request.at(f"/v1/videos/{after}").with_parameter("after", None))
        if video.is_ok:
            limit = int(request.parameter("limit") or 20)
            data = [video.object, *answer.object["data"]]
            return _paged(answer, data[:limit], has_more=answer.object["has_more"] or len(data) > limit)
    return answer


@mutant("VID-LIST-008")
async def pages_skip_one(request: Request, ask: Handler, _: Memory) -> Answer:
    """Skip the video right behind the cursor."""
    answer = await ask(request)
    if request.operation == LIST and answer.is_ok and request.parameter("after") and len(answer.object["data"]) > 1:
        return _paged(answer, answer.object["data"][1:])
    return answer


@mutant("VID-LIST-008")
async def the_cursor_is_ignored(request: Request, ask: Handler, _: Memory) -> Answer:
    """Answer each page as the first."""
    answer = await ask(request)
    if request.operation == LIST and answer.is_ok and request.parameter("after"):
        return await ask(request.with_parameter("after", None))
    return answer


@mutant("VID-LIST-009")
async def an_unknown_cursor_begins_again(request: Request, ask: Handler, _: Memory) -> Answer:
    """Answer a cursor that is not known with the first page."""
    answer = await ask(request)
    if request.operation == LIST and answer.status == 404:
        return await ask(request.with_parameter("after", None))
    return answer


@mutant("VID-LIST-009")
async def an_unknown_cursor_is_the_end(request: Request, ask: Handler, _: Memory) -> Answer:
    """Answer a cursor that is not known with an empty page."""
    answer = await ask(request)
    if request.operation == LIST and answer.status == 404:
        page: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
        return answer.with_json(page, 200)
    return answer


@mutant("VID-LIST-010")
async def a_deleted_cursor_is_unknown(request: Request, ask: Handler, _: Memory) -> Answer:
    """Refuse the id of a deleted video as a cursor."""
    after = request.parameter("after")
    if request.operation == LIST and after:
        video = await ask(request.at(f"/v1/videos/{after}"))
        if not video.is_ok:
            return error(404, "No video has this id.", param="after", code="not_found")
    return await ask(request)


@mutant("VID-LIST-011")
async def new_jobs_are_not_listed(request: Request, ask: Handler, _: Memory) -> Answer:
    """List only what has ended."""
    answer = await ask(request)
    if request.operation == LIST and answer.is_ok:
        return _paged(answer, [video for video in answer.object["data"] if video["status"] in {"completed", "failed"}])
    return answer


@mutant("VID-LIST-012")
async def a_limit_of_nothing_is_legal(request: Request, ask: Handler, _: Memory) -> Answer:
    """Answer limit=0 with an empty page that says has_more."""
    if request.operation == LIST and request.parameter("limit") == "0":
        page: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": True}
        return (await ask(request.with_parameter("limit", "1"))).with_json(page)
    return await ask(request)


@mutant("VID-LIST-012")
async def a_limit_beyond_the_largest_is_cut(request: Request, ask: Handler, _: Memory) -> Answer:
    """Take a limit above 100 for 100."""
    limit = request.parameter("limit") or ""
    if request.operation == LIST and limit.isdecimal() and int(limit) > 100:
        request = request.with_parameter("limit", "100")
    return await ask(request)


@mutant("VID-LIST-012")
async def a_limit_that_is_no_number_is_ignored(request: Request, ask: Handler, _: Memory) -> Answer:
    """Take a limit that is no number for the default."""
    limit = request.parameter("limit")
    if request.operation == LIST and limit is not None and not limit.lstrip("-").isdecimal():
        request = request.with_parameter("limit", None)
    return await ask(request)


@mutant("VID-LIST-013")
async def an_unknown_order_is_ignored(request: Request, ask: Handler, _: Memory) -> Answer:
    """Take an order that is not known for the default."""
    if request.operation == LIST and request.parameter("order") not in {"asc", "desc"}:
        request = request.with_parameter("order", None)
    return await ask(request)


@mutant("VID-LIST-014")
async def pages_are_short(request: Request, ask: Handler, _: Memory) -> Answer:
    """Put one video less on a page than was asked for, and say that there are more."""
    limit = request.parameter("limit") or ""
    if request.operation == LIST and limit.isdecimal() and 2 <= int(limit) <= 100:
        request = request.with_parameter("limit", str(int(limit) - 1))
    return await ask(request)


@mutant("VID-LIST-015")
async def ties_are_shuffled(request: Request, ask: Handler, memory: Memory) -> Answer:
    """Order the videos of a page otherwise at each request, within 60 seconds."""
    answer = await ask(request)
    if request.operation == LIST and answer.is_ok and len(answer.object["data"]) > 1:
        dice = memory.setdefault("dice", random.Random(1))  # noqa: S311 - a shuffle, no secret
        data = list(answer.object["data"])
        first = data[0]["created_at"]
        near = [video for video in data if abs(video["created_at"] - first) < 60]
        dice.shuffle(near)
        same = {"created_at": first}
        return _paged(answer, [{**video, **same} for video in near] + data[len(near) :])
    return answer


@mutant("VID-LIST-016")
async def the_largest_limit_is_refused(request: Request, ask: Handler, _: Memory) -> Answer:
    """Refuse limit=100."""
    if request.operation == LIST and request.parameter("limit") == "100":
        return error(400, "limit is too large.", param="limit")
    return await ask(request)
