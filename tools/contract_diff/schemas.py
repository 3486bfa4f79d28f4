"""Compare two schemas of the contract: what the new one accepts that the old one refused, and the other way round.

A request's schema says what callers may send, so a narrower one breaks them; a response's says what readers must
expect, so a wider one breaks those. A change is therefore described as narrower or wider, and classed by its direction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from .model import KNOWN_VALUES, Change, Class, Place, Side, is_object

Schema: TypeAlias = dict[str, Any]
Turn: TypeAlias = Literal["narrower", "wider", "other"]

UPPER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties", "maxContains")
LOWER = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties", "minContains")
OPAQUE = ("pattern", "format", "multipleOf", "uniqueItems", "not", "if", "then", "else", "contentEncoding")
"""Keywords whose values cannot be compared as narrower or wider."""
WORDS = ("description", "title", "example", "examples", "summary", "externalDocs", "$comment")
CHOICES = ("x-at-most-one", "x-exactly-one")
"""Extensions that hold groups of fields, of which a request has one at most, or exactly one."""
COMPARED_BY_ITEM = frozenset({"x-recommended", KNOWN_VALUES, *CHOICES})
"""Extensions whose items are compared one by one."""


def classed(place: Place, turn: Turn, what: str) -> Change:
    """Return the change that a schema's turn is for callers or for readers."""
    breaking: Turn = "narrower" if place.side is Side.CALLERS else "wider"
    return place.change(what, Class.BREAKING if turn in {breaking, "other"} else Class.ADDITIVE)


def compare_schemas(  # noqa: C901 - one step for each kind of keyword
    old: Any, new: Any, place: Place, *, open_words: bool = False, seen: tuple[tuple[str, ...], ...] = ()
) -> Iterator[Change]:
    """Yield what differs between two schemas, with references resolved on the way.

    `open_words` is true if any word is legal, not only the enumerated ones, as in `anyOf: [string, enum]`.
    """
    old, new, place = place.resolve(old, new)
    if place.path in seen:  # the schema contains itself
        return
    seen = (*seen, place.path)
    if not is_object(old) or not is_object(new):
        if old != new:
            yield classed(place, "narrower" if new is False else "wider", "the schema is another")
        return
    for union in ("anyOf", "oneOf"):
        if (union in old) != (union in new):
            old, new = unioned(old, union), unioned(new, union)
        if union in old:
            yield from compare_branches(old[union], new[union], place.at(union), seen)
    yield from compare_values(old, new, place, open_words=open_words)
    yield from compare_limits(old, new, place)
    yield from compare_objects(old, new, place, seen)
    yield from compare_choices(old, new, place)
    for key in ("items", "contains", "propertyNames"):
        if key in old and key in new:
            yield from compare_schemas(old[key], new[key], place.at(key), seen=seen)
        elif key in old or key in new:
            yield classed(place, "narrower" if key in new else "wider", f"`{key}` is {added_or_removed(key in new)}")
    for number, (left, right) in enumerate(zip(old.get("allOf", []), new.get("allOf", []), strict=False)):
        yield from compare_schemas(left, right, place.at("allOf", str(number)), seen=seen)
    count = len(new.get("allOf", [])) - len(old.get("allOf", []))
    if count:
        yield classed(
            place, "narrower" if count > 0 else "wider", f"a branch of `allOf` is {added_or_removed(count > 0)}"
        )
    yield from compare_annotations(old, new, place)


def unioned(schema: Schema, union: str) -> Schema:
    """Return a schema as a union of one branch, so that it can be compared with a union."""
    if union in schema:
        return schema
    kept = {key: value for key, value in schema.items() if key in {*WORDS, "default", "deprecated"}}
    return {**kept, union: [{key: value for key, value in schema.items() if key not in kept}]}


def compare_branches(
    old: list[Any], new: list[Any], place: Place, seen: tuple[tuple[str, ...], ...]
) -> Iterator[Change]:
    """Yield what differs between the branches of two unions, of which the order means nothing."""
    left = {place.canonical(branch, old=True): number for number, branch in enumerate(old)}
    right = {place.canonical(branch, old=False): number for number, branch in enumerate(new)}
    words = any(is_any_string(place.resolve(branch, branch)[1]) for branch in new)
    gone = [number for key, number in left.items() if key not in right]
    come = [number for key, number in right.items() if key not in left]
    for before in list(gone):
        kind = kinds(place.resolve(old[before], {})[0])
        after = next((number for number in come if kinds(place.resolve({}, new[number])[1]) == kind), None)
        if after is not None:
            gone.remove(before)
            come.remove(after)
            yield from compare_schemas(old[before], new[after], place.at(str(after)), open_words=words, seen=seen)
    for number, turn in [*((number, "narrower") for number in gone), *((number, "wider") for number in come)]:
        branch = (place.resolve(old[number], {})[0]) if turn == "narrower" else place.resolve({}, new[number])[1]
        added = added_or_removed(turn == "wider")
        what = (
            f"null is {allowed_or_not(turn == 'wider')}"
            if kinds(branch) == frozenset({"null"})
            else f"a branch is {added}"
        )
        yield classed(place, "wider" if turn == "wider" else "narrower", f"{what}: {json.dumps(branch)[:60]}")


def is_any_string(schema: Any) -> bool:
    """Return whether a schema allows any string."""
    return is_object(schema) and schema.get("type") == "string" and "enum" not in schema and "const" not in schema


def kinds(schema: Any) -> frozenset[str]:
    """Return the types that a schema names."""
    named: str | list[str] = schema.get("type", []) if is_object(schema) else []
    return frozenset([named] if isinstance(named, str) else named)


def compare_values(old: Schema, new: Schema, place: Place, *, open_words: bool) -> Iterator[Change]:
    """Yield what differs in types, null and enumerated values."""
    before, after = kinds(old), kinds(new)
    if before != after:
        if before - {"null"} == after - {"null"}:
            yield classed(
                place, "wider" if "null" in after else "narrower", f"null is {allowed_or_not('null' in after)}"
            )
        else:
            wider = (
                not after
                or (before and before <= after)
                or (after - before == frozenset({"number"}) and "integer" in before)
            )
            narrower = (
                not before
                or (after and after <= before)
                or (before - after == frozenset({"number"}) and "integer" in after)
            )
            turn: Turn = "wider" if wider else "narrower" if narrower else "other"
            yield classed(place, turn, f"the type was {type_names(before)} and is {type_names(after)}")
    left, right = values(old), values(new)
    if left is None and right is None:
        return
    if left is None or right is None:
        yield classed(place, "wider" if right is None else "narrower", f"the values are {listed(right)}")
        return
    for value in [value for value in right if value not in left]:
        change = classed(place, "wider", f"the value {value} is added")
        yield place.change(change.what, Class.ADDITIVE) if open_words else change
    for value in [value for value in left if value not in right]:
        change = classed(place, "narrower", f"the value {value} is removed")
        yield place.change(change.what, Class.EDITORIAL) if open_words else change


def values(schema: Schema) -> list[str] | None:
    """Return the values that a schema enumerates, as JSON; None if it enumerates none."""
    if "const" in schema:
        return [json.dumps(schema["const"])]
    return [json.dumps(value) for value in schema["enum"]] if "enum" in schema else None


def compare_limits(old: Schema, new: Schema, place: Place) -> Iterator[Change]:
    """Yield what differs in limits and other restrictions of a value."""
    for key in (*UPPER, *LOWER, *OPAQUE):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if before is None or after is None:
            yield classed(place, "wider" if after is None else "narrower", f"`{key}` {value_change(before, after)}")
        elif key in OPAQUE:
            yield classed(place, "other", f"`{key}` {value_change(before, after)}")
        else:
            wider = (after > before) == (key in UPPER)
            yield classed(place, "wider" if wider else "narrower", f"`{key}` {value_change(before, after)}")


def compare_objects(old: Schema, new: Schema, place: Place, seen: tuple[tuple[str, ...], ...]) -> Iterator[Change]:
    """Yield what differs in properties and in which of them are required."""
    before, after = old.get("properties", {}), new.get("properties", {})
    needed = set(new.get("required", [])) - set(old.get("required", []))
    for name in sorted(before.keys() | after.keys()):
        inner = place.at("properties", name)
        if name not in before:
            kind = Class.BREAKING if name in needed and place.side is Side.CALLERS else Class.ADDITIVE
            word = "required" if name in new.get("required", []) else "optional"
            yield inner.change(f"the {word} property `{name}` is added", kind)
        elif name not in after:
            yield inner.change(f"the property `{name}` is removed", Class.BREAKING)
        else:
            yield from compare_schemas(before[name], after[name], inner, seen=seen)
    for name in sorted(needed & (before.keys() | (needed - after.keys()))):
        yield classed(place.at("required"), "narrower", f"the property `{name}` is required now")
    for name in sorted(set(old.get("required", [])) - set(new.get("required", []))):
        if name in after:
            yield classed(place.at("required"), "wider", f"the property `{name}` is no longer required")
    yield from compare_additional(old, new, place, seen)


def compare_additional(old: Schema, new: Schema, place: Place, seen: tuple[tuple[str, ...], ...]) -> Iterator[Change]:
    """Yield what differs in the properties that a schema does not name."""
    key = "additionalProperties"
    before, after = old.get(key, True), new.get(key, True)
    if is_object(before) and is_object(after):
        yield from compare_schemas(before, after, place.at(key), seen=seen)
    elif before != after:
        wider = before is False or after is True
        change = classed(place, "wider" if wider else "narrower", f"`{key}` {value_change(before, after)}")
        # Readers ignore unknown fields, as the contract demands.
        opened = place.side is Side.READERS and before is False
        yield place.change(change.what, Class.ADDITIVE) if opened else change


def compare_choices(old: Schema, new: Schema, place: Place) -> Iterator[Change]:
    """Yield the groups of fields that exclude each other now, or no longer."""
    for key in CHOICES:
        come, gone = items_come_and_gone(old, new, key)
        for group in come:
            yield classed(place.at(key), "narrower", f"{' and '.join(group)} exclude each other now")
        for group in gone:
            yield classed(place.at(key), "wider", f"{' and '.join(group)} no longer exclude each other")


def items_come_and_gone(old: Schema, new: Schema, key: str) -> tuple[list[Any], list[Any]]:
    """Return the items of a keyword's list that only the new schema has, and those that only the old one has."""
    before, after = old.get(key, []), new.get(key, [])
    return [each for each in after if each not in before], [each for each in before if each not in after]


def compare_annotations(old: Schema, new: Schema, place: Place) -> Iterator[Change]:
    """Yield what differs in what does not restrict a value: defaults, recommendations, deprecations and words."""
    if old.get("default") != new.get("default") or ("default" in old) != ("default" in new):
        kind = Class.ADDITIVE if "default" not in old else Class.BREAKING
        what = f"the default {value_change(old.get('default'), new.get('default'))}"
        yield place.change(what, kind if place.side is Side.CALLERS else Class.EDITORIAL)
    for name in sorted(set(new.get("x-recommended", [])) - set(old.get("x-recommended", []))):
        yield place.at("x-recommended").change(f"`{name}` is recommended now: a SHOULD", Class.ADDITIVE)
    for name in sorted(set(old.get("x-recommended", [])) - set(new.get("x-recommended", []))):
        yield place.at("x-recommended").change(f"`{name}` is no longer recommended", Class.EDITORIAL)
    come, gone = items_come_and_gone(old, new, KNOWN_VALUES)
    for value in come:
        yield place.at(KNOWN_VALUES).change(f"{json.dumps(value)} is a known value now", Class.ADDITIVE)
    for value in gone:
        yield place.at(KNOWN_VALUES).change(f"{json.dumps(value)} is no longer a known value", Class.EDITORIAL)
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        word = "deprecated now" if new.get("deprecated") else "no longer deprecated"
        yield place.change(f"`{place.name}` is {word}", Class.ADDITIVE)
    for flag in ("readOnly", "writeOnly"):
        if bool(old.get(flag)) != bool(new.get(flag)):
            yield place.change(f"`{flag}` {value_change(old.get(flag), new.get(flag))}", Class.BREAKING)
    yield from compare_words(old, new, place)


def compare_words(old: Schema, new: Schema, place: Place) -> Iterator[Change]:
    """Yield the words and extensions that differ."""
    extensions = {key for key in old.keys() | new.keys() if key.startswith("x-")}
    names = [*WORDS, *sorted(extensions - COMPARED_BY_ITEM)]
    for key in names:
        if place.canonical(old.get(key), old=True) != place.canonical(new.get(key), old=False):
            yield place.at(key).change(f"the {key} is another", Class.EDITORIAL)


def type_names(names: frozenset[str]) -> str:
    """Name some types."""
    return " or ".join(sorted(names)) or "any"


def value_change(before: Any, after: Any) -> str:
    """Describe the change of a keyword's value; None means that the keyword is absent."""
    if before is None:
        return f"is added: {json.dumps(after)}"
    return (
        f"{json.dumps(before)} is removed" if after is None else f"was {json.dumps(before)} and is {json.dumps(after)}"
    )


def listed(some: list[str] | None) -> str:
    """Name the values that are legal."""
    return "no longer limited" if some is None else f"limited to {', '.join(some)}"


def added_or_removed(added: bool) -> str:  # noqa: FBT001 - reads as the sentence that it makes
    """Say whether something is added or removed."""
    return "added" if added else "removed"


def allowed_or_not(may: bool) -> str:  # noqa: FBT001 - reads as the sentence that it makes
    """Say whether something is allowed."""
    return "allowed now" if may else "no longer allowed"
