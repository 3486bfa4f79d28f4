"""Each keyword of JSON Schema 2020-12 and of OpenAPI is understood by the comparison, or told as one that is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from contract_diff.changes import compare
from contract_diff.document import parse
from contract_diff.model import found
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped] # it has annotations, and no py.typed
from openapi_spec_validator.schemas import schema_v31, schema_v32

from .test_spec_meaning import contract

EVERYTHING = parse("everything", Path(__file__).with_name("specs").joinpath("everything-3.2.yaml").read_text("utf-8"))
VOCABULARIES = "https://json-schema.org/draft/2020-12/meta/"
TEXT, LONG = {"type": "string"}, {"type": "string", "pattern": "...."}

CHANGED: dict[str, tuple[Any, Any]] = {
    **{
        key: ({key: 1}, {key: 2}) for key in ("maxLength", "minLength", "minItems", "maxItems", "multipleOf", "minimum")
    },
    **{key: ({key: 1}, {key: 2}) for key in ("maximum", "exclusiveMinimum", "exclusiveMaximum", "maxProperties")},
    **{key: ({}, {key: True}) for key in ("uniqueItems", "deprecated", "readOnly", "writeOnly", "$recursiveAnchor")},
    **{key: ({}, {key: {"type": "string"}}) for key in ("items", "propertyNames", "not", "contentSchema", "contains")},
    **{key: ({}, {key: False}) for key in ("additionalProperties", "unevaluatedProperties", "unevaluatedItems")},
    **{key: ({}, {key: {"a": {"type": "string"}}}) for key in ("properties", "patternProperties", "dependentSchemas")},
    **{key: ({key: {"a": True}}, {key: {"b": True}}) for key in ("$defs", "definitions")},
    **{key: ({key: "a"}, {key: "b"}) for key in ("title", "description", "$comment", "$anchor", "$dynamicAnchor")},
    **{
        key: ({key: "a"}, {key: "b"}) for key in ("pattern", "format", "contentEncoding", "contentMediaType", "example")
    },
    **{key: ({}, {key: [TEXT, {"type": "null"}]}) for key in ("allOf", "anyOf", "oneOf", "prefixItems")},
    **{key: ({}, {key: "#/components/schemas/Text"}) for key in ("$ref", "$dynamicRef", "$recursiveRef")},
    **{key: ({key: "https://a.test"}, {key: "https://b.test"}) for key in ("$id", "$schema")},
    **{key: ({"if": LONG, key: {"minLength": 1}}, {"if": LONG, key: {"minLength": 2}}) for key in ("then", "else")},
    "if": ({"if": TEXT, "then": False}, {"if": {"type": "null"}, "then": False}),
    "$vocabulary": ({"$vocabulary": {"https://a.test": True}}, {}),
    "minProperties": ({}, {"minProperties": 1}),
    "minContains": ({"contains": TEXT}, {"contains": TEXT, "minContains": 2}),
    "maxContains": ({"contains": TEXT}, {"contains": TEXT, "maxContains": 2}),
    "dependentRequired": ({}, {"dependentRequired": {"a": ["b"]}}),
    "dependencies": ({}, {"dependencies": {"a": ["b"]}}),
    "required": ({}, {"required": ["a"]}),
    "type": ({"type": "string"}, {"type": "null"}),
    "const": ({"const": 1}, {"const": 2}),
    "enum": ({"enum": [1, 2]}, {"enum": [1]}),
    "default": ({"default": 1}, {"default": 2}),
    "examples": ({"examples": [1]}, {"examples": [2]}),
    "discriminator": ({"discriminator": {"propertyName": "a"}}, {"discriminator": {"propertyName": "b"}}),
    "xml": ({"xml": {"name": "a"}}, {"xml": {"name": "b"}}),
    "externalDocs": ({"externalDocs": {"url": "https://a.test"}}, {"externalDocs": {"url": "https://b.test"}}),
}
"""For each keyword two schemas that differ by it."""


def keywords() -> set[str]:
    """Return the keywords that the schemas of schemas name: those of JSON Schema 2020-12 and those of OpenAPI 3.1."""
    metaschemas: list[Any] = [REGISTRY.contents("https://json-schema.org/draft/2020-12/schema")]
    metaschemas += [REGISTRY.contents(uri) for uri in REGISTRY if uri.startswith(VOCABULARIES)]
    base = files("openapi_schema_validator").joinpath("schemas", "oas3.1", "vocabularies", "base")
    metaschemas.append(json.loads(base.read_text("utf-8")))
    return {name for each in metaschemas for name in each["properties"]}


def in_contract(schema: Any) -> dict[str, Any]:
    """Return a contract with a schema, and one that it may refer to."""
    return {**contract(schema), "components": {"schemas": {"Text": TEXT}}}


def test_each_keyword_has_its_change() -> None:
    assert keywords() == CHANGED.keys()


@pytest.mark.parametrize("keyword", CHANGED)
def test_a_change_of_each_keyword_is_told(keyword: str) -> None:
    old, new = map(in_contract, CHANGED[keyword])
    for changes in (compare(old, new), compare(new, old)):
        assert changes
        assert all(change.what and change.where.startswith(("/paths/", "/components/")) for change in changes)


def test_a_keyword_that_nobody_knows_is_told_as_one() -> None:
    [change, *_] = compare(contract({"x": 1}), contract({"x": 2}))
    assert "other" == change.callers
    assert "`x` is not understood, and is another: look at it" == change.what


Visit = tuple[str, str, tuple[str, ...]]


def visits(document: Any) -> Iterator[Visit]:
    """Yield the fields that a document has, each with the object of OpenAPI's schema that names it, and its place."""
    waiting: list[tuple[Any, Any, tuple[str, ...], str]] = [(document, EVERYTHING, (), "openapi")]
    seen: set[tuple[int, tuple[str, ...]]] = set()
    for schema, node, path, name in waiting:
        if not isinstance(schema, dict) or (id(schema), path) in seen:
            continue
        seen.add((id(schema), path))
        if "$ref" in schema:
            _, *way = schema["$ref"].split("/")
            waiting.append((found(document, tuple(way)), node, path, way[-1]))
        for key in ("allOf", "oneOf", "anyOf"):
            waiting += [(each, node, path, name) for each in schema.get(key, [])]
        waiting += [(schema[key], node, path, name) for key in ("then", "else") if key in schema]
        waiting += [(each, node, path, name) for each in schema.get("dependentSchemas", {}).values()]
        if isinstance(node, dict):
            for field, inner in schema.get("properties", {}).items():
                if field in node:
                    yield name, field, (*path, field)
                    waiting.append((inner, node[field], (*path, field), name))
            for key in ("additionalProperties", "patternProperties"):
                inner = schema.get(key, {})
                inner = (
                    next(iter(inner.values()), {}) if key == "patternProperties" and isinstance(inner, dict) else inner
                )
                waiting += [(inner, each, (*path, step), name) for step, each in node.items()]
        if isinstance(node, list):
            waiting += [(schema.get("items"), each, (*path, str(index)), name) for index, each in enumerate(node)]


def fields(document: Any) -> set[tuple[str, str]]:
    """Return all fields that OpenAPI's own schema names, each with its object."""
    told: set[tuple[str, str]] = set()
    waiting: list[tuple[Any, str]] = [(document, "openapi")]
    for schema, name in waiting:
        if isinstance(schema, dict):
            told |= {(name, field) for field, inner in schema.get("properties", {}).items() if inner is not False}
            for key, each in schema.items():
                if key == "$defs":
                    waiting += [(inner, inner_name) for inner_name, inner in each.items()]
                elif key in {"then", "else", "allOf", "oneOf", "anyOf", "dependentSchemas"}:
                    some = each if key[-2:] == "Of" else each.values() if key == "dependentSchemas" else [each]
                    waiting += [(inner, name) for inner in some]
    return told


ELSEWHERE = {
    **dict.fromkeys(
        {("components", field) for field in schema_v32["$defs"]["components"]["properties"]}, "what uses it"
    ),
    ("path-item", "$ref"): "a path that is moved to a component is another spelling",
    ("reference", "$ref"): "likewise",
    ("reference", "summary"): "what it refers to has one",
    ("license", "url"): "`identifier` excludes it",
    ("link", "body"): "a mistake of the schema for 3.1, which means `server`",
}
"""Fields that are not tried here, and why."""
VISITED: dict[tuple[str, str], list[tuple[str, ...]]] = {}
for _name, _field, _path in visits(dict(schema_v32)):
    VISITED.setdefault((_name, _field), []).append(_path)


@pytest.mark.parametrize("document", [schema_v31, schema_v32], ids=["3.1", "3.2"])
def test_each_field_of_openapi_is_tried(document: Any) -> None:
    tried = {field for _, field in VISITED}
    missing = {(name, field) for name, field in fields(dict(document)) - ELSEWHERE.keys() if field not in tried}
    assert set() == missing


def otherwise(spec: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return a contract with another value at a place, or without it."""
    done = copy.deepcopy(spec)
    holder = found(done, path[:-1])
    value = holder[path[-1]]
    if isinstance(value, bool):
        holder[path[-1]] = not value
    elif isinstance(value, str):
        holder[path[-1]] = {"path": "query", "query": "header", "header": "query", "cookie": "query"}.get(
            value, f"{value}x"
        )
    else:
        del holder[path[-1]]
    return done


@pytest.mark.parametrize("field", sorted(VISITED.keys() - ELSEWHERE.keys()), ids=" ".join)
def test_a_change_of_each_field_of_openapi_is_told(field: tuple[str, str]) -> None:
    for path in VISITED[field][:3]:
        other = otherwise(EVERYTHING, path)
        for changes in (compare(EVERYTHING, other), compare(other, EVERYTHING)):
            assert changes, path
