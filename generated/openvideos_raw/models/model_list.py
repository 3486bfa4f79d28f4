from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import take

if TYPE_CHECKING:
    from ..models.contract_claim import ContractClaim
    from ..models.model import Model


T = TypeVar("T", bound="ModelList")


@_attrs_define
class ModelList:
    """What the server offers."""

    object_: Literal["list"]
    """The type of this object, always `list`."""

    contract: ContractClaim
    """What of this contract the server keeps."""

    data: list[Model]
    """Models that a create can name; there may be others."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        object_ = self.object_

        contract = self.contract.to_dict()

        data = []
        for data_item_data in self.data:
            data_item = data_item_data.to_dict()
            data.append(data_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "object": object_,
                "contract": contract,
                "data": data,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.contract_claim import ContractClaim
        from ..models.model import Model

        d = dict(src_dict)
        object_ = cast(Literal["list"], d.pop("object", "list"))

        contract = ContractClaim.from_dict(take(d, "contract", (dict,), "ModelList"))

        data = []
        _data = take(d, "data", (list,), "ModelList")
        for data_item_data in _data:
            data_item = Model.from_dict(data_item_data)

            data.append(data_item)

        model_list = cls(
            object_=object_,
            contract=contract,
            data=data,
        )

        model_list.additional_properties = d
        return model_list

    @property
    def object(self) -> Literal["list"]:
        """The type of this object, always `list`."""
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
