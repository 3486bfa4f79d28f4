"""Use the raw client as its users do. This file is read by mypy and pyright, and never run."""

from __future__ import annotations

from typing import Any, assert_type

from openvideos_raw import AuthenticatedClient, Client
from openvideos_raw.api.videos import create_video, list_videos, retrieve_video
from openvideos_raw.models import CreateVideoForm, CreateVideoJson, ErrorResponse, Video, VideoError, VideoList
from openvideos_raw.types import Response


def with_a_key(client: AuthenticatedClient) -> None:
    assert_type(retrieve_video.sync("video_1", client=client), ErrorResponse | Video | None)
    create_video.sync(client=client, body=CreateVideoJson(prompt="A boat"))


def without_a_key(client: Client) -> None:
    assert_type(list_videos.sync_detailed(client=client), Response[ErrorResponse | VideoList])
    create_video.sync(client=client, body=CreateVideoForm(prompt="A boat"))


async def awaited(client: Client) -> None:
    assert_type(await retrieve_video.asyncio("video_1", client=client), ErrorResponse | Video | None)


def objects(data: dict[str, Any]) -> None:
    video = Video.from_dict(data)
    assert_type(video, Video)
    assert_type(video.error, VideoError | None)
    assert_type(video.to_dict(), dict[str, Any])
    assert_type(video.model_dump(exclude_none=True), dict[str, Any])
    assert_type(video.to_json(), str)
    assert_type("status" in video, bool)
    assert_type(list(video), list[str])
    assert_type(dict(video), dict[str, Any])
