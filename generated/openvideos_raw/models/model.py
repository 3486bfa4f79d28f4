from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, given, take


@_attrs_define
class Model(ApiObject):
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

    _KEYS: ClassVar[dict[str, str]] = {
        "id": "id",
        "object_": "object",
        "is_default": "is_default",
        "sizes": "sizes",
        "seconds": "seconds",
        "parameters": "parameters",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"id", "object", "is_default"})
    _CONSTANTS: ClassVar[frozenset[str]] = frozenset({"object"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        id = d.pop("id", None)
        if type(id) is not str:
            id = take(src_dict, "id", (str,), "Model")

        object_: Literal["model"] = d.pop("object", "model")

        is_default = d.pop("is_default", None)
        if type(is_default) is not bool:
            is_default = take(src_dict, "is_default", (bool,), "Model")

        sizes = d.pop("sizes", None)
        if sizes is not None:
            sizes = given(d, "sizes", sizes, ([str],), None)

        seconds = d.pop("seconds", None)
        if seconds is not None:
            seconds = given(d, "seconds", seconds, ([str],), None)

        parameters = d.pop("parameters", None)
        if parameters is not None:
            parameters = given(d, "parameters", parameters, ([str],), None)

        model = cls(
            id,
            object_,
            is_default,
            sizes,
            seconds,
            parameters,
        )
        model.additional_properties = d
        model._sent = tuple(src_dict)
        return model

    @property
    def object(self) -> Literal["model"]:
        """The type of this object, always `model`."""
        return self.object_
