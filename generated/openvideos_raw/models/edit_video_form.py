from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import types
from ..types import UNSET, File, FileTypes, Unset, take

T = TypeVar("T", bound="EditVideoForm")


@_attrs_define
class EditVideoForm:
    """An edit of a video file, or of a completed video that `video[id]` names."""

    prompt: str
    """What to change, from 1 to 32,000 characters."""

    video: File | Unset = UNSET
    """The video file (MP4) to edit."""

    videoid: str | Unset = UNSET
    """The id of a completed video."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        prompt = self.prompt

        video: FileTypes | Unset = UNSET
        if not isinstance(self.video, Unset):
            video = self.video.to_tuple()

        videoid = self.videoid

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "prompt": prompt,
            }
        )
        if video is not UNSET:
            field_dict["video"] = video
        if videoid is not UNSET:
            field_dict["video[id]"] = videoid

        return field_dict

    def to_multipart(self) -> types.RequestFiles:
        files: types.RequestFiles = []

        files.append(("prompt", (None, types.form_text(self.prompt))))

        if not isinstance(self.video, Unset):
            files.append(("video", self.video.to_tuple()))

        if not isinstance(self.videoid, Unset):
            files.append(("video[id]", (None, types.form_text(self.videoid))))

        for prop_name, prop in self.additional_properties.items():
            if prop is not None:
                files.append((prop_name, (None, types.form_text(prop))))

        return files

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        prompt = take(d, "prompt", (str,), "EditVideoForm")

        _video = d.pop("video", UNSET)
        video: File | Unset
        if isinstance(_video, Unset):
            video = UNSET
        else:
            video = File(payload=BytesIO(_video))

        videoid = d.pop("video[id]", UNSET)

        edit_video_form = cls(
            prompt=prompt,
            video=video,
            videoid=videoid,
        )

        edit_video_form.additional_properties = d
        return edit_video_form

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
