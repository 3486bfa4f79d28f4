"""Make values that a schema of the contract allows: one for each form that a value may have. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .model import KNOWN_VALUES, follow, is_array, is_object

FILE = {"$file": True}
"""What stands for the bytes of a file, which JSON does not have."""
TEXTS = ("x", "1", "4", "64x48", "a-b", "https://example.org/x", "2026-12-01", "0" * 32)
"""What is tried where a schema has a pattern and no example."""
DEPTH = 6
"""How deep a value may be: a schema may hold itself."""


def samples(spec: dict[str, Any], node: Any, depth: int = DEPTH) -> list[Any]:
    """Return values that a schema allows, each of another form: of another branch, or with another key."""
    schema = follow(spec, node)
    if not is_object(schema) or depth == 0:
        return ["x"]
    words = [schema[key] for key in ("const", "default") if key in schema]
    words += [schema[key][0] for key in ("examples", "enum", KNOWN_VALUES) if is_array(schema.get(key)) and schema[key]]
    if words:
        return words[:1]
    branches = [branch for key in ("anyOf", "oneOf") for branch in schema.get(key, [])]
    if branches:
        return distinct(value for branch in branches for value in samples(spec, branch, depth - 1))
    if "allOf" in schema:
        parts = [follow(spec, part) for part in schema["allOf"]]
        properties = {name: each for part in parts for name, each in part.get("properties", {}).items()}
        required = [name for part in parts for name in part.get("required", [])]
        if properties:
            return objects(spec, {"properties": properties, "required": required}, depth)
        return samples(spec, parts[0], depth - 1)
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    first = kinds if isinstance(kinds, str) else next((kind for kind in kinds if kind != "null"), "null")
    return of_type(spec, first, schema, depth)


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
    """Return a text: of the pattern, if one that is tried is; else as long as it must be."""
    pattern, least = schema.get("pattern"), schema.get("minLength", 0)
    fits = (each for each in TEXTS if (pattern is None or re.search(pattern, each)) and len(each) >= least)
    return next(fits, "x" * max(1, least))


def number(schema: dict[str, Any]) -> float:
    """Return a number within the limits, whole if it may be."""
    step = schema.get("multipleOf", 1)
    if "minimum" in schema:
        least = schema["minimum"]
    elif "exclusiveMinimum" in schema:
        least = schema["exclusiveMinimum"] + step
    else:
        least = min(step, schema.get("maximum", step))
    found: float = least if least % step == 0 else (least // step + 1) * step
    return found


def distinct(values: Iterator[Any]) -> list[Any]:
    """Return the values that differ."""
    found: list[Any] = []
    for value in values:
        if value not in found and value is not None:
            found.append(value)
    return found or [None]
