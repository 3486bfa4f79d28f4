"""Tell events apart by their type, as receivers of webhooks do. This file is read by mypy and pyright, and never run."""

from __future__ import annotations

from typing import Any, assert_type

from openvideos import OpenVideos, UnknownEvent, VideoCompleted, VideoEvent, VideoFailed


def by_comparison(event: VideoEvent) -> str:
    if event.type == "video.completed":
        assert_type(event, VideoCompleted)
        return event.data.id
    if event.type == "video.failed":
        assert_type(event, VideoFailed)
        return event.data.id
    assert_type(event, UnknownEvent)
    assert_type(event.data, Any)
    assert_type(event.body["type"], Any)
    return event.type.upper()


def by_match(event: VideoEvent) -> str:
    match event.type:
        case "video.completed" | "video.failed":
            return event.id
        case kind:
            return kind


def in_common(event: VideoEvent) -> None:
    assert_type(event.id, str)


def newer_than_this_version(event: VideoEvent) -> bool:
    return isinstance(event, UnknownEvent) and event.body["type"] == "video.rotated"


def made_for_a_test(client: OpenVideos) -> UnknownEvent:
    assert_type(client.webhooks.sign("{}"), dict[str, str])
    return UnknownEvent(type="video.rotated", body={"type": "video.rotated"})
