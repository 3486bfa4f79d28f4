from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define

from ..types import UNSET, ApiObject, Unset, given, refuse


@_attrs_define
class ImageReference(ApiObject):
    """Where a reference image is, told by exactly one of its two keys. An image reference that does not have exactly one
    of image_url and file_id MUST be refused with 400 or 422.

    """

    image_url: str | Unset = UNSET
    """The URL of an image, http, https or a base64 data URL. Where it cannot be fetched, the create is refused or the
    job fails."""

    file_id: str | Unset = UNSET
    """The id of a file that the server has already; how it got there is up to the server."""

    _KEYS: ClassVar[dict[str, str]] = {
        "image_url": "image_url",
        "file_id": "file_id",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        image_url = d.pop("image_url", UNSET)
        if image_url is not UNSET and type(image_url) is not str:
            image_url = given(d, "image_url", image_url, (str,), UNSET)

        file_id = d.pop("file_id", UNSET)
        if file_id is not UNSET and type(file_id) is not str:
            file_id = given(d, "file_id", file_id, (str,), UNSET)

        image_reference = cls(
            image_url,
            file_id,
        )
        refuse(d, "ImageReference")
        image_reference._sent = tuple(src_dict)
        return image_reference
