from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, ApiObject, File, RequestFiles, Unset, given, take


@_attrs_define
class EditVideoForm(ApiObject):
    """An edit of a video file, or of a completed video that `video[id]` names."""

    prompt: str
    """What to change, from 1 to 32,000 characters."""

    video: File | Unset = UNSET
    """The video file (MP4) to edit."""

    videoid: str | Unset = UNSET
    """The id of a completed video."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "prompt": "prompt",
        "video": "video",
        "videoid": "video[id]",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"prompt"})

    def to_multipart(self) -> RequestFiles:
        """Return the parts of the form."""
        return self._parts()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        prompt = d.pop("prompt", None)
        if type(prompt) is not str:
            prompt = take(src_dict, "prompt", (str,), "EditVideoForm")

        video = d.pop("video", UNSET)
        if video is not UNSET and type(video) is not File:
            video = given(d, "video", video, (File,), UNSET)

        videoid = d.pop("video[id]", UNSET)
        if videoid is not UNSET and type(videoid) is not str:
            videoid = given(d, "video[id]", videoid, (str,), UNSET)

        edit_video_form = cls(
            prompt,
            video,
            videoid,
        )
        edit_video_form.additional_properties = d
        edit_video_form._sent = tuple(src_dict)
        return edit_video_form
