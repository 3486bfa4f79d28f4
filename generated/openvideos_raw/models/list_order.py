from typing import Literal

ListOrderValue = Literal["asc", "desc"]
"""The values that the contract knows."""

ListOrder = ListOrderValue | str
"""The values that the contract knows, or another that a server sends."""

LIST_ORDER_VALUES: frozenset[str] = frozenset(
    {
        "asc",
        "desc",
    }
)


def check_list_order(value: object) -> ListOrder:
    """Return the value as it is, known or not. Raises TypeError if it is not of the type str."""
    if isinstance(value, str):
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected a value such as one of {LIST_ORDER_VALUES!r}")
