"""Normalise schemas: pure, from the schemas that hold at once to the branches of the values that they allow.

A branch is the values of one type within some limits. `type: [string, "null"]` has two, as has `anyOf` with a string
and null; what `allOf` holds is merged into each branch; `const` is an enum of one value, and what limits nothing, such
as `minLength: 0`, is left out. So two ways to write one schema come to the same branches, and a comparison of those is
one of meanings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from ..model import Path, is_array, is_object, plain
from .keywords import BY_ITEM, COUNTED, FORMATS, HINTS, LOWER, OPAQUE, TYPES, WHOLE


class IncomparableError(Exception):
    """A schema has no branches that can be compared. The message says why."""


@dataclass(frozen=True)
class Part:
    """A schema, and where it is."""

    schema: Any
    path: Path


Parts = tuple[Part, ...]
"""Schemas that hold at once. None of them allow anything."""


@dataclass(frozen=True)
class Note:
    """The value of a keyword, and the schema that has it."""

    value: Any
    path: Path


Notes = Mapping[str, Note]


@dataclass(frozen=True)
class Condition:
    """What holds if something else does."""

    test: Parts
    then: Parts
    otherwise: Parts


@dataclass(frozen=True)
class Containing:
    """How many items of an array have to fit a schema."""

    parts: Parts
    least: int
    most: float


@dataclass(frozen=True)
class Branch:
    """The values of one type within some limits."""

    type: str
    path: Path = ()
    """The schema that it stands for; empty for one that limits nothing."""
    values: tuple[str, ...] | None = None
    """The only ones, as JSON; None if they are not enumerated."""
    limits: Notes = field(default_factory=dict[str, Note])
    """By keyword; bounds of numbers are `lower` and `upper`, each a number and whether it is excluded itself."""
    rules: Mapping[tuple[str, str], Note] = field(default_factory=dict[tuple[str, str], Note])
    """What may hold several times, by keyword and text."""
    properties: Mapping[str, Parts] = field(default_factory=dict[str, Parts])
    patterns: Mapping[str, Parts] = field(default_factory=dict[str, Parts])
    additional: Parts = ()
    required: Mapping[str, Path] = field(default_factory=dict[str, Path])
    needed: Mapping[tuple[str, str], Path] = field(default_factory=dict[tuple[str, str], Path])
    """The properties that need another."""
    prefix: tuple[Parts, ...] = ()
    items: Parts = ()
    notes: Notes = field(default_factory=dict[str, Note])
    """The words of one branch of several."""

    @property
    def is_free(self) -> bool:
        """Whether it has all values of its type."""
        return self.values is None and not any(
            (
                *(self.limits, self.rules, self.properties, self.patterns, self.additional),
                *(self.required, self.needed, self.prefix, self.items),
            )
        )

    def item(self, index: int) -> Parts:
        """Return what holds for an item."""
        return self.prefix[index] if index < len(self.prefix) else self.items


@dataclass(frozen=True)
class Shape:
    """What a schema allows, and what it says beside that."""

    branches: tuple[Branch, ...]
    notes: Notes
    path: Path

    @property
    def is_anything(self) -> bool:
        """Whether every value is legal."""
        return len(self.branches) == len(TYPES) and all(branch.is_free for branch in self.branches)


def said(one: Notes, other: Notes) -> dict[str, Note]:
    """Return what two schemas say that hold at once; of one thing, the first one's word counts."""
    notes = {**other, **one}
    for key in BY_ITEM & one.keys() & other.keys():
        values = one[key].value, other[key].value
        if all(map(is_array, values)):
            notes[key] = Note([*values[0], *values[1]], one[key].path)
    return notes


def spread(shape: Shape, keywords: AbstractSet[str]) -> Shape:
    """Return a shape of which each branch says for itself what some keywords say of all."""
    of_all = {key: note for key, note in shape.notes.items() if key in keywords}
    branches = [replace(each, notes=said(of_all, each.notes)) for each in shape.branches]
    rest = {key: note for key, note in shape.notes.items() if key not in keywords}
    return Shape(tuple(branches), rest, shape.path)


def joined(*several: Parts) -> Parts:
    """Return what all of some parts come to, each once."""
    return tuple({part.path: part for parts in several for part in parts}.values())


def is_closed(parts: Parts) -> bool:
    """Return whether nothing is legal, as it is said in so many words."""
    return any(is_nothing(part.schema) for part in parts)


def is_nothing(schema: Any) -> bool:
    """Return whether a schema is one of the ways to write that nothing is legal."""
    return schema is False or (is_object(schema) and set(schema) == {"not"} and schema["not"] in (True, {}))


def as_json(value: Any) -> str:
    """Return a value in the one way to write it."""
    return json.dumps(normal(value), sort_keys=True)


def normal(value: Any) -> Any:
    """Return a value with whole numbers as integers."""
    if is_array(value):
        return [normal(item) for item in value]
    return {key: normal(each) for key, each in value.items()} if is_object(value) else plain(value)


def type_of(value: Any) -> str:
    """Return the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def base(schema: Mapping[str, Any], path: Path, kind: str, types: Iterable[str]) -> Branch:
    """Return the values of one type that a schema allows by the keywords which hold no other schemas."""
    limits: dict[str, Note] = {}
    rules: dict[tuple[str, str], Note] = {}
    for key in COUNTED.get(kind, ()):
        if key in schema and (key not in LOWER or schema[key] > 0):
            limits[key] = Note(plain(schema[key]), path)
    for key in OPAQUE.get(kind, ()):
        if key in schema:
            key_, value = spelled(key, schema)
            if key_ != "format" or is_limiting(value, kind):
                rules[key_, as_json(value)] = Note(value, path)
    if kind == "number":
        limits |= number_limits(schema, path)
        if ("integer" in types and "number" not in types) or schema.get("format") in WHOLE:
            limits["integer"] = Note(value=True, path=path)
    if kind == "array" and schema.get("uniqueItems"):
        limits["uniqueItems"] = Note(value=True, path=path)
    needed: dict[tuple[str, str], Path] = {}
    if kind == "object":
        pairs = schema.get("dependentRequired", {}).items()
        needed = {(name, other): path for name, others in pairs for other in others if other != name}
    required: list[str] = schema.get("required", []) if kind == "object" else []
    return Branch(kind, path, None, limits, rules, required=dict.fromkeys(required, path), needed=needed)


def spelled(key: str, schema: Mapping[str, Any]) -> tuple[str, Any]:
    """Return an opaque keyword and its value in the one way to write them: OpenAPI 3.0 and 3.1 differ for bytes."""
    match key, schema[key]:
        case "format", "byte":
            return "contentEncoding", "base64"
        case "contentMediaType", "application/octet-stream" if "contentEncoding" not in schema:
            return "format", "binary"
        case _, value:
            return key, value


def is_limiting(value: Any, kind: str) -> bool:
    """Return whether a format limits the values of a type by more than bounds do."""
    is_of_others = any(value in FORMATS[other] for other in FORMATS if other != kind)
    return value not in HINTS and value not in WHOLE and not is_of_others


def number_limits(schema: Mapping[str, Any], path: Path) -> dict[str, Note]:
    """Return the bounds of a number, those of its format, too."""
    found: dict[str, Note] = {}
    of_format = [(bound, False) for bound in WHOLE.get(schema.get("format", ""), ())]
    for name, inner, outer, sign in (
        ("lower", "minimum", "exclusiveMinimum", 1),
        ("upper", "maximum", "exclusiveMaximum", -1),
    ):
        bounds = [(plain(schema[key]), key == outer) for key in (inner, outer) if key in schema]
        bounds += of_format[:1] if sign > 0 else of_format[1:]
        if bounds:
            found[name] = Note(max(bounds, key=lambda bound: (sign * bound[0], bound[1])), path)
    return found


def tighter(key: str, one: Note, other: Note) -> Note:
    """Return the narrower one of two limits."""
    if key == "lower":
        return max(one, other, key=lambda note: (note.value[0], note.value[1]))
    if key == "upper":
        return min(one, other, key=lambda note: (note.value[0], not note.value[1]))
    return (max if key in LOWER else min)(one, other, key=lambda note: note.value)


def tidied(branch: Branch) -> Branch:
    """Return a branch without what follows from the rest of it."""
    if branch.is_free:
        return branch
    if branch.type == "number":
        return tidied_number(branch)
    if branch.type == "array":
        return tidied_array(branch)
    return tidied_object(branch) if branch.type == "object" else branch


def tidied_number(branch: Branch) -> Branch:
    """Return the branch of a number, in which an integer's bounds are integers and included."""
    limits, rules = {**branch.limits}, {**branch.rules}
    for rule, note in branch.rules.items():
        if rule[0] == "multipleOf" and isinstance(note.value, int | float) and float(note.value).is_integer():
            limits.setdefault("integer", Note(value=True, path=note.path))
            if note.value == 1:
                del rules[rule]
    if "integer" in limits:
        for key, rounded, step in (("lower", math.ceil, 1), ("upper", math.floor, -1)):
            if (limit := limits.get(key)) and math.isfinite(limit.value[0]):
                value, is_excluded = limit.value
                whole = rounded(value)
                limits[key] = Note((whole + step if is_excluded and whole == value else whole, False), limit.path)
    return replace(branch, limits=limits, rules=rules)


def tidied_array(branch: Branch) -> Branch:
    """Return the branch of an array; to allow no further items is to limit their number."""
    limits, items, prefix = {**branch.limits}, branch.items, branch.prefix
    if is_closed(items):
        most = Note(len(prefix), items[0].path)
        limits["maxItems"] = tighter("maxItems", limits.get("maxItems", most), most)
        items = ()
    while prefix and prefix[-1] == items:
        prefix = prefix[:-1]
    return replace(branch, limits=limits, items=items, prefix=prefix)


def tidied_object(branch: Branch) -> Branch:
    """Return the branch of an object, in which what is required is so by one keyword alone."""
    required = {**branch.required}
    waiting = True
    while waiting:
        waiting = False
        for (name, other), path in branch.needed.items():
            if name in required and other not in required:
                required[other] = path
                waiting = True
    needed = {pair: path for pair, path in branch.needed.items() if pair[1] not in required}
    limits = {**branch.limits}
    if (least := limits.get("minProperties")) and least.value <= len(required):
        del limits["minProperties"]
    properties = branch.properties
    if is_closed(branch.additional) and not branch.patterns:
        properties = {name: parts for name, parts in properties.items() if not is_closed(parts)}
        if (most := limits.get("maxProperties")) and most.value >= len(properties):
            del limits["maxProperties"]
    return replace(branch, properties=properties, required=required, needed=needed, limits=limits)


def merged(one: Branch, other: Branch) -> Branch | None:
    """Return the values that two branches of one type share; None if there are none.

    Raises:
        IncomparableError: What they say of properties crosses.
    """
    notes = {**other.notes, **one.notes}
    if one.is_free or other.is_free:
        kept = other if one.is_free else one
        return replace(kept, notes=notes) if notes else kept
    values = one.values if other.values is None else other.values
    if one.values is not None and other.values is not None:
        shared = {*other.values}
        values = tuple(value for value in one.values if value in shared)
    if values == ():
        return None
    if is_crossing(one, other) or is_crossing(other, one):
        raise IncomparableError("`patternProperties` and `additionalProperties` beside other properties")
    limits = {**one.limits}
    for key, note in other.limits.items():
        limits[key] = tighter(key, limits[key], note) if key in limits else note
    names = dict.fromkeys([*one.properties, *other.properties])
    length = max(len(one.prefix), len(other.prefix))
    return Branch(
        one.type,
        one.path,
        values,
        limits,
        {**one.rules, **other.rules},
        {name: joined(of_name(one, name), of_name(other, name)) for name in names},
        {
            key: joined(one.patterns.get(key, ()), other.patterns.get(key, ()))
            for key in dict.fromkeys([*one.patterns, *other.patterns])
        },
        joined(one.additional, other.additional),
        {**other.required, **one.required},
        {**other.needed, **one.needed},
        tuple(joined(one.item(index), other.item(index)) for index in range(length)),
        joined(one.items, other.items),
        notes,
    )


def is_crossing(one: Branch, other: Branch) -> bool:
    """Return whether it would have to be known which names fit a pattern, to merge two branches."""
    named = bool(one.patterns and other.properties.keys() - one.properties.keys())
    return bool(one.additional) and (named or bool(other.patterns.keys() - one.patterns.keys()))


def of_name(branch: Branch, name: str) -> Parts:
    """Return what a branch demands of a property, beside what its patterns do."""
    return branch.properties.get(name, () if branch.patterns else branch.additional)
