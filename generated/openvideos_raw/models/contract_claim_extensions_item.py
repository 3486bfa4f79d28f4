from typing import Literal

ContractClaimExtensionsItemValue = Literal["idempotency", "references", "sampling"]
"""The values that the contract knows."""

ContractClaimExtensionsItem = ContractClaimExtensionsItemValue | str
"""The values that the contract knows, or another that a server sends."""

CONTRACT_CLAIM_EXTENSIONS_ITEM_VALUES: frozenset[str] = frozenset(
    {
        "idempotency",
        "references",
        "sampling",
    }
)


def check_contract_claim_extensions_item(value: object) -> ContractClaimExtensionsItem:
    """Return the value as it is, known or not. Raises TypeError if it is not of the type str."""
    if isinstance(value, str):
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected a value such as one of {CONTRACT_CLAIM_EXTENSIONS_ITEM_VALUES!r}"
    )
