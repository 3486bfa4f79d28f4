"""Break requirements about content."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Final

from openvideos_emulator._imitations.wrapping import PREFIX, Request, ServerResponse, error, named

from ._registry import KEY, STARTING, mutant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

CONTENT = "download_video_content"
_SENT = {200, 206, 416}
VARIANTS = {"video", "thumbnail", "spritesheet"}


_OTHER_RANGES: Final[Mapping[str, str]] = dict.fromkeys(
    ("VID-CONTENT-017", "VID-CONTENT-019"), "the ranges are those of the right file"
)
_OTHER_FRAMES: Final[Mapping[str, str]] = dict.fromkeys(
    ("VID-SAMPLE-002", "VID-SAMPLE-003", "VID-SAMPLE-004"), "the clip has other frames than were asked for"
)


def _is_video(request: Request) -> bool:
    """Return whether the file of a video is asked for."""
    return request.operation == CONTENT and request.parameter("variant") in {None, "video"}


def _key(request: Request) -> list[tuple[str, str]]:
    """Return the key of a request; the url of a video is asked for without one."""
    return [("authorization", request.header("authorization") or f"Bearer {KEY}")]


async def _job(request: Request, ask: Handler) -> dict[str, Any]:
    """Return the job whose content is asked for."""
    read = Request(request.scope, "GET", f"/_emulator/jobs/{request.id}", [], _key(request), b"", is_changed=True)
    return (await ask(read)).object


async def _is_unfinished(request: Request, response: ServerResponse, ask: Handler) -> bool:
    """Return whether a response refuses the content of a job since that has not ended."""
    is_refused = request.operation == CONTENT and response.status == 409
    return is_refused and (await _job(request, ask)).get("status") in {"queued", "in_progress"}


async def _other_file(request: Request, ask: Handler, memory: Memory, **job: Any) -> ServerResponse:
    """Return the whole file of another job, which is made as `job` says; there is one for each job that is asked for.

    A range of it is returned to a request for a range.
    """
    if request.id not in memory:
        create = Request(request.scope, "POST", "/_emulator/jobs", [], _key(request), b"", is_changed=True)
        body = json.dumps(
            {"prompt": f"Another video than {request.id}", "size": "64x48", "seconds": "1", **job}
        ).encode()
        memory[request.id] = (await ask(create.with_body(body, "application/json"))).object["id"]
    headers = [*_key(request), *(each for each in request.headers if each[0].lower() in {"range", "if-range"})]
    path = f"/_emulator/jobs/{memory[request.id]}/content"
    return await ask(Request(request.scope, request.method, path, [], headers, b"", is_changed=True))


@mutant("VID-CONTENT-001", along=_OTHER_RANGES)
async def the_file_is_cut(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the first half of the file, as if it were whole."""
    response = await ask(request)
    if _is_video(request) and response.status == 200:
        response.body = response.body[: len(response.body) // 2]
    return response


@mutant("VID-CONTENT-001")
async def the_file_is_of_no_type(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the file as application/octet-stream."""
    response = await ask(request)
    is_meant = _is_video(request) and response.status == 200
    return response.with_header("content-type", "application/octet-stream") if is_meant else response


@mutant("VID-CONTENT-001", along=_OTHER_RANGES)
async def the_file_is_no_video(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send bytes that are not MP4."""
    response = await ask(request)
    if _is_video(request) and response.status == 200:
        response.body = bytes(len(response.body))
    return response


@mutant("VID-CONTENT-025")
async def urls_need_the_key(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse a request to the url of a video that has no API key."""
    if request.path.startswith("/files/") and request.header("authorization") is None:
        return error(401, "There is no API key.")
    return await ask(request)


@mutant("VID-CONTENT-002", along=_OTHER_FRAMES)
async def the_file_is_too_long(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send a clip that is three seconds longer."""
    response = await ask(request)
    if _is_video(request) and response.status in _SENT:
        job = await _job(request, ask)
        return await _other_file(request, ask, memory, size=job["size"], seconds=str(int(job["seconds"]) + 3))
    return response


@mutant("VID-CONTENT-003", along=_OTHER_FRAMES)
async def the_file_has_another_size(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send a clip of another size."""
    response = await ask(request)
    if _is_video(request) and response.status in _SENT:
        job = await _job(request, ask)
        return await _other_file(request, ask, memory, size="96x128", seconds=job["seconds"])
    return response


@mutant("VID-CONTENT-004")
async def the_default_variant_is_unknown(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 404 to variant=video."""
    if request.operation == CONTENT and request.parameter("variant") == "video":
        return error(404, "There is no such variant.", param="variant")
    return await ask(request)


@mutant("VID-CONTENT-005")
async def the_thumbnail_is_the_video(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the video instead of the thumbnail."""
    if request.operation == CONTENT and request.parameter("variant") == "thumbnail":
        request = request.with_parameter("variant", None)
    return await ask(request)


@mutant("VID-CONTENT-005", along={"VID-CONTENT-017": "the ranges are those of the right file"})
async def the_thumbnail_is_cut(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send half a thumbnail."""
    response = await ask(request)
    if request.operation == CONTENT and request.parameter("variant") == "thumbnail" and response.status == 200:
        response.body = response.body[: len(response.body) // 2]
    return response


@mutant("VID-CONTENT-006")
async def the_spritesheet_is_cut(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send half a spritesheet."""
    response = await ask(request)
    if request.operation == CONTENT and request.parameter("variant") == "spritesheet" and response.status == 200:
        response.body = response.body[: len(response.body) // 2]
    return response


@mutant("VID-CONTENT-006")
async def the_spritesheet_is_a_thumbnail(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the thumbnail as the spritesheet."""
    if request.operation == CONTENT and request.parameter("variant") == "spritesheet":
        request = request.with_parameter("variant", "thumbnail")
    return await ask(request)


@mutant("VID-CONTENT-007")
async def unknown_variants_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take a variant that is unknown for the video."""
    if request.operation == CONTENT and request.parameter("variant") not in {None, *VARIANTS}:
        request = request.with_parameter("variant", None)
    return await ask(request)


@mutant("VID-CONTENT-008")
async def unfinished_content_is_empty(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send an empty file as the content of a job that has not ended."""
    response = await ask(request)
    if await _is_unfinished(request, response, ask):
        return ServerResponse(
            200, [("content-type", "video/mp4"), ("x-request-id", response.header("x-request-id") or "")], b""
        )
    return response


@mutant("VID-CONTENT-008", along={"VID-ERROR-009": "202 is no status of this operation"})
async def unfinished_content_is_accepted(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 202 for the content of a job that has not ended."""
    response = await ask(request)
    return response.with_status(202) if await _is_unfinished(request, response, ask) else response


@mutant("VID-CONTENT-008")
async def unfinished_thumbnails_are_placeholders(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send a picture as the thumbnail of a job that has not ended."""
    response = await ask(request)
    if request.parameter("variant") == "thumbnail" and await _is_unfinished(request, response, ask):
        return _placeholder(response)
    return response


@mutant("VID-CONTENT-009")
async def unfinished_content_is_not_found(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 404 for the content of a job that has not ended."""
    response = await ask(request)
    return response.with_status(404) if await _is_unfinished(request, response, ask) else response


@mutant("VID-CONTENT-010")
async def failed_content_is_a_video(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send another video as the content of a failed job."""
    response = await ask(request)
    if request.operation == CONTENT and response.status == 409:
        job = await _job(request, ask)
        if job.get("status") == "failed":
            return await _other_file(request, ask, memory)
    return response


@mutant("VID-CONTENT-011")
async def unknown_content_is_empty(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send an empty file as the content of an id that no job ever had."""
    response = await ask(request)
    is_meant = _is_unknown(request, response, memory) and _is_video(request)
    return _instead(response, "video/mp4", b"") if is_meant else response


@mutant("VID-CONTENT-011")
async def unknown_thumbnails_are_placeholders(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send a picture as the thumbnail of an id that no job ever had."""
    response = await ask(request)
    is_thumbnail = request.operation == CONTENT and request.parameter("variant") == "thumbnail"
    return _placeholder(response) if _is_unknown(request, response, memory) and is_thumbnail else response


def _is_unknown(request: Request, response: ServerResponse, memory: Memory) -> bool:
    """Note the jobs that are started; return whether a request with a 404 is for an id that none of them has."""
    if request.operation in STARTING and response.is_ok:
        memory[response.object["id"]] = True
    is_id = re.fullmatch("video_[0-9a-f]{32}", request.id) is not None
    return response.status == 404 and is_id and request.id not in memory


def _placeholder(response: ServerResponse) -> ServerResponse:
    return _instead(response, "image/webp", b"RIFF placeholder")


def _instead(response: ServerResponse, media_type: str, body: bytes) -> ServerResponse:
    """Return a file in the place of a response."""
    headers = [("content-type", media_type), ("x-request-id", response.header("x-request-id") or "")]
    return ServerResponse(200, headers, body)


@mutant(
    "VID-CONTENT-012",
    along=dict.fromkeys(
        [f"VID-CONTENT-{number}" for number in ("004", "015", "017", "018", "020", "021", "022", "025")],
        "no two responses have the same file",
    ),
)
async def the_file_changes(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send another last byte at each download."""
    response = await ask(request)
    if _is_video(request) and response.status == 200:
        memory["count"] = memory.get("count", 0) + 1
        response.body = response.body[:-1] + bytes([memory["count"] % 256])
    return response


@mutant(
    "VID-CONTENT-023",
    along=dict.fromkeys(("VID-CONTENT-001", "VID-CONTENT-021"), "the response ends before its length"),
)
async def the_told_length_is_wrong(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send a Content-Length that is ten bytes too large."""
    response = await ask(request)
    if _is_video(request) and response.status == 200:
        response.told_length = len(response.body) + 10
    return response


@mutant("VID-CONTENT-008")
async def the_file_is_sent_while_it_is_written(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send the first half of the file while the job is in progress."""
    response = await ask(request)
    if _is_video(request) and response.status == 409:
        job = await _job(request, ask)
        if job.get("status") == "in_progress":
            whole = await _other_file(request, ask, memory)
            whole.body = whole.body[: len(whole.body) // 2]
            return named(whole)
    return response


@mutant("VID-CONTENT-012", along={"VID-CONTENT-015": "a part of the file has the ETag of the whole"})
async def concurrent_downloads_share_their_place(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Go on in the file where another download is, if there are two at once."""
    if not _is_video(request) or request.header("range"):
        return await ask(request)
    memory["running"] = memory.get("running", 0) + 1
    await asyncio.sleep(0.05)
    is_shared = memory["running"] > 1
    response = await ask(request)
    await asyncio.sleep(0.05)
    memory["running"] -= 1
    if is_shared and response.status == 200:
        response.body = response.body[len(response.body) // 2 :]
    return response


@mutant("VID-CONTENT-001", along={"VID-LIFE-012": "the file is not there, although its time is not up"})
async def the_file_comes_after_the_end(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Call a job completed before its file is there; the first download after that is a 404."""
    response = await ask(request)
    if request.operation == "retrieve_video" and response.object.get("status") == "completed":
        memory.setdefault(request.id, "completed")
    if _is_video(request) and response.is_ok and memory.get(request.id) == "completed":
        memory[request.id] = "there"
        return error(404, "The file does not exist.", code="not_found")
    return response


@mutant("VID-CONTENT-024")
async def files_are_named_by_the_prompt(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Name the file of a job by the first 64 characters of its prompt, its size and its number of frames."""
    return await _first_file(request, ask, memory, lambda job: str(job.get("prompt"))[:64])


@mutant("VID-CONTENT-024")
async def everybody_gets_the_first_file(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send the same file for all jobs of one size and number of frames."""
    return await _first_file(request, ask, memory, lambda _: None)


async def _first_file(
    request: Request, ask: Handler, memory: Memory, name: Callable[[dict[str, Any]], object]
) -> ServerResponse:
    """Send the file of the first job of the same name, size and number of frames."""
    response = await ask(request)
    if request.operation == CONTENT and response.is_ok:
        job = (await ask(request.at(f"/_emulator/jobs/{request.id}").with_parameter("variant", None))).object
        alike = (name(job), *(job.get(each) for each in ("size", "seconds", "fps", "num_frames")))
        first = memory.setdefault(alike, request.id)
        other = await ask(request.at(f"{PREFIX}/videos/{first}/content"))
        return other if other.is_ok else response
    return response
