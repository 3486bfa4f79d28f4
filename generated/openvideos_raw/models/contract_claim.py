from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.contract_claim_extensions_item import ContractClaimExtensionsItem
from ..models.contract_claim_profiles_item import ContractClaimProfilesItem
from ..types import ApiObject, take


@_attrs_define
class ContractClaim(ApiObject):
    """What of this contract the server keeps."""

    revision: str
    """The revision of the contract, its `info.version`."""

    profiles: list[ContractClaimProfilesItem]
    """The profiles that the server offers, such as `core`; `x-profiles` says what is in each."""

    extensions: list[ContractClaimExtensionsItem]
    """What the server offers beyond its profiles: an extension, such as `sampling`, or a capability of a larger
    profile, such as `idempotency`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "revision": "revision",
        "profiles": "profiles",
        "extensions": "extensions",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"revision", "profiles", "extensions"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        revision = d.pop("revision", None)
        if type(revision) is not str:
            revision = take(src_dict, "revision", (str,), "ContractClaim")

        profiles = take(src_dict, "profiles", ([str],), "ContractClaim")
        del d["profiles"]

        extensions = take(src_dict, "extensions", ([str],), "ContractClaim")
        del d["extensions"]

        contract_claim = cls(
            revision,
            profiles,
            extensions,
        )
        contract_claim.additional_properties = d
        contract_claim._sent = tuple(src_dict)
        return contract_claim
