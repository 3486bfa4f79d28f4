"""Contains some shared types for properties"""

import json
from collections.abc import Mapping, MutableMapping
from pathlib import PurePath
from typing import IO, Any, BinaryIO, Generic, Literal, TypeVar
from urllib.parse import quote

from attrs import define

from .errors import MalformedModel


class Unset:
    """The type of UNSET. Its one instance stays that when it is copied or pickled."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Unset = Unset()

# The types that `httpx.Client(files=)` can accept, copied from that library.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes)), without a file name for a plain field
    tuple[str | None, FileContent]
    # (filename, file (or bytes), content_type)
    | tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """Contains information for file uploads"""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return a tuple representation that httpx will accept for multipart/form-data"""
        name = self.file_name or PurePath(str(getattr(self.payload, "name", ""))).name or "upload"
        return name, self.payload, self.mime_type


T = TypeVar("T")


@define
class Response(Generic[T]):
    """A response from an endpoint"""

    status_code: int
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T | None


def take(source: dict[str, Any], key: str, kinds: tuple[type, ...], model: str) -> Any:
    """Remove a required key from a JSON object and return its value.

    Raises MalformedModel, naming the model and the key, when the key is missing or its value is of no kind in `kinds`.
    """
    try:
        value = source.pop(key)
    except KeyError:
        raise MalformedModel(model, key, "is missing") from None
    if not isinstance(value, kinds):
        raise MalformedModel(model, key, f"is of the type {type(value).__name__}, not {kinds[0].__name__}")
    return value


def given(source: dict[str, Any], key: str) -> Any:
    """Remove an optional key from a JSON object and return its value: UNSET when it is missing, or null all the same."""
    value = source.pop(key, UNSET)
    return UNSET if value is None else value


def path_segment(value: str, name: str) -> str:
    """Return a value escaped as one segment of a path. Raises ValueError, naming it, for one that cannot be an id."""
    if not isinstance(value, str) or value in ("", ".", ".."):
        raise ValueError(f"{name} is {value!r}, which would lead to another path; give an id that the server sent")
    return quote(value, safe="")


def form_text(value: Any) -> bytes:
    """Return a value as the text of a form field: a string as it is, anything else as JSON."""
    return (value if isinstance(value, str) else json.dumps(value)).encode()


__all__ = [
    "UNSET",
    "File",
    "FileTypes",
    "RequestFiles",
    "Response",
    "Unset",
    "form_text",
    "given",
    "path_segment",
    "take",
]
