"""The comparison by what schemas mean: no value that becomes legal or illegal is missed, no spelling is a change."""

from __future__ import annotations

import math
from typing import Any

import pytest
from contract_diff.changes import compare
from contract_diff.document import parse
from contract_diff.schemas.values import lengths
from hypothesis import given, note, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from .edits import EDITS, SPEC, Edit, edited, verdict, written
from .rewriters import REWRITERS, Rewriter, rewritten
from .schemas import SCHEMAS, Pair, differing, is_of_objects

WAYS = st.lists(st.tuples(st.sampled_from(REWRITERS), st.integers(0, 9999)), min_size=1, max_size=6)
GRAVE = {"breaking", "other"}


def contract(schema: Any) -> dict[str, Any]:
    """Return a contract whose one operation sends and returns what a schema says."""
    content = {"content": {"application/json": {"schema": schema}}}
    operation = {"operationId": "a", "requestBody": content, "responses": {"200": {"description": "A.", **content}}}
    return {"openapi": "3.1.0", "info": {"title": "A", "version": "1"}, "paths": {"/a": {"post": operation}}}


def told(spec: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the verdict, in which words are nothing."""
    return ["-" if word == "editorial" else word for word in verdict(spec, other)]


@settings(max_examples=settings().max_examples * 25)
@given(SCHEMAS)
def test_a_value_that_becomes_legal_or_illegal_is_not_missed(pair: Pair) -> None:
    old, new = (Draft202012Validator(schema).is_valid for schema in pair)
    callers, readers = verdict(*map(contract, pair))
    for refused in differing(old, new):
        assert callers in GRAVE, f"{refused} was legal"
    for accepted in differing(new, old):
        # Readers ignore fields that they do not know, so what becomes legal of objects may be none of their business.
        assert readers in GRAVE or is_of_objects(accepted), f"{accepted} was illegal"


@given(SCHEMAS)
def test_what_changes_forth_changes_back(pair: Pair) -> None:
    old, new = map(contract, pair)
    assert bool(compare(old, new)) == bool(compare(new, old))
    assert [] == compare(old, old)


TEXTS = {"type": "string"}
PROMISED: list[Pair] = [
    ({**TEXTS, "default": "a"}, {**TEXTS, "default": "b"}),
    (TEXTS, {**TEXTS, "deprecated": True}),
    (TEXTS, {**TEXTS, "x-extension": "sampling"}),
    (TEXTS, {**TEXTS, "x-known-values": ["a"]}),
    *(
        ({"type": "object", "properties": {"a": True, "b": True}}, {"type": "object", **more})
        for more in (
            {"properties": {"a": True, "b": True}, "x-at-most-one": [["a", "b"]]},
            {"properties": {"a": True, "b": True}, "x-exactly-one": [["a", "b"]]},
            {"properties": {"a": True, "b": True}, "x-recommended": ["a"]},
            {"properties": {"a": True, "b": True}, "discriminator": {"propertyName": "a"}},
        )
    ),
]


@pytest.mark.parametrize("pair", PROMISED, ids=lambda pair: str(sorted(pair[1].keys() - {"type", "properties"})))
@pytest.mark.parametrize(
    "other", [{"type": "integer"}, {"type": "array"}, {"type": "object", "required": ["k"]}], ids=str
)
def test_what_a_schema_promises_is_told_of_it_in_a_union_too(pair: Pair, other: Any) -> None:
    for old, new in (pair, pair[::-1]):
        alone, united = map(contract, (old, new)), (contract({"anyOf": [other, each]}) for each in (old, new))
        told = verdict(*alone)
        assert "-" not in told
        assert told == verdict(*united)


def test_what_a_branch_promises_is_no_change_if_a_branch_joins_it() -> None:
    schema = {**TEXTS, "default": "a", "x-known-values": ["a"]}
    assert ["additive", "breaking"] == verdict(contract(schema), contract({"anyOf": [schema, {"type": "integer"}]}))


@given(SCHEMAS, st.sampled_from(["$ref", "$dynamicRef"]))
def test_what_an_anchor_leads_to_is_told(pair: Pair, keyword: str) -> None:
    by_pointer, by_anchor = (
        [
            {**contract({key: target}), "components": {"schemas": {"A": {"$dynamicAnchor": "a", "allOf": [schema]}}}}
            for schema in pair
        ]
        for key, target in (("$ref", "#/components/schemas/A"), (keyword, "#a"))
    )
    assert verdict(*by_pointer) == verdict(*by_anchor)


@given(st.integers(-20, 20), st.integers(0, 20), st.integers(-25, 25), st.integers(0, 25))
def test_whole_numbers_are_the_same_by_their_bounds(least: int, more: int, low: int, size: int) -> None:
    listed, bounded = ({"enum": [*range(least, least + more + 1)]}, {"type": "integer", "minimum": low})
    bounded["maximum"] = low + size
    every, others = set(listed["enum"]), {*range(low, low + size + 1)}
    turn = {(True, True): "-", (True, False): "additive", (False, True): "breaking"}
    expected = turn.get((every <= others, others <= every), "breaking")
    assert expected == verdict(contract(listed), contract(bounded))[0]


PATTERNS = st.recursive(
    st.sampled_from(["a", "[0-9]", r"\d", ".", "-"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: f"({'|'.join(some)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,3}", "{1,}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
).map(lambda inner: f"^{inner}$")


@given(PATTERNS, st.data())
def test_no_text_of_a_pattern_is_shorter_or_longer_than_its_lengths(pattern: str, data: st.DataObject) -> None:
    least, most = lengths(pattern)
    assert least <= len(data.draw(st.from_regex(pattern.replace("$", r"\Z")))) <= most


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^(auto|low|medium)$", (3, 6)),
        ("^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$", (3, 11)),
        ("^a{2,}b?$", (2, math.inf)),
        ("^$", (0, 0)),
        *((pattern, (0, math.inf)) for pattern in ("abc", "^a|b$", r"^a\$", "^(?!a)b$", "^", "^a{99999}$")),
    ],
)
def test_a_pattern_has_lengths(pattern: str, expected: tuple[int, float]) -> None:
    assert expected == lengths(pattern)


@given(WAYS)
def test_another_spelling_is_no_change(ways: list[tuple[Rewriter, int]]) -> None:
    spec = rewritten(SPEC, ways)
    note(str([change for change in compare(SPEC, spec) if change.worst != "editorial"]))
    assert ["-", "-"] == told(SPEC, spec)
    assert ["-", "-"] == told(spec, SPEC)


@given(st.sampled_from(EDITS), WAYS)
def test_an_edit_is_the_same_in_another_spelling(edit: Edit, ways: list[tuple[Rewriter, int]]) -> None:
    before = told(SPEC, edited(edit))
    assert before == told(SPEC, rewritten(edited(edit), ways))


@pytest.mark.parametrize("rewrite", REWRITERS, ids=lambda rewrite: rewrite.__name__)
def test_another_spelling_is_another_text_and_a_contract(rewrite: Rewriter) -> None:
    spec = rewritten(SPEC, [(rewrite, 3)])
    assert written(SPEC) != written(spec)
    parse("rewritten", written(spec))
