from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import take

if TYPE_CHECKING:
    from ..models.video_event_data import VideoEventData


T = TypeVar("T", bound="VideoCompletedEvent")


@_attrs_define
class VideoCompletedEvent:
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
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        object_ = self.object_

        created_at = self.created_at

        type_ = self.type_

        data = self.data.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "object": object_,
                "created_at": created_at,
                "type": type_,
                "data": data,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.video_event_data import VideoEventData

        d = dict(src_dict)
        id = take(d, "id", (str,), "VideoCompletedEvent")

        object_ = cast(Literal["event"], d.pop("object", "event"))

        created_at = take(d, "created_at", (int, float), "VideoCompletedEvent")

        type_ = cast(Literal["video.completed"], d.pop("type", "video.completed"))

        data = VideoEventData.from_dict(take(d, "data", (dict,), "VideoCompletedEvent"))

        video_completed_event = cls(
            id=id,
            object_=object_,
            created_at=created_at,
            type_=type_,
            data=data,
        )

        video_completed_event.additional_properties = d
        return video_completed_event

    @property
    def object(self) -> Literal["event"]:
        """The type of this object, always `event`."""
        return self.object_

    @property
    def type(self) -> Literal["video.completed"]:
        """The type of the event, always `video.completed`."""
        return self.type_

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
