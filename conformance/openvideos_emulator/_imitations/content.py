"""Depart from the content of a job: its variants, its ranges, and when there is one."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from .departure import Departure, control_request, departure, refused
from .wrapping import PREFIX, Request, ServerResponse, error

if TYPE_CHECKING:
    from .departure import Memory
    from .wrapping import Handler

CONTENT: Final = "download_video_content"
_HEAD: Final = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41\0\0\0\x08free\0\0\0\0mdat"
"""How a file begins that is still written: its index, and the length of its frames, come at the end."""


@departure
async def variants_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the video for every variant, also for an unknown one."""
    return await ask(request.with_parameter("variant", None) if _variant(request) is not None else request)


@departure
async def variants_are_numbers(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take a variant for the number of an output: for the names of the contract, there is none."""
    if _variant(request) is None:
        return await ask(request)
    right = await ask(request.with_parameter("variant", None))
    return error(404, "There is no such output.", param="variant", code="not_found") if right.is_ok else right


def pictures_are_refused(status: int) -> Departure:
    """Refuse every variant but the video with this status."""

    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        if _variant(request) not in {"thumbnail", "spritesheet"}:
            return await ask(request)
        return await refused(request, ask, error(status, "Variants are not supported.", code="not_implemented"))

    return Departure("pictures_are_refused", f"Refuse every variant but the video with a {status}.", depart)


@departure
async def ranges_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send whole files alone, without an ETag."""
    if request.operation != CONTENT:
        return await ask(request)
    response = await ask(request.with_header("range", None))
    return response.with_header("accept-ranges", None).with_header("etag", None)


@departure
async def files_are_sent_while_they_are_written(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send as much of a file as is written while its job still runs, with a 200."""
    response = await ask(request)
    if (
        request.operation != CONTENT
        or response.is_ok
        or response.object.get("error", {}).get("code") != "video_not_ready"
    ):
        return response
    job = (await ask(control_request(request, f"jobs/{request.id}"))).object
    if job.get("status") != "in_progress":
        return response
    written = 1290 * (1 + job["progress"] // 50)
    headers = [("content-type", "video/mp4"), ("accept-ranges", "bytes")]
    return ServerResponse(200, headers, (_HEAD + bytes(written))[:written])


@departure
async def files_are_elsewhere(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Answer a download with a redirect to another host, which sends the file to whoever has the link."""
    linked = memory.get(request.path)
    if linked is not None:
        return await ask(linked.with_header("range", request.header("range")))
    response = await ask(request)
    if request.operation != CONTENT or response.status not in {200, 206}:
        return response
    host, _colon, port = (request.header("host") or "").partition(":")
    path = f"{PREFIX}/files/{secrets.token_urlsafe(16)}"
    memory[path] = request
    other = "127.0.0.1" if host == "localhost" else "localhost"
    return ServerResponse(302, [("location", f"http://{other}:{port}{path}" if port else path)])


def _variant(request: Request) -> str | None:
    return request.parameter("variant") if request.operation == CONTENT else None
