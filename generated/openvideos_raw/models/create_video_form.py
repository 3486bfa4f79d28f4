from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.video_model import VideoModel
from ..types import UNSET, ApiObject, File, RequestFiles, Unset, given, take


@_attrs_define
class CreateVideoForm(ApiObject):
    """What to generate, as a form. A reference image is a file in it, or is named by one of two texts. A form has one
    reference image at most, but for those of the extension `references`. A create without a prompt MUST be refused with
    400 or 422. A create whose prompt is empty MUST be refused with 400 or 422. A create whose prompt is longer than the
    contract allows SHOULD be refused with 400, 413 or 422; it MUST NOT be cut.

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

    input_reference: File | Unset = UNSET
    """An image file (JPEG, PNG or WebP) that the video starts from. A create with an image file as input_reference
    MUST be accepted, if the server takes images. An input_reference that is not an image MUST be refused with 400,
    415 or 422, or make its job fail with an error."""

    input_referenceimage_url: str | Unset = UNSET
    """The URL of an image, http, https or a base64 data URL. Where it cannot be fetched, the create is refused or the
    job fails."""

    input_referencefile_id: str | Unset = UNSET
    """The id of a file that the server has already; how it got there is up to the server."""

    referencesfirst_frame: File | Unset = UNSET
    """An image file (JPEG, PNG or WebP) that shows the first frame of the video; of the extension `references`."""

    referenceslast_frame: File | Unset = UNSET
    """An image file (JPEG, PNG or WebP) that shows the last frame of the video; of the extension `references`."""

    referencesreference: File | Unset = UNSET
    """An image file (JPEG, PNG or WebP) that shows what the video is about, such as a person or a style; of the
    extension `references`."""

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
        "input_referenceimage_url": "input_reference[image_url]",
        "input_referencefile_id": "input_reference[file_id]",
        "referencesfirst_frame": "references[first_frame]",
        "referenceslast_frame": "references[last_frame]",
        "referencesreference": "references[reference]",
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
            prompt = take(src_dict, "prompt", (str,), "CreateVideoForm")

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
        if input_reference is not UNSET and type(input_reference) is not File:
            input_reference = given(d, "input_reference", input_reference, (File,), UNSET)

        input_referenceimage_url = d.pop("input_reference[image_url]", UNSET)
        if input_referenceimage_url is not UNSET and type(input_referenceimage_url) is not str:
            input_referenceimage_url = given(d, "input_reference[image_url]", input_referenceimage_url, (str,), UNSET)

        input_referencefile_id = d.pop("input_reference[file_id]", UNSET)
        if input_referencefile_id is not UNSET and type(input_referencefile_id) is not str:
            input_referencefile_id = given(d, "input_reference[file_id]", input_referencefile_id, (str,), UNSET)

        referencesfirst_frame = d.pop("references[first_frame]", UNSET)
        if referencesfirst_frame is not UNSET and type(referencesfirst_frame) is not File:
            referencesfirst_frame = given(d, "references[first_frame]", referencesfirst_frame, (File,), UNSET)

        referenceslast_frame = d.pop("references[last_frame]", UNSET)
        if referenceslast_frame is not UNSET and type(referenceslast_frame) is not File:
            referenceslast_frame = given(d, "references[last_frame]", referenceslast_frame, (File,), UNSET)

        referencesreference = d.pop("references[reference]", UNSET)
        if referencesreference is not UNSET and type(referencesreference) is not File:
            referencesreference = given(d, "references[reference]", referencesreference, (File,), UNSET)

        create_video_form = cls(
            prompt,
            model,
            seconds,
            size,
            seed,
            negative_prompt,
            fps,
            num_frames,
            input_reference,
            input_referenceimage_url,
            input_referencefile_id,
            referencesfirst_frame,
            referenceslast_frame,
            referencesreference,
        )
        create_video_form.additional_properties = d
        create_video_form._sent = tuple(src_dict)
        return create_video_form
