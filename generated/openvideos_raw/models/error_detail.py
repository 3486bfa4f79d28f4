from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import take

T = TypeVar("T", bound="ErrorDetail")


@_attrs_define
class ErrorDetail:
    """What is wrong with a request, and where."""

    message: str
    """A sentence for people, with the way out if there is one. An error MUST NOT contain the API key or a stack trace
    of the server."""

    type_: str
    """The kind of error, such as `invalid_request_error`."""

    param: None | str
    """The parameter or field that is wrong; null if it is none in particular. The param of a validation error SHOULD
    name the field that is wrong. The param of a validation error MUST NOT name a field that is right."""

    code: None | str
    """A machine-readable code, such as `video_not_ready`; null if there is none. The contract's codes are under
    `x-error-codes`, with the statuses that they come with and whether the same request can succeed later. A server
    MAY have others."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    _request_id: str | None = _attrs_field(init=False, default=None, eq=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        message = self.message

        type_ = self.type_

        param: None | str

        param = self.param

        code: None | str

        code = self.code

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "message": message,
                "type": type_,
                "param": param,
                "code": code,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        message = take(d, "message", (str,), "ErrorDetail")

        type_ = take(d, "type", (str,), "ErrorDetail")

        param = d.pop("param", None)

        code = d.pop("code", None)

        error_detail = cls(
            message=message,
            type_=type_,
            param=param,
            code=code,
        )

        error_detail.additional_properties = d
        return error_detail

    @property
    def type(self) -> str:
        """The kind of error, such as `invalid_request_error`."""
        return self.type_

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
