"""Compare what a client gives with what the server sent: every value, known and unknown, however it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import has

from openvideos import DownloadError, HttpxBinaryResponseContent, PaginationError
from openvideos_raw.types import UNSET

from .contract import branches
from .merging import Schema


def assert_same(found: Any, sent: Any, schema: Schema) -> None:
    """Raise AssertionError unless an object has what was sent, as attributes, as items, and in `to_dict`."""
    if isinstance(sent, bytes):
        content = found.content if isinstance(found, HttpxBinaryResponseContent) else found
        assert sent == content
        return
    _compare(found, sent, schema, "the answer")
    if hasattr(found, "to_dict"):
        _compare(found.to_dict(), sent, schema, "to_dict")


def _compare(found: Any, sent: Any, schema: Schema, where: str) -> None:
    if isinstance(sent, dict) and has(type(found)):
        _compare_object(found, sent, schema, where)
    elif isinstance(sent, dict) and isinstance(found, Mapping):
        properties = schema.get("properties", {})
        for name, value in sent.items():
            if value is None and name in properties and name not in found:
                continue  # `to_dict` leaves out what is known and null
            assert name in found, f"{where} has no {name!r}"
            _compare(found[name], value, _inner(properties.get(name, {})), f"{where}[{name!r}]")
        for name in found.keys() - sent.keys():
            assert "const" in properties[name], f"{where} has {name!r}, which was not sent"
    elif isinstance(sent, list) and isinstance(found, list):
        assert len(sent) == len(found), where
        for index, (one, other) in enumerate(zip(found, sent, strict=True)):
            _compare(one, other, schema.get("items", {}), f"{where}[{index}]")
    else:
        assert type(sent) is type(found), f"{where} is {found!r}, and {sent!r} was sent"
        assert sent == found, where


def _compare_object(found: Any, sent: dict[str, Any], schema: Schema, where: str) -> None:
    properties = _inner(schema).get("properties", {})
    for name, value in sent.items():
        if name not in properties:
            assert name in found.additional_properties, f"{where} has no {name!r}"
            _compare(found[name], value, {}, f"{where}[{name!r}]")
            continue
        attribute = getattr(found, name)
        if value is None and ("const" in properties[name] or attribute is UNSET):
            continue  # an optional constant, list or object that is null is as good as absent
        _compare(attribute, value, _inner(properties[name]), f"{where}.{name}")
    known = {name for name in found.additional_properties if name not in sent}
    assert not known, f"{where} has {known}, which were not sent"


def _inner(schema: Schema) -> Schema:
    """Return the branch of a schema that describes objects, or the schema itself."""
    return next((branch for branch in branches(schema) if "properties" in branch), schema)


def assert_same_headers(found: Mapping[str, str], sent: dict[str, str], content: bytes) -> None:
    """Raise AssertionError unless headers are those that were sent."""
    for name, value in sent.items():
        assert value == found[name], name
    assert found.get("content-length", "0") == str(len(content))


def ending_problem(sent: Any) -> type[Exception] | None:
    """Return what reading a page raises that has no way to the next, though it says that there is one."""
    if not isinstance(sent, dict) or not sent.get("has_more"):
        return None
    last = sent["data"][-1]["id"] if sent["data"] else None
    return None if sent["last_id"] or last else PaginationError


def file_problem(variant: str, media_type: str, sent: Any) -> type[Exception] | None:
    """Return what a download raises whose body cannot be the file: one of another kind of media, or an empty one."""
    if not isinstance(sent, bytes):
        return None
    kinds = {"video": {"video"}, "thumbnail": {"image"}, "spritesheet": {"image"}}.get(variant, {"video", "image"})
    is_file = media_type == "multipart/byteranges" or media_type.partition("/")[0] in kinds
    return None if sent and is_file else DownloadError
