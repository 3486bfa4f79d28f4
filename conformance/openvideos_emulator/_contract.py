"""Read the operations, parameters, bodies and schemas of `openapi.yaml` and `control.yaml`.

Only this module knows the structure of an OpenAPI document. Limits, defaults and media types are looked up in the
contract and never copied, so that a change of the contract changes the emulator's behaviour.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, cast

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from jsonschema.protocols import Validator

_URI: Final = "urn:openvideos:contract"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_DELIMITERS: Final = {"spaceDelimited": " ", "pipeDelimited": "|"}

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation: its name, its place (`path`, `query`, `header`) and the address of its schema.

    `delimiter` separates the items of an array; it is None if the parameter is repeated instead.
    """

    name: str
    place: str
    required: bool
    schema: Schema
    address: str
    delimiter: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `bodies` maps a media type to the address of its schema, and is empty if there is no body.

    `starts_job` says whether it starts a job: what is posted, and answered with a Video.
    """

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    bodies: Mapping[str, str]
    body_required: bool
    starts_job: bool


@dataclass(frozen=True, slots=True)
class Flaw:
    """One violation of a schema: the path to the value, the keyword that it violates, and that keyword's limit."""

    path: tuple[str, ...]
    keyword: str
    limit: Any
    value: Any


class Contract:
    """An OpenAPI document: its operations, and validation by its schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Index the document's operations."""
        self._document = document
        registry: Registry[Any] = Registry()
        self._registry = registry.with_resource(_URI, DRAFT202012.create_resource(document))
        self._validators: dict[str, Validator] = {}
        self.operations: Final = tuple(self._read_operations())

    @property
    def revision(self) -> str:
        """The document's revision, as of a date."""
        return str(self._document["info"]["version"])

    def resolve(self, schema: Schema) -> Schema:
        """Follow `$ref` to the schema itself; keywords next to a `$ref` take precedence."""
        while "$ref" in schema:
            siblings = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self._at(schema["$ref"]), **siblings}
        return schema

    def schema_at(self, address: str) -> Schema:
        """Return the schema at an address, such as `#/components/schemas/Video`."""
        return self.resolve(self._at(address))

    def types_of(self, schema: Schema) -> frozenset[str]:
        """Return the JSON types that a schema allows, through references and unions; empty if it allows all types."""
        schema = self.resolve(schema)
        named = schema.get("type", [])
        types = {named} if isinstance(named, str) else set(named)
        for branch in _branches(schema):
            types |= self.types_of(branch)
        return frozenset(types)

    def properties_of(self, schema: Schema) -> dict[str, Schema]:
        """Return the properties of an object's schema, including those that `allOf` adds."""
        schema = self.resolve(schema)
        found: dict[str, Schema] = {}
        for branch in schema.get("allOf", []):
            found |= self.properties_of(branch)
        return found | cast("dict[str, Schema]", schema.get("properties", {}))

    def items_of(self, schema: Schema) -> Schema:
        """Return the schema of an array's items, through references and unions; `{}`, which allows all, by default."""
        schema = self.resolve(schema)
        anything: Schema = {}
        found = (self.items_of(branch) for branch in _branches(schema) if "array" in self.types_of(branch))
        return cast("Schema", schema["items"]) if "items" in schema else next(found, anything)

    def is_file(self, schema: Schema) -> bool:
        """Return whether a property of a form is a file."""
        schema = self.resolve(schema)
        return schema.get("format") == "binary" or "contentMediaType" in schema

    def flaws(self, value: Any, address: str) -> list[Flaw]:
        """Validate a value by the schema at an address; return its flaws in the order of their paths.

        Of an array, only the first item with a flaw is told, and none of one with too many items.
        """
        validator = self._validators.get(address)
        if validator is None:
            validator = self._validators[address] = _Validator({"$ref": _URI + address}, registry=self._registry)
        found = [_flaw(error) for error in validator.iter_errors(value)]
        return sorted(found, key=lambda flaw: (flaw.path, flaw.keyword))

    def _at(self, address: str) -> Schema:
        node: Any = self._document
        for step in address.removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            node = node[int(name)] if name.isdecimal() else node[name]
        return cast("Schema", node)

    def _read_operations(self) -> Iterator[Operation]:
        for path, item in self._document["paths"].items():
            base = f"#/paths/{_escaped(path)}"
            for method in sorted(_METHODS & item.keys()):
                here, raw = f"{base}/{method}", item[method]
                shared = [f"{base}/parameters/{index}" for index in range(len(item.get("parameters", [])))]
                own = [f"{here}/parameters/{index}" for index in range(len(raw.get("parameters", [])))]
                body = raw.get("requestBody", {})
                yield Operation(
                    id=raw["operationId"],
                    method=method.upper(),
                    path=path,
                    parameters=tuple(self._parameter(address) for address in (*shared, *own)),
                    bodies={
                        name: f"{here}/requestBody/content/{_escaped(name)}/schema" for name in body.get("content", {})
                    },
                    body_required=bool(body.get("required")),
                    starts_job=method == "post" and _answer_of(raw) == "#/components/schemas/Video",
                )

    def _parameter(self, address: str) -> Parameter:
        raw = self._at(address)
        while "$ref" in raw:
            address = raw["$ref"]
            raw = self._at(address)
        style = raw.get("style", "form" if raw["in"] == "query" else "simple")
        return Parameter(
            name=raw["name"],
            place=raw["in"],
            required=bool(raw.get("required")),
            schema=raw["schema"],
            address=f"{address}/schema",
            delimiter=None if style == "form" and raw.get("explode", True) else _DELIMITERS.get(style, ","),
        )


def contract() -> Contract:
    """Read the contract `openapi.yaml`, which is installed next to this module."""
    return _document("openapi.yaml")


def contract_file() -> bytes:
    """Return the contract as it is in its file."""
    return _file("openapi.yaml")


def control() -> Contract:
    """Read `control.yaml`, the OpenAPI document of the control endpoints."""
    return _document("control.yaml")


@lru_cache(maxsize=2)
def _document(name: str) -> Contract:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the faster loader, if PyYAML has it
    return Contract(yaml.load(_file(name), Loader=loader))  # noqa: S506 - both loaders are safe ones


def _file(name: str) -> bytes:
    return files("openvideos_emulator").joinpath(name).read_bytes()


def _branches(schema: Schema) -> tuple[Schema, ...]:
    return (*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", []))


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _answer_of(operation: Mapping[str, Any]) -> str | None:
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    address: str | None = content.get("application/json", {}).get("schema", {}).get("$ref")
    return address


def _flaw(error: ValidationError) -> Flaw:
    if error.validator in {"anyOf", "oneOf"} and error.context:
        return _flaw(error.context[0])  # the first branch is the general one; its message is the clearest
    path = tuple(str(step) for step in error.absolute_path)
    if error.validator == "required":
        path = (*path, _missing(error))
    return Flaw(path=path, keyword=str(error.validator), limit=error.validator_value, value=error.instance)


def _missing(error: ValidationError) -> str:
    # jsonschema raises one error for each missing name, but only the error's message contains that name.
    required, given = cast("list[str]", error.validator_value), cast("dict[str, object]", error.instance)
    missing = [name for name in required if name not in given]
    return next((name for name in missing if error.message.startswith(repr(name))), missing[0])


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    r"""Compile a pattern of the contract; `$` matches only at the end (ECMA-262), unlike Python's, before a \n, too."""
    pieces: list[str] = []
    in_class, index = False, 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            pieces.append(pattern[index : index + 2])
            index += 2
            continue
        in_class = char == "[" or (in_class and char != "]")
        pieces.append(r"\Z" if char == "$" and not in_class else char)
        index += 1
    return re.compile("".join(pieces))


def _pattern(_validator: object, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _compiled(pattern).search(instance):
        yield ValidationError("does not match")


def _unless_too_large(keyword: str, limit: str) -> Callable[..., Iterator[ValidationError]]:
    """Look at what is in a value only if that is not too much, which is a flaw by itself, of the keyword `limit`."""
    look: Callable[..., Iterator[ValidationError]] = cast("Any", Draft202012Validator).VALIDATORS[keyword]

    def validate(validator: Any, value: object, instance: Any, schema: Schema) -> Iterator[ValidationError]:
        is_sized = isinstance(instance, list | dict)
        if limit not in schema or not is_sized or len(cast("Collection[object]", instance)) <= schema[limit]:
            yield from look(validator, value, instance, schema)

    return validate


def _items(*arguments: Any) -> Iterator[ValidationError]:
    """Stop at the first item with a flaw: each flaw takes a hundred times as long as an item, and one is told."""
    yield from itertools.islice(_unless_too_large("items", "maxItems")(*arguments), 1)


_extend: Final = cast("Callable[..., type[Validator]]", validators.extend)  # pyright: ignore[reportUnknownMemberType] - it has no types
_Validator: Final = _extend(
    Draft202012Validator,
    {
        "pattern": _pattern,
        "items": _items,
        "additionalProperties": _unless_too_large("additionalProperties", "maxProperties"),
        "propertyNames": _unless_too_large("propertyNames", "maxProperties"),
    },
)
