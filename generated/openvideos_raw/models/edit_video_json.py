from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import take

if TYPE_CHECKING:
    from ..models.video_reference import VideoReference


T = TypeVar("T", bound="EditVideoJson")


@_attrs_define
class EditVideoJson:
    """An edit of a completed video. An edit that breaks its schema MUST be refused with 400 or 422."""

    prompt: str
    """The text from which the model makes the video, from 1 to 32,000 characters. A prompt of the longest length that
    the contract allows MUST be accepted; it is counted in characters, not in bytes."""

    video: VideoReference
    """A video that the server has already."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        prompt = self.prompt

        video = self.video.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "prompt": prompt,
                "video": video,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.video_reference import VideoReference

        d = dict(src_dict)
        prompt = take(d, "prompt", (str,), "EditVideoJson")

        video = VideoReference.from_dict(take(d, "video", (dict,), "EditVideoJson"))

        edit_video_json = cls(
            prompt=prompt,
            video=video,
        )

        edit_video_json.additional_properties = d
        return edit_video_json

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
