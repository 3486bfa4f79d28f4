"""The comparison by what schemas mean: no value that becomes legal or illegal is missed, no spelling is a change."""

from __future__ import annotations

from typing import Any

import pytest
from contract_diff.changes import compare
from contract_diff.document import parse
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
