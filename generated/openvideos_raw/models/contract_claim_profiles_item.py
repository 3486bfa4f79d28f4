from typing import Literal

ContractClaimProfilesItemValue = Literal["core", "full", "standard"]
"""The values that the contract knows."""

ContractClaimProfilesItem = ContractClaimProfilesItemValue | str
"""The values that the contract knows, or another that a server sends."""

CONTRACT_CLAIM_PROFILES_ITEM_VALUES: frozenset[str] = frozenset(
    {
        "core",
        "full",
        "standard",
    }
)


def check_contract_claim_profiles_item(value: object) -> ContractClaimProfilesItem:
    """Return the value as it is, known or not. Raises TypeError if it is not of the type str."""
    if isinstance(value, str):
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected a value such as one of {CONTRACT_CLAIM_PROFILES_ITEM_VALUES!r}"
    )
