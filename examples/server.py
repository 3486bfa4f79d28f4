"""A server of the Videos API in 150 lines of Starlette: the contract's profile `core`.

Shows what a server owes its clients: requests are judged by the contract itself, what is not offered is refused, a
repeated create starts no second job, a file is whole before it is shown, and each error has the same envelope.

    uvicorn --app-dir examples --port 8000 server:app
    openvideos-conformance run --base-url http://127.0.0.1:8000/v1 --profile core --size 64x48 --seconds 1 --api-key ''
"""

import asyncio
import hashlib
import tempfile
import time
import uuid
from importlib.resources import files
from pathlib import Path
from typing import Any

import av
import yaml
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

CONTRACT = yaml.safe_load(files("openvideos").joinpath("openapi.yaml").read_text("utf-8"))
FIELDS = {name.partition("[")[0] for name in CONTRACT["components"]["schemas"]["CreateVideoForm"]["properties"]}
OFFERED = {"prompt": {}, "model": {}, "size": {"enum": ["64x48", "720x1280"]}, "seconds": {"pattern": "^(1?[1-9]|10)$"}}
CREATE = Draft202012Validator(CONTRACT | {"$ref": "#/components/schemas/CreateVideoForm", "properties": OFFERED})
FOLDER, MOST_BYTES = Path(tempfile.mkdtemp(prefix="videos-")), 1 << 20
jobs: dict[str, dict[str, Any]] = {}
first_by_key: dict[str, tuple[dict[str, Any], str]] = {}
running: set[asyncio.Task[None]] = set()


def headers(*, ended: bool = True, **more: str) -> dict[str, str]:
    return {"x-request-id": uuid.uuid4().hex, **({} if ended else {"openai-poll-after-ms": "500"}), **more}


def error(status: int, code: str, message: str, param: str | None = None, more: Any = None) -> Response:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    detail = {"message": message, "type": kind, "param": param, "code": code}
    return JSONResponse({"error": detail}, status, headers(**more or {}))


class RefusalError(Exception):
    """What a request is refused with: the arguments of `error`."""


async def fields_of(request: Request) -> dict[str, Any]:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != "multipart/form-data":
        raise RefusalError(415, "unsupported_media_type", "Send multipart/form-data.")
    tail, size = b"", 0

    async def pieces() -> Any:
        nonlocal tail, size
        async for piece in request.stream():
            tail, size = (tail + piece)[-100:], size + len(piece)
            if size > MOST_BYTES:
                raise RefusalError(413, "body_too_large", f"The body is larger than {MOST_BYTES} bytes.")
            yield piece

    boundary = parameters.partition("boundary=")[2].strip('"').encode()
    try:
        form = await MultiPartParser(request.headers, pieces(), max_files=0).parse()
    except (MultiPartException, UnicodeError, KeyError) as problem:
        raise RefusalError(400, "invalid_form", f"The form cannot be read: {problem}") from problem
    if not tail.rstrip().endswith(b"--" + boundary + b"--"):
        raise RefusalError(400, "invalid_form", "The form has no end.")
    for name in form:
        if name.partition("[")[0] in FIELDS and (name not in OFFERED or len(form.getlist(name)) > 1):
            raise RefusalError(400, "invalid_value", f"{name} is not offered here, or is sent twice.", name)
    sent = {name: form[name] for name in OFFERED if name in form}
    for flaw in CREATE.iter_errors(sent):
        wrong = str(flaw.path[0]) if flaw.path else "prompt"
        raise RefusalError(400, "invalid_value" if flaw.path else "missing_required_parameter", flaw.message, wrong)
    return {"model": "one-colour", "seconds": "4", "size": "720x1280", **sent}


def render(job: dict[str, Any], path: Path) -> None:
    """Make a clip of one colour: put your model here."""
    width, height = map(int, job["size"].split("x"))
    with av.open(str(path), "w", format="mp4") as clip:
        stream = clip.add_stream("libx264", rate=8, width=width, height=height, pix_fmt="yuv420p")
        for number in range(8 * int(job["seconds"])):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane, level in zip(frame.planes, hashlib.sha256(job["prompt"].encode()).digest(), strict=False):
                plane.update(bytes([(level + number) % 256]) * plane.buffer_size)
            frame.pts = number
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))


async def work(job: dict[str, Any]) -> None:
    job["status"], part = "in_progress", FOLDER / f"{job['id']}.part"
    try:
        await asyncio.to_thread(render, job, part)
        part.rename(part.with_suffix(".mp4"))
        end = {"status": "completed", "progress": 100}
    except Exception as problem:
        end = {"status": "failed", "error": {"code": "generation_failed", "message": str(problem)}}
    job |= {**end, "completed_at": int(time.time())}


async def create(request: Request) -> Response:
    fields, key = await fields_of(request), request.headers.get("idempotency-key", uuid.uuid4().hex)
    first, video_id = first_by_key.setdefault(key, (fields, f"video_{uuid.uuid4().hex}"))
    if first != fields:
        raise RefusalError(409, "idempotency_key_reused", "The Idempotency-Key was used for another create.")
    if video_id not in jobs:
        job = {"id": video_id, "object": "video", "created_at": int(time.time()), "status": "queued", "progress": 0}
        jobs[video_id] = dict.fromkeys(("completed_at", "expires_at", "error", "remixed_from_video_id")) | job | fields
        running.add(task := asyncio.create_task(work(jobs[video_id])))
        task.add_done_callback(running.discard)
    return JSONResponse(jobs[video_id], headers=headers(ended=False))


async def retrieve(request: Request) -> Response:
    job = jobs.get(request.path_params["video_id"])
    if job is None:
        raise RefusalError(404, "not_found", "There is no such video.")
    return JSONResponse(job, headers=headers(ended=job["completed_at"] is not None))


async def content(request: Request) -> Response:
    await retrieve(request)  # refuses what is not known
    job = jobs[request.path_params["video_id"]]
    if request.query_params.get("variant", "video") != "video":
        raise RefusalError(400, "invalid_value", "The only variant is video.", "variant")
    if job["status"] != "completed":
        raise RefusalError(409, "video_not_ready", f"The video is {job['status']}.")
    return FileResponse(FOLDER / f"{job['id']}.mp4", media_type="video/mp4", headers=headers())


app = Starlette(
    routes=[
        Route("/v1/videos", create, methods=["POST"]),
        Route("/v1/videos/{video_id}", retrieve),
        Route("/v1/videos/{video_id}/content", content),
    ],
    exception_handlers={
        RefusalError: lambda _, e: error(*e.args),
        HTTPException: lambda _, e: error(e.status_code, e.detail.lower().replace(" ", "_"), e.detail, None, e.headers),
        Exception: lambda *_: error(500, "internal_error", "The server failed."),
    },
)
