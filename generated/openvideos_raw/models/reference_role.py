from typing import Literal

ReferenceRoleValue = Literal["first_frame", "last_frame", "reference"]
"""The values that the contract knows."""

ReferenceRole = ReferenceRoleValue | str
"""The values that the contract knows, or another that a server sends."""

REFERENCE_ROLE_VALUES: frozenset[str] = frozenset(
    {
        "first_frame",
        "last_frame",
        "reference",
    }
)


def check_reference_role(value: object) -> ReferenceRole:
    """Return the value as it is, known or not. Raises TypeError if it is not of the type str."""
    if isinstance(value, str):
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected a value such as one of {REFERENCE_ROLE_VALUES!r}")
