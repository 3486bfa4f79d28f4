from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define

from ..models.reference_role import ReferenceRole
from ..types import UNSET, ApiObject, Unset, given, refuse, take


@_attrs_define
class Reference(ApiObject):
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

    _KEYS: ClassVar[dict[str, str]] = {
        "role": "role",
        "image_url": "image_url",
        "file_id": "file_id",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"role"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        role = d.pop("role", None)
        if type(role) is not str:
            role = take(src_dict, "role", (str,), "Reference")

        image_url = d.pop("image_url", UNSET)
        if image_url is not UNSET and type(image_url) is not str:
            image_url = given(d, "image_url", image_url, (str,), UNSET)

        file_id = d.pop("file_id", UNSET)
        if file_id is not UNSET and type(file_id) is not str:
            file_id = given(d, "file_id", file_id, (str,), UNSET)

        reference = cls(
            role,
            image_url,
            file_id,
        )
        refuse(d, "Reference")
        reference._sent = tuple(src_dict)
        return reference
