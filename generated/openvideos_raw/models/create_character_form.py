from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import types
from ..types import File, take

T = TypeVar("T", bound="CreateCharacterForm")


@_attrs_define
class CreateCharacterForm:
    """A character's name and a video that shows it. A create of a character that breaks its schema MUST be refused with
    400 or 422.

    """

    name: str
    """The character's name, for people."""

    video: File
    """A video file (MP4) that shows the character."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        video = self.video.to_tuple()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "video": video,
            }
        )

        return field_dict

    def to_multipart(self) -> types.RequestFiles:
        files: types.RequestFiles = []

        files.append(("name", (None, types.form_text(self.name))))

        files.append(("video", self.video.to_tuple()))

        for prop_name, prop in self.additional_properties.items():
            if prop is not None:
                files.append((prop_name, (None, types.form_text(prop))))

        return files

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = take(d, "name", (str,), "CreateCharacterForm")

        video = File(payload=BytesIO(d.pop("video")))

        create_character_form = cls(
            name=name,
            video=video,
        )

        create_character_form.additional_properties = d
        return create_character_form

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
