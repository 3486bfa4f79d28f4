"""What the properties stand on: values of schemas, the judge of requests, and that new things in the contract count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from . import clients
from .arguments import givens, places
from .clients import Given, Stage, overlay_arguments
from .contract import (
    FORM,
    JSON,
    OPERATIONS,
    UNCOVERED,
    Body,
    Operation,
    Parameter,
    document,
    is_binary,
    operations,
    paths_in,
    problems,
    typed,
)
from .merging import merged
from .mock_server import BASE_URL, KEY, faults, read
from .strategies import forbidden, valid

SCHEMAS: dict[str, Any] = document()["components"]["schemas"]
VALUES = [name for name, schema in SCHEMAS.items() if not is_binary(schema)]
FEW = settings(max_examples=settings().max_examples // 2)
AUTHORIZED = {"authorization": f"Bearer {KEY}"}
JOB = {"prompt": "x", "size": "16x16"}


@pytest.mark.parametrize("name", VALUES)
@FEW
@given(data=st.data())
def test_a_valid_value_is_valid(name: str, data: st.DataObject) -> None:
    assert [] == problems(SCHEMAS[name], data.draw(valid(SCHEMAS[name])))


@pytest.mark.parametrize("name", VALUES)
@FEW
@given(data=st.data())
def test_a_forbidden_value_is_not(name: str, data: st.DataObject) -> None:
    assert problems(SCHEMAS[name], data.draw(forbidden(SCHEMAS[name])))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number", "minimum": 0.5, "maximum": 2.5},
        {"type": ["number", "null"], "minimum": -1.5},
        {"type": "integer", "minimum": 0.5, "maximum": 2.5},
        {"type": "boolean"},
        {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 4},
        {"type": "number", "minimum": -1, "exclusiveMaximum": 1, "multipleOf": 0.25},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 4}, "minItems": 4, "uniqueItems": True},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 2},
        {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}, "maxProperties": 1},
        {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 0}], "description": "Not both."},
        {"type": "object", "properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        merged({"type": "number", "minimum": 0, "maximum": 9}, {"type": "integer", "minimum": 2, "maximum": 12}),
    ],
    ids=str,
)
@FEW
@given(data=st.data())
def test_so_it_is_with_what_the_contract_may_come_to_have(schema: dict[str, Any], data: st.DataObject) -> None:
    assert [] == problems(schema, data.draw(valid(schema)))
    assert problems(schema, data.draw(forbidden(schema)))


@FEW
@given(data=st.data())
def test_what_has_no_type_may_be_anything(data: st.DataObject) -> None:
    assert [] == problems({}, data.draw(valid({"description": "Anything."})))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        *[("string", "7", "7"), ("integer", "7", 7), ("number", "1e-7", 1e-7), ("boolean", "true", True)],
        *[
            ("integer", "seven", "seven"),
            ("integer", " 7", " 7"),
            ("number", "NaN", "NaN"),
            ("boolean", "True", "True"),
        ],
        *[("object", '{"a": 1}', {"a": 1}), ("integer", '"7"', '"7"')],
    ],
)
def test_a_text_is_read_as_the_type_of_its_schema(kind: str, text: str, value: Any) -> None:
    assert (type(value), value) == (type(typed({"type": kind}, text)), typed({"type": kind}, text))
    assert typed({"anyOf": [{"type": kind}, {"type": "string"}]}, text) == text


def test_a_line_break_at_the_end_is_no_part_of_a_pattern() -> None:
    assert problems(SCHEMAS["VideoSeconds"], "4\n")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "contentEncoding": "base64"},
        {"type": "object", "patternProperties": {}},
        {"type": "object", "properties": {"a": {"type": "array", "contains": {}}}},
        {"type": "array", "items": {"type": "string", "format": "binary"}},
        {"oneOf": [{"not": {}}]},
    ],
)
def test_a_keyword_that_is_not_understood_is_not_passed_over(schema: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError, match=r"strategies\.py"):
        valid(schema)


SIZED = {"type": "object", "properties": {"size": {"type": "string", "minLength": 3}}, "required": ["size"]}


def test_schemas_that_hold_together_are_one() -> None:
    colour = {"properties": {"size": {"maxLength": 7}, "colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
    expected = {
        "type": "object",
        "properties": {"size": {"type": "string", "minLength": 3, "maxLength": 7}, "colour": {"enum": ["red", "blue"]}},
        "required": ["size", "colour"],
    }
    assert merged(SIZED, colour) == expected
    assert {
        "enum": ["blue"],
        "title": "B",
    } == merged({"enum": ["red", "blue"], "title": "A"}, {"enum": ["blue"], "title": "B"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "string"}, {"type": "integer"}),
        ({"pattern": "a"}, {"pattern": "b"}),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"properties": {"b": {}}}),
        ({"items": {"const": 1}}, {"items": {"const": 2}}),
    ],
)
def test_what_cannot_be_joined_is_not_passed_over(one: dict[str, Any], other: dict[str, Any]) -> None:
    for left, right in ((one, other), (other, one)):
        with pytest.raises(NotImplementedError, match=r"merging\.py"):
            merged(left, right)


def test_an_array_is_read_from_its_items() -> None:
    numbers = {"type": ["array", "null"], "items": {"type": "integer"}}
    assert [7, "seven", 8] == typed(numbers, "7", "seven", "8")
    assert [7] == typed(numbers, "7")
    either = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    assert ("7", ["7", "8"]) == (typed(either, "7"), typed(either, "7", "8"))
    with pytest.raises(AssertionError, match="2 times"):
        typed({"type": "integer"}, "7", "8")


def request(method: str, path: str, **more: Any) -> httpx.Request:
    """Return a request with the right key."""
    headers: dict[str, str] = more.pop("headers", AUTHORIZED)
    made = httpx.Request(method, f"{BASE_URL}{path}", headers=headers, **more)
    made.read()
    return made


class TestTheJudge:
    @pytest.mark.parametrize(
        "sent",
        [
            request("GET", "/videos?limit=5&order=asc"),
            request("POST", "/videos", json=JOB),
            request("POST", "/videos", files={"prompt": (None, "x"), "input_reference": ("a.png", b"", "image/png")}),
            request("GET", "/videos/a%2Fb/content?variant=video"),
        ],
        ids=lambda sent: f"{sent.method} {sent.url}",
    )
    def test_lets_what_is_right_pass(self, sent: httpx.Request) -> None:
        assert {} == faults(read(sent))

    @pytest.mark.parametrize(
        ("sent", "wrong"),
        [
            (request("GET", "/videos?limit=0"), "limit"),
            (request("GET", "/videos?limit=five&order=up"), "limit order"),
            (request("GET", "/videos?limit=1&limit=2"), "limit"),
            (request("GET", "/videos", headers={}), "authorization"),
            (request("POST", "/videos"), "body"),
            (request("POST", "/videos", json=JOB | {"size": "wide", "seconds": 4}), "seconds size"),
            (request("POST", "/videos", json={"size": "16x16"}), "body"),
            (request("POST", "/videos", files={"prompt": (None, "")}), "prompt"),
            (
                request("POST", "/videos", json=JOB, headers=AUTHORIZED | {"idempotency-key": "a b"}),
                "Idempotency-Key",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else value.method,
    )
    def test_names_what_is_wrong(self, sent: httpx.Request, wrong: str) -> None:
        assert wrong.split() == sorted(faults(read(sent)))

    @pytest.mark.parametrize(
        "sent",
        [
            request("PUT", "/videos"),
            request("GET", "/videos/a/b"),
            httpx.Request("GET", "http://elsewhere.test/v1/videos"),
            request("POST", "/videos", content=b"x", headers=AUTHORIZED | {"content-type": FORM}),
            request("POST", "/videos", content=b"x", headers=AUTHORIZED | {"content-type": f"{FORM}; boundary=a"}),
            request("POST", "/videos", files=[("prompt", (None, "x")), ("prompt", (None, "y"))]),
            request("POST", "/videos", files={"prompt": ("prompt.txt", "x")}),
            request("POST", "/videos", files={"prompt": (None, "x"), "input_reference": (None, b"")}),
        ],
        ids=lambda sent: f"{sent.method} {sent.url}",
    )
    def test_refuses_what_is_no_request_of_the_contract(self, sent: httpx.Request) -> None:
        with pytest.raises(AssertionError):
            read(sent)

    def test_gives_names_back_that_had_to_be_escaped(self) -> None:
        name = 'a"b\\c\r\n'
        (part,) = read(request("POST", "/videos", files={name: (None, b"x")})).parts
        assert name == part.name


def unused(name: str, taken: Iterable[str]) -> str:
    """Return a name, or one made of it if the contract has come to have it."""
    while name in taken:
        name = f"x_example_{name}"
    return name


FIELD = unused("fps", OPERATIONS["create_video"].bodies[FORM].schema["properties"])
NUMBERS = {"type": "array", "items": {"type": "integer"}, "maxItems": 2}


class TestNews:
    """What the contract gains is sent, judged, spoiled and counted with no word of it in these tests."""

    @pytest.fixture
    def grown(self, monkeypatch: pytest.MonkeyPatch) -> Operation:
        """Return create_video with query parameters, a header and a field that it does not have."""
        old = OPERATIONS["create_video"]
        new = (
            Parameter("tag", "query", required=True, schema={"type": "integer", "minimum": 5}),
            Parameter("X-Tag", "header", required=True, schema={"type": "string", "pattern": "^[a-z]+\\Z"}),
            Parameter("of", "query", required=False, schema=NUMBERS),
        )
        body = old.bodies[FORM]
        schema = body.schema | {
            "properties": body.schema["properties"] | {FIELD: {"type": "string", "enum": ["24", "60"]}},
            "required": ["prompt", FIELD],
        }
        bodies = {**old.bodies, FORM: Body(FORM, body.model, schema)}
        operation = evolve(old, id="create_video_anew", parameters=(*old.parameters, *new), bodies=bodies)
        monkeypatch.setattr(clients, "method_of", lambda _: "create")
        monkeypatch.delitem(OPERATIONS, "create_video")
        monkeypatch.setitem(OPERATIONS, operation.id, operation)
        return operation

    def test_is_sent_and_judged(self, grown: Operation) -> None:
        seen: list[Any] = []

        def server(sent: httpx.Request) -> httpx.Response:
            seen.append(read(sent))
            return httpx.Response(400)

        with Stage() as stage:

            @FEW
            @given(givens(grown.id, FORM))
            def run(arguments: Given) -> None:
                seen.clear()
                for client in stage.overlays(server):
                    with pytest.raises(Exception, match="400"):
                        client.call(grown, arguments)
                for said in seen:
                    assert not faults(said)
                    assert [str(arguments.query["tag"])] == said.given("query")["tag"]
                    assert [arguments.header["X-Tag"]] == said.given("header")["X-Tag"]
                    assert arguments.body[FIELD] == said.body[FIELD]
                    assert FIELD in set(paths_in(grown.bodies[FORM].schema, said.body))

            run()

    def test_is_missed_and_spoiled(self, grown: Operation) -> None:
        said = read(request("POST", "/videos", files={"prompt": (None, "x")}))
        assert {"tag", "X-Tag", "body"} == faults(said).keys()
        assert {"tag", "X-Tag", FIELD} <= {name for _, _, name, _ in places(grown)}

    @pytest.mark.parametrize(
        ("query", "delimiter", "wrong"),
        [
            *[("of=1", None, ""), ("of=1&of=2", None, ""), ("of=1&of=2&of=3", None, "of"), ("of=1,2", None, "of")],
            *[("of=1", ",", ""), ("of=1,2", ",", ""), ("of=1|2", "|", ""), ("of=1,2,3", ",", "of")],
            *[("of=1&of=2", ",", "of"), ("of=", None, "of"), ("of=", ",", "of")],
        ],
    )
    def test_a_list_in_a_query_is_judged_by_its_items(
        self, grown: Operation, monkeypatch: pytest.MonkeyPatch, query: str, delimiter: str | None, wrong: str
    ) -> None:
        changed = [evolve(each, delimiter=delimiter) if each.name == "of" else each for each in grown.parameters]
        monkeypatch.setitem(OPERATIONS, grown.id, evolve(grown, parameters=tuple(changed)))
        sent = request("POST", f"/videos?tag=7&{query}", json=JOB, headers=AUTHORIZED | {"x-tag": "a"})
        assert wrong == " ".join(faults(read(sent)))

    def test_is_counted(self, grown: Operation) -> None:
        news = {"query tag", "header X-Tag", f"{FORM} {FIELD}"}
        assert {f"{grown.id} {name}" for name in news} <= set(grown.items())
        assert f"{grown.id} {JSON} {FIELD}" not in set(grown.items())


def test_what_the_overlay_has_no_argument_for_goes_by_the_extras(tmp_path: Any) -> None:
    arguments = Given(
        path={"video_id": "a"}, query={"variant": "video", "q": 1}, header={"Range": "bytes=0-"}, body={"b": 2}
    )
    expected = {
        "video_id": "a",
        "variant": "video",
        "extra_query": {"q": 1},
        "extra_headers": {"Range": "bytes=0-"},
        "extra_body": {"b": 2},
    }
    assert expected == overlay_arguments(OPERATIONS["download_video_content"], arguments, tmp_path)


def test_an_operation_that_has_no_method_for_a_reason_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this, who gives the reason has all properties of the operation failing."""
    monkeypatch.setitem(UNCOVERED, "create_video", "It waits for two servers.")
    assert OPERATIONS.keys() - {"create_video"} == operations("paths", has_paths=True).keys()
