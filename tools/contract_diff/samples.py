"""Make values that a schema of the contract allows: one for each form that a value may have. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .model import KNOWN_VALUES, found, is_array, is_object, reference_of, steps
from .schemas.values import matches, text_of

FILE = {"$file": True}
"""What stands for the bytes of a file, which JSON does not have."""
TEXTS = ("x", "1", "4", "64x48", "a-b", "https://example.org/x", "2026-12-01", "0" * 32)
"""What is tried where a schema has a pattern and no example."""
DEPTH = 6
"""How deep a value may be: a schema may hold itself."""


def samples(spec: dict[str, Any], node: Any, depth: int = DEPTH) -> list[Any]:
    """Return values that a schema allows, each of another form: of another branch, or with another key.

    What keywords say beside types, bounds, patterns, names and what is combined is not looked at.
    """
    schema = whole(spec, node)
    if depth == 0 or schema is None:
        return ["x"]
    words = [schema[key] for key in ("const", "default") if key in schema]
    words += [schema[key][0] for key in ("examples", "enum", KNOWN_VALUES) if is_array(schema.get(key)) and schema[key]]
    if words:
        return words[:1]
    union = next((key for key in ("anyOf", "oneOf") if schema.get(key)), None)
    if union:
        rest = {key: value for key, value in schema.items() if key != union}
        branches = [{"allOf": [rest, branch]} for branch in schema[union] if branch is not False]
        return distinct(value for branch in branches for value in samples(spec, branch, depth - 1))
    kinds = schema.get("type", "object" if {"properties", "required"} & schema.keys() else kind_of(schema))
    first = kinds if isinstance(kinds, str) else next((kind for kind in kinds if kind != "null"), "null")
    return of_type(spec, first, schema, depth)


def kind_of(schema: dict[str, Any]) -> str:
    """Return the type of the values of a schema that names none."""
    return "number" if {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} & schema.keys() else "string"


def whole(spec: dict[str, Any], node: Any, trail: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """Return a schema with all that it refers to and that `allOf` holds; None if it allows nothing or leads to itself.

    Of what two of them say of one thing, the later one counts.
    """
    if not is_object(node):
        return {} if node is True else None
    reference = reference_of(node)
    if reference in trail:
        return None
    below = (*trail, reference) if reference else trail
    parts: list[Any] = [found(spec, steps(reference))] if reference else []
    done: dict[str, Any] = {}
    for part in [*parts, *node.get("allOf", [])]:
        done = joined(done, whole(spec, part, below) or {})
    return joined(done, {key: value for key, value in node.items() if key not in {"$ref", "allOf"}})


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return what two schemas say, of which both hold."""
    done = {**one, **other}
    for key in ("properties", "required"):
        if key in one and key in other:
            done[key] = {**one[key], **other[key]} if key == "properties" else [*one[key], *other[key]]
    return done


def of_type(spec: dict[str, Any], kind: str, schema: dict[str, Any], depth: int) -> list[Any]:
    """Return values of one type that a schema allows."""
    match kind:
        case "object":
            return objects(spec, schema, depth)
        case "array":
            items = samples(spec, schema.get("items", {}), depth - 1)
            return [[item] * max(1, schema.get("minItems", 1)) for item in items]
        case "string":
            return [FILE if schema.get("format") == "binary" else text(schema)]
        case "integer" | "number":
            return [number(schema)]
        case "boolean":
            return [True]
        case _:
            return [None]


def objects(spec: dict[str, Any], schema: dict[str, Any], depth: int) -> list[Any]:
    """Return objects: with what is required, and where that is too little, with each of the other keys."""
    properties = schema.get("properties", {})
    needed = [name for name in schema.get("required", []) if name in properties]
    whole = {name: samples(spec, properties[name], depth - 1)[0] for name in needed}
    if needed and len(needed) >= schema.get("minProperties", 0):
        return [whole]
    others = [name for name in properties if name not in needed]
    return [{**whole, name: samples(spec, properties[name], depth - 1)[0]} for name in others] or [whole]


def text(schema: dict[str, Any]) -> str:
    """Return a text: of the pattern, if one is found, as long as it must be, and no longer than it may."""
    pattern, least, most = schema.get("pattern"), schema.get("minLength", 0), schema.get("maxLength", math.inf)
    usual = "x" * max(1, least)

    def fits(each: str) -> bool:
        return least <= len(each) <= most and (pattern is None or matches(pattern, each) is True)

    tried = next(filter(fits, (*TEXTS, "", usual)), None)
    return tried if tried is not None else text_of(str(pattern)) or usual  # which takes longer to make


def number(schema: dict[str, Any]) -> float:
    """Return a number within the limits, whole if it may be."""
    step = schema.get("multipleOf", 1)
    lower = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    upper = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    tried: list[float] = [step, 0]
    for bound in [bound for bound in (lower, upper) if math.isfinite(bound)]:
        tried += [bound, bound // step * step, (bound // step + 1) * step, (bound // step - 1) * step]
    if math.isfinite(lower) and math.isfinite(upper):
        tried.append((lower + upper) / 2)
    return next((each for each in tried if is_within(each, schema)), step)


def is_within(value: float, schema: dict[str, Any]) -> bool:
    """Return whether a number is within the limits of a schema, of which it is a whole multiple if it has to be."""
    is_whole = "integer" not in schema.get("type", ()) or float(value).is_integer()
    return (
        is_whole
        and schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and schema.get("exclusiveMinimum", -math.inf) < value < schema.get("exclusiveMaximum", math.inf)
        and ("multipleOf" not in schema or value % schema["multipleOf"] == 0)
    )


def distinct(values: Iterator[Any]) -> list[Any]:
    """Return the values that differ."""
    found: list[Any] = []
    for value in values:
        if value not in found and value is not None:
            found.append(value)
    return found or [None]
