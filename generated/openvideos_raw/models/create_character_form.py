from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, File, RequestFiles, take


@_attrs_define
class CreateCharacterForm(ApiObject):
    """A character's name and a video that shows it. A create of a character that breaks its schema MUST be refused with
    400 or 422.

    """

    name: str
    """The character's name, for people."""

    video: File
    """A video file (MP4) that shows the character."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "name": "name",
        "video": "video",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"name", "video"})

    def to_multipart(self) -> RequestFiles:
        """Return the parts of the form."""
        return self._parts()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        name = d.pop("name", None)
        if type(name) is not str:
            name = take(src_dict, "name", (str,), "CreateCharacterForm")

        video = d.pop("video", None)
        if type(video) is not File:
            video = take(src_dict, "video", (File,), "CreateCharacterForm")

        create_character_form = cls(
            name,
            video,
        )
        create_character_form.additional_properties = d
        create_character_form._sent = tuple(src_dict)
        return create_character_form
