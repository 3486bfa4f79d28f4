"""Build responses: JSON objects, the error envelope, and files or ranges of them.

Only this module knows the HTTP status of each refusal, and the shape of the contract's objects.
"""

from __future__ import annotations

import itertools
import json
import math
import secrets
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import anyio.to_thread
from starlette.responses import Response, StreamingResponse

from .._model.refusals import Reason, RefusalError, shown
from .byte_ranges import Span, UnsatisfiableError, multipart_pieces, requested_spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from .._engine.snapshot import Snapshot
    from .._media.library import Media
    from .._storage.job_store import Character

_CHUNK: Final = 1 << 18
_ITEMS: Final = 200  # of a list, which are sent at once
STATUSES: Final = {
    Reason.INVALID: 400,
    Reason.UNAUTHORIZED: 401,
    Reason.FORBIDDEN: 403,
    Reason.NOT_FOUND: 404,
    Reason.METHOD_NOT_ALLOWED: 405,
    Reason.CONFLICT: 409,
    Reason.GONE: 410,
    Reason.TOO_LARGE: 413,
    Reason.UNSUPPORTED_MEDIA_TYPE: 415,
    Reason.RANGE_NOT_SATISFIABLE: 416,
    Reason.UNPROCESSABLE: 422,
    Reason.INTERNAL: 500,
    Reason.NOT_IMPLEMENTED: 501,
    Reason.NO_SPACE: 507,
}
_TYPES: Final = {
    Reason.UNAUTHORIZED: "authentication_error",
    Reason.INTERNAL: "server_error",
    Reason.NOT_IMPLEMENTED: "server_error",
    Reason.NO_SPACE: "server_error",
}


class JsonResponse(Response):
    """A response whose body is a JSON object."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Encode the object as UTF-8, without escapes for characters outside ASCII."""
        return _json(content)


async def json_stream(head: Mapping[str, object], **lists: Iterator[object]) -> Response:
    """Build the response with a JSON object: `head` and some lists, which are read and sent some items at a time."""
    pieces = _json_pieces(head, lists)
    first = await anyio.to_thread.run_sync(next, pieces)  # what goes wrong here is still told as an error
    return StreamingResponse(itertools.chain([first], pieces), media_type=JsonResponse.media_type)


def _json_pieces(head: Mapping[str, object], lists: Mapping[str, Iterator[object]]) -> Iterator[bytes]:
    text = _json(head)[:-1]
    for name, items in lists.items():
        text += f',"{name}":['.encode()
        separator = b""
        while some := list(itertools.islice(items, _ITEMS)):
            yield text + separator + b",".join(map(_json, some))  # one by one, since no other thread runs meanwhile
            text, separator = b"", b","
        text += b"]"
    yield text + b"}"


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def refusal_response(refusal: RefusalError) -> Response:
    """Build the response to a refused request, in the error envelope of all responses with a status from 400."""
    error = {
        "message": refusal.message,
        "type": _TYPES.get(refusal.reason, "invalid_request_error"),
        "param": refusal.param,
        "code": refusal.code,
    }
    return JsonResponse({"error": error}, status_code=STATUSES[refusal.reason], headers=refusal.headers)


def video_json(snapshot: Snapshot, *, url: str | None) -> dict[str, Any]:
    """Return a job as the contract's `Video`, with all recommended fields; `url` is where its file is."""
    job, state = snapshot.job, snapshot.state
    failed = job.failure if state.ended_at is not None else None
    return {
        "id": job.id,
        "object": "video",
        "created_at": job.created_at,
        "completed_at": _whole(state.ended_at),
        "expires_at": _whole(snapshot.expires_at),
        "model": job.recipe.model,
        "status": state.status.value,
        "progress": state.progress,
        "prompt": job.recipe.prompt,
        "size": job.recipe.size,
        "seconds": _decimal(job.recipe.duration),
        "duration": math.floor(job.recipe.duration + Fraction(1, 2)),
        "url": url,
        "seed": job.recipe.sampling.seed,
        "negative_prompt": job.recipe.sampling.negative_prompt,
        "fps": job.recipe.fps,
        "num_frames": job.recipe.frames,
        "remixed_from_video_id": job.remixed_from,
        "error": None if failed is None else {"code": failed.code, "message": failed.message},
    }


def _decimal(seconds: Fraction) -> str:
    return f"{float(seconds):.6f}".rstrip("0").rstrip(".")


def page_json(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """Return a page of videos as the contract's `VideoList`."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def deleted_json(video_id: str) -> dict[str, Any]:
    """Return the contract's `VideoDeleteResponse`."""
    return {"id": video_id, "object": "video.deleted", "deleted": True}


def character_json(character: Character) -> dict[str, Any]:
    """Return a character as the contract's `Character`."""
    return {
        "id": character.id,
        "object": "character",
        "created_at": character.created_at,
        "name": character.name,
    }


def media_response(media: Media, *, range_header: str | None, if_range: str | None) -> Response:
    """Build the response with a file (200), with the requested ranges of it (206), or a refusal of the ranges (416)."""
    headers = {"etag": media.etag, "accept-ranges": "bytes"}
    try:
        spans = requested_spans(range_header, if_range, etag=media.etag, length=media.length)
    except UnsatisfiableError:
        media.file.close()
        message = f"The file has {media.length} bytes; the range {shown(range_header)} begins after its end."
        refusal = RefusalError(
            Reason.RANGE_NOT_SATISFIABLE,
            message,
            code="range_not_satisfiable",
            param="Range",
            headers={"content-range": f"bytes */{media.length}", "accept-ranges": "bytes"},
        )
        return refusal_response(refusal)
    if spans is None:
        whole = Span(0, media.length)
        return _FileResponse(media.file, [whole], status=200, headers=headers, media_type=media.media_type)
    if len(spans) == 1:
        headers["content-range"] = spans[0].content_range(media.length)
        return _FileResponse(media.file, spans, status=206, headers=headers, media_type=media.media_type)
    boundary = secrets.token_hex(16)  # a random string does not occur in a file
    pieces = multipart_pieces(spans, media_type=media.media_type, length=media.length, boundary=boundary)
    media_type = f"multipart/byteranges; boundary={boundary}"
    return _FileResponse(media.file, pieces, status=206, headers=headers, media_type=media_type)


class _FileResponse(Response):
    """A response whose body consists of spans of a file, read in a thread, and of bytes between them."""

    def __init__(
        self,
        file: BinaryIO,
        pieces: Sequence[bytes | Span],
        *,
        status: int,
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        length = sum(piece.end - piece.start if isinstance(piece, Span) else len(piece) for piece in pieces)
        super().__init__(
            status_code=status,
            headers={**headers, "content-length": str(length)},
            media_type=media_type,
        )
        self._file, self._pieces = file, pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                for piece in self._pieces:
                    await self._send_piece(piece, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._file.close()

    async def _send_piece(self, piece: bytes | Span, send: Send) -> None:
        if not isinstance(piece, Span):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            return
        left = piece.end - piece.start
        self._file.seek(piece.start)
        while left:
            chunk = await anyio.to_thread.run_sync(self._file.read, min(left, _CHUNK))
            if not chunk:
                raise OSError("a media file was cut short while it was sent")
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _whole(time: float | None) -> int | None:
    return None if time is None else int(time)
