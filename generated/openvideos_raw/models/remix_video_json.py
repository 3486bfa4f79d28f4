from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, take


@_attrs_define
class RemixVideoJson(ApiObject):
    """The new prompt of a remix. A remix whose prompt is missing, empty, too long or not a text MUST be refused with 400
    or 422.

    """

    prompt: str
    """The text from which the model makes the video, from 1 to 32,000 characters. A prompt of the longest length that
    the contract allows MUST be accepted; it is counted in characters, not in bytes."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "prompt": "prompt",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"prompt"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        prompt = d.pop("prompt", None)
        if type(prompt) is not str:
            prompt = take(src_dict, "prompt", (str,), "RemixVideoJson")

        remix_video_json = cls(
            prompt,
        )
        remix_video_json.additional_properties = d
        remix_video_json._sent = tuple(src_dict)
        return remix_video_json
