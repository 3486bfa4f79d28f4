"""Judge requests by the contract, as they go over the wire, with parsers that are none of the SDK's.

`read` tells what a request says; `faults` what the contract has against it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

import httpx
from attrs import field, frozen

from .contract import FORM, JSON, OPERATIONS, Operation, Parameter, branches, is_binary, kinds_of, problems, typed
from .merging import Schema

PREFIX: Final = "/v1"
ORIGIN: Final = "http://server.test"
BASE_URL: Final = f"{ORIGIN}{PREFIX}"
KEY: Final = "sk-spec-0123456789"

_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-zA-Z0-9.+-]+")
_DISPOSITION: Final = re.compile(r'form-data; name="([^"]*)"(?:; filename="([^"]*)")?')


@frozen
class Part:
    """One part of a form."""

    name: str
    file_name: str | None
    media_type: str | None
    content: bytes = field(repr=False)


@frozen
class Said:
    """What a request says."""

    operation: Operation
    path: dict[str, str]
    query: list[tuple[str, str]]
    headers: httpx.Headers
    media_type: str | None
    body: Any
    """The JSON body; of a form, its fields: bytes where the contract has a file or does not know the name."""
    parts: tuple[Part, ...] = ()

    def given(self, place: str) -> dict[str, list[str]]:
        """Return the texts in one place that the contract's parameters have there: several for an array."""
        pairs = {"path": self.path.items(), "query": self.query, "header": self.headers.multi_items()}[place]
        found: dict[str, list[str]] = {}
        for parameter in [each for each in self.operation.parameters if each.place == place]:
            word = parameter.name.lower() if place == "header" else parameter.name
            texts = [text for name, text in pairs if name == word]
            if texts:
                found[parameter.name] = texts
        return found


def read(request: httpx.Request) -> Said:
    """Return what a request says. Raises AssertionError if it is none of the contract's operations."""
    raw_path, _, raw_query = request.url.raw_path.partition(b"?")
    operation, values = _routed(request.method, raw_path.decode("ascii"))
    assert request.url.copy_with(raw_path=b"/") == httpx.URL(f"{ORIGIN}/")
    query = parse_qsl(
        raw_query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw_query), errors="strict"
    )
    content_type = request.headers.get("content-type")
    if content_type is None:
        assert not request.content
        return Said(operation, values, query, request.headers, None, None)
    media_type = content_type.partition(";")[0]
    if media_type == JSON:
        return Said(operation, values, query, request.headers, media_type, json.loads(request.content))
    assert FORM == media_type
    parts = tuple(_parts(content_type, request.content))
    assert media_type in operation.bodies, f"{operation} takes no form"
    fields = _fields(parts, operation.bodies[media_type].schema)
    return Said(operation, values, query, request.headers, media_type, fields, parts)


def _routed(method: str, raw_path: str) -> tuple[Operation, dict[str, str]]:
    """Return the operation that a path means, a literal segment before a template's, and the values in the path."""
    assert raw_path.startswith(f"{PREFIX}/")
    given = raw_path.removeprefix(PREFIX).split("/")
    for operation in sorted(OPERATIONS.values(), key=lambda each: each.path.count("{")):
        wanted = operation.path.split("/")
        if operation.method != method or len(wanted) != len(given):
            continue
        pairs = list(zip(wanted, given, strict=True))
        if all(want.startswith("{") or want == got for want, got in pairs):
            values = {want[1:-1]: unquote_to_bytes(got).decode() for want, got in pairs if want.startswith("{")}
            return operation, values
    raise AssertionError(f"no operation of the contract is {method} {raw_path}")


def _parts(content_type: str, body: bytes) -> list[Part]:
    """Return the parts of a form (RFC 7578; names as the HTML standard escapes them)."""
    match = re.fullmatch(r'multipart/form-data; boundary="?([A-Za-z0-9\'()+_,./:=? -]{1,70})"?', content_type)
    assert match, f"{content_type!r} names no boundary"
    delimiter = b"--" + match[1].encode()
    before, *rest = (b"\r\n" + body).split(b"\r\n" + delimiter)
    assert not before, "the form does not begin with its boundary"
    assert rest, "the form does not have its boundary"
    assert b"--" == rest.pop().strip(b"\r\n"), "the form does not end with its boundary"
    found: list[Part] = []
    for piece in rest:
        head, blank, content = piece.partition(b"\r\n\r\n")
        assert blank, "a part has no end of its headers"
        lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        assert len(headers) == len(lines), "a part repeats a header"
        disposition = _DISPOSITION.fullmatch(headers["content-disposition"])
        assert disposition, f"{headers['content-disposition']!r} names no field"
        name, file_name = disposition.groups()
        file_name = None if file_name is None else _unescaped(file_name)
        found.append(Part(_unescaped(name), file_name, headers.get("content-type"), content))
    return found


def _unescaped(text: str) -> str:
    escapes = re.compile(r"%(22|[01][0-9A-F])|\\(\\)")
    return escapes.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], text)


def _fields(parts: tuple[Part, ...], schema: Schema) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    texts: dict[str, list[str]] = {}
    for part in parts:
        known: Schema | None = schema["properties"].get(part.name)
        if known is not None and is_binary(known):
            assert part.name not in fields, f"the form has {part.name!r} twice"
            assert part.file_name, f"the file {part.name!r} has no file name"
            assert _MEDIA_TYPE.fullmatch(part.media_type or ""), f"the file {part.name!r} has no media type"
            fields[part.name] = part.content
            continue
        if known is None:
            fields[part.name] = part.content  # it may be any bytes, which go out as a file
            continue
        assert part.file_name is None, f"the field {part.name!r} has a file name"
        # An object is JSON in a form (OpenAPI 3.1, Encoding Object); a plain field has no media type.
        plain = known.get("type") in {"string", "integer", "number", "boolean"}
        allowed = {None} if plain else {None, "application/json"}
        assert part.media_type in allowed, f"the field {part.name!r} has the media type {part.media_type}"
        texts.setdefault(part.name, []).append(part.content.decode())
    return fields | {name: typed(schema["properties"][name], *said) for name, said in texts.items()}


def faults(said: Said) -> dict[str, list[str]]:
    """Return what the contract has against a request, by the name of a parameter or a field; nothing if it is valid.

    What is wrong with the body as a whole is under `body`.
    """
    found: dict[str, list[str]] = {}
    for parameter in said.operation.parameters:
        texts = said.given(parameter.place).get(parameter.name)
        if texts is not None:
            found[parameter.name] = _faults_of(parameter, texts)
        elif parameter.required:
            found[parameter.name] = ["is missing"]
    if said.headers.get_list("authorization") != [f"Bearer {KEY}"]:
        found["authorization"] = [f"is {said.headers.get_list('authorization')}"]
    bodies = said.operation.bodies
    if said.media_type is None:
        found["body"] = ["is missing"] if bodies else []
    elif said.media_type not in bodies:
        found["body"] = [f"is {said.media_type}"]
    else:
        found |= _body_faults(bodies[said.media_type].schema, said.body)
    return {name: wrong for name, wrong in found.items() if wrong}


def _faults_of(parameter: Parameter, texts: list[str]) -> list[str]:
    is_array = "array" in kinds_of(parameter.schema, *branches(parameter.schema))
    if len(texts) > 1 and (not is_array or parameter.delimiter is not None):
        return [f"is there {len(texts)} times"]
    if is_array and parameter.delimiter is not None:
        texts = texts[0].split(parameter.delimiter)
    return problems(parameter.schema, typed(parameter.schema, *texts))


def _body_faults(schema: Schema, body: Any) -> dict[str, list[str]]:
    whole = problems(schema, body)
    if not isinstance(body, dict) or not whole:
        return {"body": whole}
    inner = {
        name: problems(each, body[name])
        for name, each in schema["properties"].items()
        if name in body and not is_binary(each)
    }
    return inner if any(inner.values()) else {"body": whole}
