"""Say by which values a discriminator tells the schemas of a union apart that its mapping does not name. Pure."""

from __future__ import annotations

from typing import Any

from ..model import found, is_array, is_object, reference_of, steps


def implied_names(document: Any, reference: str, field: str) -> list[str]:
    """Return by which values of a field a schema is meant: those that it limits the field to, else its own name.

    OpenAPI knows the name of a component alone; where the schema refuses that as a value, it is never sent.
    """
    name = reference.rpartition("/")[2]
    limited = limited_to(document, reference, field)
    return [name] if not limited or name in limited else limited


def limited_to(document: Any, reference: str, field: str) -> list[str]:
    """Return the values that a schema limits a field to, as it says in `properties`, its own or those of `allOf`."""
    waiting: list[Any] = [{"$ref": reference}]
    seen: set[str] = set()
    while waiting:
        schema = waiting.pop()
        if (target := reference_of(schema)) and target not in seen:
            seen.add(target)
            waiting += at(document, target)
        if is_object(schema):
            parts = schema.get("allOf")
            waiting += parts if is_array(parts) else []
            properties: Any = schema.get("properties")
            values = listed(document, properties.get(field)) if is_object(properties) else []
            if values:
                return values
    return []


def listed(document: Any, schema: Any) -> list[str]:
    """Return the texts that a schema, or what it refers to, enumerates."""
    target = reference_of(schema)
    for each in (schema, *(at(document, target) if target else ())):
        if is_object(each) and ("const" in each or is_array(each.get("enum"))):
            values = [each["const"]] if "const" in each else each["enum"]
            return [value for value in values if isinstance(value, str)]
    return []


def at(document: Any, reference: str) -> list[Any]:
    """Return what stands at a reference, nothing if there is nothing."""
    try:
        return [found(document, steps(reference))]
    except LookupError:
        return []
