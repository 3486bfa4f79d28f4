from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset, take

T = TypeVar("T", bound="Character")


@_attrs_define
class Character:
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
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        created_at = self.created_at

        name = self.name

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "created_at": created_at,
                "name": name,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        id = take(d, "id", (str,), "Character")

        created_at = take(d, "created_at", (int, float), "Character")

        name = take(d, "name", (str,), "Character")

        object_ = cast(Literal["character"] | Unset, d.pop("object", "character"))

        character = cls(
            id=id,
            created_at=created_at,
            name=name,
            object_=object_,
        )

        character.additional_properties = d
        return character

    @property
    def object(self) -> Literal["character"] | Unset:
        """The type of this object, always `character`."""
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
