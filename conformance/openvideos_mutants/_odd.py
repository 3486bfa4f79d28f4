"""Keep the contract in unusual ways, which the suite must accept."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from openvideos_emulator._imitations.wrapping import (
    FORM,
    PREFIX,
    Request,
    ServerResponse,
    as_object,
    error,
    named,
    wrapped,
)

from ._discovering import SAMPLING
from ._reading import with_videos

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from openvideos_emulator._imitations.wrapping import App, Handler

    from ._registry import Memory

    Being = Callable[[Request, Handler, Memory], Awaitable[ServerResponse]]

TAIL: Final = ":" + "x" * 160 + "="
"""The suffix of each id of the server with long ids."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A correct but unusual server. `pace` is its job speed. One that `offers_less` has no discovery."""

    name: str
    what: str
    being: Being
    pace: str = "polls:3"
    offers_less: bool = False

    def wrap(self, app: App) -> App:
        """Wrap an emulator."""
        memory: Memory = {}

        async def answer(request: Request, ask: Handler) -> ServerResponse:
            # The emulator's account of itself would be false of a server that offers less.
            if self.offers_less and request.operation == "list_models":
                return error(404, "No video has the id models.", param="video_id", code="not_found")
            return await self.being(request, ask, memory)

        return wrapped(app, answer)


ODD: Final[dict[str, Odd]] = {}
"""The odd servers by their names."""


def odd(pace: str = "polls:3", *, offers_less: bool = False) -> Callable[[Being], Being]:
    """Register an odd server."""

    def register(being: Being) -> Being:
        ODD[being.__name__] = Odd(being.__name__, (being.__doc__ or "").strip(), being, pace, offers_less)
        return being

    return register


@odd("seconds:4")
async def slow(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond slowly, and take seconds for each job."""
    await asyncio.sleep(0.03)
    return await ask(request)


@odd("instant")
async def instant(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Complete each job in the response to its create."""
    return await ask(request)


@odd()
async def coarse(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report progress as 0 or 100, and every running job as queued."""

    def change(video: dict[str, object]) -> dict[str, object]:
        is_over = video["status"] in {"completed", "failed"}
        return {
            **video,
            "progress": 100 if video["status"] == "completed" else 0,
            **({} if is_over else {"status": "queued"}),
        }

    return await with_videos(request, ask, change)


@odd()
async def synonymous(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Call what is in progress `processing`."""
    return await with_videos(
        request, ask, lambda video: {**video, "status": "processing"} if video["status"] == "in_progress" else video
    )


@odd()
async def talkative(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send fields and headers that the contract does not have."""

    def change(video: dict[str, object]) -> dict[str, object]:
        return {**video, "usage": {"seconds": 1.5}, "stage": "render", "peak_memory_mb": None, "url": None}

    response = await with_videos(request, ask, change)
    return response.with_header("x-powered-by", "gpu").with_header("server-timing", "total;dur=1.5")


@odd()
async def terse(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send no more of a video than is required."""
    kept = {"id", "object", "created_at", "model", "status", "remixed_from_video_id", *SAMPLING}
    return await with_videos(request, ask, lambda video: {name: video[name] for name in video if name in kept})


@odd()
async def picky(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse seconds beyond a few values, and other sizes than one."""
    if request.operation == "create_video":
        if (request.text("seconds") or "1") not in {"1", "4", "8"}:
            return error(400, "seconds must be 1, 4 or 8.", param="seconds")
        if (request.text("size") or "64x48") != "64x48":
            return error(400, "size must be 64x48.", param="size")
    return await ask(request)


@odd()
async def unprocessing(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 422 instead of 400."""
    response = await ask(request)
    return response.with_status(422) if response.status == 400 else response


@odd()
async def not_found_until_ready(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 404 instead of 409 for content that is not ready."""
    response = await ask(request)
    is_meant = request.operation == "download_video_content" and response.status == 409
    return response.with_status(404) if is_meant else response


@odd()
async def tied(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Order the videos of one second by their ids in each direction, so that one is not the reverse of the other."""
    if request.operation != "list_videos" or not (await ask(request)).is_ok:
        return await ask(request)
    is_rising = request.parameter("order") == "asc"
    videos: list[dict[str, Any]] = []
    every = request.with_parameter("limit", "100").with_parameter("after", None)
    page = await ask(every)
    while page.object["data"]:
        videos += page.object["data"]
        page = await ask(every.with_parameter("after", videos[-1]["id"]))
    videos.sort(key=lambda video: ((1 if is_rising else -1) * video["created_at"], video["id"]))
    after, limit = request.parameter("after"), int(request.parameter("limit") or 20)
    ids = [video["id"] for video in videos]
    if after is not None and after not in ids:
        return error(404, "The video that `after` names was deleted.", param="after", code="not_found")
    rest = videos[ids.index(after) + 1 :] if after is not None else videos
    kept = rest[:limit]
    ends = {"first_id": kept[0]["id"] if kept else None, "last_id": kept[-1]["id"] if kept else None}
    return page.with_fields(data=kept, has_more=len(rest) > limit, **ends)


@odd(offers_less=True)
async def without_ranges(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send whole files only, in chunks, without an ETag."""
    response = await ask(request.with_header("range", None))
    response = response.with_header("accept-ranges", None).with_header("etag", None)
    response.has_length = request.operation != "download_video_content"
    return response


@odd(offers_less=True)
async def without_extras(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Offer no remixes, edits, extensions and characters."""
    if request.operation in {"edit_video", "extend_video", "create_character"}:
        request = request.at("/v1/videos/no-video-has-this-id")  # like a server that has only /videos/{id}
    elif request.operation in {"remix_video", "retrieve_character"}:
        request = request.at(f"{request.path}/no-such-path")
    return await ask(request)


@odd(offers_less=True)
async def form_alone(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Accept only forms as creates."""
    if request.operation == "create_video" and request.media_type != "multipart/form-data":
        return error(415, "Send multipart/form-data.")
    return await ask(request)


@odd(offers_less=True)
async def forgetful(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore Idempotency-Key."""
    return await ask(request.with_header("idempotency-key", None))


@odd()
async def shared(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Let another user create and delete videos all the time."""
    response = await ask(request)
    memory["count"] = memory.get("count", 0) + 1
    if request.operation == "retrieve_video" and memory["count"] % 5 == 0 and response.is_ok:
        body = b'{"prompt": "Somebody else", "size": "64x48", "seconds": "1"}'
        create = request.at("/v1/videos", "POST").with_header("idempotency-key", None)
        other = await ask(create.with_body(body, "application/json"))
        old = memory.get("other")
        memory["other"] = other.object.get("id")
        if old:
            await ask(request.at(f"/v1/videos/{old}", "DELETE"))
    return response


@odd()
async def crowded(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Refuse each eighth request with 429, for a moment."""
    memory["count"] = memory.get("count", 0) + 1
    if memory["count"] % 8 == 0:
        return error(429, "Slow down.", code="rate_limit_exceeded").with_header("retry-after", "0")
    return await ask(request)


@odd()
async def limited(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Take forty requests in each second, and refuse the rest with 429 and a date."""
    second = int(time.time())
    taken = memory.get(second, 0)
    memory.clear()
    memory[second] = taken + 1
    if taken < 40:
        return await ask(request)
    refused = error(429, "Slow down.", code="rate_limit_exceeded")
    return refused.with_header("retry-after", formatdate(second + 1, usegmt=True))


@odd()
async def four_in_flight(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Answer four requests at a time, and refuse the rest with 503."""
    if memory.get("count", 0) >= 4:
        return error(503, "Four requests are under way.", code="overloaded").with_header("retry-after", "1")
    memory["count"] = memory.get("count", 0) + 1
    try:
        await asyncio.sleep(0.01)
        return await ask(request)
    finally:
        memory["count"] -= 1


@odd()
async def tired_of_wrong_keys(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Refuse wrong keys with 429 after the fifth."""
    response = await ask(request)
    if response.status != 401:
        return response
    memory["count"] = memory.get("count", 0) + 1
    if memory["count"] <= 5:
        return response
    return error(429, "Too many wrong keys.", code="rate_limit_exceeded").with_header("retry-after", "60")


@odd()
async def long_winded(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Have ids of two hundred characters, with a colon and an equals sign."""
    tail = TAIL

    def outer(value: object) -> object:
        return value + tail if isinstance(value, str) else value

    if request.path.startswith(f"{PREFIX}/videos/video_"):
        path = request.path.replace("%3A", ":").replace("%3D", "=")
        request = request.at(path.replace(tail, "") if tail in path else path.replace("video_", "unknown_"))
    after = request.parameter("after")
    if after is not None:
        request = request.with_parameter("after", after.removesuffix(tail))
    named = as_object(request.fields.get("video")).get("id")
    if isinstance(named, str):
        request = request.with_fields({**request.fields, "video": {"id": named.removesuffix(tail)}})
    in_form = request.text("video[id]")
    if in_form is not None:
        request = request.with_fields({**request.fields, "video[id]": in_form.removesuffix(tail)})
    response = await with_videos(
        request,
        ask,
        lambda video: {
            **video,
            "id": outer(video["id"]),
            "remixed_from_video_id": outer(video["remixed_from_video_id"]),
        },
    )
    if request.operation == "list_videos" and response.is_ok:
        ends = {name: outer(response.object[name]) for name in ("first_id", "last_id")}
        return response.with_fields(**ends)
    if request.operation == "delete_video" and response.is_ok:
        return response.with_fields(id=outer(response.object["id"]))
    return response


@odd()
async def behind_a_proxy(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Write header names with capitals, charset with JSON, and request ids of its own."""
    response = await ask(request)
    response = response.with_header("x-request-id", str(uuid.uuid4()))
    if response.header("content-type") == "application/json":
        response = response.with_header("content-type", "application/json; charset=utf-8")
    response.headers = [
        ("-".join(word.capitalize() for word in name.split("-")), value) for name, value in response.headers
    ]
    return response


@odd(offers_less=True)
async def without_pictures(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse the thumbnail and the spritesheet with 501."""
    if request.operation == "download_video_content" and request.parameter("variant") in {"thumbnail", "spritesheet"}:
        return error(501, "Only the video is offered.", param="variant", code="unsupported_variant")
    return await ask(request)


def _refused_beyond(request: Request, *kept: str) -> ServerResponse | None:
    """Return the refusal of an operation that a server does not have; None for those that it has, and for no operation.

    The list is a path that does not exist, and a deletion is a method that the path does not have.
    """
    if request.operation is None or request.operation in kept:
        return None
    if request.operation == "delete_video":
        refusal = error(405, "The path does not have this method.", code="method_not_allowed")
        return refusal.with_header("allow", "GET, HEAD")
    return error(404, "The API has no such path.", code="unknown_path")


@odd(offers_less=True)
async def core_alone(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Offer the profile core: forms, retrieving and the video, without ranges."""
    operations = ("create_video", "retrieve_video", "download_video_content")
    refusal = _refused_beyond(request, *operations)
    if refusal is not None:
        return refusal
    if request.operation == "create_video" and request.media_type != FORM:
        return error(415, "Send multipart/form-data.")
    if request.parameter("variant") in {"thumbnail", "spritesheet"}:
        return error(404, "Only the video is offered.", param="variant")
    if request.operation == "create_video" and any(name.startswith("input_reference") for name in request.fields):
        return error(400, "References are not offered.", param="input_reference")
    response = await ask(request.with_header("idempotency-key", None).with_header("range", None))
    response = response.with_header("accept-ranges", None)
    allow = response.header("allow")
    return response if allow is None else response.with_header("allow", allow.replace(", DELETE", ""))


@odd(offers_less=True)
async def standard_alone(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Offer the profile standard."""
    operations = ("create_video", "retrieve_video", "download_video_content", "list_videos", "delete_video")
    refusal = _refused_beyond(request, *operations)
    return refusal or await ask(request.with_header("idempotency-key", None))


FILES: Final = "/v1-files/"
"""Where the server whose files are elsewhere has them: outside of the API."""


@odd()
async def elsewhere(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Redirect each download to a storage, which knows neither the API's headers nor its errors."""
    if request.path.startswith(FILES):
        download: Request | None = memory.get(request.path)
        if download is None:
            return ServerResponse(
                403, [("content-type", "application/xml")], b"<Error><Code>AccessDenied</Code></Error>"
            )
        for name in ("range", "if-range"):
            download = download.with_header(name, request.header(name))
        response = (await ask(download)).with_header("x-request-id", None)
        if response.status < 400:
            return response
        return ServerResponse(response.status, [("content-type", "application/xml")], b"<Error/>")
    if request.operation != "download_video_content":
        return await ask(request)
    response = await ask(request.with_header("range", None))
    if response.status != 200:
        return response
    path = f"{FILES}{uuid.uuid4()}"
    memory[path] = request
    return named(ServerResponse(302)).with_header("location", f"{path}?signature={uuid.uuid4()}")
