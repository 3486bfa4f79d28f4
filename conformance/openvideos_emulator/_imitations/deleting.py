"""Depart from what a deletion answers, and from which jobs may be deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .departure import control_request, departure
from .videos import RUNNING
from .wrapping import Request, ServerResponse, error

if TYPE_CHECKING:
    from .departure import Memory
    from .wrapping import Handler

DELETE: Final = "delete_video"


@departure
async def deletions_answer_the_video(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Answer a deletion with the video, whose status is `deleted`."""
    if request.operation != DELETE:
        return await ask(request)
    job = (await ask(control_request(request, f"jobs/{request.id}"))).object
    response = await ask(request)
    if not response.is_ok:
        return response
    video = {name: value for name, value in job.items() if name not in {"pace", "polls", "fails_with"}}
    return response.with_json({**video, "status": "deleted"})


@departure
async def deletions_answer_a_flag(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Answer a deletion with `deleted` alone."""
    response = await ask(request)
    return response.with_json({"deleted": True}) if request.operation == DELETE and response.is_ok else response


@departure
async def running_jobs_are_not_deleted(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse the deletion of a job that runs with a 409."""
    if request.operation == DELETE:
        job = (await ask(control_request(request, f"jobs/{request.id}"))).object
        if job.get("status") in RUNNING:
            return error(409, "The video is being generated.", code="video_in_progress")
    return await ask(request)
