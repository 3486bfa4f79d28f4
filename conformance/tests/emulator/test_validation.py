"""Requests are judged by `openapi.yaml`: each refusal names the field, and a limit is changed there only."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos_emulator._contract import Contract, contract, control
from openvideos_emulator._http.body import Form, LongText
from openvideos_emulator._http.validation import Validator
from openvideos_emulator._model.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Server

BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"prompt": None}, "prompt"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": "x" * 32_001}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"prompt": "a\0b"}, "prompt"),
    ({"prompt": "\ud800"}, "prompt"),
    ({"model": ""}, "model"),
    ({"model": None}, "model"),
    ({"seconds": 4}, "seconds"),
    ({"seconds": "0"}, "seconds"),
    ({"seconds": "4\n"}, "seconds"),
    ({"seconds": "4.5"}, "seconds"),
    ({"seconds": "61"}, "seconds"),
    ({"seconds": "9" * 5000}, "seconds"),
    ({"size": "720"}, "size"),
    ({"size": "720x1280\n"}, "size"),
    ({"size": "\u0667\u0662x1280"}, "size"),
    ({"size": "719x1280"}, "size"),
    ({"size": "4098x2"}, "size"),
    ({"size": "2x" + "8" * 5000}, "size"),
    ({"input_reference": "text"}, "input_reference"),
    ({"input_reference": {}}, "input_reference"),
    ({"input_reference": {"image_url": "https://a/b", "file_id": "f"}}, "input_reference"),
    ({"input_reference": {"path": "x"}}, "input_reference"),
    ({"input_reference": {"image_url": "b.png"}}, "input_reference.image_url"),
    ({"input_reference": {"image_url": "data:image/png;base64,%%"}}, "input_reference.image_url"),
    ({"input_reference": {"image_url": "data:image/png,abc"}}, "input_reference.image_url"),
]


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=5), child, max_size=3),
    max_leaves=4,
)
"""Short values, which a message shows whole."""

WRONG: dict[str, Any] = {"type": ["array", "null"], "enum": [["x"], None, True, "y"], "minItems": 9}
"""What few values fit: whatever rule is broken, its limits are shown as JSON, too."""


def _only(fields: dict[str, Any]) -> object:
    return next(iter(fields.values()))


@pytest.mark.parametrize(("fields", "param"), BAD_FIELDS, ids=[str(each[0])[:40] for each in BAD_FIELDS])
def test_a_bad_field_of_json_is_named(serve: type[Server], fields: dict[str, Any], param: str) -> None:
    with serve() as server:
        body = json.dumps({"prompt": "A cat", **fields})
        headers = {"content-type": "application/json"}
        error = server.refused(400, "POST", "videos", content=body, headers=headers)
        assert param == error["param"]
        assert param in error["message"]
        assert [] == server.ok("GET", "videos")["data"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [each for each in BAD_FIELDS if isinstance(_only(each[0]), str) and _only(each[0]) not in {"\ud800", "text"}],
)
def test_a_bad_field_of_a_form_is_named(serve: type[Server], fields: dict[str, Any], param: str) -> None:
    with serve() as server:
        files = {name: (None, value) for name, value in {"prompt": "A cat", **fields}.items()}
        assert param == server.refused(400, "POST", "videos", files=files)["param"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '"text"',
        "null",
        "{",
        '{"prompt": NaN}',
        '{"prompt": "x", "a": Infinity}',
        '{"prompt": "x", "a": 1e999}',
        '{"prompt": "x", "a": ' + "9" * 5000 + "}",
        '{"prompt": "x"} trailing',
        "\ufeff{}",
        '{"a": ' * 100_000,
        "[" * 100_000,
        '{"prompt": "x", "a": ' + "[" * 200 + "]" * 200 + "}",
    ],
    ids=lambda body: body[:20],
)
def test_what_is_no_json_object_is_refused(serve: type[Server], body: str) -> None:
    with serve() as server:
        error = server.refused(400, "POST", "videos", content=body, headers={"content-type": "application/json"})
        assert "invalid_json" == error["code"]


def test_json_that_is_not_utf_8_is_refused(serve: type[Server]) -> None:
    with serve() as server:
        headers = {"content-type": "application/json"}
        server.refused(400, "POST", "videos", content=b'{"prompt": "\xff"}', headers=headers)
        server.refused(400, "POST", "videos", content='{"prompt": "x"}'.encode("utf-16"), headers=headers)


def test_a_field_given_twice_is_named(serve: type[Server]) -> None:
    with serve() as server:
        files = [("prompt", (None, "a")), ("prompt", (None, "b"))]
        assert "prompt" == server.refused(400, "POST", "videos", files=files)["param"]
        headers = {"content-type": "application/json"}
        body = '{"prompt": "a", "prompt": "b"}'
        assert "prompt" == server.refused(400, "POST", "videos", content=body, headers=headers)["param"]
        assert "limit" == server.refused(400, "GET", "videos?limit=1&limit=2")["param"]


def test_bytes_that_are_no_text_name_their_field(serve: type[Server]) -> None:
    with serve() as server:
        for value in (b"\xff", b"\xed\xa0\x80", b"a\0b"):
            assert "prompt" == server.refused(400, "POST", "videos", files={"prompt": (None, value)})["param"]
        assert "prompt" == server.refused(400, "POST", "videos", files={"prompt": ("a.txt", b"text")})["param"]


def test_a_missing_field_is_named(serve: type[Server]) -> None:
    with serve() as server:
        for options in ({"json": {"size": "2x2"}}, {"files": {"size": (None, "2x2")}}):
            error = server.refused(400, "POST", "videos", **options)
            assert ("prompt", "missing_required_parameter") == (error["param"], error["code"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"--b\r\n",
        b"--b\r\nContent-Disposition: form-data; name=prompt\r\n\r\nx",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: attachment; name=prompt\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\nno colon\r\n\r\nx\r\n--b--\r\n",
        b"--other\r\n\r\n--other--",
        b"--b\r\n" + b"a" * 100_000,
        (b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n" * 101) + b"--b--\r\n",
    ],
)
def test_a_broken_form_is_refused(serve: type[Server], body: bytes) -> None:
    with serve() as server:
        headers = {"content-type": "multipart/form-data; boundary=b"}
        server.refused(400, "POST", "videos", content=body, headers=headers)


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 300, '; boundary="\u00e9"'])
def test_a_form_without_a_good_boundary_is_refused(serve: type[Server], boundary: str) -> None:
    with serve() as server:
        headers = httpx.Headers([(b"content-type", f"multipart/form-data{boundary}".encode("latin-1"))])
        server.refused(400, "POST", "videos", content=b"--x--", headers=headers)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("limit=1.0", "limit"),
        ("limit=%2B1", "limit"),
        ("limit=1%0A", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("order=up", "order"),
        ("order=", "order"),
        ("after=", "after"),
        ("after=%00", "after"),
        ("after=%FF", None),
        ("&".join(f"x{number}=1" for number in range(200)), None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_bad_query_parameter_is_named(serve: type[Server], query: str, param: str | None) -> None:
    with serve() as server:
        assert param == server.refused(400, "GET", f"videos?{query}")["param"]


def test_what_the_contract_does_not_know_is_ignored(serve: type[Server]) -> None:
    with serve() as server:
        server.create(quality="high", nested={"a": [1, 2]})
        server.ok("GET", "videos?page=2&page=3")
        files = [("prompt", (None, "a")), ("tag", (None, "1")), ("tag", (None, "2"))]
        server.ok("POST", "videos", files=files)


def test_defaults_are_the_contracts(serve: type[Server]) -> None:
    with serve() as server:
        for options in ({"json": {"prompt": "x"}}, {"files": {"prompt": (None, "x")}}):
            video = server.ok("POST", "videos", **options)
            assert ("sora-2", "4", "720x1280") == (video["model"], video["seconds"], video["size"])


def test_a_changed_contract_changes_the_behaviour(document: dict[str, Any]) -> None:
    changed = copy.deepcopy(document)
    changed["components"]["schemas"]["Prompt"]["maxLength"] = 5
    changed["components"]["schemas"]["VideoSeconds"]["default"] = "7"
    limit = next(each for each in changed["paths"]["/videos"]["get"]["parameters"] if each["name"] == "limit")
    limit["schema"].update(maximum=3, default=2)
    contract = Contract(changed)
    validator, operations = Validator(contract), {each.id: each for each in contract.operations}
    address = operations["create_video"].bodies["application/json"]
    assert "7" == validator.json_fields({"prompt": "short"}, address)["seconds"]
    with pytest.raises(RefusalError, match="at most 5"):
        validator.json_fields({"prompt": "longer"}, address)
    assert 2 == validator.parameters(operations["list_videos"], path={}, query=b"", headers={})["limit"]
    with pytest.raises(RefusalError, match="at most 3"):
        validator.parameters(operations["list_videos"], path={}, query=b"limit=4", headers={})


def test_each_operation_and_media_type_of_the_contract_is_read(document: dict[str, Any]) -> None:
    contract = Contract(document)
    validator = Validator(contract)
    for operation in contract.operations:
        for media_type, address in operation.bodies.items():
            judge = validator.json_fields if media_type == "application/json" else validator.form_fields
            nothing: Any = {} if media_type == "application/json" else Form()
            with pytest.raises(RefusalError, match=r"prompt is missing|name is missing"):
                judge(nothing, address)


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"size": "640x480"}, "size"), ({"seconds": "5"}, "seconds"), ({"size": "720x720"}, "size")],
)
def test_the_profile_sora_is_narrow(serve: type[Server], fields: dict[str, str], param: str) -> None:
    with serve(profile="sora") as server:
        assert param == server.refused(400, "POST", "videos", json={"prompt": "x", **fields})["param"]
        for size in ("720x1280", "1280x720", "1024x1792", "1792x1024"):
            for seconds in ("4", "8", "12"):
                server.create(size=size, seconds=seconds)


@given(value=JSON, keyword=st.sampled_from([*WRONG]))
@example(value=None, keyword="enum")
@example(value={"a": [None, True, {"b": False}]}, keyword="type")
def test_a_wrong_value_is_named_and_shown_as_json(value: Any, keyword: str) -> None:
    schema = {"type": "object", "properties": {"seconds": {keyword: WRONG[keyword]}}}
    validator = Validator(Contract({"paths": {}, "components": {"schemas": {"Body": schema}}}))
    try:
        validator.json_fields({"seconds": value}, "#/components/schemas/Body")
    except RefusalError as error:
        refusal = error
    else:
        return
    written = json.dumps(value, ensure_ascii=False)
    assert (refusal.param or "").startswith("seconds")
    if "holds" in refusal.message:  # a character that no text may have
        return
    assert not any(word in refusal.message.replace(written, "") for word in ("None", "True", "False", "['"))
    if len(written) <= 60 and written.isprintable():
        assert refusal.message.startswith(f"seconds is {written}; it ")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seconds": None}, "seconds is null; it must be of the type string."),
        ({"seconds": True}, "seconds is true; it must be of the type string."),
        ({"prompt": ""}, 'prompt is ""; it must have at least 1 character(s).'),
        ({"prompt": "x" * 32_001}, f'prompt is "{"x" * 59}…"; it must have at most 32000 characters.'),
        ({"prompt": ['a"b', None]}, r'prompt is ["a\"b", null]; it must be of the type string.'),
        ({"prompt": {"a": 1.5}}, 'prompt is {"a": 1.5}; it must be of the type string.'),
        ({"size": "big\u202e"}, 'size is "big\ufffd"; it must match ^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$.'),
    ],
)
def test_a_message_shows_what_was_sent(serve: type[Server], fields: dict[str, Any], message: str) -> None:
    with serve() as server:
        assert message == server.refused(400, "POST", "videos", json={"prompt": "A cat", **fields})["message"]


def test_a_message_shows_the_text_of_a_query_or_a_form(serve: type[Server]) -> None:
    with serve() as server:
        assert 'limit is ""; it must be of the type integer.' == server.refused(400, "GET", "videos?limit=")["message"]
        assert "limit is 101; it must be at most 100." == server.refused(400, "GET", "videos?limit=101")["message"]
        error = server.refused(400, "POST", "videos", files={"prompt": (None, "")})
        assert 'prompt is ""; it must have at least 1 character(s).' == error["message"]


def test_a_long_text_is_a_common_text_once_it_is_valid(document: dict[str, Any]) -> None:
    contract = Contract(document)
    address = next(each for each in contract.operations if each.id == "create_video").bodies["application/json"]
    url = LongText("data:" + "x" * 9_000)
    assert len(repr(url)) < 80
    for body in ({"input_reference": {"image_url": url}}, {"references": [{"role": "reference", "image_url": url}]}):
        fields = Validator(contract).json_fields({"prompt": LongText("y" * 9_000), **body}, address)
        whole = json.dumps(fields["prompt"]) + repr(fields)
        assert "x" * 9_000 in whole
        assert "y" * 9_000 in whole


@pytest.mark.parametrize(
    ("document", "operation", "fields", "path"),
    [
        (contract, "create_video", {"prompt": "x", "references": [{}] * 21_000}, ("references",)),
        (contract, "create_video", {"prompt": "x", "references": [1] * 16}, ("references", "0")),
        (control, "advance", {"jobs": ["video_1", *([""] * 9_000)]}, ("jobs", "1")),
        (control, "plan_fault", {"headers": {f"\u00e9{number}": "\n" for number in range(9_000)}}, ("headers",)),
    ],
)
def test_of_many_flaws_one_is_looked_for(
    document: Callable[[], Contract], operation: str, fields: dict[str, Any], path: tuple[str, ...]
) -> None:
    """Each flaw takes a hundred times as long as what is right, and the event loop may wait for all of them."""
    read = document()
    address = next(each for each in read.operations if each.id == operation).bodies["application/json"]
    assert [path] == [flaw.path for flaw in read.flaws(fields, address)]


@pytest.mark.parametrize("fields", [{"stall": {"at": 5.0, "seconds": 0.5}}, {"truncate": 5.0, "delay": 2.0}])
def test_a_whole_number_is_an_integer_wherever_it_is(fields: dict[str, Any]) -> None:
    address = next(each for each in control().operations if each.id == "plan_fault").bodies["application/json"]
    valid = Validator(control()).json_fields({**fields, "body": [7.0]}, address)
    assert "5" == repr(valid["stall"]["at"] if "stall" in fields else valid["truncate"])
    assert [float] == [type(each) for each in valid["body"]]
