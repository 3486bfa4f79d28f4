from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, take

if TYPE_CHECKING:
    from ..models.contract_claim import ContractClaim
    from ..models.model import Model


@_attrs_define
class ModelList(ApiObject):
    """What the server offers."""

    object_: Literal["list"]
    """The type of this object, always `list`."""

    contract: ContractClaim
    """What of this contract the server keeps."""

    data: list[Model]
    """Models that a create can name; there may be others."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "object_": "object",
        "contract": "contract",
        "data": "data",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"object", "contract", "data"})
    _CONSTANTS: ClassVar[frozenset[str]] = frozenset({"object"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        object_: Literal["list"] = d.pop("object", "list")

        from ..models.contract_claim import ContractClaim

        contract = take(src_dict, "contract", (ContractClaim,), "ModelList")
        del d["contract"]

        from ..models.model import Model

        data = take(src_dict, "data", ([Model],), "ModelList")
        del d["data"]

        model_list = cls(
            object_,
            contract,
            data,
        )
        model_list.additional_properties = d
        model_list._sent = tuple(src_dict)
        return model_list

    @property
    def object(self) -> Literal["list"]:
        """The type of this object, always `list`."""
        return self.object_
