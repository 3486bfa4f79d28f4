"""`tools/derive_contract.py`: each derived file is the contract but for the media types that it leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import derive_contract
import pytest
import yaml
from contract_diff.document import parse
from derive_contract import DERIVED, derive

TEXT = (Path(__file__).parents[2] / "openapi.yaml").read_text("utf-8")
FORM, JSON = DERIVED.values()
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def read(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return document


def differences(one: Any, other: Any, pointer: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where two documents differ, as deep in them as can be told."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if key in one and key in other:
                yield from differences(one[key], other[key], (*pointer, key))
            else:
                yield (*pointer, key)
    elif one != other:
        yield pointer


def bodies(document: dict[str, Any]) -> dict[tuple[str, ...], list[str]]:
    """Return the media types of each request body."""
    return {
        ("paths", path, method, "requestBody", "content"): list(operation["requestBody"]["content"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS and "requestBody" in operation
    }


@pytest.mark.parametrize(("kept", "other"), [(FORM, JSON), (JSON, FORM)])
def test_a_derived_file_is_the_contract_but_for_one_media_type_of_each_body_that_has_two(kept: str, other: str) -> None:
    source, derived = read(TEXT), read(derive(TEXT, kept))
    both = {pointer for pointer, types in bodies(source).items() if {kept, other} == set(types)}
    assert both
    assert {(*pointer, other) for pointer in both} == set(differences(source, derived))
    assert {1} == {len(types) for types in bodies(derived).values()}


@pytest.mark.parametrize("kept", DERIVED.values())
def test_a_derived_file_has_lines_of_the_contract_in_their_order_and_is_openapi(kept: str) -> None:
    text = derive(TEXT, kept)
    lines = iter(TEXT.splitlines())
    assert all(line in lines for line in text.splitlines())
    parse("derived", text)
    assert text == derive(text, kept)


SMALL = """\
paths:
  /a:
    parameters: []
    post:
      requestBody:
        content:
          application/json: {schema: {type: object}}
          multipart/form-data:
            schema: {type: object}
      responses: {}
  /b:
    get: {responses: {}}
    put: {requestBody: {content: {text/plain: {}}}}
components:
  requestBodies:
    Last:
      content:
        multipart/form-data: {}
        application/json:
          schema: {}
"""


@pytest.mark.parametrize(
    ("kept", "left_out"),
    [(FORM, {6, 18, 19}), (JSON, {7, 8, 17})],
)
def test_either_order_one_type_alone_and_a_body_among_the_components_are_read(kept: str, left_out: set[int]) -> None:
    lines = SMALL.splitlines(keepends=True)
    assert "".join(line for number, line in enumerate(lines) if number not in left_out) == derive(SMALL, kept)


def test_the_command_writes_both_files_and_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == derive_contract.main([str(tmp_path / "new")])
    assert [str(tmp_path / "new" / name) for name in DERIVED] == capsys.readouterr().out.splitlines()
    assert {name: derive(TEXT, kept) for name, kept in DERIVED.items()} == {
        path.name: path.read_text("utf-8") for path in (tmp_path / "new").iterdir()
    }
