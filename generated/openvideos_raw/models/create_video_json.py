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
        d = dict(src_dict)
        prompt = d.pop("prompt", None)
        if type(prompt) is not str:
            prompt = take(src_dict, "prompt", (str,), "CreateVideoJson")

        model = d.pop("model", UNSET)
        if model is not UNSET and type(model) is not str:
            model = given(d, "model", model, (str,), UNSET)

        seconds = d.pop("seconds", UNSET)
        if seconds is not UNSET and type(seconds) is not str:
            seconds = given(d, "seconds", seconds, (str,), UNSET)

        size = d.pop("size", UNSET)
        if size is not UNSET and type(size) is not str:
            size = given(d, "size", size, (str,), UNSET)

        seed = d.pop("seed", UNSET)
        if seed is not UNSET and type(seed) is not int:
            seed = given(d, "seed", seed, (int, float), UNSET)

        negative_prompt = d.pop("negative_prompt", UNSET)
        if negative_prompt is not UNSET and type(negative_prompt) is not str:
            negative_prompt = given(d, "negative_prompt", negative_prompt, (str,), UNSET)

        fps = d.pop("fps", UNSET)
        if fps is not UNSET and type(fps) is not int:
            fps = given(d, "fps", fps, (int, float), UNSET)

        num_frames = d.pop("num_frames", UNSET)
        if num_frames is not UNSET and type(num_frames) is not int:
            num_frames = given(d, "num_frames", num_frames, (int, float), UNSET)

        input_reference = d.pop("input_reference", UNSET)
        if input_reference is not UNSET:
            from ..models.image_reference import ImageReference

            input_reference = given(d, "input_reference", input_reference, (ImageReference,), UNSET)

        references = d.pop("references", UNSET)
        if references is not UNSET:
            from ..models.reference import Reference

            references = given(d, "references", references, ([Reference],), UNSET)

        create_video_json = cls(
            prompt,
            model,
            seconds,
            size,
            seed,
            negative_prompt,
            fps,
            num_frames,
            input_reference,
            references,
        )
        create_video_json.additional_properties = d
        create_video_json._sent = tuple(src_dict)
        return create_video_json
