"""Read the contract: operations with their parameters, bodies and answers, and the list of all that can be reached.

Nothing here names an operation or a field: what `openapi.yaml` gains is covered by what reads it here.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import yaml
from attrs import field, frozen
from jsonschema import Draft202012Validator

from .merging import Schema, merged

FORM: Final = "multipart/form-data"
JSON: Final = "application/json"
DELIMITERS: Final = {"spaceDelimited": " ", "pipeDelimited": "|"}
UNCOVERED: Final[dict[str, str]] = tomllib.loads((Path(__file__).parents[2] / "uncovered.toml").read_text("utf-8"))[
    "uncovered"
]
"""Why the overlay has no method for an operation, by its id."""
METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


@frozen
class Parameter:
    """A parameter: its name, where it goes (path, query, header), and what it may be.

    `delimiter` stands between the items of an array; None if each of them is given under the name.
    """

    name: str
    place: str
    required: bool
    schema: Schema = field(repr=False)
    delimiter: str | None = None


@frozen
class Body:
    """A body under one media type; `model` is the name of its schema."""

    media_type: str
    model: str
    schema: Schema = field(repr=False)


@frozen
class ServerResponse:
    """What a status (such as `200` or `5XX`) brings: headers, and a body's schema by media type."""

    status: str
    headers: dict[str, Schema] = field(repr=False)
    bodies: dict[str, Schema] = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether it is what the caller wants."""
        return self.status.startswith("2")

    @property
    def is_redirect(self) -> bool:
        """Whether what the caller wants is elsewhere."""
        return self.status.startswith("3")

    def codes(self) -> list[int]:
        """Return the statuses that it stands for, those that HTTP defines if it is a range."""
        if self.status.isdecimal():
            return [int(self.status)]
        known = [int(code) for code in HTTPStatus if str(int(code)).startswith(self.status[0])]
        return [*known, int(self.status[0] + "99")]


@frozen
class Operation:
    """One operation, or one webhook (whose path is empty)."""

    id: str
    method: str
    path: str
    tag: str
    parameters: tuple[Parameter, ...] = field(repr=False)
    bodies: dict[str, Body] = field(repr=False)
    responses: dict[str, ServerResponse] = field(repr=False)

    def __str__(self) -> str:
        """Read as its id, in the names of tests."""
        return self.id

    def items(self) -> Iterator[str]:
        """Name all that a client can meet: parameters, the fields of bodies, statuses, and what these bring."""
        yield self.id
        for parameter in self.parameters:
            yield self.item(parameter.place, parameter.name)
        for body in self.bodies.values():
            yield self.item(body.media_type)
            yield from (self.item(body.media_type, path) for path in paths(body.schema))
        for response in self.responses.values():
            yield self.item(response.status)
            yield from (self.item(response.status, "header", name) for name in response.headers)
            for media_type, schema in response.bodies.items():
                yield self.item(response.status, media_type)
                yield from (self.item(response.status, media_type, path) for path in paths(schema))

    def item(self, *words: str) -> str:
        """Name one of them."""
        return " ".join((self.id, *words))


def paths(schema: Schema, prefix: str = "") -> Iterator[str]:
    """Yield the paths of all fields below a schema, such as `data[].error.code`."""
    for branch in branches(schema):
        yield from paths(branch, prefix)
    if "items" in schema:
        yield from paths(schema["items"], f"{prefix}[]")
    for name, inner in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield path
        yield from paths(inner, path)


def paths_in(schema: Schema, value: Any, prefix: str = "") -> Iterator[str]:
    """Yield those of a schema's paths that a value has."""
    for branch in branches(schema):
        yield from paths_in(branch, value, prefix)
    if "items" in schema and isinstance(value, list):
        for item in value:
            yield from paths_in(schema["items"], item, f"{prefix}[]")
    if isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                path = f"{prefix}.{name}" if prefix else name
                yield path
                yield from paths_in(inner, value[name], path)


def problems(schema: Schema, value: Any) -> list[str]:
    """Return what is wrong with a value, nothing if it is valid."""
    errors = Draft202012Validator(without_binary(schema)).iter_errors(value)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors] + list(_wrong_choices(schema, value))


CHOICES: Final = ("x-at-most-one", "x-exactly-one")
"""The keywords of a body that name fields of which a request has one at most, or exactly one."""


def _wrong_choices(schema: Schema, value: Any) -> Iterator[str]:
    for rule in CHOICES:
        for names in schema.get(rule, []):
            given = [name for name in names if name in value] if isinstance(value, dict) else []
            if len(given) > 1 or (not given and rule == "x-exactly-one"):
                yield f"$: {given} of {names}"


def without_binary(schema: Schema) -> Schema:
    """Return an object's schema whose binary fields, which JSON cannot say, take anything."""
    properties = {name: {} if is_binary(inner) else inner for name, inner in schema.get("properties", {}).items()}
    return schema | {"properties": properties} if properties else schema


def branches(schema: Schema) -> list[Schema]:
    """Return what a union allows; an `allOf` is one schema already."""
    return [*schema.get("anyOf", []), *schema.get("oneOf", [])]


def kinds_of(*schemas: Schema) -> list[str]:
    """Return the types that schemas name, without what their unions allow."""
    said = [schema.get("type", []) for schema in schemas]
    return [kind for each in said for kind in ([each] if isinstance(each, str) else each)]


def written(value: Any) -> str:
    """Return a value as the text of a parameter or of a form's field: a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def typed(schema: Schema, *texts: str) -> Any:
    """Return what the texts under a name mean: the items of an array, or one value, which is a string if it may be."""
    alternatives = [schema, *branches(schema)]
    kinds = kinds_of(*alternatives)
    if "array" in kinds and ("string" not in kinds or len(texts) > 1):
        items: Schema = next((branch["items"] for branch in alternatives if "items" in branch), {})
        return [typed(items, text) for text in texts]
    assert 1 == len(texts), f"is there {len(texts)} times"
    [text] = list(texts)
    if "string" in kinds or not kinds:
        return text
    try:
        value = json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text
    return text if isinstance(value, str) or text != text.strip() else value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def is_binary(schema: Schema) -> bool:
    """Return whether a schema means the bytes of a file."""
    return schema.get("format") == "binary"


@cache
def document() -> dict[str, Any]:
    """Return the contract, each reference replaced by what it refers to."""
    text = Path(__file__).parents[3].joinpath("openapi.yaml").read_text("utf-8")
    raw: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)

    def whole(node: Any, *, within: tuple[str, ...] = ()) -> Any:
        if isinstance(node, list):
            return [whole(item, within=within) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            reference = node["$ref"]
            assert reference not in within, f"{reference} refers to itself, and a value of it would have no end"
            found: Any = raw
            for key in reference.removeprefix("#/").split("/"):
                found = found[key]
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return whole(found, within=(*within, reference)) | {"x-name": reference.rpartition("/")[2]} | beside
        result = {key: whole(value, within=within) for key, value in node.items()}
        if isinstance(result.get("pattern"), str):
            # ECMA-262's `$` is the very end; Python's lets a line break follow.
            result["pattern"] = re.sub(r"(?<!\\)\$$", r"\\Z", result["pattern"])
        parts = result.pop("allOf", [])
        for part in parts:
            # A schema of several has none of their names.
            result = merged({key: value for key, value in part.items() if key != "x-name" or len(parts) == 1}, result)
        return result

    contract: dict[str, Any] = whole(raw)
    return contract


def _delimiter(parameter: dict[str, Any]) -> str | None:
    style = parameter.get("style", "form" if parameter["in"] == "query" else "simple")
    return None if style == "form" and parameter.get("explode", True) else DELIMITERS.get(style, ",")


def _operation(path: str, method: str, said: dict[str, Any], shared: list[Any]) -> Operation:
    parameters = tuple(
        Parameter(each["name"], each["in"], each.get("required", False), each["schema"], _delimiter(each))
        for each in [*shared, *said.get("parameters", [])]
    )
    bodies = {
        media_type: Body(media_type, content["schema"].get("x-name", ""), content["schema"])
        for media_type, content in said.get("requestBody", {}).get("content", {}).items()
    }
    responses = {
        str(status): ServerResponse(
            str(status),
            {name: header["schema"] for name, header in response.get("headers", {}).items()},
            {media_type: content["schema"] for media_type, content in response.get("content", {}).items()},
        )
        for status, response in said["responses"].items()
    }
    tag = next(iter(said.get("tags", [])), "")
    return Operation(said["operationId"], method.upper(), path, tag, parameters, bodies, responses)


def operations(section: str, *, has_paths: bool) -> dict[str, Operation]:
    """Return the operations of a section by id, without those that the overlay has no method for on purpose."""
    found = [
        _operation(path if has_paths else "", method, said, item.get("parameters", []))
        for path, item in document()[section].items()
        for method, said in item.items()
        if method in METHODS
    ]
    return {operation.id: operation for operation in found if operation.id not in UNCOVERED}


OPERATIONS: Final = operations("paths", has_paths=True)
"""The operations that the overlay has methods for, by id."""
WEBHOOKS: Final = operations("webhooks", has_paths=False)
"""The webhooks, by operation id."""
