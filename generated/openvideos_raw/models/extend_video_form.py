from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, ApiObject, File, RequestFiles, Unset, given, take


@_attrs_define
class ExtendVideoForm(ApiObject):
    """An extension of a video file, or of a completed video that `video[id]` names."""

    prompt: str
    """What happens next, from 1 to 32,000 characters."""

    seconds: str
    """The duration to add in whole seconds, as a decimal string."""

    video: File | Unset = UNSET
    """The video file (MP4) to extend."""

    videoid: str | Unset = UNSET
    """The id of a completed video."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "prompt": "prompt",
        "seconds": "seconds",
        "video": "video",
        "videoid": "video[id]",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"prompt", "seconds"})

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
            prompt = take(src_dict, "prompt", (str,), "ExtendVideoForm")

        seconds = d.pop("seconds", None)
        if type(seconds) is not str:
            seconds = take(src_dict, "seconds", (str,), "ExtendVideoForm")

        video = d.pop("video", UNSET)
        if video is not UNSET and type(video) is not File:
            video = given(d, "video", video, (File,), UNSET)

        videoid = d.pop("video[id]", UNSET)
        if videoid is not UNSET and type(videoid) is not str:
            videoid = given(d, "video[id]", videoid, (str,), UNSET)

        extend_video_form = cls(
            prompt,
            seconds,
            video,
            videoid,
        )
        extend_video_form.additional_properties = d
        extend_video_form._sent = tuple(src_dict)
        return extend_video_form
