from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import take

if TYPE_CHECKING:
    from ..models.video import Video


T = TypeVar("T", bound="VideoList")


@_attrs_define
class VideoList:
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
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        object_ = self.object_

        data = []
        for data_item_data in self.data:
            data_item = data_item_data.to_dict()
            data.append(data_item)

        first_id: None | str

        first_id = self.first_id

        last_id: None | str

        last_id = self.last_id

        has_more = self.has_more

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "object": object_,
                "data": data,
                "first_id": first_id,
                "last_id": last_id,
                "has_more": has_more,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.video import Video

        d = dict(src_dict)
        object_ = cast(Literal["list"], d.pop("object", "list"))

        data = []
        _data = take(d, "data", (list,), "VideoList")
        for data_item_data in _data:
            data_item = Video.from_dict(data_item_data)

            data.append(data_item)

        first_id = d.pop("first_id", None)

        last_id = d.pop("last_id", None)

        has_more = take(d, "has_more", (bool,), "VideoList")

        video_list = cls(
            object_=object_,
            data=data,
            first_id=first_id,
            last_id=last_id,
            has_more=has_more,
        )

        video_list.additional_properties = d
        return video_list

    @property
    def object(self) -> Literal["list"]:
        """The type of this object, always `list`."""
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
