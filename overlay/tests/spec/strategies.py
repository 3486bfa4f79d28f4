"""Make Hypothesis strategies of the contract's schemas: for values that they allow, and for values that they forbid.

hypothesis-jsonschema, the library for this, had its last release for Draft 7 and fails on every object with a current
Hypothesis; schemathesis keeps its own generator private. So this knows as much of JSON Schema (2020-12) as
`openapi.yaml` uses, and raises on a keyword that it does not know; a test checks its values with jsonschema.
"""

from __future__ import annotations

import json
import math
import string
from typing import Any, Final

from hypothesis import strategies as st

from .contract import CHOICES, branches, is_binary, kinds_of, problems
from .merging import ANNOTATIONS, Schema, merged

LARGEST: Final = 2**53
"""Beyond it JSON numbers are not safe (RFC 8259, section 6)."""
LONG: Final = 40

TOLD_ELSEWHERE: Final = ANNOTATIONS | {"format"}
UNDERSTOOD: Final = {
    "array": {"items", "maxItems", "minItems", "uniqueItems"},
    "boolean": set[str](),
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "null": set[str](),
    "object": {"properties", "required", "minProperties", "maxProperties", "additionalProperties"},
    "string": {"pattern", "minLength", "maxLength"},
}

characters: Final = st.characters(exclude_categories=["Cs"])
"""What Unicode text is made of; half a surrogate pair is no text."""
texts: Final = st.text(characters, max_size=LONG)
numbers: Final = st.floats(allow_nan=False, allow_infinity=False)
json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
header_values: Final = st.text(string.digits + string.ascii_letters + string.punctuation + " ", max_size=LONG).map(
    str.strip
)
"""What a header carries unharmed: visible ASCII, and spaces inside (RFC 9110, section 5.5)."""
tokens: Final = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=12)


def check_known(schema: Schema) -> None:
    """Raise NotImplementedError for a schema that says what is not understood here."""
    kinds = kinds_of(schema)
    known = {"type", "const", "enum", "anyOf", "oneOf"}.union(TOLD_ELSEWHERE, *(UNDERSTOOD[kind] for kind in kinds))
    unknown = {key for key in schema if not key.startswith("x-")} - known
    if unknown:
        raise NotImplementedError(
            f"teach overlay/tests/spec/strategies.py the keywords {sorted(unknown)} of {kinds or 'a schema'}"
        )


def valid(schema: Schema, *, lenient: bool = False) -> st.SearchStrategy[Any]:
    """Return a strategy for the values that a schema allows.

    With `lenient`, also what servers send beside the contract and readers let pass: unknown words where some are
    listed, unknown fields, and null for what need not be there.
    """
    check_known(schema)
    if branches(schema):
        return _union(schema, lenient=lenient)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | texts if lenient else st.sampled_from(schema["enum"])
    kinds = kinds_of(schema)
    return st.one_of([_of_kind(kind, schema, lenient=lenient) for kind in kinds]) if kinds else json_values


def _union(schema: Schema, *, lenient: bool) -> st.SearchStrategy[Any]:
    beside = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
    found = st.one_of([valid(merged(beside, branch), lenient=lenient) for branch in branches(schema)])
    return found if lenient or "oneOf" not in schema else found.filter(lambda value: not problems(schema, value))


def _of_kind(kind: str, schema: Schema, *, lenient: bool) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer" | "number":
            return _numbers(kind, schema)
        case "array":
            return _lists(schema, lenient=lenient)
        case "object":
            return _objects(schema, lenient=lenient)
        case _:
            return _strings(schema, lenient=lenient)


def _numbers(kind: str, schema: Schema) -> st.SearchStrategy[Any]:
    lowest = [schema[limit] for limit in ("minimum", "exclusiveMinimum") if limit in schema]
    highest = [schema[limit] for limit in ("maximum", "exclusiveMaximum") if limit in schema]
    step = schema.get("multipleOf", 1 if kind == "integer" else None)
    found: st.SearchStrategy[Any]
    if step is None:
        least, most = max(lowest, default=None), min(highest, default=None)
        found = st.floats(least, most, allow_nan=False, allow_infinity=False)
    else:
        times = st.integers(math.ceil(max([*lowest, -LARGEST]) / step), math.floor(min([*highest, LARGEST]) / step))
        found = times.map(lambda count: count * step)
    is_open = schema.keys() & {"exclusiveMinimum", "exclusiveMaximum"}
    return found.filter(lambda value: not problems(schema, value)) if is_open else found


def _lists(schema: Schema, *, lenient: bool) -> st.SearchStrategy[list[Any]]:
    items = schema.get("items", {})
    if is_binary(items):
        raise NotImplementedError("teach overlay/tests/spec/strategies.py lists of files")
    least = schema.get("minItems", 0)
    most = min(schema.get("maxItems", LONG), max(least, 3))
    is_set = schema.get("uniqueItems", False)
    return st.lists(
        valid(items, lenient=lenient), min_size=least, max_size=most, unique_by=json.dumps if is_set else None
    )


def _strings(schema: Schema, *, lenient: bool) -> st.SearchStrategy[Any]:
    if is_binary(schema):
        return st.binary(max_size=200)
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" in schema:
        if lenient:
            return texts
        found = st.from_regex(schema["pattern"], alphabet=characters)
        return found.filter(lambda text: least <= len(text) and (most is None or len(text) <= most))
    short = st.text(characters, min_size=least, max_size=max(least, min(LONG, most or LONG)))
    if most is None:
        return short
    return short | st.builds(lambda letter: letter * most, characters)  # the longest that there is


def _objects(schema: Schema, *, lenient: bool) -> st.SearchStrategy[dict[str, Any]]:
    required = set(schema.get("required", []))
    fields = {name: valid(inner, lenient=lenient) for name, inner in schema.get("properties", {}).items()}
    if lenient:
        fields = {name: inner if name in required else inner | st.none() for name, inner in fields.items()}
    optional = {name: inner for name, inner in fields.items() if name not in required}
    least, most = schema.get("minProperties", 0), schema.get("maxProperties")
    if most == 1 and optional and not required:
        found = st.one_of([st.fixed_dictionaries({name: optional[name]}) for name in sorted(optional)])
    else:
        found = st.fixed_dictionaries({name: fields[name] for name in sorted(required)}, optional=optional)
        found = found.filter(lambda value: least <= len(value) and (most is None or len(value) <= most))
    if not lenient and schema.keys() & CHOICES:
        found = found.filter(lambda value: not problems(schema, value))
    others = schema.get("additionalProperties", True)
    if isinstance(others, dict) or (lenient and others):
        unknown = texts.filter(lambda name: name not in fields)
        values = valid(others, lenient=lenient) if isinstance(others, dict) else json_values
        room = 2 if most is None else max(0, most - len(fields))
        more = st.dictionaries(unknown, values, max_size=2 if lenient else min(2, room))
        return st.builds(lambda value, beside: {**beside, **value}, found, more)
    return found


def forbidden(schema: Schema) -> st.SearchStrategy[Any]:
    """Return a strategy for values that a schema forbids: of another type, too long, too small, of another form."""
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    near: list[st.SearchStrategy[Any]] = [texts, st.integers(-LARGEST, LARGEST), st.booleans(), st.none(), st.just([])]
    if "number" in kinds_of(schema):
        near.append(numbers)
    if least:
        near.append(st.just(""))
    if most is not None:
        near.append(st.just("x" * (most + 1)))
    if "minimum" in schema:
        near.append(st.integers(-LARGEST, math.ceil(schema["minimum"]) - 1))
    if "maximum" in schema:
        near.append(st.integers(math.floor(schema["maximum"]) + 1, LARGEST))
    near += [st.just(schema[limit]) for limit in ("exclusiveMinimum", "exclusiveMaximum") if limit in schema]
    if schema.get("items"):
        near.append(st.lists(forbidden(schema["items"]), min_size=1, max_size=2))
    if "object" in kinds_of(schema):
        near.append(st.dictionaries(texts, texts, max_size=2))
        near += [
            st.fixed_dictionaries({name: forbidden(inner)}) for name, inner in schema.get("properties", {}).items()
        ]
    return st.one_of(near).filter(lambda value: bool(problems(schema, value)))
