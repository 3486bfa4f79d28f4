"""Break what is promised of deleting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ._registry import mutant
from ._wrapping import Answer, Request, error

if TYPE_CHECKING:
    from ._registry import Memory
    from ._wrapping import Handler

DELETE = "delete_video"


@mutant("VID-DELETE-001")
async def delete_answers_the_video(request: Request, ask: Handler, _: Memory) -> Answer:
    """Confirm a deletion with `video` as the object."""
    answer = await ask(request)
    return answer.with_fields(object="video") if request.operation == DELETE and answer.is_ok else answer


@mutant("VID-DELETE-001")
async def delete_answers_nothing(request: Request, ask: Handler, _: Memory) -> Answer:
    """Confirm a deletion with 204."""
    answer = await ask(request)
    return Answer(204, answer.headers) if request.operation == DELETE and answer.is_ok else answer


@mutant("VID-DELETE-002")
async def delete_names_another_id(request: Request, ask: Handler, _: Memory) -> Answer:
    """Confirm a deletion with another id."""
    answer = await ask(request)
    return answer.with_fields(id="video_other") if request.operation == DELETE and answer.is_ok else answer


@mutant("VID-DELETE-003")
async def delete_keeps_the_video(request: Request, ask: Handler, _: Memory) -> Answer:
    """Confirm a deletion, and delete nothing."""
    if request.operation == DELETE:
        answer = await ask(request.at(request.path, "GET"))
        if answer.is_ok:
            return answer.with_json({"id": request.id, "object": "video.deleted", "deleted": True})
        return answer
    return await ask(request)


@mutant("VID-DELETE-003")
async def delete_keeps_the_files(request: Request, ask: Handler, memory: Memory) -> Answer:
    """Go on serving the content of a deleted video."""
    answer = await ask(request)
    if request.operation == "download_video_content":
        if answer.status == 200:
            memory[request.id] = answer
        elif answer.status == 404 and request.id in memory:
            kept: Answer = memory[request.id]
            return kept
    return answer


@mutant("VID-DELETE-003")
async def delete_can_be_repeated(request: Request, ask: Handler, memory: Memory) -> Answer:
    """Confirm the deletion of a deleted video again."""
    answer = await ask(request)
    if request.operation == DELETE:
        gone: set[str] = memory.setdefault("gone", set())
        if answer.is_ok:
            gone.add(request.id)
        elif request.id in gone:
            return answer.with_json({"id": request.id, "object": "video.deleted", "deleted": True}, 200)
    return answer


@mutant("VID-DELETE-004")
async def lists_keep_what_is_deleted(request: Request, ask: Handler, memory: Memory) -> Answer:
    """Keep a deleted video in the lists alone."""
    gone: set[str] = memory.setdefault("gone", set())
    if request.id in gone:
        return error(404, f"No video has the id {request.id}.", param="video_id", code="not_found")
    if request.operation == DELETE:
        answer = await ask(request.at(request.path, "GET"))
        if answer.is_ok:
            gone.add(request.id)
            return answer.with_json({"id": request.id, "object": "video.deleted", "deleted": True})
        return answer
    return await ask(request)


@mutant("VID-DELETE-005")
async def delete_confirms_what_never_was(request: Request, ask: Handler, memory: Memory) -> Answer:
    """Confirm the deletion of an id that was never given out."""
    answer = await ask(request)
    if request.operation == DELETE:
        gone: set[str] = memory.setdefault("gone", set())
        if answer.is_ok:
            gone.add(request.id)
        elif answer.status == 404 and request.id not in gone:
            return answer.with_json({"id": request.id, "object": "video.deleted", "deleted": True}, 200)
    return answer


@mutant("VID-DELETE-006")
async def running_jobs_cannot_be_deleted(request: Request, ask: Handler, _: Memory) -> Answer:
    """Refuse with 400 to delete a job that has not ended."""
    if request.operation == DELETE:
        state = await ask(request.at(f"/_emulator/jobs/{request.id}", "GET"))
        if state.object.get("status") in {"queued", "in_progress"}:
            return error(400, "The job is running.")
    return await ask(request)


@mutant("VID-DELETE-007")
async def delete_takes_a_neighbour_along(request: Request, ask: Handler, _: Memory) -> Answer:
    """Delete the next older video, too."""
    if request.operation == DELETE:
        page = await ask(
            request.at("/v1/videos", "GET").with_parameter("after", request.id).with_parameter("limit", "1")
        )
        answer = await ask(request)
        if answer.is_ok:
            for video in page.object.get("data", []):
                await ask(request.at(f"/v1/videos/{video['id']}"))
        return answer
    return await ask(request)


@mutant("VID-DELETE-008")
async def deletions_at_once_are_all_confirmed(request: Request, ask: Handler, memory: Memory) -> Answer:
    """Confirm each of several deletions that come at the same time."""
    if request.operation != DELETE:
        return await ask(request)
    key = ("running", request.id)
    memory[key] = memory.get(key, 0) + 1
    await asyncio.sleep(0.05)
    answer = await ask(request)
    if answer.is_ok:
        memory["confirmed", request.id] = answer
    elif memory[key] > 1 or memory.get(("many", request.id)):
        memory["many", request.id] = True
        answer = memory.get(("confirmed", request.id), answer)
    await asyncio.sleep(0.05)
    memory[key] -= 1
    if memory[key] == 0:
        memory.pop(("many", request.id), None)
    return answer
