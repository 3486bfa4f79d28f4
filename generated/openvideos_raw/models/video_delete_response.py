from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import take

T = TypeVar("T", bound="VideoDeleteResponse")


@_attrs_define
class VideoDeleteResponse:
    """The confirmation that a video was deleted."""

    id: str
    """The id of the deleted video. The confirmation MUST name the id that was deleted."""

    object_: Literal["video.deleted"]
    """The type of this object, always `video.deleted`."""

    deleted: bool
    """Whether the video was deleted, always true."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        object_ = self.object_

        deleted = self.deleted

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "object": object_,
                "deleted": deleted,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        id = take(d, "id", (str,), "VideoDeleteResponse")

        object_ = cast(Literal["video.deleted"], d.pop("object", "video.deleted"))

        deleted = take(d, "deleted", (bool,), "VideoDeleteResponse")

        video_delete_response = cls(
            id=id,
            object_=object_,
            deleted=deleted,
        )

        video_delete_response.additional_properties = d
        return video_delete_response

    @property
    def object(self) -> Literal["video.deleted"]:
        """The type of this object, always `video.deleted`."""
        return self.object_

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
