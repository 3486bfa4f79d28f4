"""Make contracts at random, of what the generator supports, and requests and responses that they allow.

Hypothesis would look for the smallest contract that fails, at ten seconds a try. A seed gives the same contract again.
"""

from __future__ import annotations

import copy
import datetime as dt
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

NAMES = (
    *("prompt", "id", "type", "object", "class", "items", "keys", "get", "values", "str", "list", "from", "size"),
    *("createdAt", "x-rate", "2nd", "a b", "füll", "additional_properties", "to_dict", "self", "model", "url"),
)
"""Names of properties: what Python, attrs or the models have for themselves is among them."""
ARGUMENTS = ("limit", "page size", "X-Trace", "from", "type", "createdAfter", "ids", "2nd", "str", "q[]", "state")
WORDS = ("", "sora-2", "ein Bär", "a/b?c=d&e", '"quoted"', "new\nline", "100%")
HEADER_WORDS = ("sora-2", "a/b?c=d&e", '"quoted"', "100%")
FORMATS: dict[str, Callable[[random.Random], str]] = {
    "date-time": lambda dice: dt.datetime.fromtimestamp(dice.randrange(2**31), tz=dt.UTC).isoformat(),
    "date": lambda dice: dt.date.fromordinal(dice.randrange(700_000, 750_000)).isoformat(),
    "uuid": lambda dice: str(uuid.UUID(int=dice.getrandbits(128))),
}
SCALARS: tuple[Schema, ...] = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "string", "enum": ["queued", "failed"]},
    {"type": "integer", "enum": [4, 8, 12]},
    {"const": "video"},
)


@dataclass
class Contract:
    """A contract that grows."""

    dice: random.Random
    schemas: dict[str, Schema] = field(default_factory=dict[str, Schema])
    paths: dict[str, Any] = field(default_factory=dict[str, Any])

    def document(self) -> dict[str, Any]:
        """Return it as OpenAPI."""
        return {
            "openapi": "3.1.0",
            "info": {"title": "Random", "version": "2026-12-01"},
            "paths": self.paths,
            "components": {"schemas": self.schemas},
        }

    def maybe(self) -> bool:
        """Toss a coin."""
        return self.dice.random() < 0.5

    def scalar(self) -> Schema:
        """Return the schema of a plain value."""
        return copy.deepcopy(self.dice.choice(SCALARS))

    def argument(self) -> Schema:
        """Return the schema of what a path, a header or a cookie holds."""
        choices: list[Schema] = [*SCALARS[:6], {"type": "string", "format": "uuid"}]
        return copy.deepcopy(self.dice.choice(choices))

    def nullable(self, schema: Schema) -> Schema:
        """Return a schema that takes null, too, in one of the two ways to say that."""
        if set(schema) == {"type"} and isinstance(schema["type"], str) and self.maybe():
            return {"type": [schema["type"], "null"]}
        return {"anyOf": [schema, {"type": "null"}]}

    def schema(self, depth: int = 2) -> Schema:
        """Return the schema of any value."""
        formatted: Schema = {"type": "string", "format": self.dice.choice([*FORMATS])}
        kinds: list[Callable[[], Schema]] = [self.scalar, self.scalar, lambda: formatted, dict]
        if depth:
            kinds += [
                lambda: self.nullable(self.schema(depth - 1)),
                lambda: {"type": "array", "items": self.schema(depth - 1)},
                lambda: {"oneOf": [{"type": "array", "items": self.scalar()}, self.scalar()]},
                lambda: self.object(depth - 1),
            ]
            if self.schemas:
                kinds += [lambda: {"$ref": f"#/components/schemas/{self.dice.choice([*self.schemas])}"}] * 2
        return self.dice.choice(kinds)()

    def object(self, depth: int = 2) -> Schema:
        """Return the schema of an object."""
        properties: dict[str, Schema] = {}
        for name in self.dice.sample(NAMES, self.dice.randrange(1, 7)):
            properties[name] = self.schema(depth)
            if self.maybe() and "$ref" not in properties[name]:
                properties[name]["description"] = 'What it is: "one" \\ two.'
        found: Schema = {"type": "object", "properties": properties}
        required = [name for name in properties if self.maybe()]
        if required:
            found["required"] = required
        if self.maybe():
            found["additionalProperties"] = self.dice.choice([False, {"type": "string"}, True])
        return found

    def add_operation(self, number: int) -> None:
        """Add an operation."""
        names = self.dice.sample(ARGUMENTS, 5)
        parameters: list[Schema] = []
        path = f"/things{number}"
        if self.maybe():
            path += "/{thing_id}/part"
            parameters.append({"name": "thing_id", "in": "path", "required": True, "schema": self.argument()})
        for place in ("query", "query", "query", "header", "cookie"):
            name = names.pop()
            if place == "cookie" or (place == "header" and not name.isalpha()):
                name = f"X-{place}"
            schema = self.argument()
            if place == "query" and self.maybe():
                schema = {"type": "array", "items": schema}
            if self.maybe():
                schema = self.nullable(schema)
            if self.maybe():
                parameters.append({"name": name, "in": place, "required": self.maybe(), "schema": schema})
        operation: Schema = {"operationId": f"do_thing_{number}", "tags": ["things"], "parameters": parameters}
        if self.maybe():
            operation |= {"summary": "Do it.", "description": 'Does "it" \\ all.'}
        contents = self.contents()
        if contents:
            operation["requestBody"] = {"required": self.maybe(), "content": contents}
        operation["responses"] = self.responses()
        self.paths[path] = {"post" if contents else "get": operation}

    def contents(self) -> dict[str, Any]:
        """Return the bodies that a request may have."""
        form: Schema = {
            "type": "object",
            "required": ["prompt"],
            "properties": {
                "prompt": {"type": "string"},
                "image": {"type": "string", "format": "binary"},
                "tags": {"type": "array", "items": self.argument()},
                "seed": self.nullable(self.argument()),
                "loop": {"type": "boolean"},
                "extra": self.object(0),
                "at": {"type": "string", "format": "date-time"},
            },
        }
        fields: Schema = {"type": "object", "properties": {"prompt": {"type": "string"}, "seed": {"type": "integer"}}}
        choices: list[dict[str, Any]] = [
            {},
            {"application/json": {"schema": self.schema()}},
            {"application/json": {"schema": self.object()}},
            {"multipart/form-data": {"schema": form}},
            {"application/x-www-form-urlencoded": {"schema": fields}},
            {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            {"application/json": {"schema": self.object()}, "multipart/form-data": {"schema": form}},
        ]
        return self.dice.choice(choices)

    def responses(self) -> dict[str, Any]:
        """Return the responses of an operation."""
        texts = {"text/plain": {"schema": {"type": "string"}}}
        files = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        contents = [None, texts, files, *({"application/json": {"schema": self.schema()}} for _ in range(5))]
        found: dict[str, Any] = {}
        for status in self.dice.sample(["200", "202", "404", "4XX", "default"], self.dice.randrange(1, 4)):
            content = self.dice.choice(contents)
            found[status] = {"description": "It is so."} | ({"content": content} if content else {})
        return found


def random_contract(seed: int) -> dict[str, Any]:
    """Return a contract, the same for the same seed."""
    contract = Contract(random.Random(seed))  # noqa: S311 - a test's dice
    for number in range(6):
        contract.schemas[f"Model{number}"] = contract.object()
    contract.schemas["Model5"]["properties"]["parent"] = {"$ref": "#/components/schemas/Model5"}
    for number in range(12):
        contract.add_operation(number)
    return contract.document()


def value_of(schema: Schema, document: dict[str, Any], dice: random.Random, depth: int = 4) -> Any:
    """Return a value that a schema allows; bytes for a file."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kinds: str | list[str] | None = schema.get("type")
    kind = dice.choice(kinds) if isinstance(kinds, list) else kinds
    branches: list[Schema] = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    if branches:
        return value_of(dice.choice(branches), document, dice, depth)
    if "enum" in schema:
        return dice.choice(schema["enum"])
    if kind == "array":
        return [value_of(schema["items"], document, dice, depth - 1) for _ in range(dice.randrange(3))]
    if kind == "object":
        needed, properties = schema.get("required", []), schema["properties"]
        chosen = [name for name in properties if name in needed or (depth > 0 and dice.random() < 0.5)]
        return {name: value_of(properties[name], document, dice, depth - 1) for name in chosen}
    return plain_value(schema | {"type": kind}, dice)


def plain_value(schema: Schema, dice: random.Random) -> Any:
    """Return a value that is neither a list nor an object, unless the schema allows anything."""
    values: dict[str | None, Callable[[], Any]] = {
        "string": lambda: dice.choice(WORDS),
        "binary": lambda: dice.randbytes(20),
        "integer": lambda: dice.randrange(-(2**40), 2**40),
        "number": lambda: dice.choice([0.5, -1e20, 7]),
        "boolean": lambda: dice.random() < 0.5,
        "null": lambda: None,
        None: lambda: schema.get("const") or dice.choice([None, True, 7, "seven", [1], {"a": None}]),
    }
    kind = schema.get("format", schema["type"])
    return FORMATS[kind](dice) if kind in FORMATS else values[kind]()
