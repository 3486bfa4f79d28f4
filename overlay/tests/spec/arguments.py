"""Draw what an operation is called with: all that the contract allows, or all but one value that it forbids."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from attrs import evolve
from hypothesis import strategies as st

from .clients import Given, Upload, annotation_of
from .contract import CHOICES, FORM, OPERATIONS, Operation, Parameter, is_binary, kinds_of, problems, written
from .merging import Schema
from .strategies import LONG, characters, forbidden, header_values, json_values, texts, tokens, valid

_NAMES_ANOTHER_PATH: Final = frozenset({".", ".."})
# `/`, `\` and a drive are cut off a path, not a name; `%` could be read as an escape.
_file_names: Final = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\%:\"'"), max_size=12)
_media_types: Final = st.sampled_from(["image/png", "image/webp", "video/mp4", "application/x-thing", "text/plain"])
_magic: Final = st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\0\0\0\x18ftypisom", b"\r\n--"])

_choices: Final = st.integers(0, 3)
"""Which field is kept of those that exclude each other."""

uploads: Final = st.builds(
    Upload,
    content=st.builds(bytes.__add__, _magic, st.binary(max_size=80)),
    file_name=_file_names,
    media_type=_media_types,
    how=st.sampled_from(["bytes", "path", "open", "named", "typed"]),
)
_query_values: Final = st.one_of(
    texts, st.integers(-(2**40), 2**40), st.lists(texts | st.integers(0, 9), min_size=1, max_size=3)
)


def is_id(value: Any) -> bool:
    """Return whether a text can be an id in a path; the SDK sends no other, though a schema may allow it."""
    return isinstance(value, str) and bool(value.strip()) and value not in _NAMES_ANOTHER_PATH


def has_ids(value: Any) -> bool:
    """Return whether each reference in a body (`{id: …}`) has an id that can be one."""
    return not isinstance(value, dict) or all(
        is_id(inner) if name == "id" or name.endswith("[id]") else has_ids(inner) for name, inner in value.items()
    )


def fields(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for the fields of a body."""
    binary = {name for name, inner in schema["properties"].items() if is_binary(inner)}
    plain = {name: inner for name, inner in schema["properties"].items() if name not in binary}
    required = set(schema.get("required", []))
    apart = {key: value for key, value in schema.items() if key not in CHOICES}  # which concern the files, too
    others = valid(apart | {"properties": plain, "required": sorted(required - binary)}).filter(has_ids)
    files = st.fixed_dictionaries(
        dict.fromkeys(sorted(binary & required), uploads),
        optional=dict.fromkeys(sorted(binary - required), uploads),
    )
    whole = st.builds(lambda values, found, kept: _settled(schema, {**values, **found}, kept), others, files, _choices)
    return whole.filter(lambda value: not problems(schema, value))


def _settled(schema: Schema, value: dict[str, Any], kept: int) -> dict[str, Any]:
    """Leave one of the fields of each group that a request has one at most of."""
    for group in schema.get("x-at-most-one", []):
        given = [name for name in group if name in value]
        for name in given:
            if name != given[kept % len(given)]:
                del value[name]
    return value


@cache
def givens(operation_id: str, media_type: str | None, *, beside: bool = True) -> st.SearchStrategy[Given]:
    """Return valid arguments; with `beside`, headers, query parameters and fields that the contract does not know."""
    operation = OPERATIONS[operation_id]
    strategies: dict[str, st.SearchStrategy[Any]] = {
        place: st.fixed_dictionaries(
            {each.name: _values(each) for each in operation.parameters if each.place == place and each.required},
            optional={
                each.name: _values(each) for each in operation.parameters if each.place == place and not each.required
            },
        )
        for place in ("path", "query", "header")
    }
    strategies["body"] = fields(operation.bodies[media_type].schema) if media_type else st.just({})
    if beside:
        known = {parameter.name for parameter in operation.parameters}.union(
            *(body.schema["properties"] for body in operation.bodies.values())
        )
        values = json_values if media_type != FORM else json_values | st.binary(max_size=20)
        names = st.text(characters, min_size=1, max_size=LONG).filter(lambda name: name not in known)
        headers = tokens.map(lambda name: f"x-{name}".lower())
        strategies |= {
            "more_headers": st.dictionaries(headers, header_values, max_size=2),
            "more_query": st.dictionaries(names, _query_values, max_size=2),
        }
        if media_type:
            # The overlay takes None in `extra_body` of a form for a field that is left out.
            given = values.filter(lambda value: value is not None)
            strategies["more_body"] = st.dictionaries(names, given, max_size=2)
    return st.builds(Given, media_type=st.just(media_type), **strategies)


def _values(parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.place == "path":
        return valid(parameter.schema).filter(is_id)
    if parameter.place == "header" and "string" not in kinds_of(parameter.schema):
        return valid(parameter.schema).map(written)
    if parameter.place == "header" and "pattern" not in parameter.schema:
        return header_values
    return valid(parameter.schema)


def varied(operation: Operation, given: Given, draw: Any) -> Given:
    """Say some of the same arguments in the overlay's other words: a duration as an integer, a reference as its id."""
    body = dict(given.body)
    for name, value in body.items():
        takes = annotation_of(operation, name).split(" | ")
        if "VideoSeconds" in takes and len(value) < 1000 and draw(st.booleans()):
            body[name] = int(value)
        if "str" in takes and isinstance(value, dict) and set(value) == {"id"} and draw(st.booleans()):
            body[name] = value["id"]
    return evolve(given, body=body)


def places(operation: Operation) -> list[tuple[str, str | None, str, Schema]]:
    """Return all that can be wrong in a call: its place, the body's media type, its name and its schema."""
    media_types: list[str | None] = list(operation.bodies) or [None]
    found: list[tuple[str, str | None, str, Schema]] = [
        (parameter.place, media_types[0], parameter.name, parameter.schema) for parameter in operation.parameters
    ]
    for body in operation.bodies.values():
        found += [("body", body.media_type, name, inner) for name, inner in body.schema["properties"].items()]
    return found


@cache
def spoiled(operation_id: str) -> st.SearchStrategy[tuple[Given, str, Any]]:
    """Return arguments of which one, also returned by name, is what the contract forbids."""

    def one(place: str, media_type: str | None, name: str, schema: Schema) -> st.SearchStrategy[tuple[Given, str, Any]]:
        def spoil(given: Given, value: Any) -> tuple[Given, str, Any]:
            spoilt: dict[str, Any] = {place: {**getattr(given, place), name: value}}
            return evolve(given, **spoilt), name, value

        return st.builds(spoil, givens(operation_id, media_type, beside=False), forbidden(schema))

    return st.one_of([one(*place) for place in places(OPERATIONS[operation_id])])
