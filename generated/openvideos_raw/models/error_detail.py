from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import ApiObject, given, take


@_attrs_define
class ErrorDetail(ApiObject):
    """What is wrong with a request, and where."""

    message: str
    """A sentence for people, with the way out if there is one. An error MUST NOT contain the API key or a stack trace
    of the server."""

    type_: str
    """The kind of error, such as `invalid_request_error`."""

    param: None | str
    """The parameter or field that is wrong; null if it is none in particular. The param of a validation error SHOULD
    name the field that is wrong. The param of a validation error MUST NOT name a field that is right. The error of
    a body that is not JSON SHOULD NOT say that a field is missing."""

    code: None | str
    """A machine-readable code, such as `video_not_ready`; null if there is none. The code of an error SHOULD NOT be a
    status of HTTP, which the response has already. The contract's codes are under `x-error-codes`, with the
    statuses that they come with and whether the same request can succeed later. A server MAY have others."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "message": "message",
        "type_": "type",
        "param": "param",
        "code": "code",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"message", "type", "param", "code"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        message = d.pop("message", None)
        if type(message) is not str:
            message = take(src_dict, "message", (str,), "ErrorDetail")

        type_ = d.pop("type", None)
        if type(type_) is not str:
            type_ = take(src_dict, "type", (str,), "ErrorDetail")

        param = d.pop("param", None)
        if param is not None and type(param) is not str:
            param = given(d, "param", param, (str,), None)

        code = d.pop("code", None)
        if code is not None and type(code) is not str:
            code = given(d, "code", code, (str,), None)

        error_detail = cls(
            message,
            type_,
            param,
            code,
        )
        error_detail.additional_properties = d
        error_detail._sent = tuple(src_dict)
        return error_detail

    @property
    def type(self) -> str:
        """The kind of error, such as `invalid_request_error`."""
        return self.type_
