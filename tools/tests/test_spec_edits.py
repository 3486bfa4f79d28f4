"""The comparison of contracts, by the edits in spec_edits.yaml: none is missed, and none is a false alarm."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from contract_diff.changes import compare
from contract_diff.document import InvalidSpecError, parse
from contract_diff.model import SEVERITY, follow
from hypothesis import assume, given, settings
from hypothesis import strategies as st

PROJECT = Path(__file__).parents[2]

TEXT = (PROJECT / "openapi.yaml").read_text("utf-8")
SPEC = parse("openapi.yaml", TEXT)
EDITS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("spec_edits.yaml").read_text("utf-8"))


WORDS = ["-", *SEVERITY[1:]]


def edited(edit: list[list[Any]], before: dict[str, Any] = SPEC) -> dict[str, Any]:
    """Return the contract after an edit."""
    spec = copy.deepcopy(before)
    for operation, pointer, *value in edit:
        *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
        target: Any = spec
        for step in steps:
            target = target[int(step)] if isinstance(target, list) else target[step]
        if operation == "remove":
            del target[int(last) if isinstance(target, list) else last]
        elif operation == "add":
            target.append(value[0])
        else:
            target[last] = value[0]
    return spec


def verdict(old: Any, new: Any) -> list[str]:
    """Return the gravest class for callers and for readers."""
    changes = compare(old, new)
    both = ([change.callers for change in changes], [change.readers for change in changes])
    return [max([None, *kinds], key=SEVERITY.index) or "-" for kinds in both]


@pytest.mark.parametrize("case", EDITS, ids=lambda case: case["name"])
class TestEdits:
    def test_is_valid(self, case: dict[str, Any]) -> None:
        parse("edited", json.dumps(edited(case["edit"])))

    def test_forth(self, case: dict[str, Any]) -> None:
        assert case["is"] == verdict(SPEC, edited(case["edit"]))

    def test_back(self, case: dict[str, Any]) -> None:
        assert case["back"] == verdict(edited(case["edit"]), SPEC)


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


def touched(edit: list[list[Any]]) -> set[str]:
    """Return where an edit changes the contract."""
    return {pointer for _, pointer, *_ in edit}


def are_apart(one: list[list[Any]], other: list[list[Any]]) -> bool:
    """Tell whether two edits change different parts, so that each can be made after the other."""
    return not any(
        f"{left}/".startswith(f"{right}/")
        or f"{right}/".startswith(f"{left}/")
        or left.rpartition("/")[0] == right.rpartition("/")[0]
        for left in touched(one)
        for right in touched(other)
    )


@given(st.lists(st.sampled_from(EDITS), min_size=2, max_size=3, unique_by=lambda case: case["name"]))
@settings(deadline=None, max_examples=60)
def test_no_edit_hides_another(cases: list[dict[str, Any]]) -> None:
    """Several edits are as grave as the gravest of them, forth and back."""
    edits = [case["edit"] for case in cases]
    assume(all(are_apart(one, other) for index, one in enumerate(edits) for other in edits[:index]))
    both = edited([step for edit in edits for step in edit])
    for told, (old, new) in (("is", (SPEC, both)), ("back", (both, SPEC))):
        gravest = [max((case[told][side] for case in cases), key=WORDS.index) for side in (0, 1)]
        assert gravest == verdict(old, new)


@given(st.lists(st.sampled_from(EDITS), min_size=1, max_size=3))
@settings(deadline=None, max_examples=30)
def test_a_change_forth_is_a_change_back(cases: list[dict[str, Any]]) -> None:
    new = copy.deepcopy(SPEC)
    for case in cases:
        try:
            new = edited(case["edit"], new)
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


def test_the_command(tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(TEXT.replace("maxLength: 32000", "maxLength: 1000"), "utf-8")
    command = [sys.executable, "-m", "tools.contract_diff", "openapi.yaml", str(new)]
    run = subprocess.run([*command, "--json"], cwd=PROJECT, capture_output=True, text=True, check=False)
    [change] = json.loads(run.stdout)
    assert (0, "breaking", None) == (run.returncode, change["callers"], change["readers"])
    assert "/components/schemas/Prompt" == change["where"]
    assert ["create_video", "remix_video", "edit_video", "extend_video"] == change["operations"]
    new.write_text("openapi: [", "utf-8")
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert 2 == run.returncode
    assert "new.yaml:" in run.stderr
