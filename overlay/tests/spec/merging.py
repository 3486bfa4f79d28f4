"""Make one schema of several that hold together: those of an `allOf`, or a union's branch and what stands beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

Schema = dict[str, Any]

ANNOTATIONS: Final = frozenset({"description", "default", "deprecated", "example", "examples", "title"})


def merged(one: Schema, other: Schema) -> Schema:
    """Return the schema of what both allow; `other` has the last word on what only tells.

    Raises NotImplementedError where that takes more than a check of each keyword.
    """
    result = {**one, **{key: value for key, value in other.items() if key not in one or _only_tells(key)}}
    for key in one.keys() & other.keys():
        if one[key] == other[key] or _only_tells(key):
            continue
        if key not in _JOINED:
            _give_up(key, one[key], other[key])
        result[key] = _JOINED[key](one[key], other[key])
    # It speaks of the properties beside it, and of no others.
    opened = [schema.get("additionalProperties", True) for schema in (one, other) if "properties" in schema]
    if any(each is not True for each in opened) and one.get("properties", {}) != other.get("properties", {}):
        _give_up("additionalProperties", *opened)
    return result


def _only_tells(key: str) -> bool:
    return key in ANNOTATIONS or key.startswith("x-")


def _give_up(key: str, *values: Any) -> None:
    raise NotImplementedError(f"teach overlay/tests/spec/merging.py to join the {key!r} of two schemas: {values}")


def _types(one: str | list[str], other: str | list[str]) -> list[str]:
    left, right = ([each] if isinstance(each, str) else each for each in (one, other))
    integers = {"integer"} if {"integer", "number"} <= {*left, *right} else set[str]()
    both = (set(left) & set(right)) | (integers & (set(left) | set(right)))
    if not both:
        _give_up("type", one, other)
    return sorted(both)


def _words(one: list[Any], other: list[Any]) -> list[Any]:
    return [word for word in one if word in other]


def _names(one: list[str], other: list[str]) -> list[str]:
    return [*one, *(name for name in other if name not in one)]


def _properties(one: dict[str, Schema], other: dict[str, Schema]) -> dict[str, Schema]:
    return {
        **one,
        **other,
        **{name: merged(one[name], other[name]) for name in one.keys() & other.keys()},
    }


_JOINED: Final[dict[str, Callable[[Any, Any], Any]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "type": _types,
    "enum": _words,
    "required": _names,
    "uniqueItems": max,
    "items": merged,
    "properties": _properties,
}
