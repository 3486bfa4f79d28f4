"""The comparison of contracts, by the edits in spec_edits.yaml: none is missed, and none is a false alarm."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from contract_diff import __main__ as command_line
from contract_diff.changes import compare
from contract_diff.document import InvalidSpecError, parse
from contract_diff.model import follow
from hypothesis import assume, given
from hypothesis import strategies as st

from .edits import (
    EDITS,
    PROJECT,
    REACHED,
    SPEC,
    TEXT,
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
from .project import LONGEST_PROMPT, SHORTER_PROMPT


@pytest.mark.parametrize("group", composites(EDITS), ids=lambda group: f"{len(group)} with {group[0]}")
def test_the_edits_of_a_group_are_valid_together(group: list[Edit]) -> None:
    parse("edited", written(edited(*group)))


@pytest.mark.parametrize("edit", EDITS, ids=str)
class TestEdits:
    @pytest.mark.full  # their groups are judged above
    def test_is_valid(self, edit: Edit) -> None:
        parse("edited", written(edited(edit)))

    def test_forth(self, edit: Edit) -> None:
        assert edit.forth == kinds(changes_forth(edit))

    def test_back(self, edit: Edit) -> None:
        assert edit.back == kinds(changes_back(edit))


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


@given(st.lists(st.sampled_from(EDITS), min_size=2, max_size=3, unique_by=lambda edit: edit.name))
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


@pytest.mark.full
@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_no_edit_hides_any_other(edit: Edit) -> None:
    for other in EDITS[: EDITS.index(edit)]:
        if are_apart(edit, other):
            judge_together([edit, other])


@given(st.lists(st.sampled_from(EDITS), min_size=1, max_size=3))
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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("openapi: 3.1.0", "openapi: [", "is no YAML"),
        ("      operationId: list_videos", "      operationId: 7", "is no OpenAPI 3.1"),
        ("          type: string\n          const: event", "          type: strin", "is no OpenAPI 3.1"),
        ("const: event", "const: event\n          const: event", "the key const stands here a second time"),
        ("'#/components/schemas/VideoStatus'", "'other.yaml#/VideoStatus'", "refers to another document"),
        ("'#/components/schemas/VideoStatus'", "'#/components/schemas/Nothing'", "is no OpenAPI 3.1"),
        ("    VideoStatus:\n", "    VideoStatus: &it\n      x-it: *it\n", "holds itself"),
    ],
)
def test_an_invalid_contract_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    broken = TEXT.replace(old, new, 1)
    with pytest.raises(InvalidSpecError, match=r"^x\.yaml:\d+: " + said) as caught:
        parse("x.yaml", broken)
    assert not str(caught.value).startswith("x.yaml:1: ")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(TEXT.replace(LONGEST_PROMPT, SHORTER_PROMPT), "utf-8")
    assert 0 == command_line.main([str(PROJECT / "openapi.yaml"), str(new), "--json"])
    [change] = json.loads(capsys.readouterr().out)
    assert ("breaking", None) == (change["callers"], change["readers"])
    assert "/components/schemas/Prompt" == change["where"]
    assert ["create_video", "remix_video", "edit_video", "extend_video"] == change["operations"]
    assert 0 == command_line.main([str(PROJECT / "openapi.yaml"), str(new)])
    head, row = capsys.readouterr().out.splitlines()
    assert ["callers", "readers", "change", "where"] == head.split()
    assert re.fullmatch(r"breaking +- +`maxLength` was 32000 and is 1000 +/components/schemas/Prompt", row)


def test_the_command_as_a_process(tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text("openapi: [", "utf-8")
    command = [sys.executable, "-m", "tools.contract_diff", str(new), "openapi.yaml"]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (2, "") == (run.returncode, run.stdout)
    assert "new.yaml:" in run.stderr
