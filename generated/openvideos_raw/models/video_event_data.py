from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, take


@_attrs_define
class VideoEventData(ApiObject):
    """What an event is about."""

    id: str
    """The id of the video."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "id": "id",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"id"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        id = d.pop("id", None)
        if type(id) is not str:
            id = take(src_dict, "id", (str,), "VideoEventData")

        video_event_data = cls(
            id,
        )
        video_event_data.additional_properties = d
        video_event_data._sent = tuple(src_dict)
        return video_event_data
