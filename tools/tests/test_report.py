"""The report names each file that is touched with the change that touches it, where the contract does not name it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from contract_diff.changes import compare
from contract_diff.report import report, snake
from openapi_python_client.strings import ClassName, snake_case

from .edits import SPEC, Spec
from .runs import Row, rows

MODELS = "openvideos_raw/models"
OWNER: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}}


def told(edit: Callable[[Spec], None], files: dict[str, str]) -> list[Row]:
    """Return the rows of the report on an edit that touches some files."""
    spec = copy.deepcopy(SPEC)
    edit(spec)
    return rows(report(compare(SPEC, spec), files, [], [], (SPEC, spec)))


def add_inner(spec: Spec) -> None:
    """Give a Video an object that has no name."""
    spec["components"]["schemas"]["Video"]["properties"]["x_owner"] = OWNER


def add_named(spec: Spec) -> None:
    """Give a Video an object that has a name, and holds another that has one."""
    schemas = spec["components"]["schemas"]
    schemas["XOwner"] = {"type": "object", "properties": {"team": {"$ref": "#/components/schemas/XTeam"}}}
    schemas["XTeam"] = OWNER
    schemas["Video"]["properties"]["x_owner"] = {"$ref": "#/components/schemas/XOwner"}


def add_to_response(spec: Spec) -> None:
    """Answer a deletion with an object that has no name."""
    responses = spec["paths"]["/videos/{video_id}"]["delete"]["responses"]
    responses["202"] = {"description": "Later.", "content": {"application/json": {"schema": OWNER}}}


def move_tag(spec: Spec) -> None:
    """Put an operation under another tag."""
    spec["paths"]["/videos/{video_id}"]["delete"]["tags"] = ["x_films"]


@pytest.mark.parametrize(
    ("edit", "changed", "added"),
    [
        (add_inner, ["__init__", "video"], ["video_x_owner"]),
        (add_named, ["__init__", "video"], ["x_owner", "x_team"]),
        (add_to_response, ["__init__"], ["delete_video_response_202"]),
    ],
)
def test_a_new_model_is_told_with_what_holds_it(
    edit: Callable[[Spec], None], changed: list[str], added: list[str]
) -> None:
    verbs = {**dict.fromkeys(changed, "changed"), **dict.fromkeys(added, "added")}
    files = {f"{MODELS}/{name}.py": verb for name, verb in verbs.items()}
    [row] = told(edit, files)
    assert row.change != ["by no change of the contract"]
    assert [*files] == row.files


def test_a_model_of_nothing_that_changes_is_told_by_itself() -> None:
    files = {f"{MODELS}/__init__.py": "changed", f"{MODELS}/x_team.py": "added"}
    *_, row = told(move_tag, files)
    assert (["by no change of the contract"], [*files]) == (row.change, row.files)


def test_a_tag_that_moves_breaks_who_imports_the_operation() -> None:
    files = {
        "openvideos_raw/api/videos/delete_video.py": "removed",
        "openvideos_raw/api/x_films/__init__.py": "added",
        "openvideos_raw/api/x_films/delete_video.py": "added",
    }
    [row] = told(move_tag, files)
    assert ("breaking", [*files]) == (row.callers, row.files)
    assert "the operation `delete_video` moves from the tag `videos` to the tag `x_films`" == row.change[0]


def test_a_further_tag_moves_nothing() -> None:
    def add_tag(spec: Spec) -> None:
        spec["paths"]["/videos/{video_id}"]["delete"]["tags"].append("x_films")

    [row] = told(add_tag, {})
    assert ("editorial", "`tags` is another") == (row.callers, row.change[0])


@pytest.mark.parametrize(
    "name", [*SPEC["components"]["schemas"], "XOwner", "HTTPError", "Video2", "X2Owner", "video_owner"]
)
def test_a_schema_is_in_the_file_that_the_generator_names(name: str) -> None:
    assert snake_case(ClassName(name, "")) == snake(name)
