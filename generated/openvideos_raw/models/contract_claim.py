from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.contract_claim_extensions_item import ContractClaimExtensionsItem, check_contract_claim_extensions_item
from ..models.contract_claim_profiles_item import ContractClaimProfilesItem, check_contract_claim_profiles_item
from ..types import take

T = TypeVar("T", bound="ContractClaim")


@_attrs_define
class ContractClaim:
    """What of this contract the server keeps."""

    revision: str
    """The revision of the contract, its `info.version`."""

    profiles: list[ContractClaimProfilesItem]
    """The profiles that the server offers, such as `core`; `x-profiles` says what is in each."""

    extensions: list[ContractClaimExtensionsItem]
    """What the server offers beyond its profiles: an extension, such as `sampling`, or a capability of a larger
    profile, such as `idempotency`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        revision = self.revision

        profiles = []
        for profiles_item_data in self.profiles:
            profiles_item: str = profiles_item_data
            profiles.append(profiles_item)

        extensions = []
        for extensions_item_data in self.extensions:
            extensions_item: str = extensions_item_data
            extensions.append(extensions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "revision": revision,
                "profiles": profiles,
                "extensions": extensions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        revision = take(d, "revision", (str,), "ContractClaim")

        profiles = []
        _profiles = take(d, "profiles", (list,), "ContractClaim")
        for profiles_item_data in _profiles:
            profiles_item = check_contract_claim_profiles_item(profiles_item_data)

            profiles.append(profiles_item)

        extensions = []
        _extensions = take(d, "extensions", (list,), "ContractClaim")
        for extensions_item_data in _extensions:
            extensions_item = check_contract_claim_extensions_item(extensions_item_data)

            extensions.append(extensions_item)

        contract_claim = cls(
            revision=revision,
            profiles=profiles,
            extensions=extensions,
        )

        contract_claim.additional_properties = d
        return contract_claim

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
