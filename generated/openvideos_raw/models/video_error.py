from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, take


@_attrs_define
class VideoError(ApiObject):
    """Why a job failed."""

    code: str
    """A machine-readable code, such as `content_policy_violation`."""

    message: str
    """A sentence for people."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "code": "code",
        "message": "message",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"code", "message"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        code = d.pop("code", None)
        if type(code) is not str:
            code = take(src_dict, "code", (str,), "VideoError")

        message = d.pop("message", None)
        if type(message) is not str:
            message = take(src_dict, "message", (str,), "VideoError")

        video_error = cls(
            code,
            message,
        )
        video_error.additional_properties = d
        video_error._sent = tuple(src_dict)
        return video_error
