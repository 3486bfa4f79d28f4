"""Read contracts of other versions of OpenAPI as those of 3.1: pure, from a document of 3.0 to one of 3.1.

OpenAPI 3.2 only adds to 3.1, and the comparison knows what it adds. No maintained library for Python upgrades 3.0; what
matters to a comparison is few rules. https://learn.openapis.org/upgrading/v3.0-to-v3.1.html lists them.
"""

from __future__ import annotations

from typing import Any

from ..model import is_array, is_object
from .faults import DATA, NAMES

IN_SCHEMAS = ("allOf", "anyOf", "oneOf", "items", "not", "additionalProperties", "schema")
"""The keywords whose values are schemas."""


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """Return a contract of OpenAPI 3.0 as one of 3.1."""
    node: dict[str, Any] = walked(document, is_schema=False)
    return {**node, "openapi": "3.1.0"}


def walked(node: Any, *, is_schema: bool, names: str = "") -> Any:
    """Return a node with its schemas as those of 3.1; `names` is the key of which it is the map, if it is one."""
    if is_array(node):
        return [walked(each, is_schema=is_schema) for each in node]
    if not is_object(node):
        return node
    if names:
        of_schemas = names in {"properties", "schemas"}
        return {key: walked(each, is_schema=of_schemas) for key, each in node.items()}
    if is_schema and "$ref" in node:
        return {"$ref": node["$ref"]}  # what stands beside it has no effect in 3.0
    done = {
        key: each
        if key in DATA and not (key == "examples" and is_object(each))
        else walked(each, is_schema=key in IN_SCHEMAS, names=key if key in NAMES and is_object(each) else "")
        for key, each in node.items()
    }
    return schema_of_31(done) if is_schema else done


def schema_of_31(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of 3.0 as one of 3.1."""
    done = {**schema}
    for bound in ("Minimum", "Maximum"):
        flag = done.pop(f"exclusive{bound}", False)
        if flag is True and bound.lower() in done:
            done[f"exclusive{bound}"] = done.pop(bound.lower())
    if "example" in done:
        done["examples"] = [done.pop("example")]
    if done.pop("nullable", False) is True:
        return with_null(done)
    return done


def with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that allows null, too: what `nullable` is meant to say, also beside `enum` and `allOf`."""
    done = {**schema}
    if "enum" in done and None not in done["enum"]:
        done["enum"] = [*done["enum"], None]
    if "type" in done:
        return {**done, "type": [done["type"], "null"]}
    limiting = {key: done.pop(key) for key in ("allOf", "anyOf", "oneOf", "not", "$ref") if key in done}
    return {**done, "anyOf": [limiting, {"type": "null"}]} if limiting else done
