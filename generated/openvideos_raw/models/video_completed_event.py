from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, take

if TYPE_CHECKING:
    from ..models.video_event_data import VideoEventData


@_attrs_define
class VideoCompletedEvent(ApiObject):
    """The event that a video was completed."""

    id: str
    """The id of the event."""

    object_: Literal["event"]
    """The type of this object, always `event`."""

    created_at: int
    """When the event happened, in Unix seconds."""

    type_: Literal["video.completed"]
    """The type of the event, always `video.completed`."""

    data: VideoEventData
    """What an event is about."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "id": "id",
        "object_": "object",
        "created_at": "created_at",
        "type_": "type",
        "data": "data",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"id", "object", "created_at", "type", "data"})
    _CONSTANTS: ClassVar[frozenset[str]] = frozenset({"object", "type"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        id = d.pop("id", None)
        if type(id) is not str:
            id = take(src_dict, "id", (str,), "VideoCompletedEvent")

        object_: Literal["event"] = d.pop("object", "event")

        created_at = d.pop("created_at", None)
        if type(created_at) is not int:
            created_at = take(src_dict, "created_at", (int, float), "VideoCompletedEvent")

        type_: Literal["video.completed"] = d.pop("type", "video.completed")

        from ..models.video_event_data import VideoEventData

        data = take(src_dict, "data", (VideoEventData,), "VideoCompletedEvent")
        del d["data"]

        video_completed_event = cls(
            id,
            object_,
            created_at,
            type_,
            data,
        )
        video_completed_event.additional_properties = d
        video_completed_event._sent = tuple(src_dict)
        return video_completed_event

    @property
    def object(self) -> Literal["event"]:
        """The type of this object, always `event`."""
        return self.object_

    @property
    def type(self) -> Literal["video.completed"]:
        """The type of the event, always `video.completed`."""
        return self.type_
