"""Compare the media types of bodies, parameters and headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from ..model import Change, Class, Side, follow, is_object
from ..places import Place
from ..schemas.keywords import UNIONS, is_editorial
from .rest import compare_rest

BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
"""What a media type without a schema holds, if it is no text."""
TEXTUAL = re.compile(r"(text/.*|.*[/+](json|xml|yaml)|.*json.*|.*xml.*|multipart/.*|.*/x-www-form-urlencoded|.*\*)")
"""The media types of which a body without a schema may be anything."""

USUAL = {
    **dict.fromkeys(("string", "number", "integer", "boolean"), "text/plain"),
    "object": "application/json",
    "bytes": "application/octet-stream",
}
"""The media types of the fields of forms, by their types, where none is named."""
ENCODED = frozenset({"contentEncoding", "contentMediaType"})
"""The keywords of a text that is bytes."""


def compare_content(
    old: dict[str, Any], new: dict[str, Any], place: Place, compare_: Callable[[Any, Any, Place], Iterator[Change]]
) -> Iterator[Change]:
    """Yield what differs in the media types of a body. A reader cannot read an unknown one."""
    before, after = ({spelled(name): (name, node) for name, node in some.items()} for some in (old, new))
    for name in dict.fromkeys([*before, *after]):
        left, right = (covering(name, some) for some in (before, after))
        if left and right:
            here = place.between(left[0], right[0])
            yield from compare_media(*here.resolve(left[1], right[1]), name, compare_)
        elif right:
            kind = Class.ADDITIVE if place.side is Side.CALLERS else Class.BREAKING
            yield place.at(right[0]).change(f"the media type {right[0]} is added", kind)
        elif left:
            is_kept = name.endswith("*") and any(name in ranges(other) for other in after)
            kind = Class.ADDITIVE if is_kept and place.side is Side.READERS else Class.BREAKING
            yield place.at(left[0]).change(f"the media type {left[0]} is removed", kind)


def covering(name: str, content: dict[str, tuple[str, Any]]) -> tuple[str, Any] | None:
    """Return what holds for a media type: what names it, or the narrowest range that it is in."""
    return next((content[each] for each in (name, *ranges(name)) if each in content), None)


def ranges(name: str) -> tuple[str, str]:
    """Return the ranges that a media type is in."""
    return f"{name.partition('/')[0]}/*", "*/*"


def spelled(name: str) -> str:
    """Return a media type in the one way to write it."""
    kind, *rest = (part.strip().lower() for part in name.split(";"))
    return ";".join([kind, *sorted(part for part in rest if part.replace(" ", "") != "charset=utf-8")])


def compare_media(
    old: Any, new: Any, here: Place, name: str, compare_: Callable[[Any, Any, Place], Iterator[Change]]
) -> Iterator[Change]:
    """Yield what differs in what one media type holds."""
    before, after = (schema_of(node, name) for node in (old, new))
    yield from compare_(before, after, here.at("schema"))
    yield from compare_(old.get("itemSchema"), new.get("itemSchema"), here.at("itemSchema"))
    some, others = old.get("encoding", {}), new.get("encoding", {})
    if name.startswith("multipart/") or name.endswith("x-www-form-urlencoded"):  # it is ignored in others
        left, right = (fields_of(*each) for each in ((here.old, before), (here.new, after)))
        for field in dict.fromkeys([*some, *others]):
            if left and right and (field in left) != (field in right):
                continue  # a field that is added or removed is told as one, with all that it says
            one, other = (each.get(field, {}) for each in (some, others))
            usual = usual_type(here.old, left.get(field)), usual_type(here.new, right.get(field))
            yield from compare_encoding(field, one, other, usual, here.at("encoding", field))
    yield from compare_rest(old, new, here, {"schema", "itemSchema", "encoding"})


def schema_of(node: dict[str, Any], name: str) -> Any:
    """Return the schema of a media type, None if there is none; what is no text is bytes where it says no more."""
    schema = node.get("schema")
    is_open = schema is None or schema is True or (is_object(schema) and all(map(is_editorial, schema)))
    return BYTES if is_open and not TEXTUAL.fullmatch(name.partition(";")[0]) else schema


def fields_of(document: Any, schema: Any) -> dict[str, Any]:
    """Return the fields of a form by name, none if its schema combines others."""
    whole = follow(document, schema)
    is_plain = is_object(whole) and not whole.keys() & {"allOf", *UNIONS, "if", "patternProperties"}
    return whole.get("properties", {}) if is_plain else {}


def usual_type(document: Any, schema: Any) -> frozenset[str]:
    """Return the media type that a field of a form has by OpenAPI if none is named, none if its schema is not plain."""
    whole = follow(document, schema)
    if is_object(whole) and whole.get("type") == "array":
        whole = follow(document, whole.get("items"))  # each item is a field of that name
    named = whole.get("type") if is_object(whole) else None
    if isinstance(named, list):  # OpenAPI says nothing of null, which a form cannot write
        others = {*map(str, cast("list[object]", named))} - {"null"}
        named = others.pop() if len(others) == 1 else None
    if named == "string" and (whole.keys() & ENCODED or whole.get("format") in {"binary", "byte"}):
        named = "bytes"
    return frozenset([USUAL[named]] if isinstance(named, str) and named in USUAL else [])


def compare_encoding(
    field: str,
    old: dict[str, Any],
    new: dict[str, Any],
    usual: tuple[frozenset[str], frozenset[str]],
    here: Place,
) -> Iterator[Change]:
    """Yield what differs in how a field of a form is written; `usual` is the type that it has if none is named."""
    named = [types_of(some) for some in (old, new)]
    before, after = (some or other for some, other in zip(named, usual, strict=True))
    if not any(named):
        before = after  # another schema is told as that
    if before != after:
        is_wider = before < after if before and after else False
        is_narrower = after < before if before and after else False
        good = is_wider if here.side is Side.CALLERS else is_narrower
        left, right = (", ".join(sorted(types)) or "the usual one" for types in named)
        yield here.at("contentType").change(
            f"the content type of `{field}` was {left} and is {right}", Class.ADDITIVE if good else Class.BREAKING
        )
    for key in ("style", "explode", "allowReserved"):
        if written(old)[key] != written(new)[key]:
            what = f"`{key}` of the field `{field}` was {written(old)[key]} and is {written(new)[key]}"
            yield here.at(key).change(what, Class.BREAKING)
    yield from compare_rest(old, new, here, {"contentType", "style", "explode", "allowReserved"})


def types_of(encoding: dict[str, Any]) -> frozenset[str]:
    """Return the media types that a field of a form may have, none if that follows from its schema."""
    return frozenset(spelled(each) for each in encoding.get("contentType", "").split(",") if each.strip())


def written(encoding: dict[str, Any]) -> dict[str, Any]:
    """Return how a field of a form is written, with the defaults of OpenAPI."""
    style = encoding.get("style", "form")
    explode = encoding.get("explode", style == "form")
    return {"style": style, "explode": explode, "allowReserved": bool(encoding.get("allowReserved"))}
