"""Pairs of schemas that differ a little or much, and values of which a validator tells which schema allows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

Pair = tuple[Any, Any]
Pairs = st.SearchStrategy[Pair]

VALUES: list[Any] = [
    *(None, True, False, -1, 0, 1, 1.5, 2, 3, 5, 10, "", "a", "b", "ab", "abc", "aaaa", "1"),
    *([], [1], ["a"], ["a", "a"], [1, "a"], ["a", 1], [1, 2, 3], [None], [True, 2]),
    *({}, {"a": 1}, {"a": "a"}, {"a": None}, {"a": 1, "b": 2}, {"a": "a", "b": "b"}, {"b": "b"}, {"b": 1}, {"c": 1}),
    *({"a": 1, "c": "c"}, {"k": "x", "a": 1}, {"k": "y", "a": 1}, {"k": "x"}, {"k": "y"}, {"a": [1]}, {"a": {"b": 1}}),
]
CLOSED = {"type": "object", "additionalProperties": False}
"""An object whose properties are all named. Of open ones the comparison has conventions, such as that readers ignore
fields, so that the letter of schemas does not tell what is right."""


def some_of(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects that have some of several keywords."""
    return st.fixed_dictionaries({}, optional=keywords)


def typed(name: Any, **keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return schemas of a type."""
    return some_of(**keywords).map(lambda schema: {"type": name, **schema})


NUMBERS = {
    **{key: st.sampled_from([0, 1, 1.5, 2]) for key in ("minimum", "exclusiveMinimum")},
    **{key: st.sampled_from([2, 3, 5]) for key in ("maximum", "exclusiveMaximum")},
    "multipleOf": st.sampled_from([1, 2, 4, 5, 0.5]),
}
SMALL = st.integers(0, 3)
LISTED = st.lists(st.sampled_from([None, True, 0, 1, 1.5, "a", "b", "abc"]), min_size=1, max_size=4, unique_by=repr)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    typed("string", minLength=SMALL, maxLength=SMALL, pattern=st.sampled_from(["^a*$", "^[ab]+$", "^a{1,3}$", "b"])),
    typed("integer", **NUMBERS),
    typed("number", **NUMBERS),
    typed("array", minItems=SMALL, maxItems=SMALL, uniqueItems=st.booleans()),
    typed(["string", "null", "array"], minLength=SMALL, minItems=SMALL),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, True, False, {"not": {"type": "null"}}, CLOSED]),
    st.fixed_dictionaries(
        {"enum": LISTED},
        optional={
            "maxLength": SMALL,
            "type": st.sampled_from(["string", "integer"]),
            "not": LISTED.map(lambda values: {"enum": values}),
        },
    ),
    LISTED.map(lambda values: {"const": values[0]}),
)


def both(children: st.SearchStrategy[list[Pair]], build: Callable[[list[Any]], Any]) -> Pairs:
    """Return pairs of schemas that are built of the two sides of their parts."""
    return children.map(lambda pairs: (build([old for old, _ in pairs]), build([new for _, new in pairs])))


def larger(pair: Pairs) -> Pairs:
    """Return pairs of schemas that hold others."""
    one, few = st.tuples(pair).map(list), st.lists(pair, min_size=1, max_size=3)
    two = st.lists(pair, min_size=2, max_size=2)

    def of_object(required: list[str], more: dict[str, Any]) -> Callable[[list[Any]], Any]:
        return lambda parts: {
            **CLOSED,
            "properties": dict(zip("abk", parts, strict=False)),
            "required": required,
            **more,
        }

    more_of_objects = some_of(
        dependentRequired=st.just({"a": ["b"]}),
        minProperties=SMALL,
        propertyNames=st.sampled_from([{"maxLength": 1}, {"enum": ["a"]}, True]),
        dependentSchemas=st.just({"a": {"required": ["b"]}}),
    )
    objects = st.tuples(st.lists(st.sampled_from("abk"), max_size=2, unique=True), more_of_objects)
    combined = st.sampled_from(["anyOf", "allOf"]).flatmap(lambda word: both(few, lambda parts: {word: parts}))
    return st.one_of(
        combined,
        both(one, lambda parts: {"not": parts[0]}),
        both(two, lambda parts: {"if": parts[0], "then": parts[1]}),
        both(two, lambda parts: {"if": parts[0], "else": parts[1]}),
        both(one, lambda parts: {"type": "array", "items": parts[0]}),
        both(two, lambda parts: {"type": "array", "prefixItems": parts[:1], "items": parts[1]}),
        st.tuples(SMALL, SMALL).flatmap(
            lambda bounds: both(
                one,
                lambda parts: {
                    "type": "array",
                    "contains": parts[0],
                    "minContains": bounds[0],
                    "maxContains": 1 + bounds[1],
                },
            )
        ),
        st.tuples(objects, objects | st.none()).flatmap(
            lambda ways: few.map(
                lambda pairs: (
                    of_object(*ways[0])([old for old, _ in pairs]),
                    of_object(*(ways[1] or ways[0]))([new for _, new in pairs]),
                )
            )
        ),
    )


SAME: Pairs = LEAVES.map(lambda leaf: (leaf, leaf))
SCHEMAS: Pairs = st.recursive(st.tuples(LEAVES, LEAVES) | SAME | SAME, larger, max_leaves=5)


def differing(old: Callable[[Any], bool], new: Callable[[Any], bool]) -> Iterator[Any]:
    """Yield the values that one schema allows and another does not."""
    yield from (value for value in VALUES if old(value) and not new(value))


def is_of_objects(value: Any) -> bool:
    """Return whether a value is an object, or holds one."""
    return isinstance(value, dict) or (isinstance(value, list) and any(map(is_of_objects, value)))
