from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.video_model import VideoModel, check_video_model
from ..types import UNSET, Unset, given, take

if TYPE_CHECKING:
    from ..models.image_reference import ImageReference
    from ..models.reference import Reference


T = TypeVar("T", bound="CreateVideoJson")


@_attrs_define
class CreateVideoJson:
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
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        prompt = self.prompt

        model: str | Unset = UNSET
        if not isinstance(self.model, Unset):
            model = self.model

        seconds = self.seconds

        size = self.size

        seed = self.seed

        negative_prompt = self.negative_prompt

        fps = self.fps

        num_frames = self.num_frames

        input_reference: dict[str, Any] | Unset = UNSET
        if not isinstance(self.input_reference, Unset):
            input_reference = self.input_reference.to_dict()

        references: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.references, Unset):
            references = []
            for references_item_data in self.references:
                references_item = references_item_data.to_dict()
                references.append(references_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "prompt": prompt,
            }
        )
        if model is not UNSET:
            field_dict["model"] = model
        if seconds is not UNSET:
            field_dict["seconds"] = seconds
        if size is not UNSET:
            field_dict["size"] = size
        if seed is not UNSET:
            field_dict["seed"] = seed
        if negative_prompt is not UNSET:
            field_dict["negative_prompt"] = negative_prompt
        if fps is not UNSET:
            field_dict["fps"] = fps
        if num_frames is not UNSET:
            field_dict["num_frames"] = num_frames
        if input_reference is not UNSET:
            field_dict["input_reference"] = input_reference
        if references is not UNSET:
            field_dict["references"] = references

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.image_reference import ImageReference
        from ..models.reference import Reference

        d = dict(src_dict)
        prompt = take(d, "prompt", (str,), "CreateVideoJson")

        _model = d.pop("model", UNSET)
        model: VideoModel | Unset
        if isinstance(_model, Unset):
            model = UNSET
        else:
            model = check_video_model(_model)

        seconds = d.pop("seconds", UNSET)

        size = d.pop("size", UNSET)

        seed = d.pop("seed", UNSET)

        negative_prompt = d.pop("negative_prompt", UNSET)

        fps = d.pop("fps", UNSET)

        num_frames = d.pop("num_frames", UNSET)

        _input_reference = given(d, "input_reference")
        input_reference: ImageReference | Unset
        if isinstance(_input_reference, Unset):
            input_reference = UNSET
        else:
            input_reference = ImageReference.from_dict(_input_reference)

        _references = given(d, "references")
        references: list[Reference] | Unset = UNSET
        if _references is not UNSET:
            references = []
            for references_item_data in _references:
                references_item = Reference.from_dict(references_item_data)

                references.append(references_item)

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
        return create_video_json

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
