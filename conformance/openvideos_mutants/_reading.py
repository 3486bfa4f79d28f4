"""Break requirements about retrieving jobs, and about their states."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from openvideos_emulator._imitations.wrapping import PREFIX, Request, ServerResponse, error, named

from ._registry import STARTING, mutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

RETRIEVE = "retrieve_video"
HINT = "openai-poll-after-ms"
TOLD = STARTING | {RETRIEVE}


async def with_videos(
    request: Request, ask: Handler, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> ServerResponse:
    """Change each Video in a response, also in lists."""
    response = await ask(request)
    if not response.is_ok:
        return response
    if request.operation in TOLD:
        return response.with_json(change(response.object))
    if request.operation == "list_videos":
        return response.with_fields(data=[change(video) for video in response.object["data"]])
    return response


@mutant("VID-RETRIEVE-001")
async def retrieve_tells_times_as_text(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report created_at as a text."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.is_ok:
        return response.with_fields(created_at=str(response.object["created_at"]))
    return response


@mutant("VID-RETRIEVE-001")
async def retrieve_has_no_status(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave the status of a running job empty."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.object.get("status") in {"queued", "in_progress"}:
        return response.with_fields(status="")
    return response


@mutant("VID-RETRIEVE-002")
async def retrieve_has_another_id(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Put a prefix before the id, as gateways do."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.is_ok:
        return response.with_fields(id=f"gateway:{response.object['id']}")
    return response


@mutant(
    "VID-RETRIEVE-003",
    along={
        "VID-AUTH-009": "a video of another caller is unknown, and not a 404",
        "VID-DELETE-003": "a job that was deleted is unknown, and not a 404",
        "VID-DELETE-006": "a job that was deleted while it ran is unknown, and not a 404",
    },
)
async def an_unknown_id_is_a_400(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 400 for an id that is unknown."""
    response = await ask(request)
    return response.with_status(400) if request.operation == RETRIEVE and response.status == 404 else response


@mutant("VID-RETRIEVE-003")
async def an_unknown_id_is_a_queued_job(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Return a job, as it was created last, for each unknown id that no job ever had."""
    response = await ask(request)
    if request.operation in TOLD and response.is_ok:
        memory["last"] = memory[response.object["id"]] = response
    if request.operation != RETRIEVE or response.status != 404 or not re.fullmatch("video_[0-9a-f]{32}", request.id):
        return response
    told: ServerResponse = memory.get("last", response)
    told = memory.setdefault(("unknown", request.id), told)
    return response if request.id in memory else named(told).with_fields(id=request.id)


@mutant("VID-RETRIEVE-004", along={"VID-ERROR-005": "a 500 is a server error"})
async def a_failed_job_is_a_500(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to the retrieve of a failed job with 500."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.object.get("status") == "failed":
        return response.with_status(500)
    return response


@mutant("VID-RETRIEVE-005")
async def there_is_no_poll_hint(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send no poll interval."""
    return (await ask(request)).with_header("openai-poll-after-ms", None)


@mutant("VID-RETRIEVE-006")
async def the_poll_hint_is_a_fraction(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send a poll interval with half a millisecond."""
    response = await ask(request)
    hint = response.header("openai-poll-after-ms")
    return response if hint is None else response.with_header("openai-poll-after-ms", f"{hint}.5")


@mutant("VID-RETRIEVE-006")
async def the_poll_hint_is_negative(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send a negative poll interval."""
    response = await ask(request)
    return response if request.operation != RETRIEVE else response.with_header("openai-poll-after-ms", "-1")


@mutant("VID-RETRIEVE-007")
async def videos_lack_their_progress(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave progress out."""
    return await with_videos(request, ask, lambda video: {name: video[name] for name in video if name != "progress"})


@mutant(
    "VID-RETRIEVE-008",
    along={
        "VID-RETRIEVE-002": "the id is not the one that was asked for",
        "VID-ROBUST-005": "a retrieve among other requests returns another job",
    },
)
async def retrieves_at_once_are_mixed_up(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Respond to concurrent retrieves with the same job."""
    if request.operation != RETRIEVE:
        return await ask(request)
    memory["running"] = memory.get("running", 0) + 1
    await asyncio.sleep(0.03)
    response = await ask(request)
    if memory["running"] > 2 and response.is_ok and "last" in memory:
        other = await ask(request.at(f"{PREFIX}/videos/{memory['last']}"))
        response = other if other.is_ok else response
    elif response.is_ok:
        memory["last"] = request.id
    memory["running"] -= 1
    return response


@mutant("VID-RETRIEVE-009")
async def characters_do_not_say_what_they_are(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave out the object of a character."""
    response = await ask(request)
    return response.without("object") if "character" in (request.operation or "") and response.is_ok else response


@mutant("VID-LIFE-001", along={"VID-LIFE-008": "its completed_at goes, since a job that runs has none"})
async def a_completed_job_goes_on(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Report a completed job as in progress from the third read on."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.object.get("status") == "completed":
        reads = memory[request.id] = memory.get(request.id, 0) + 1
        if reads > 2:
            return response.with_fields(status="in_progress", completed_at=None).with_header(HINT, "500")
    return response


@mutant(
    "VID-LIFE-001",
    along={
        "VID-CONTENT-010": "the content of the job that has failed is there",
        "VID-LIFE-013": "a list tells that it has completed",
        "VID-LIFE-014": "a job that can be made is told to have failed",
    },
)
async def a_completed_job_fails(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Report a completed job as failed from the third read on."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.object.get("status") == "completed":
        reads = memory[request.id] = memory.get(request.id, 0) + 1
        if reads > 2:
            return response.with_fields(status="failed", error={"code": "lost", "message": "It was lost."})
    return response


@mutant("VID-LIFE-002")
async def a_running_job_is_queued_again(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Report a job that was in progress as queued at the next read."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.object.get("status") in {"queued", "in_progress"}:
        reads = memory[request.id] = memory.get(request.id, 0) + 1
        return response.with_fields(status="in_progress" if reads % 2 else "queued")
    return response


@mutant("VID-LIFE-003", along={"VID-LIFE-013": "a list tells the progress as it is"})
async def progress_goes_back(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Count the progress of a running job down."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.object.get("status") in {"queued", "in_progress"}:
        reads = memory[request.id] = memory.get(request.id, 0) + 1
        return response.with_fields(progress=max(0, 90 - 20 * reads))
    return response


@mutant("VID-LIFE-004")
async def completed_jobs_are_half_done(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report a completed job with a progress of 50."""
    return await with_videos(
        request,
        ask,
        lambda video: {**video, "progress": 50} if video["status"] == "completed" else {**video, "progress": 0},
    )


@mutant("VID-LIFE-005")
async def created_at_moves(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Report an earlier created_at at each read."""
    response = await ask(request)
    if request.operation == RETRIEVE and response.is_ok:
        reads = memory[request.id] = memory.get(request.id, 0) + 1
        return response.with_fields(created_at=response.object["created_at"] - reads)
    return response


@mutant("VID-LIFE-005")
async def the_model_becomes_another(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report another model once a job has completed."""
    return await with_videos(
        request, ask, lambda video: {**video, "model": "sora-2-old"} if video["status"] == "completed" else video
    )


@mutant("VID-LIFE-006")
async def jobs_end_before_they_begin(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Set completed_at from the start."""
    return await with_videos(request, ask, lambda video: {**video, "completed_at": video["created_at"] + 5})


@mutant("VID-LIFE-007")
async def jobs_never_say_when_they_ended(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Never set completed_at."""
    return await with_videos(request, ask, lambda video: {**video, "completed_at": None})


@mutant("VID-LIFE-008")
async def jobs_end_before_they_were_created(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report a completed_at an hour before created_at."""
    return await with_videos(
        request, ask, lambda video: {**video, "completed_at": video["completed_at"] and video["created_at"] - 3600}
    )


@mutant("VID-LIFE-009")
async def times_are_milliseconds(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report times in milliseconds."""

    def change(video: dict[str, Any]) -> dict[str, Any]:
        times = ("created_at", "completed_at", "expires_at")
        return {**video, **{name: video[name] * 1000 for name in times if video[name] is not None}}

    return await with_videos(request, ask, change)


@mutant("VID-LIFE-010")
async def completed_jobs_have_an_error(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Give completed jobs an error."""
    wrong = {"code": "none", "message": "There was no error."}
    return await with_videos(
        request, ask, lambda video: {**video, "error": wrong} if video["status"] == "completed" else video
    )


@mutant("VID-LIFE-011")
async def failed_jobs_do_not_say_why(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave the error of failed jobs null."""
    return await with_videos(request, ask, lambda video: {**video, "error": None})


@mutant("VID-LIFE-012")
async def files_expire_before_they_are_there(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report an expires_at before the end of the job."""
    return await with_videos(
        request, ask, lambda video: {**video, "expires_at": video["expires_at"] and video["created_at"] - 10}
    )


@mutant(
    "VID-LIFE-012",
    along=dict.fromkeys(
        ("VID-CONTENT-001", "VID-CONTENT-005", "VID-CONTENT-006", "VID-MODELS-003"),
        "a content that has not expired is refused",
    ),
)
async def files_expire_too_early(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Respond with 410 for the content of a job whose expires_at is far off, from the fifth download on."""
    response = await ask(request)
    if request.operation == "download_video_content" and response.is_ok:
        memory["count"] = memory.get("count", 0) + 1
        if memory["count"] > 4:
            return error(410, "The content has expired.", code="video_expired")
    return response


@mutant("VID-LIFE-013", along={"VID-HOOK-005": "a list says later that the job of an event has not ended"})
async def lists_tell_old_news(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report every job of a list as queued."""
    response = await ask(request)
    if request.operation == "list_videos" and response.is_ok:
        old = {"status": "queued", "progress": 0, "completed_at": None, "expires_at": None, "error": None}
        return response.with_fields(data=[{**video, **old} for video in response.object["data"]])
    return response


@mutant("VID-LIFE-014")
async def every_job_fails(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Let every job fail."""
    wrong = {"status": "failed", "error": {"code": "internal", "message": "No."}}
    if request.operation == "download_video_content" and (await ask(request)).is_ok:
        return error(409, "The video failed.", code="video_failed")
    return await with_videos(
        request, ask, lambda video: {**video, **wrong} if video["status"] == "completed" else video
    )


@mutant("VID-LIFE-015")
async def durations_disagree(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report a duration that is a second more than seconds."""
    return await with_videos(request, ask, lambda video: {**video, "duration": int(video["seconds"]) + 1})


async def _failing(request: Request, ask: Handler, memory: Memory, *, is_meant: bool) -> ServerResponse:
    """Report the job that a request starts, if it is meant, as failed instead of completed from then on."""
    if request.operation == "download_video_content" and request.id in memory:
        return error(409, "The job has failed.", code="video_failed")

    def change(video: dict[str, Any]) -> dict[str, Any]:
        if is_meant:
            memory[video["id"]] = True
        if video["id"] not in memory or video["status"] != "completed":
            return video
        reason = {"code": "internal_error", "message": "The worker has crashed."}
        return {**video, "status": "failed", "expires_at": None, "error": reason}

    return await with_videos(request, ask, change)


@mutant("VID-LIFE-014")
async def jobs_with_an_image_fail(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Let each job with an image as its reference fail."""
    is_meant = request.operation == "create_video" and "input_reference" in request.fields
    return await _failing(request, ask, memory, is_meant=is_meant)


@mutant("VID-LIFE-014")
async def remixes_fail(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Let each remix fail."""
    return await _failing(request, ask, memory, is_meant=request.operation == "remix_video")
