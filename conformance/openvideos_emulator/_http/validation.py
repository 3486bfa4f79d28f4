"""Validate requests by the contract: one validator for the parameters and bodies of every operation.

Strings from a path, a query, a header or a form are first parsed as their schema's type; then they are validated by the
schema. This module names no operation, field or limit of the contract.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import parse_qsl

from .._contract import Contract, Flaw, Operation, Schema
from .._model.refusals import RefusalError, invalid, shown
from .body import LongText, parse_json, printable, with_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .body import Form, Part

_MAX_QUERY_FIELDS: Final = 100
_MAX_TEXT_BYTES: Final = 1 << 20  # of a field whose schema has no maxLength
_LONG_TEXT: Final = 1 << 16
_SHOWN: Final = 60  # characters of a wrong value, beside its quotation marks
_MAX_UTF8: Final = 4  # bytes of a character
_CHUNK: Final = 1 << 20
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_KEY: Final = re.compile(r"(?P<object>[^\[\]]+)\[(?P<key>[^\[\]]+)\]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MAX_DIGITS: Final = 4000  # Python refuses to parse longer numbers
_RULES: Final = {
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "exclusiveMinimum": "must be more than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "minLength": "must have at least {limit} character(s)",
    "maxLength": "must have at most {limit} characters",
    "minItems": "must have at least {limit} item(s)",
    "maxItems": "must have at most {limit} items",
    "minProperties": "must have at least {limit} key(s)",
    "maxProperties": "must have at most {limit} key(s)",
    "pattern": "must match {limit}",
    "enum": "must be one of {limit}",
    "const": "must be {limit}",
    "type": "must be of the type {limit}",
    "format": "must be a {limit}",
    "additionalProperties": "has a key that is not allowed",
}
CODES: Final = {
    "required": "missing_required_parameter",
    "type": "invalid_type",
    "minLength": "string_too_short",
    "maxLength": "string_too_long",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file of a form: `file` is at its start, `digest` is the SHA-256 of its bytes."""

    file: BinaryIO
    media_type: str | None
    digest: str


Fields = dict[str, Any]
"""A request's validated values, by name, and the schema's defaults."""


class Validator:
    """Validate requests by one contract."""

    def __init__(self, contract: Contract) -> None:
        """Validate by this contract."""
        self._contract = contract

    def parameters(
        self,
        operation: Operation,
        *,
        path: Mapping[str, str],
        query: bytes,
        headers: Mapping[str, str],
    ) -> Fields:
        """Parse and validate an operation's parameters; `path` values are decoded, `headers` have lower-case names.

        Raises:
            RefusalError: A parameter is missing, repeated or breaks its schema.
        """
        texts_by_place = {"path": _single(path), "query": _query_fields(query), "header": _single(headers)}
        fields: Fields = {}
        for parameter in operation.parameters:
            name = parameter.name.lower() if parameter.place == "header" else parameter.name
            texts = texts_by_place[parameter.place].get(name) if parameter.place in texts_by_place else None
            if texts is not None:
                schema, delimiter = parameter.schema, parameter.delimiter
                value = self._read(parameter.name, schema, texts, len(texts), delimiter=delimiter)
                self._check(value, parameter.address, parameter.name)
                fields[parameter.name] = value
            elif parameter.required:
                raise invalid(f"{parameter.name} is missing.", param=parameter.name, code=CODES["required"])
            else:
                self._add_default(fields, parameter.name, parameter.schema)
        return fields

    def json_fields(self, body: Mapping[str, Any], address: str) -> Fields:
        """Validate the fields of a JSON body by the schema at `address`; leave out fields that it does not name.

        Raises:
            RefusalError: The body breaks its schema.
        """
        properties = self._properties(address)
        if self._contract.schema_at(address).get("additionalProperties") is False:
            _refuse_unknown(body, properties)
        for name in body:
            if name not in properties and "[" in name and name.partition("[")[0] in properties:
                raise _misnamed(name, properties)
        fields = {name: value for name, value in body.items() if name in properties}
        for name, value in fields.items():
            _check_texts(value, name)
        self._check(fields, address, None)
        fields = self._with_integers(fields, self._contract.schema_at(address))
        return self._with_defaults(with_texts(fields, _plain), properties)

    def form_fields(self, form: Form, address: str) -> Fields:
        """Parse and validate the fields of a form by the schema at `address`; files are returned as `Upload`.

        A field whose name has brackets, such as `video[id]`, is returned as a key of an object, as a JSON body has it.

        Raises:
            RefusalError: The form breaks its schema.
        """
        properties = self._properties(address)
        named: dict[str, list[Part]] = {}
        # Nothing that says where something is may be dropped.
        objects = {name.partition("[")[0] for name in properties if "[" in name}
        for part in form.parts:
            if part.name in properties:
                named.setdefault(part.name, []).append(part)
            elif part.name.partition("[")[0] in objects:
                raise _misnamed(part.name, properties)
        fields: Fields = {}
        uploads: Fields = {}
        for name, parts in named.items():
            if self._contract.is_file(properties[name]):
                _refuse_repetition(name, len(parts))
                fields[name] = ""  # the schema checks only that it is there; upload_probe.py validates the content
                uploads[name] = _upload(parts[0])
            else:
                limit = self._contract.resolve(properties[name]).get("maxLength")
                max_bytes = _MAX_TEXT_BYTES if limit is None else _MAX_UTF8 * int(limit)
                texts = (_text(part, max_bytes) for part in parts)
                fields[name] = self._read(name, properties[name], texts, len(parts))
        self._check(fields, address, None)
        return _with_objects(self._with_defaults({**with_texts(fields, _plain), **uploads}, properties))

    def _with_integers(self, value: Any, schema: Schema) -> Any:
        """Return a valid value with integers where its schema wants them: JSON Schema takes 7.0 for one."""
        if isinstance(value, float):
            return int(value) if value.is_integer() and "integer" in self._contract.types_of(schema) else value
        if isinstance(value, dict):
            known = self._contract.properties_of(schema)
            fields = cast("Fields", value)
            return {name: self._with_integers(child, known.get(name, {})) for name, child in fields.items()}
        if isinstance(value, list):
            items = self._contract.items_of(schema)
            return [self._with_integers(child, items) for child in cast("list[object]", value)]
        return value

    def _properties(self, address: str) -> dict[str, Schema]:
        return self._contract.properties_of(self._contract.schema_at(address))

    def _with_defaults(self, fields: Fields, properties: Mapping[str, Schema]) -> Fields:
        for name, schema in properties.items():
            if name not in fields:
                self._add_default(fields, name, schema)
        return fields

    def _add_default(self, fields: Fields, name: str, schema: Schema) -> None:
        schema = self._contract.resolve(schema)
        if "default" in schema:
            fields[name] = schema["default"]

    def _read(
        self, name: str, schema: Schema, texts: Iterable[str], count: int, *, delimiter: str | None = None
    ) -> object:
        """Parse the texts of a parameter or field as their schema's type; several texts are the items of an array.

        If the schema is not an array and `count` is above 1, no text is read.

        Raises:
            RefusalError: The name is repeated, or a text contains a character that is not allowed.
        """
        types = self._contract.types_of(schema)
        is_array = "array" in types and (count > 1 or "string" not in types)
        if not is_array or delimiter is not None:
            _refuse_repetition(name, count)
        value: object
        if is_array:
            kinds = self._contract.types_of(self._contract.items_of(schema))
            parted = (item for text in texts for item in (text.split(delimiter) if delimiter else [text]))
            value = [_coerced(item, kinds) for item in parted]
        else:
            [text] = texts
            value = _coerced(text, types)
        _check_texts(value, name)
        return value

    def _check(self, value: object, address: str, name: str | None) -> None:
        flaws = self._contract.flaws(value, address)
        if flaws:
            raise _refusal(flaws[0], name)
        if isinstance(value, dict):
            _check_choices(cast("Fields", value), self._contract.schema_at(address))


def _misnamed(name: str, properties: Iterable[str]) -> RefusalError:
    """Build the refusal of a field that would say where something is, if the contract had it."""
    known = [each for each in properties if each.partition("[")[0] == name.partition("[")[0]]
    return invalid(f"{shown(name)} is not known here; use {', '.join(known)}.", param=printable(name))


def fingerprint(operation: Operation, fields: Mapping[str, Any]) -> str:
    """Hash a request's operation and fields, to recognize the same request; of an upload, its bytes are hashed."""
    # JSON is written without letting other threads run, so a long text is replaced by its hash.
    short = with_texts(
        fields, lambda text: text if len(text) <= _LONG_TEXT else hashlib.sha256(text.encode()).hexdigest()
    )
    plain = json.dumps([operation.id, short], sort_keys=True, default=lambda upload: upload.digest)
    return hashlib.sha256(plain.encode()).hexdigest()


def _refusal(flaw: Flaw, name: str | None) -> RefusalError:
    steps = flaw.path if name is None else (name, *flaw.path)
    param = printable(".".join(steps)) or None
    subject = param or "The body"
    code = CODES.get(flaw.keyword, "invalid_value")
    if flaw.keyword == "required":
        return invalid(f"{subject} is missing.", param=param, code=code)
    limit = flaw.limit
    limits = cast("list[object]", limit) if isinstance(limit, list) else [limit]
    written = ", ".join(each if isinstance(each, str) else json.dumps(each) for each in limits)
    rule = _RULES.get(flaw.keyword, "does not fit the contract").format(limit=written)
    return invalid(f"{subject} is {_as_json(flaw.value)}; it {rule}.", param=param, code=code)


def _as_json(value: object) -> str:
    """Return a wrong value as its sender wrote it, in JSON, but for its length and what cannot be printed."""
    short = with_texts(value, lambda text: text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
    return shown(json.dumps(short, ensure_ascii=False), limit=_SHOWN + 2)


def _check_choices(fields: Fields, schema: Schema) -> None:
    """Check the fields of which a request has one at most, or exactly one.

    Raises:
        RefusalError: It has several, or none.
    """
    for rule in ("x-at-most-one", "x-exactly-one"):
        for names in cast("list[list[str]]", schema.get(rule, [])):
            given = [name for name in names if name in fields]
            if len(given) > 1:
                raise invalid(f"{' and '.join(given)} exclude each other; send one of them.", param=given[-1])
            if not given and rule == "x-exactly-one":
                raise invalid(f"{names[0]} is missing.", param=names[0], code=CODES["required"])


def _with_objects(fields: Fields) -> Fields:
    """Return fields with an object in place of those that are named as its keys, such as `video[id]`."""
    found: Fields = {}
    for name, value in fields.items():
        key = _KEY.fullmatch(name)
        if key is None:
            found[name] = value
        else:
            found.setdefault(key["object"], {})[key["key"]] = value
    return found


def _single(texts: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: [text] for name, text in texts.items()}


def _query_fields(query: bytes) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_QUERY_FIELDS,
        )
    except UnicodeDecodeError as error:
        raise invalid("The query is not UTF-8 with percent-encoding.", code="invalid_query") from error
    except ValueError as error:
        raise invalid(f"The query has more than {_MAX_QUERY_FIELDS} fields.", code="invalid_query") from error
    fields: dict[str, list[str]] = {}
    for name, text in pairs:
        fields.setdefault(name, []).append(text)
    return fields


def _refuse_unknown(names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise invalid(
                f"{shown(name)} is not known here; use {', '.join(known)}.",
                param=printable(name),
                code="unknown_parameter",
            )


def _refuse_repetition(name: str, count: int) -> None:
    if count > 1:
        raise invalid(f"{name} is given {count} times; send it once.", param=name, code="duplicate_parameter")


def _coerced(text: str, types: frozenset[str]) -> object:
    if "string" in types:
        return text
    if "object" in types and text.lstrip().startswith("{"):
        return _json_object(text)
    return text if len(text) > _MAX_DIGITS else _scalar(text, types)


def _scalar(text: str, types: frozenset[str]) -> object:
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    if "boolean" in types and text in {"true", "false"}:
        return text == "true"
    return text


def _json_object(text: str) -> object:
    """Parse a JSON object in a form; return the text itself if it is not one, so that the schema refuses it."""
    try:
        return parse_json([text.encode()])
    except (RefusalError, UnicodeEncodeError):
        return text


def _text(part: Part, max_bytes: int) -> str:
    if part.filename is not None:
        raise invalid(f"{part.name} is a file; send it as text.", param=part.name, code="invalid_type")
    if part.length > max_bytes:
        raise invalid(
            f"{part.name} has {part.length} bytes; it may have {max_bytes} at most.",
            param=part.name,
            code="string_too_long",
        )
    try:
        text = part.file.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid(f"{part.name} is not UTF-8.", param=part.name) from error
    return LongText(text) if len(text) > _LONG_TEXT else text


def _plain(text: str) -> str:
    return str(text) if isinstance(text, LongText) else text


def _upload(part: Part) -> Upload:
    hashed = hashlib.sha256()
    while chunk := part.file.read(_CHUNK):
        hashed.update(chunk)
    part.file.seek(0)
    return Upload(part.file, part.media_type, hashed.hexdigest())


def _check_texts(value: object, param: str) -> None:
    if isinstance(value, str):
        _check_text(value, param)
    elif isinstance(value, dict):
        for name, child in cast("dict[str, object]", value).items():
            _check_text(name, param)
            _check_texts(child, f"{param}.{name}")
    elif isinstance(value, list):
        for index, child in enumerate(cast("list[object]", value)):
            _check_texts(child, f"{param}.{index}")


def _check_text(text: str, param: str) -> None:
    # Both are fast for a data URL of 20 MB.
    if "\0" in text:
        raise invalid(f"{printable(param)} holds a NUL character; leave it out.", param=printable(param))
    if not text.isascii() and _SURROGATE.search(text):
        what = "half a character (a lone surrogate)"
        raise invalid(f"{printable(param)} holds {what}; leave it out.", param=printable(param))
