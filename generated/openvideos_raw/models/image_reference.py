from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ImageReference")


@_attrs_define
class ImageReference:
    """Where a reference image is, told by exactly one of its two keys. An image reference that does not have exactly one
    of image_url and file_id MUST be refused with 400 or 422.

    """

    image_url: str | Unset = UNSET
    """The URL of an image, http, https or a base64 data URL. Where it cannot be fetched, the create is refused or the
    job fails."""

    file_id: str | Unset = UNSET
    """The id of a file that the server has already; how it got there is up to the server."""

    def to_dict(self) -> dict[str, Any]:
        image_url = self.image_url

        file_id = self.file_id

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if image_url is not UNSET:
            field_dict["image_url"] = image_url
        if file_id is not UNSET:
            field_dict["file_id"] = file_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        image_url = d.pop("image_url", UNSET)

        file_id = d.pop("file_id", UNSET)

        image_reference = cls(
            image_url=image_url,
            file_id=file_id,
        )

        return image_reference
