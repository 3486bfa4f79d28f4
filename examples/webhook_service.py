"""A FastAPI service that starts videos, hears by webhooks that they have ended, and keeps their files.

Shows one client for the life of the service, a create that is answered at once, webhooks whose signature is checked,
that may come twice and are answered before the work, and files that are whole, or absent and fetched when asked for,
also after a restart, or where no webhook came.

    uvicorn --app-dir examples --port 9000 webhook_service:app

It needs `fastapi`, `uvicorn` and the extra `webhooks`. The server, its key and the secret of the webhooks are in
OPENVIDEOS_BASE_URL, OPENVIDEOS_API_KEY and OPENVIDEOS_WEBHOOK_SECRET, the folder of the files is in FILMS.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated

from fastapi import BackgroundTasks, Body, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse

from openvideos import (
    AsyncOpenVideos,
    InvalidArgumentError,
    NotFoundError,
    OpenVideosError,
    Video,
    WebhookVerificationError,
)

MOST_BYTES = 1 << 16  # of a webhook
films: dict[str, Path] = {}
seen: set[str] = set()  # a service of more than one process keeps both in its database


@asynccontextmanager
async def life(app: FastAPI) -> AsyncGenerator[None]:
    app.state.folder = Path(os.environ.get("FILMS", "films"))
    app.state.folder.mkdir(exist_ok=True)
    films.update((path.stem, path) for path in app.state.folder.glob("*.mp4"))
    async with AsyncOpenVideos() as app.state.client:
        yield


app = FastAPI(lifespan=life)


@app.post("/films", status_code=202)
async def start(prompt: Annotated[str, Body(embed=True)]) -> Video:
    client: AsyncOpenVideos = app.state.client
    try:
        return await client.videos.create(prompt=prompt)
    except OpenVideosError as problem:  # it refuses, or is away
        raise HTTPException(502, problem.message) from problem


@app.get("/films/{video_id}")
async def film(video_id: str) -> FileResponse:
    try:
        video = None if video_id in films else await app.state.client.videos.retrieve(video_id)
        if video and video.status == "completed":
            await keep(video_id)
    except (NotFoundError, InvalidArgumentError) as problem:
        raise HTTPException(404, "It is not there.") from problem
    except OpenVideosError as problem:
        raise HTTPException(502, problem.message) from problem
    if video and video.status == "failed":
        raise HTTPException(410, f"It has failed: {video.error.message if video.error else 'nobody says why'}")
    if video_id not in films:
        raise HTTPException(404, "It is not there yet.")
    return FileResponse(films[video_id], media_type="video/mp4")


@app.post("/webhooks", status_code=204)
async def hear(request: Request, afterwards: BackgroundTasks) -> None:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise HTTPException(413, "A webhook is not as long.")
    try:
        event = app.state.client.webhooks.unwrap(body, request.headers)
    except WebhookVerificationError as problem:
        raise HTTPException(400, problem.message) from problem
    if event.type == "video.completed" and event.id not in seen:
        seen.add(event.id)
        afterwards.add_task(keep_in_time, event.data.id)


async def keep_in_time(video_id: str) -> None:
    """Download a file before it is asked for; what fails here leaves none, and is tried again by `film`."""
    with suppress(OpenVideosError):
        await keep(video_id)


async def keep(video_id: str) -> None:
    """Download a file; two at once do no harm, since each is whole before it has the name."""
    films[video_id] = await app.state.client.videos.download(video_id, to=app.state.folder / f"{video_id}.mp4")
