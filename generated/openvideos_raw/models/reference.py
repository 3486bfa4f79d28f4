from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..models.reference_role import ReferenceRole, check_reference_role
from ..types import UNSET, Unset, take

T = TypeVar("T", bound="Reference")


@_attrs_define
class Reference:
    """An image that the video is made from, by exactly one of `image_url` and `file_id`, and its role. A create with the
    first and the last frame MUST be accepted, if the server offers the extension `references`. A reference whose role
    the server does not offer MUST be refused with 400 or 422, also as a field `references[…]` of a form.

    """

    role: ReferenceRole
    """What the image is for; `first_frame`, `last_frame` and `reference` are the roles that are known."""

    image_url: str | Unset = UNSET
    """The URL of an image, http, https or a base64 data URL. Where it cannot be fetched, the create is refused or the
    job fails."""

    file_id: str | Unset = UNSET
    """The id of a file that the server has already; how it got there is up to the server."""

    def to_dict(self) -> dict[str, Any]:
        role: str = self.role

        image_url = self.image_url

        file_id = self.file_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "role": role,
            }
        )
        if image_url is not UNSET:
            field_dict["image_url"] = image_url
        if file_id is not UNSET:
            field_dict["file_id"] = file_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        role = check_reference_role(take(d, "role", (str,), "Reference"))

        image_url = d.pop("image_url", UNSET)

        file_id = d.pop("file_id", UNSET)

        reference = cls(
            role=role,
            image_url=image_url,
            file_id=file_id,
        )

        return reference
