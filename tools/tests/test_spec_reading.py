"""The reading of contracts: three versions of OpenAPI, whatever a file holds, and what is wrong in a sentence."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from contract_diff.changes import compare
from contract_diff.document import MOST_BYTES, MOST_NODES, InvalidSpecError, lines_of, load, parse
from contract_diff.reading.versions import upgraded
from hypothesis import given
from hypothesis import strategies as st

from .edits import PROJECT, SPEC, TEXT

SPECS = Path(__file__).with_name("specs")
BACK = {"$ref": "#/components/schemas/S0"}
STATUS = "'#/components/schemas/VideoStatus'"
SENTENCES = [
    ("openapi: 3.1.0", "openapi: [", "is no YAML"),
    ("      operationId: list_videos", "      operationId: 7", "is no OpenAPI 3.1: 7 is not of type 'string'"),
    (
        "          type: string\n          const: event",
        "          type: strin",
        "is no OpenAPI 3.1: 'strin' is not valid",
    ),
    ("const: event", "const: event\n          const: event", "the key const stands here a second time"),
    (STATUS, "'other.yaml#/VideoStatus'", "refers to another document, which is not read: other.yaml#/VideoStatus"),
    (STATUS, "'#/components/schemas/Nothing'", "refers to #/components/schemas/Nothing, which is not there"),
    (STATUS, "'#nothing'", "refers to #nothing, which is not there"),
    (STATUS, "'#/info/title'", "refers to #/info/title, which is no object"),
    ("'#/components/parameters/VideoId'", "'#/info'", "refers to #/info, which is none of the parameters"),
    ("'#/components/responses/Unauthorized'", "'#/paths'", "refers to #/paths, which is none of the responses"),
    ("    VideoStatus:\n", "    A: {$anchor: [x]}\n    VideoStatus:\n", "is no OpenAPI 3.1: .*is not of"),
    ("    VideoStatus:\n", "    VideoStatus: &it\n      x-it: *it\n", "holds itself"),
    (
        "    VideoStatus:\n",
        "    A: {$ref: '#/components/schemas/B'}\n    B: {$ref: '#/components/schemas/A'}\n    VideoStatus:\n",
        "refers to itself, by #/components/schemas/B",
    ),
    ("operationId: list_videos", "operationId: create_video", "the operationId create_video stands here"),
    (
        "pattern: ^[1-9][0-9]{0,4}$",
        "pattern: ^[1-9][0-9{0,4}$",
        r"the pattern \^\[1-9\]\[0-9\{0,4\}\$ is no regular exp",
    ),
    ("      default: video", "      default: 7", "is no OpenAPI 3.1: 7 is not of type 'string'"),
    ("  /videos:\n", "  /videos:\n    gett: {}\n", r"is no OpenAPI 3.1: .*'gett' was unexpected"),
    ("      - name: variant\n", "      - name: [variant]\n", "is no OpenAPI 3.1: .*is not of type 'string'"),
]
"""A text of the contract, what takes its place, and what is said of that."""


@pytest.mark.parametrize(("old", "new", "said"), SENTENCES, ids=[said[:40] for *_, said in SENTENCES])
def test_what_is_wrong_is_told_in_a_sentence_with_its_line(old: str, new: str, said: str) -> None:
    broken = TEXT.replace(old, new, 1)
    assert broken != TEXT
    with pytest.raises(InvalidSpecError, match=r"^x\.yaml:\d+: " + said) as caught:
        parse("x.yaml", broken)
    line = int(str(caught.value).split(":")[1])
    assert abs(line - 1 - TEXT[: TEXT.index(old)].count("\n")) <= 5
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no OpenAPI document"),
        ("- a", "is no OpenAPI document"),
        ("a: b", "is no OpenAPI document; the versions that are read are 3.0, 3.1 and 3.2"),
        ("swagger: '2.0'", "is Swagger 2.0; the versions"),
        ("openapi: 4.0.0", "is OpenAPI 4.0.0; the versions"),
        ("openapi: {}", "is OpenAPI {}; the versions"),
        ("openapi: 3.1.0\npaths: {}", "is no OpenAPI 3.1: 'info' is a required property"),
        ("a: " + "[" * 3000 + "]" * 3000, "is nested too deeply"),
        ('{"a":' * 300 + "1" + "}" * 300, "is nested too deeply"),
        ("\n".join(["a: &a [x]", *(f"b{n}: &b{n} [*a, *a]" for n in range(3))]), "is no OpenAPI document"),
        ("a: !!timestamp 2026-13-45", "is no YAML: month must be in 1..12"),
        ("a: !!timestamp x", "is no YAML"),
        ("a: !!bool x", "is no YAML"),
        ("? !!timestamp 2026-01-01\n: a", "holds what JSON cannot say"),
        ("a: .nan", "holds what JSON cannot say"),
        ("a: !!python/object:os.system x", "is no YAML"),
        ("a: \x1b[31m", "is no YAML"),
        ("openapi: '3.1.0\x1b'", "is no YAML"),
    ],
)
def test_what_is_no_contract_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidSpecError, match=rf"^x:\d+: {said}") as caught:
        parse("x", text)
    assert str(caught.value).isprintable()


def test_aliases_that_stand_for_more_than_fits_into_memory_are_refused() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    with pytest.raises(InvalidSpecError, match=f"stands for more than {MOST_NODES} nodes"):
        parse("x", "\n".join(levels))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda some: some.decode("utf-8", "replace")))
def test_whatever_a_file_holds_is_read_or_refused(text: str) -> None:
    with pytest.raises(InvalidSpecError):
        parse("x", text)


def of_schemas(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a contract whose one operation returns a schema, S0."""
    content = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    operation = {"operationId": "a", "responses": {"200": {"description": "A.", **content}}}
    info = {"title": "A", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": {"/a": {"get": operation}}, "components": {"schemas": schemas}}


@pytest.mark.parametrize("last", [{}, {"properties": {"back": BACK}}], ids=["ladder", "circle"])
def test_references_that_multiply_are_compared(last: dict[str, Any]) -> None:
    """There are two to the power of 60 ways to the last component, which may lead back to the first."""
    schemas: dict[str, Any] = {"S60": {"type": ["string", "object"], **last}}
    for level in range(60):
        schemas[f"S{level}"] = {"properties": {key: {"$ref": f"#/components/schemas/S{level + 1}"} for key in "ab"}}
    spec = parse("x", json.dumps(of_schemas(schemas)))
    other = json.loads(json.dumps(spec))
    other["components"]["schemas"]["S60"]["maxLength"] = 1
    [change] = compare(spec, other)
    assert "/components/schemas/S60" == change.where


@pytest.mark.parametrize("key", ["allOf", "anyOf", "oneOf"])
@pytest.mark.parametrize("last", [{"type": "string"}, {"anyOf": [BACK]}], ids=["ladder", "circle"])
def test_references_that_multiply_what_is_combined_are_refused(key: str, last: dict[str, Any]) -> None:
    schemas: dict[str, Any] = {"S40": last}
    for level in range(40):
        schemas[f"S{level}"] = {key: [{"$ref": f"#/components/schemas/S{level + 1}"}] * 2}
    with pytest.raises(InvalidSpecError, match="the schema comes to more than 5000 by what it combines; combine fewer"):
        parse("x", json.dumps(of_schemas(schemas)))
    changed = {**schemas, "S40": {**last, "maxLength": 1}}
    assert ["other"] == [change.worst for change in compare(of_schemas(schemas), of_schemas(changed))]


def test_a_long_chain_of_references_is_compared() -> None:
    for chain in ({"allOf": ["next"]}, {"items": "next"}, "next"):
        schemas: dict[str, Any] = {"S300": {"type": "string"}}
        for level in range(300):
            text = json.dumps(chain).replace('"next"', json.dumps({"$ref": f"#/components/schemas/S{level + 1}"}))
            schemas[f"S{level}"] = json.loads(text)
        spec, other = (of_schemas({**schemas, "S300": {"type": kind}}) for kind in ("string", "integer"))
        assert [] == compare(spec, spec)
        assert {"breaking", "other"} & {change.worst for change in compare(spec, other)}


def test_the_words_of_yaml_are_those_of_12() -> None:
    words = "[16:9, on, No, 1_000, 2026-12-01, '~', 0o17, 0x1F, 010, -7, 1e3, .5, ~, true]"
    spec = {"openapi": "3.1.0", "info": {"title": "A", "version": "1"}, "paths": {}}
    told = parse("x", f"{json.dumps(spec)[:-1]}, x-words: {words}" + "}")["x-words"]
    assert ["16:9", "on", "No", "1_000", "2026-12-01", "~", 15, 31, 10, -7, 1000, 0.5, None, True] == told


def test_a_name_is_no_option_of_git(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError, match="is neither a file nor known to git"):
        load(f"--output={tmp_path / 'written'}", PROJECT)
    assert [] == [*tmp_path.iterdir()]


def test_what_a_file_may_be(tmp_path: Path) -> None:
    for name, content, said in (
        ("large.yaml", b"#" * (MOST_BYTES + 1), "is larger than"),
        ("largest.yaml", b"#" * MOST_BYTES, "is no OpenAPI document"),
        ("latin.yaml", b"openapi: \xff", "cannot be read"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidSpecError, match=rf"{name}:1: {said}"):
            load(str(tmp_path / name))
    with pytest.raises(InvalidSpecError, match="is neither a file nor known to git"):
        load(str(tmp_path))
    with pytest.raises(InvalidSpecError, match="is neither a file nor known to git"):
        load("v0:nothing.yaml")
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert SPEC == load(str(tmp_path / "marked.yaml"))


def test_a_contract_is_read_from_git_wherever_it_is() -> None:
    is_known = not subprocess.run(["git", "cat-file", "-e", "HEAD:openapi.yaml"], cwd=PROJECT, check=False).returncode
    if is_known:
        assert "3.1.0" == load("HEAD:openapi.yaml", PROJECT)["openapi"]


@pytest.mark.parametrize("name", sorted(path.name for path in SPECS.iterdir()))
def test_contracts_of_others_are_read(name: str) -> None:
    spec = load(str(SPECS / name))
    assert [] == compare(spec, spec)
    assert spec["openapi"] in {"3.1.0", "3.2.0"}


def schema_of_30(schema: dict[str, Any]) -> Any:
    spec = {"openapi": "3.0.3", "components": {"schemas": {"A": schema}}}
    return upgraded(spec)["components"]["schemas"]["A"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        (
            {"type": "string", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"allOf": [{"$ref": "#/components/schemas/B"}], "nullable": True, "description": "A."},
            {"description": "A.", "anyOf": [{"allOf": [{"$ref": "#/components/schemas/B"}]}, {"type": "null"}]},
        ),
        ({"nullable": True}, {}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        ({"exclusiveMaximum": True}, {}),
        ({"example": 1}, {"examples": [1]}),
        ({"$ref": "#/components/schemas/B", "description": "No effect."}, {"$ref": "#/components/schemas/B"}),
        (
            {"properties": {"nullable": {"nullable": True, "type": "object"}}},
            {"properties": {"nullable": {"type": ["object", "null"]}}},
        ),
        ({"items": {"type": "string", "nullable": True}}, {"items": {"type": ["string", "null"]}}),
        ({"default": {"nullable": True}}, {"default": {"nullable": True}}),
    ],
)
def test_a_schema_of_30_is_one_of_31(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert new == schema_of_30(old)


def test_json_may_be_indented_with_tabs_and_has_its_own_numbers() -> None:
    spaces = json.dumps(SPEC, indent=1)
    tabs = json.dumps(SPEC, indent="\t").replace('"maximum": 100,', '"maximum": 1e2,')
    assert SPEC == parse("spaces", spaces)
    assert [] == compare(SPEC, parse("tabs", tabs))
    assert 7 == lines_of("x", '{\n\t"a":\n\t{\n\t\t"b": [\n\t\t\t1,\n\n\t\t\t2\n\t\t]\n\t}\n}')(("a", "b", "1", "c"))


def test_a_name_that_begins_with_a_hyphen_is_no_option_of_git(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError, match="is neither a file nor known to git"):
        load(f"--output={tmp_path / 'written'}", PROJECT)
    assert [] == [*tmp_path.iterdir()]
