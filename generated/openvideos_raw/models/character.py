from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, ApiObject, Unset, take


@_attrs_define
class Character(ApiObject):
    """A character that prompts can feature. `object` is recommended."""

    id: str
    """The id of the character."""

    created_at: int
    """When the character was created, in Unix seconds."""

    name: str
    """The character's name."""

    object_: Literal["character"] | Unset = UNSET
    """The type of this object, always `character`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "id": "id",
        "created_at": "created_at",
        "name": "name",
        "object_": "object",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"id", "created_at", "name"})
    _CONSTANTS: ClassVar[frozenset[str]] = frozenset({"object"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        id = d.pop("id", None)
        if type(id) is not str:
            id = take(src_dict, "id", (str,), "Character")

        created_at = d.pop("created_at", None)
        if type(created_at) is not int:
            created_at = take(src_dict, "created_at", (int, float), "Character")

        name = d.pop("name", None)
        if type(name) is not str:
            name = take(src_dict, "name", (str,), "Character")

        object_: Literal["character"] | Unset = d.pop("object", "character")

        character = cls(
            id,
            created_at,
            name,
            object_,
        )
        character.additional_properties = d
        character._sent = tuple(src_dict)
        return character

    @property
    def object(self) -> Literal["character"] | Unset:
        """The type of this object, always `character`."""
        return self.object_
