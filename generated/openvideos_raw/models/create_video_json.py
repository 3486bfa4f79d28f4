from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.video_model import VideoModel
from ..types import UNSET, ApiObject, Unset, given, take

if TYPE_CHECKING:
    from ..models.image_reference import ImageReference
    from ..models.reference import Reference


@_attrs_define
class CreateVideoJson(ApiObject):
    """What to generate, as JSON. A reference image is an object that tells where it is. A create as application/json MUST
    return the same as an equal create in a form, if the server accepts JSON. A JSON create whose fields have wrong
    types MUST be refused with 400 or 422.

    """

    prompt: str
    """The text from which the model makes the video, from 1 to 32,000 characters. A prompt of the longest length that
    the contract allows MUST be accepted; it is counted in characters, not in bytes."""

    model: VideoModel | Unset = UNSET
    """The model that makes the video. Any name is legal, such as `sora-2` or `sora-2-pro`. Absent: the server's own,
    which the response names."""

    seconds: str | Unset = UNSET
    """The duration of the clip in whole seconds, as a decimal string. Absent: the server's own, which the response
    names. A create whose seconds do not match the contract's pattern MUST be refused with 400 or 422."""

    size: str | Unset = UNSET
    """The size of the picture, width x height in pixels, such as `1280x720`. Absent: the server's own, which the
    response names. A create whose size does not match the contract's pattern MUST be refused with 400 or 422."""

    seed: int | Unset = UNSET
    """The seed of the noise, of the extension `sampling`. Two creates that are equal, with one seed, SHOULD make the
    same picture."""

    negative_prompt: str | Unset = UNSET
    """What the video shall not show, from 1 to 32,000 characters; of the extension `sampling`."""

    fps: int | Unset = UNSET
    """The frames per second of the clip, of the extension `sampling`. The MP4 MUST have the frames per second of the
    job."""

    num_frames: int | Unset = UNSET
    """The number of frames of the clip, in place of `seconds`; of the extension `sampling`. The MP4 MUST have as many
    frames as the job."""

    input_reference: ImageReference | Unset = UNSET
    """Where a reference image is, told by exactly one of its two keys. An image reference that does not have exactly
    one of image_url and file_id MUST be refused with 400 or 422."""

    references: list[Reference] | Unset = UNSET
    """Several images with a role each, in place of `input_reference`; of the extension `references`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "prompt": "prompt",
        "model": "model",
        "seconds": "seconds",
        "size": "size",
        "seed": "seed",
        "negative_prompt": "negative_prompt",
        "fps": "fps",
        "num_frames": "num_frames",
        "input_reference": "input_reference",
        "references": "references",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"prompt"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        from ..models.image_reference import ImageReference
        from ..models.reference import Reference

        d = dict(src_dict)
        prompt = take(d, "prompt", (str,), "CreateVideoJson")
        model = given(d, "model", (str,), UNSET)
        seconds = given(d, "seconds", (str,), UNSET)
        size = given(d, "size", (str,), UNSET)
        seed = given(d, "seed", (int, float), UNSET)
        negative_prompt = given(d, "negative_prompt", (str,), UNSET)
        fps = given(d, "fps", (int, float), UNSET)
        num_frames = given(d, "num_frames", (int, float), UNSET)
        input_reference = given(d, "input_reference", (ImageReference,), UNSET)
        references = given(d, "references", ([Reference],), UNSET)
        create_video_json = cls(
            prompt=prompt,
            model=model,
            seconds=seconds,
            size=size,
            seed=seed,
            negative_prompt=negative_prompt,
            fps=fps,
            num_frames=num_frames,
            input_reference=input_reference,
            references=references,
        )
        create_video_json.additional_properties = d
        create_video_json._sent = tuple(src_dict)
        return create_video_json
