from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, given, take

if TYPE_CHECKING:
    from ..models.video import Video


@_attrs_define
class VideoList(ApiObject):
    """One page of videos. first_id and last_id MUST be the ids of the first and the last video of the page, and null on an
    empty page.

    """

    object_: Literal["list"]
    """The type of this object, always `list`."""

    data: list[Video]
    """The videos of this page, in the order asked for. Retrieve and list MUST return the same for a job."""

    first_id: None | str
    """The id of the first video of this page; null on an empty page."""

    last_id: None | str
    """The id of the last video of this page, the cursor of the next; null on an empty page."""

    has_more: bool
    """Whether there are videos after this page. has_more MUST be true if there are videos after the page, and false on
    the last page. A client that lists all videos MUST request pages until one has has_more false."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "object_": "object",
        "data": "data",
        "first_id": "first_id",
        "last_id": "last_id",
        "has_more": "has_more",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"object", "data", "first_id", "last_id", "has_more"})
    _CONSTANTS: ClassVar[frozenset[str]] = frozenset({"object"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        object_: Literal["list"] = d.pop("object", "list")

        from ..models.video import Video

        data = take(src_dict, "data", ([Video],), "VideoList")
        del d["data"]

        first_id = d.pop("first_id", None)
        if first_id is not None and type(first_id) is not str:
            first_id = given(d, "first_id", first_id, (str,), None)

        last_id = d.pop("last_id", None)
        if last_id is not None and type(last_id) is not str:
            last_id = given(d, "last_id", last_id, (str,), None)

        has_more = d.pop("has_more", None)
        if type(has_more) is not bool:
            has_more = take(src_dict, "has_more", (bool,), "VideoList")

        video_list = cls(
            object_,
            data,
            first_id,
            last_id,
            has_more,
        )
        video_list.additional_properties = d
        video_list._sent = tuple(src_dict)
        return video_list

    @property
    def object(self) -> Literal["list"]:
        """The type of this object, always `list`."""
        return self.object_
