from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.known_video_model import KnownVideoModel, check_known_video_model
from ..types import UNSET, Unset, given, take

if TYPE_CHECKING:
    from ..models.image_reference import ImageReference


T = TypeVar("T", bound="CreateVideoJson")


@_attrs_define
class CreateVideoJson:
    """What to generate, as JSON. A reference image is an object that tells where it is."""

    prompt: str
    """The text from which the model makes the video, from 1 to 32,000 characters."""

    model: KnownVideoModel | str | Unset = UNSET
    """The model that makes the video. Any name is legal; a server refuses one that it does not offer (400)."""

    seconds: str | Unset = UNSET
    """The duration of the clip in whole seconds, as a decimal string."""

    size: str | Unset = UNSET
    """The size of the picture, width x height in pixels, such as `1280x720`."""

    input_reference: ImageReference | Unset = UNSET
    """Where a reference image is, told by exactly one of its two keys."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        prompt = self.prompt

        model: str | Unset

        if isinstance(self.model, Unset):
            model = UNSET
        elif isinstance(self.model, str):
            model = self.model
        else:
            model = self.model

        seconds = self.seconds

        size = self.size

        input_reference: dict[str, Any] | Unset = UNSET
        if not isinstance(self.input_reference, Unset):
            input_reference = self.input_reference.to_dict()

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
        if input_reference is not UNSET:
            field_dict["input_reference"] = input_reference

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.image_reference import ImageReference

        d = dict(src_dict)
        prompt = take(d, "prompt", (str,), "CreateVideoJson")

        def _parse_model(data: object) -> KnownVideoModel | str | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                componentsschemas_video_model_type_1 = check_known_video_model(data)

                return componentsschemas_video_model_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(KnownVideoModel | str | Unset, data)

        model = _parse_model(d.pop("model", UNSET))

        seconds = d.pop("seconds", UNSET)

        size = d.pop("size", UNSET)

        _input_reference = given(d, "input_reference")
        input_reference: ImageReference | Unset
        if isinstance(_input_reference, Unset):
            input_reference = UNSET
        else:
            input_reference = ImageReference.from_dict(_input_reference)

        create_video_json = cls(
            prompt=prompt,
            model=model,
            seconds=seconds,
            size=size,
            input_reference=input_reference,
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
