"""Write answers: JSON, the error envelope, and files by the range asked for.

All that is known of HTTP statuses and of the shape of the contract's objects is here.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import anyio.to_thread
from starlette.responses import Response

from .._model.refusals import Reason, RefusalError, shown
from .byte_ranges import Span, UnsatisfiableError, framed, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from .._engine.engine import Page, Snapshot
    from .._media.library import Media
    from .._storage.job_store import Character

_CHUNK: Final = 1 << 18
_STATUSES: Final = {
    Reason.INVALID: 400,
    Reason.UNAUTHORIZED: 401,
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


class JsonAnswer(Response):
    """An answer that is a JSON object."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Write the object, letters beyond ASCII as they are."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def refusal_answer(refusal: RefusalError) -> Response:
    """Write a refusal in the envelope that every answer of 400 and above has."""
    error = {
        "message": refusal.message,
        "type": _TYPES.get(refusal.reason, "invalid_request_error"),
        "param": refusal.param,
        "code": refusal.code,
    }
    return JsonAnswer({"error": error}, status_code=_STATUSES[refusal.reason], headers=refusal.headers)


def video_json(snapshot: Snapshot) -> dict[str, Any]:
    """Write a job as the contract's `Video`, with all that it recommends."""
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
        "seconds": str(job.recipe.seconds),
        "remixed_from_video_id": job.remixed_from,
        "error": None if failed is None else {"code": failed.code, "message": failed.message},
    }


def page_json(page: Page) -> dict[str, Any]:
    """Write a page as the contract's `VideoList`."""
    data = [video_json(snapshot) for snapshot in page.snapshots]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": page.has_more,
    }


def deleted_json(video_id: str) -> dict[str, Any]:
    """Write the contract's `VideoDeleteResponse`."""
    return {"id": video_id, "object": "video.deleted", "deleted": True}


def character_json(character: Character) -> dict[str, Any]:
    """Write the contract's `Character`."""
    return {
        "id": character.id,
        "object": "character",
        "created_at": character.created_at,
        "name": character.name,
    }


def media_answer(media: Media, *, range_header: str | None, if_range: str | None) -> Response:
    """Write a file, or the parts of it that the ranges ask for; 416 if there is no such part."""
    headers = {"etag": media.etag, "accept-ranges": "bytes"}
    try:
        spans = wanted(range_header, if_range, etag=media.etag, length=media.length)
    except UnsatisfiableError:
        media.file.close()
        message = f"The file has {media.length} bytes; the range {shown(range_header)} begins behind its end."
        refusal = RefusalError(
            Reason.RANGE_NOT_SATISFIABLE,
            message,
            code="range_not_satisfiable",
            param="Range",
            headers={"content-range": f"bytes */{media.length}", "accept-ranges": "bytes"},
        )
        return refusal_answer(refusal)
    if spans is None:
        whole = Span(0, media.length)
        return _FileAnswer(media.file, [whole], status=200, headers=headers, media_type=media.media_type)
    if len(spans) == 1:
        headers["content-range"] = spans[0].of(media.length)
        return _FileAnswer(media.file, spans, status=206, headers=headers, media_type=media.media_type)
    boundary = secrets.token_hex(16)  # as good as never in a file
    pieces = framed(spans, media_type=media.media_type, length=media.length, boundary=boundary)
    media_type = f"multipart/byteranges; boundary={boundary}"
    return _FileAnswer(media.file, pieces, status=206, headers=headers, media_type=media_type)


class _FileAnswer(Response):
    """An answer that is made of parts of a file, read in a thread and sent in pieces, and of bytes between them."""

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
