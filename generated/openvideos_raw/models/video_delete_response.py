from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, take


@_attrs_define
class VideoDeleteResponse(ApiObject):
    """The confirmation that a video was deleted."""

    id: str
    """The id of the deleted video. The confirmation MUST name the id that was deleted."""

    object_: Literal["video.deleted"]
    """The type of this object, always `video.deleted`."""

    deleted: bool
    """Whether the video was deleted, always true."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "id": "id",
        "object_": "object",
        "deleted": "deleted",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"id", "object", "deleted"})
    _CONSTANTS: ClassVar[frozenset[str]] = frozenset({"object"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        id = d.pop("id", None)
        if type(id) is not str:
            id = take(src_dict, "id", (str,), "VideoDeleteResponse")

        object_: Literal["video.deleted"] = d.pop("object", "video.deleted")

        deleted = d.pop("deleted", None)
        if type(deleted) is not bool:
            deleted = take(src_dict, "deleted", (bool,), "VideoDeleteResponse")

        video_delete_response = cls(
            id,
            object_,
            deleted,
        )
        video_delete_response.additional_properties = d
        video_delete_response._sent = tuple(src_dict)
        return video_delete_response

    @property
    def object(self) -> Literal["video.deleted"]:
        """The type of this object, always `video.deleted`."""
        return self.object_
