"""The methods that are tried against each fault: how they are called, and what a server that is well answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from openvideos import SyncConversationCursorPage

from ..flows import world
from .server import Behaviour, answers_json, responses

ID: Final = "video_1"
QUEUED: Final = {"id": ID, "object": "video", "created_at": 1, "model": "m", "status": "queued"}
COMPLETED: Final = {**QUEUED, "status": "completed", "progress": 100}
PAGE: Final = {"object": "list", "data": [COMPLETED], "first_id": ID, "last_id": ID, "has_more": False}
DELETED: Final = {"id": ID, "object": "video.deleted", "deleted": True}
CLIP: Final = world.CLIP


@dataclass(frozen=True)
class Method:
    """A method of `client.videos`."""

    name: str
    good: Behaviour
    arguments: dict[str, Any]
    shows: Callable[[Any], Any] = field(repr=False)
    """What of a result tells that it is right; ID where there is nothing better."""
    before: tuple[Behaviour, ...] = ()
    """The responses before the fault."""
    posts: bool = False
    reads_json: bool = True

    @property
    def saves(self) -> bool:
        return self.name == "download"

    def arguments_in(self, folder: Path) -> dict[str, Any]:
        return {**self.arguments, "to": folder / "clip.mp4"} if self.saves else self.arguments


def _id(video: Any) -> Any:
    return video.id


def _id_of_the_one(page: Any) -> Any:
    assert isinstance(page.data, list) or isinstance(page, SyncConversationCursorPage)
    (video,) = page.data
    return video.id


def _clip(content: Any) -> Any:
    assert CLIP == content.content
    return ID


def _file(path: Path) -> Any:
    assert CLIP == path.read_bytes()
    return ID


_MEDIA: Final = {"content-type": "video/mp4"}

METHODS: Final = [
    Method("create", answers_json(QUEUED), {"prompt": "p"}, _id, posts=True),
    Method("remix", answers_json(QUEUED), {"video_id": "video_0", "prompt": "p"}, _id, posts=True),
    Method("retrieve", answers_json(COMPLETED), {"video_id": ID}, _id),
    Method("list", answers_json(PAGE), {}, _id_of_the_one),
    Method("delete", answers_json(DELETED), {"video_id": ID}, _id),
    Method("download_content", responses(200, CLIP, _MEDIA), {"video_id": ID}, _clip, reads_json=False),
    Method("download", responses(200, CLIP, _MEDIA), {"video_id": ID}, _file, reads_json=False),
    Method("poll", answers_json(COMPLETED), {"video_id": ID}, _id),
    Method("create_and_poll", answers_json(COMPLETED), {"prompt": "p"}, _id, before=(answers_json(QUEUED),)),
]
POSTS: Final = [method for method in METHODS if method.posts]
READS: Final = [method for method in METHODS if not method.posts]


def named(item: Any) -> str | None:
    """Return the name that a parameter has in the name of a test."""
    return item.name if isinstance(item, Method) else None


def files_in(folder: Path) -> list[str]:
    """Return the names of the files in a folder, the hidden ones too."""
    return sorted(path.name for path in folder.iterdir())
