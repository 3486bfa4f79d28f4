from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import take

T = TypeVar("T", bound="Model")


@_attrs_define
class Model:
    """A model, and what a create can ask of it. `sizes`, `seconds` and `parameters` are recommended."""

    id: str
    """The name of the model, as a create gives it."""

    object_: Literal["model"]
    """The type of this object, always `model`."""

    is_default: bool
    """Whether a create without a model gets this one. One model of a list at most is the default."""

    sizes: list[str] | None = None
    """The sizes that the model makes; null if they are not a list."""

    seconds: list[str] | None = None
    """The durations that the model makes, as decimal strings; null if they are not a list."""

    parameters: list[str] | None = None
    """The fields of a create that the model takes beside `prompt`, `model`, `seconds` and `size`; null if unknown. A
    server MAY refuse another field of an extension with 400 or 422, though it offers the extension."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        object_ = self.object_

        is_default = self.is_default

        sizes: list[str] | None

        if isinstance(self.sizes, list):
            sizes = self.sizes

        else:
            sizes = self.sizes

        seconds: list[str] | None

        if isinstance(self.seconds, list):
            seconds = self.seconds

        else:
            seconds = self.seconds

        parameters: list[str] | None

        if isinstance(self.parameters, list):
            parameters = self.parameters

        else:
            parameters = self.parameters

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "object": object_,
                "is_default": is_default,
            }
        )
        if sizes is not None:
            field_dict["sizes"] = sizes
        if seconds is not None:
            field_dict["seconds"] = seconds
        if parameters is not None:
            field_dict["parameters"] = parameters

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        id = take(d, "id", (str,), "Model")

        object_ = cast(Literal["model"], d.pop("object", "model"))

        is_default = take(d, "is_default", (bool,), "Model")

        def _parse_sizes(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                sizes_type_0 = cast(list[str], data)

                return sizes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        sizes = _parse_sizes(d.pop("sizes", None))

        def _parse_seconds(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                seconds_type_0 = cast(list[str], data)

                return seconds_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        seconds = _parse_seconds(d.pop("seconds", None))

        def _parse_parameters(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                parameters_type_0 = cast(list[str], data)

                return parameters_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        parameters = _parse_parameters(d.pop("parameters", None))

        model = cls(
            id=id,
            object_=object_,
            is_default=is_default,
            sizes=sizes,
            seconds=seconds,
            parameters=parameters,
        )

        model.additional_properties = d
        return model

    @property
    def object(self) -> Literal["model"]:
        """The type of this object, always `model`."""
        return self.object_

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
