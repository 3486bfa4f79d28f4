"""The comparison of contracts, by the edits in spec_edits.yaml: none is missed, and none is a false alarm."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from contract_diff.changes import compare
from contract_diff.document import parse
from contract_diff.model import follow
from contract_diff.report import report
from hypothesis import assume, given
from hypothesis import strategies as st

from .edits import (
    ALL,
    EDITS,
    REACHED,
    SPEC,
    Edit,
    are_apart,
    changes_back,
    changes_forth,
    composites,
    edited,
    gravest,
    kinds,
    reached,
    seen_among,
    verdict,
    written,
)
from .runs import rows


@pytest.mark.parametrize("group", composites(ALL), ids=lambda group: f"{len(group)} with {group[0]}")
def test_the_edits_of_a_group_are_valid_together(group: list[Edit]) -> None:
    parse("edited", written(edited(*group)))


def test_there_are_as_many_as_the_comparison_is_known_by() -> None:
    assert 150 <= len(ALL) == len({edit.name for edit in ALL})


@pytest.mark.release  # their groups are judged above
@pytest.mark.parametrize("edit", ALL, ids=str)
def test_an_edit_is_valid_alone(edit: Edit) -> None:
    parse("edited", written(edited(edit)))


def test_an_edit_is_as_grave_as_it_is_forth_and_back() -> None:
    assert {edit.name: edit.forth for edit in ALL} == {edit.name: kinds(changes_forth(edit)) for edit in ALL}
    assert {edit.name: edit.back for edit in ALL} == {edit.name: kinds(changes_back(edit)) for edit in ALL}


def test_the_files_of_an_edit_are_told_with_it() -> None:
    """The table names the files of an edit, and no more, if nothing else is touched."""
    verbs = {"added": "removed", "removed": "added"}
    for edit in EDITS:
        done = {f"openvideos_raw/{path}": verb for path, verb in edit.files.items()}
        undone = {path: verbs.get(verb, verb) for path, verb in done.items()}
        for changes, files, old, new in (
            (changes_forth(edit), done, SPEC, edited(edit)),
            (changes_back(edit), undone, edited(edit), SPEC),
        ):
            table = rows(report(changes, files, [], [], (old, new)))
            assert [[change.what, change.where] for change in changes] == [row.change for row in table], edit
            assert edit.touched == {file for row in table for file in row.files}, edit


def test_there_are_no_changes_from_a_contract_to_itself() -> None:
    assert [] == compare(SPEC, copy.deepcopy(SPEC))


def reordered(node: Any) -> Any:
    """Return a node with the keys of each object the other way round."""
    if isinstance(node, dict):
        return {key: reordered(node[key]) for key in reversed(node)}
    return [reordered(item) for item in node] if isinstance(node, list) else node


def inlined(node: Any) -> Any:
    """Return a node with what it refers to in its place."""
    if isinstance(node, dict):
        if "$ref" in node:
            return inlined(follow(SPEC, node))
        return {key: inlined(value) for key, value in node.items()}
    return [inlined(item) for item in node] if isinstance(node, list) else node


def judge_together(edits: list[Edit]) -> None:
    """Several edits are as grave as the gravest of those that are seen, forth and back."""
    both = edited(*edits)
    together = REACHED & reached(both)
    forth = gravest(seen_among(edit, together, edit.forth) for edit in edits)
    back = gravest(seen_among(edit, together, edit.back) for edit in edits)
    assert (forth, back) == (verdict(SPEC, both), verdict(both, SPEC))


@given(st.lists(st.sampled_from(ALL), min_size=2, max_size=3, unique_by=lambda edit: edit.name))
def test_no_edit_hides_another(edits: list[Edit]) -> None:
    assume(all(are_apart(one, other) for index, one in enumerate(edits) for other in edits[:index]))
    judge_together(edits)


def test_an_edit_that_nothing_leads_to_any_more_is_not_seen() -> None:
    """Only the body of JSON leads callers to an ImageReference; where it is undone, what it holds is no change."""
    names = ("request media type removed", "additionalProperties opened")
    removed, opened = (edit for name in names for edit in EDITS if edit.name == name)
    together = REACHED & reached(edited(removed, opened))
    assert ["-", "-"] == seen_among(opened, together, opened.back)
    assert removed.back == seen_among(removed, together, removed.back)
    judge_together([removed, opened])


@pytest.mark.release
@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_no_edit_hides_any_other(edit: Edit) -> None:
    for other in EDITS[: EDITS.index(edit)]:
        if are_apart(edit, other):
            judge_together([edit, other])


@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=3))
def test_a_change_forth_is_a_change_back(edits: list[Edit]) -> None:
    new = SPEC
    for edit in edits:
        try:
            new = edited(edit, before=new)
        except (KeyError, IndexError):  # another edit took away what this one changes
            continue
    assert bool(compare(SPEC, new)) == bool(compare(new, SPEC))


@pytest.mark.parametrize("rewritten", [reordered, inlined])
def test_the_same_contract_written_otherwise_is_the_same(rewritten: Any) -> None:
    assert [] == compare(SPEC, rewritten(SPEC))
    assert [] == compare(rewritten(SPEC), SPEC)
