from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, take

if TYPE_CHECKING:
    from ..models.error_detail import ErrorDetail


@_attrs_define
class ErrorResponse(ApiObject):
    """The error envelope. Every response with a status of 400 or above MUST have the error envelope as its JSON body. (An
    answer to HEAD has no body.)

    """

    error: ErrorDetail
    """What is wrong with a request, and where."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "error": "error",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"error"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        from ..models.error_detail import ErrorDetail

        error = take(src_dict, "error", (ErrorDetail,), "ErrorResponse")
        del d["error"]

        error_response = cls(
            error,
        )
        error_response.additional_properties = d
        error_response._sent = tuple(src_dict)
        return error_response
