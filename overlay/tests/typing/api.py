"""Use the public API as its users do. This file is read by mypy and pyright, and never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, assert_type

import anyio
import httpx
from starlette.datastructures import UploadFile

from openvideos import (
    APIResponse,
    AsyncAPIResponse,
    AsyncConversationCursorPage,
    AsyncOpenVideos,
    AsyncPaginator,
    Character,
    HttpxBinaryResponseContent,
    OpenVideos,
    SyncConversationCursorPage,
    UnknownEvent,
    Video,
    VideoCompleted,
    VideoDeleteResponse,
    VideoError,
    VideoFailed,
    VideoFailedError,
    VideoModel,
    VideoSeconds,
    VideoSize,
    omit,
)


def settings(http_client: httpx.Client) -> None:
    client = OpenVideos(base_url="http://127.0.0.1:8000/v1", api_key="k", timeout=5, http_client=http_client)
    assert_type(client.with_options(timeout=None, max_retries=0), OpenVideos)
    with client as entered:
        assert_type(entered, OpenVideos)
    OpenVideos(timeout=httpx.Timeout(5), default_headers={"X-A": "b"}, webhook_secret=["whsec_a", "whsec_b"])


def blocking(client: OpenVideos, path: Path, file: IO[bytes]) -> None:
    model: VideoModel = "video-gen-1"
    seconds: VideoSeconds = 5
    size: VideoSize = "640x480"
    video = client.videos.create(prompt="x", model=model, seconds=seconds, size=size, input_reference=path)
    assert_type(video, Video)
    client.videos.create(prompt="x", input_reference=omit, timeout=None)
    client.videos.create(prompt="x", input_reference=("a.png", b"", "image/png"))
    client.videos.create(prompt="x", input_reference={"image_url": "https://images.example.org/a.png"})
    client.videos.create(prompt="x", seconds="8", input_reference=file, extra_body={"seed": 1})
    assert_type(video.id, str)
    assert_type(video.progress, int | None)
    assert_type(video.url, str | None)
    assert_type(video.error, VideoError | None)
    assert_type(client.videos.poll("id", poll_interval_ms=5, raise_on_failure=True), Video)
    assert_type(client.videos.create_and_poll(prompt="x", on_update=print), Video)
    assert_type(client.videos.list(order="asc"), SyncConversationCursorPage[Video])
    for item in client.videos.list():
        assert_type(item, Video)
    assert_type(client.videos.list().get_next_page(), SyncConversationCursorPage[Video])
    assert_type(client.videos.delete("id"), VideoDeleteResponse)
    assert_type(client.videos.download_content("id", variant="thumbnail"), HttpxBinaryResponseContent)
    assert_type(client.videos.download("id", to="a.mp4", on_progress=print), Path)
    assert_type(client.videos.wait_many(["id"]), Iterator[Video])
    assert_type(client.videos.edit(prompt="x", video=video), Video)
    assert_type(client.videos.extend(prompt="x", seconds=4, video={"id": "id"}), Video)
    assert_type(client.videos.create_character(name="Ada", video=path), Character)
    assert_type(client.videos.with_raw_response.retrieve("id"), APIResponse[Video])
    assert_type(client.videos.with_raw_response.retrieve("id").parse(), Video)
    with client.videos.with_streaming_response.download_content("id") as response:
        assert_type(response, APIResponse[HttpxBinaryResponseContent])
        assert_type(response.iter_bytes(), Iterator[bytes])


def mistakes(client: OpenVideos) -> None:
    client.videos.create()  # type: ignore[call-arg]
    client.videos.create(prompt=7)  # type: ignore[arg-type]
    client.videos.list(order="up")  # type: ignore[arg-type]
    client.videos.download_content("id", variant="gif")  # type: ignore[arg-type]
    client.videos.retrieve("id").nope()  # type: ignore[attr-defined]


async def awaited(client: AsyncOpenVideos, file: anyio.AsyncFile[bytes], upload: UploadFile) -> None:
    assert_type(await client.videos.create(prompt="x"), Video)
    await client.videos.create(prompt="x", input_reference=file)
    await client.videos.create(prompt="x", input_reference=("a.png", upload))
    assert_type(client.videos.list(), AsyncPaginator[Video])
    assert_type(await client.videos.list(), AsyncConversationCursorPage[Video])
    async for item in client.videos.list():
        assert_type(item, Video)
    assert_type(client.videos.wait_many(["id"]), AsyncIterator[Video])
    assert_type(await client.videos.download("id", "a.mp4"), Path)
    assert_type(await client.videos.with_raw_response.retrieve("id"), APIResponse[Video])
    async with client.videos.with_streaming_response.retrieve("id") as response:
        assert_type(response, AsyncAPIResponse[Video])
        assert_type(await response.parse(), Video)


def failures(error: VideoFailedError) -> None:
    assert_type(error.video, Video)


def webhooks(client: OpenVideos, body: bytes, headers: dict[str, str]) -> str:
    match client.webhooks.unwrap(body, headers):
        case VideoCompleted(data=data) | VideoFailed(data=data):
            return data.id
        case UnknownEvent(type=kind):
            return kind
