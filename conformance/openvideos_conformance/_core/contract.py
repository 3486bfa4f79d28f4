"""Read operations, schemas and limits from `openapi.yaml`, so that the suite repeats none of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .exchange import json_object
from .flaws import sentences_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema.protocols import Validator

_URI: Final = "urn:openvideos:contract"
_METHODS: Final = ("get", "post", "delete", "put", "patch")
MOST_ERRORS: Final = 1000
"""How many errors of one value are told."""


_VALIDATOR: Final = cast("type[Validator]", Draft202012Validator)  # the protocol is typed, the class is not

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its id, its method, the template of its path, and its definition in the document."""

    id: str
    method: str
    path: str
    definition: Schema


class Contract:
    """The whole document, with validators for its schemas."""

    def __init__(self, document: Schema) -> None:
        """Index the document's operations."""
        self.document = document
        registry: Registry[Any] = Registry()
        self._registry = registry.with_resource(_URI, DRAFT202012.create_resource(document))
        self._validators: dict[str, Validator] = {}
        self.operations: Final = tuple(self._operations())
        # As OpenAPI says, paths without parameters match first: in /videos/edits, "edits" is not the id of a video.
        ordered = sorted({operation.path for operation in self.operations}, key=lambda path: path.count("{"))
        self._patterns = [(_pattern(path), path) for path in ordered]

    def at(self, address: str) -> Any:
        """Return the value at an address such as `#/components/schemas/Video`, and follow references.

        Raises:
            KeyError: The document has no such address.

        """
        node: Any = self.document
        for step in address.removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            node = self.resolve(node)
            node = node[int(name) if isinstance(node, list) else name]
        return self.resolve(node)

    def resolve(self, node: Any) -> Any:
        """Return the value that a `$ref` leads to, or the value itself if it is no reference."""
        while "$ref" in json_object(node):
            node = self.at(node["$ref"])
        return node

    def schema(self, name: str) -> Schema:
        """Return a schema of `components`, by its name."""
        return cast("Schema", self.at(f"#/components/schemas/{name}"))

    def example(self, name: str) -> str:
        """Return the example of a schema of `components`: `VideoModel`, `VideoSeconds` or `VideoSize`."""
        return cast("str", self.schema(name)["examples"][0])

    def types(self, schema: Schema) -> frozenset[str]:
        """Return the JSON types that a schema and its branches allow; an empty set means any type."""
        schema = self.resolve(schema)
        named = schema.get("type", [])
        types = {named} if isinstance(named, str) else set(named)
        for branch in branches(schema):
            types |= self.types(branch)
        return frozenset(types)

    def items(self, schema: Schema) -> Schema:
        """Return the schema of an array's items, from the schema or its branches; `{}` if there is none."""
        schema = self.resolve(schema)
        anything: Schema = {}
        found = (self.items(branch) for branch in branches(schema) if "array" in self.types(branch))
        return cast("Schema", schema["items"]) if "items" in schema else next(found, anything)

    def flaws(self, value: Any, address: str) -> list[str]:
        """Return how a value breaks the schema at an address: the path of each value, what it is, what is allowed.

        Of MOST_ERRORS and more, the first are returned; a list may have a hundred thousand wrong items.
        """
        validator = self._validators.get(address)
        if validator is None:
            validator = self._validators[address] = _VALIDATOR({"$ref": _URI + address}, registry=self._registry)
        first = islice(validator.iter_errors(value), MOST_ERRORS)
        errors = sorted(first, key=lambda error: [str(step) for step in error.absolute_path])
        found = list(dict.fromkeys(sentence for error in errors for sentence in sentences_of(error)))
        return [*found, *_wrong_choices(self.at(address), json_object(value))]

    def match(self, method: str, path: str) -> tuple[str | None, Mapping[str, str]]:
        """Return the id of the operation of a request, or None if the contract has none, and the path's parameters."""
        for pattern, template in self._patterns:
            found = pattern.fullmatch(path)
            if found is not None:
                ids = {name: unquote(value) for name, value in found.groupdict().items()}
                matching = [each.id for each in self.operations if each.path == template and each.method == method]
                return (matching[0] if matching else None), ids
        return None, {}

    def operation(self, operation_id: str) -> Operation:
        """Return an operation by its id."""
        return next(each for each in self.operations if each.id == operation_id)

    def parameter(self, operation_id: str, name: str) -> Schema:
        """Return the schema of a parameter of an operation."""
        parameters = self.operation(operation_id).definition["parameters"]
        found = next(each for each in map(self.resolve, parameters) if each["name"] == name)
        return cast("Schema", self.resolve(found["schema"]))

    def response(self, operation_id: str, status: int) -> Schema | None:
        """Return the definition of an operation's response with this status; None if the contract has none."""
        responses = self.operation(operation_id).definition["responses"]
        found = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        return None if found is None else cast("Schema", self.resolve(found))

    def methods(self, path: str) -> set[str]:
        """Return the methods of a path template."""
        return {operation.method for operation in self.operations if operation.path == path}

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in _METHODS:
                if method in item:
                    yield Operation(item[method]["operationId"], method.upper(), path, item[method])


@lru_cache(maxsize=1)
def contract() -> Contract:
    """Read the contract that is installed with the SDK."""
    text = files("openvideos").joinpath("openapi.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast C loader, where PyYAML was built with it
    return Contract(yaml.load(text, Loader=loader))  # noqa: S506 - both loaders are safe ones


def branches(schema: Schema) -> tuple[Schema, ...]:
    """Return the schemas in `anyOf`, `oneOf` and `allOf` of a schema."""
    return (*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", []))


def _wrong_choices(schema: Schema, fields: Mapping[str, Any]) -> Iterator[str]:
    """Find the fields of which a value has one at most, or exactly one, and has not."""
    for rule in ("x-at-most-one", "x-exactly-one"):
        for names in schema.get(rule, []):
            given = [name for name in names if name in fields]
            if len(given) > 1 or (not given and rule == "x-exactly-one"):
                yield f"$ has {' and '.join(given) or 'none'} of {', '.join(names)}, of which it may have one"


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))
