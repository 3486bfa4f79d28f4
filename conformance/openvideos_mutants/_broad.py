"""Break requirements in a broad way, as real servers do, on which much else depends.

Nothing that merely could not be judged is a violation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openvideos_emulator._imitations.wrapping import Request, ServerResponse, as_object, error

from ._registry import mutant

if TYPE_CHECKING:
    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

CLAIMED = {"VID-MODELS-003": "the emulator's account of itself claims what this server does not do"}


@mutant("VID-LIST-001")
async def lists_are_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse each list, as a gateway does that wants another parameter."""
    response = await ask(request)
    return error(400, "Name a provider.") if request.operation == "list_videos" and response.is_ok else response


@mutant("VID-LIST-001", along={"VID-ERROR-005": "a 500 is a server error"})
async def lists_break(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to each list with 500."""
    response = await ask(request)
    return error(500, "It broke.") if request.operation == "list_videos" and response.is_ok else response


@mutant("VID-RETRIEVE-001")
async def retrieves_lack_the_model(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave the model out of each retrieve."""
    response = await ask(request)
    return response.without("model") if request.operation == "retrieve_video" and response.is_ok else response


@mutant("VID-DELETE-001", along=CLAIMED)
async def nothing_is_deleted(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse each deletion of a video with 403."""
    response = await ask(request.at(request.path, "GET")) if request.method == "DELETE" else await ask(request)
    is_meant = request.operation == "delete_video" and response.is_ok
    return error(403, "Videos are kept.") if is_meant else response


@mutant(
    "VID-CONTENT-001",
    along={**CLAIMED, "VID-CONTENT-009": "a job that has not ended is a 404, not a 409"},
)
async def content_is_never_there(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to each download with 404."""
    response = await ask(request)
    is_meant = request.operation == "download_video_content" and response.status != 401
    return error(404, "There is no content.") if is_meant else response


@mutant("VID-CREATE-010")
async def each_id_is_unknown(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to each retrieve with 404."""
    response = await ask(request)
    return error(404, "No video has this id.") if request.operation == "retrieve_video" and response.is_ok else response


@mutant("VID-VALID-004")
async def sizes_are_not_checked(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Take any size, and return it in the job as it was sent."""
    size = request.text("size") if request.operation == "create_video" else None
    response = await ask(request)
    if size is not None and as_object(response.object.get("error")).get("param") == "size":
        response = await ask(request.with_fields({**request.fields, "size": "64x48"}))
        if response.is_ok:
            memory[response.object["id"]] = size
    return response if not response.is_ok else _with_sizes(request, response, memory)


def _with_sizes(request: Request, response: ServerResponse, memory: Memory) -> ServerResponse:
    if request.operation == "list_videos":
        data = [{**video, "size": memory.get(video["id"], video["size"])} for video in response.object["data"]]
        return response.with_fields(data=data)
    size = memory.get(response.object.get("id")) if request.operation in {"create_video", "retrieve_video"} else None
    return response if size is None else response.with_fields(size=size)
