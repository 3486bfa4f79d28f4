"""Break requirements about deleting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote

from openvideos_emulator._imitations.wrapping import Request, ServerResponse, error, named

from ._registry import STARTING, mutant

if TYPE_CHECKING:
    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

DELETE = "delete_video"


@mutant("VID-DELETE-001")
async def delete_answers_the_video(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Confirm a deletion with `video` as the object."""
    response = await ask(request)
    return response.with_fields(object="video") if request.operation == DELETE and response.is_ok else response


@mutant(
    "VID-DELETE-001",
    along={
        "VID-ERROR-009": "the contract gives a deletion no 204",
        "VID-DELETE-006": "a job that runs gets the 204, too",
    },
)
async def delete_answers_nothing(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Confirm a deletion with 204."""
    response = await ask(request)
    return ServerResponse(204, response.headers) if request.operation == DELETE and response.is_ok else response


@mutant("VID-DELETE-002")
async def delete_names_another_id(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Confirm a deletion with another id."""
    response = await ask(request)
    return response.with_fields(id="video_other") if request.operation == DELETE and response.is_ok else response


@mutant(
    "VID-DELETE-003",
    along=dict.fromkeys(("VID-DELETE-004", "VID-DELETE-006", "VID-DELETE-008"), "what was deleted is still there"),
)
async def delete_keeps_the_video(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Confirm a deletion, and delete nothing."""
    if request.operation == DELETE:
        response = await ask(request.at(request.path, "GET"))
        if response.is_ok:
            return response.with_json({"id": request.id, "object": "video.deleted", "deleted": True})
        return response
    return await ask(request)


@mutant("VID-DELETE-003")
async def delete_keeps_the_files(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Still serve the content of a deleted video."""
    response = await ask(request)
    if request.operation == "download_video_content":
        file = request.header("authorization"), request.id, request.parameter("variant")
        if response.status == 200:
            memory[file] = response
        elif response.status == 404 and file in memory:
            return named(memory[file])
    return response


@mutant("VID-DELETE-003", along={"VID-DELETE-008": "each of several deletions is confirmed"})
async def delete_can_be_repeated(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Confirm the deletion of a deleted video again."""
    response = await ask(request)
    if request.operation == DELETE:
        gone: set[str] = memory.setdefault("gone", set())
        if response.is_ok:
            gone.add(request.id)
        elif request.id in gone and response.status == 404:
            return response.with_json({"id": unquote(request.id), "object": "video.deleted", "deleted": True}, 200)
    return response


@mutant("VID-DELETE-004")
async def lists_keep_what_is_deleted(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Keep a deleted video only in the lists."""
    gone: set[str] = memory.setdefault("gone", set())
    response = await ask(request.at(request.path, "GET") if request.operation == DELETE else request)
    if request.id in gone and response.is_ok:
        return error(404, f"No video has the id {request.id}.", param="video_id", code="not_found")
    if request.operation == DELETE and response.is_ok:
        gone.add(request.id)
        return response.with_json({"id": request.id, "object": "video.deleted", "deleted": True})
    return response


@mutant("VID-DELETE-005", along={"VID-DELETE-003": "an id that never was can be deleted again"})
async def delete_confirms_what_never_was(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Confirm the deletion of an id that never existed."""
    response = await ask(request)
    if request.operation in STARTING and response.is_ok:
        memory[response.object["id"]] = True
    if request.operation == DELETE and response.status == 404 and request.id not in memory:
        return response.with_json({"id": unquote(request.id), "object": "video.deleted", "deleted": True}, 200)
    return response


@mutant("VID-DELETE-006")
async def running_jobs_cannot_be_deleted(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse with 400 to delete a job that has not ended."""
    if request.operation == DELETE:
        state = await ask(request.at(f"/_emulator/jobs/{request.id}", "GET"))
        if state.object.get("status") in {"queued", "in_progress"}:
            return error(400, "The job is running.")
    return await ask(request)


@mutant(
    "VID-DELETE-007",
    along=dict.fromkeys(
        ("VID-CREATE-010", "VID-LIFE-012", "VID-LIST-004", "VID-LIST-010", "VID-DELETE-008"), "the neighbour is gone"
    ),
)
async def delete_takes_a_neighbour_along(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Delete the next older video, too."""
    if request.operation == DELETE:
        page = await ask(
            request.at("/v1/videos", "GET").with_parameter("after", request.id).with_parameter("limit", "1")
        )
        response = await ask(request)
        if response.is_ok:
            for video in page.object.get("data", []):
                await ask(request.at(f"/v1/videos/{video['id']}"))
        return response
    return await ask(request)


@mutant("VID-DELETE-008")
async def deletions_at_once_are_all_confirmed(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Confirm each of several concurrent deletions."""
    if request.operation != DELETE:
        return await ask(request)
    key = ("running", request.id)
    memory[key] = memory.get(key, 0) + 1
    await asyncio.sleep(0.05)
    response = await ask(request)
    if response.is_ok:
        memory["confirmed", request.id] = response
    elif memory[key] > 1 or memory.get(("many", request.id)):
        memory["many", request.id] = True
        response = named(memory.get(("confirmed", request.id), response))
    await asyncio.sleep(0.05)
    memory[key] -= 1
    if memory[key] == 0:
        memory.pop(("many", request.id), None)
    return response


@mutant("VID-DELETE-003")
async def the_thumbnail_outlives_its_video(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Still serve the thumbnail of a deleted video."""
    if request.operation == DELETE:
        path = f"{request.path}/content"
        memory[request.id] = await ask(request.at(path, "GET").with_parameter("variant", "thumbnail"))
    response = await ask(request)
    kept: ServerResponse | None = memory.get(request.id)
    is_thumbnail = request.operation == "download_video_content" and request.parameter("variant") == "thumbnail"
    return named(kept) if is_thumbnail and response.status == 404 and kept is not None and kept.is_ok else response


@mutant(
    "VID-DELETE-007",
    along={
        "VID-CREATE-010": "a remix that was made just before is unknown",
        "VID-LIST-004": "the remix is on no page",
    },
)
async def deleting_a_source_deletes_its_remixes(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Delete the remixes of a video with it."""
    response = await ask(request)
    if request.operation == "remix_video" and response.is_ok:
        memory.setdefault(request.id, []).append(response.object["id"])
    elif request.operation == DELETE and response.is_ok:
        for remix in memory.get(request.id, ()):
            await ask(request.at(f"/v1/videos/{remix}"))
    return response
