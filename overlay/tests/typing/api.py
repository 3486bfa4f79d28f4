"""Use the public API as its users do. This file is read by mypy and pyright, and never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing, closing
from datetime import timedelta
from pathlib import Path
from typing import IO, Literal, assert_type

import anyio
import httpx
import httpx2
from httpx_aiohttp import HttpxAiohttpClient
from starlette.datastructures import UploadFile

from openvideos import (
    APIResponse,
    AsyncAPIResponse,
    AsyncConversationCursorPage,
    AsyncOpenVideos,
    AsyncPaginator,
    AsyncResponseContextManager,
    AsyncVideos,
    Character,
    FileTypes,
    HttpxBinaryResponseContent,
    NotFoundError,
    NotGiven,
    Omit,
    OpenVideos,
    ResponseContextManager,
    SyncConversationCursorPage,
    UnknownEvent,
    Video,
    VideoCompleted,
    VideoDeleteResponse,
    VideoError,
    VideoFailed,
    VideoFailedError,
    VideoModel,
    Videos,
    VideoSeconds,
    VideoSize,
    Webhooks,
    omit,
)


def settings(http_client: httpx.Client) -> None:
    client = OpenVideos(base_url="http://127.0.0.1:8000/v1", api_key="k", timeout=5, http_client=http_client)
    assert_type(client.with_options(timeout=None, max_retries=0), OpenVideos)
    with client as entered:
        assert_type(entered, OpenVideos)
    OpenVideos(api_key=lambda: "k", timeout=timedelta(seconds=5)).api_key = "l"
    assert_type(client.with_options(api_key=None, base_url="http://127.0.0.1:9000/v1").copy(timeout=5), OpenVideos)
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
    assert_type(client.videos.wait_many(["id"]), Generator[Video])
    client.videos.wait_many(["id"], on_not_found=lambda error: assert_type(error, NotFoundError))
    assert_type(client.videos.edit(prompt="x", video=video), Video)
    assert_type(client.videos.extend(prompt="x", seconds=4, video={"id": "id"}), Video)
    assert_type(client.videos.create_character(name="Ada", video=path), Character)
    assert_type(client.videos.with_raw_response.retrieve("id"), APIResponse[Video])
    assert_type(client.videos.with_raw_response.retrieve("id").parse(), Video)
    with client.videos.with_streaming_response.download_content("id") as response:
        assert_type(response, APIResponse[HttpxBinaryResponseContent])
        assert_type(response.iter_bytes(), Iterator[bytes])


def seed_types(
    client: OpenVideos,
    reference: FileTypes | Omit,
    model: VideoModel | Omit,
    limit: int | Omit,
    order: Literal["asc", "desc"] | Omit,
    variant: Literal["video", "thumbnail", "spritesheet"] | Omit,
    headers: dict[str, str] | None,
    extra: dict[str, object] | None,
    timeout: float | httpx.Timeout | None | NotGiven,
) -> None:
    """Variables of the types that the API has for its parameters are taken."""
    client.videos.create(prompt="x", input_reference=reference, model=model, seconds=omit, size=omit, extra_body=extra)
    client.videos.list(limit=limit, order=order, extra_headers=headers, extra_query=extra, timeout=timeout)
    client.videos.download_content("id", variant=variant)
    client.videos.poll("id", poll_interval_ms=limit)


def what_is_at_hand(client: OpenVideos, video: Video, character: Character, text: dict[str, str]) -> None:
    client.videos.create(prompt="x", model=None, seconds=None, size=None, input_reference=None, seed=None)
    client.videos.list(after=None, limit=None, order=None, extra_headers=text, extra_query=text)
    client.videos.create(prompt="x", extra_body=text)
    client.videos.poll(video, poll_interval_ms=0.5, poll_timeout_ms=None)
    client.videos.remix(client.videos.retrieve(video), prompt="x")
    client.videos.download(video, "a.mp4", variant=None)
    assert_type(client.videos.download_content(video).content, bytes)
    assert_type(client.videos.delete(video), VideoDeleteResponse)
    assert_type(client.videos.get_character(character), Character)
    with closing(client.videos.wait_many([video, "id"])) as ended:
        for each in ended:
            assert_type(each, Video)


def annotated(client: OpenVideos, awaited: AsyncOpenVideos) -> None:
    """What a client's attributes and their methods return has a name for annotations."""
    assert_type(client.videos, Videos)
    assert_type(awaited.videos, AsyncVideos)
    assert_type(client.webhooks, Webhooks)
    assert_type(client.videos.with_streaming_response.retrieve("id"), ResponseContextManager[Video])
    assert_type(awaited.videos.with_streaming_response.retrieve("id"), AsyncResponseContextManager[Video])


def other_endpoints(client: OpenVideos, path: Path) -> None:
    assert_type(client.request("POST", "/videos/sync", files={"prompt": "x", "image": path}, cast_to=bytes), bytes)
    assert_type(client.request("GET", "/videos/1", query={"a": 1}, cast_to=Video), Video)
    found: dict[str, int] = client.request("GET", "/videos/models")
    found = client.request("GET", "/videos/models", cast_to=dict)
    assert_type(found, dict[str, int])


def mistakes(client: OpenVideos) -> None:
    client.videos.create()  # type: ignore[call-arg]
    client.videos.create(prompt=7)  # type: ignore[arg-type]
    client.videos.list(order="up")  # type: ignore[arg-type]
    client.videos.download_content("id", variant="gif")  # type: ignore[arg-type]
    client.videos.retrieve("id").nope()  # type: ignore[attr-defined]


def other_clients(sync: httpx2.Client, awaited: httpx2.AsyncClient, over_aiohttp: HttpxAiohttpClient) -> None:
    OpenVideos(http_client=sync, timeout=httpx2.Timeout(5)).videos.retrieve("id", timeout=httpx2.Timeout(5))
    AsyncOpenVideos(http_client=awaited)
    AsyncOpenVideos(http_client=over_aiohttp)
    OpenVideos(http_client=awaited)  # type: ignore[arg-type]
    AsyncOpenVideos(http_client=sync)  # type: ignore[arg-type]


async def key() -> str:
    return "k"


def settings_of_async_clients() -> None:
    AsyncOpenVideos(api_key=key).api_key = key
    OpenVideos(api_key=key)  # type: ignore[arg-type]


async def awaited(client: AsyncOpenVideos, file: anyio.AsyncFile[bytes], upload: UploadFile) -> None:
    assert_type(await client.videos.create(prompt="x"), Video)
    await client.videos.create(prompt="x", input_reference=file)
    await client.videos.create(prompt="x", input_reference=("a.png", upload))
    assert_type(client.videos.list(), AsyncPaginator[Video])
    assert_type(await client.videos.list(), AsyncConversationCursorPage[Video])
    async for item in client.videos.list():
        assert_type(item, Video)
    assert_type(client.videos.wait_many(["id"]), AsyncGenerator[Video])
    async with aclosing(client.videos.wait_many(["id"])) as ended:
        async for item in ended:
            assert_type(item, Video)
    assert_type(await client.videos.download("id", "a.mp4"), Path)
    pages = await client.videos.with_raw_response.list(limit=1)
    assert_type(await client.request("GET", "/videos/1", cast_to=Video), Video)
    assert_type(pages, APIResponse[AsyncConversationCursorPage[Video]])
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
