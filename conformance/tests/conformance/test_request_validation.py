"""Test whether a request is legal, illegal, or in doubt."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from openvideos_conformance._core.contract import Contract, contract
from openvideos_conformance._core.request_validation import Legality, judge_request

JSON = "application/json"
FORM = "multipart/form-data; boundary=cut"


def _judged(
    operation: str, query: str = "", body: bytes = b"", media_type: str = "", by: Contract | None = None
) -> Legality:
    return judge_request(by or contract(), operation, query=query, media_type=media_type, body=body)


def _create(value: Any) -> Legality:
    return _judged("create_video", body=json.dumps(value).encode(), media_type=JSON)


def _form(
    *parts: str, operation: str = "create_video", end: str = "--cut--\r\n", by: Contract | None = None
) -> Legality:
    body = "".join(f"--cut\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + end
    return _judged(operation, body=body.encode(), media_type=FORM, by=by)


@pytest.mark.parametrize(
    "value", [{"prompt": "A boat"}, {"prompt": "静かな湖 🚤", "size": "64x48", "seconds": "4", "model": "m"}]
)
def test_a_create_that_the_contract_allows_is_legal(value: Any) -> None:
    assert _create(value).is_legal
    assert value == _create(value).fields


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"prompt": ""},
        {"prompt": 5},
        {"prompt": "A boat", "size": "big"},
        {"prompt": "A boat", "seconds": -4},
        {"prompt": "A boat", "seconds": "0"},
        {"prompt": "A boat", "seconds": True},
        {"prompt": None},
        {"prompt": "A boat", "seconds": "4", "num_frames": 64},
        {"prompt": "A boat", "input_reference": {}},
        [],
        None,
        "A boat",
    ],
)
def test_a_create_that_the_contract_forbids_is_illegal(value: Any) -> None:
    assert _create(value).is_illegal


@pytest.mark.parametrize(
    "value",
    [
        {"prompt": "A boat", "seconds": 4},
        {"prompt": "A boat", "seconds": " 04"},
        {"prompt": "A boat", "size": "064x 048"},
        {"prompt": "A boat", "model": None, "seed": None},
        {"prompt": "A boat" * 6000},
    ],
)
def test_what_a_server_may_understand_is_neither_legal_nor_illegal(value: Any) -> None:
    judged = _create(value)
    assert judged.flaws
    assert not judged.is_illegal
    assert not judged.is_legal


@pytest.mark.parametrize(
    "value",
    [
        {"prompt": " "},
        {"prompt": "a\ud800"},
        {"prompt": "a\x00b"},
        {"prompt": "A boat", "unknown": 1},
        {"prompt": "A boat", "input_reference": {"file_id": "file_1"}},
    ],
)
def test_what_a_server_may_refuse_for_another_reason_is_in_doubt(value: Any) -> None:
    assert not _create(value).is_legal
    assert not _create(value).is_illegal


def test_a_body_that_is_no_json_is_illegal() -> None:
    for body in (b"{", b"\xff", b'{"prompt": NaN}', b"[" * 100_000):
        assert _judged("create_video", body=body, media_type=JSON).is_illegal


def test_a_body_of_another_type_or_none_is_illegal() -> None:
    assert _judged("create_video", body=b"{}", media_type="text/plain").is_illegal
    assert _judged("remix_video", body=b"--cut--", media_type=FORM).is_illegal
    assert _judged("create_video", media_type=JSON).is_illegal


def test_a_form_is_judged_by_its_fields() -> None:
    assert _form('name="prompt"\r\n\r\nA boat').is_legal
    assert _form('name="prompt"\r\n\r\n').is_illegal
    assert _form('name="size"\r\n\r\n64x48').is_illegal
    assert _form('name="prompt"\r\n\r\nA boat', 'name="size"\r\n\r\nbig').is_illegal


@pytest.mark.parametrize(
    "parts",
    [
        ['name="prompt"\r\n\r\nA boat', 'name="prompt"\r\n\r\nA car'],
        ['name="prompt"\r\n\r\nA boat', 'name="unknown"\r\n\r\n1'],
        ['name="prompt"; filename="a.txt"\r\n\r\nA boat'],
        ['name="prompt"\r\n\r\nA boat', 'name="input_reference"; filename="a.png"\r\n\r\nPNG'],
    ],
)
def test_a_form_that_can_be_read_in_two_ways_is_in_doubt(parts: list[str]) -> None:
    legality = _form(*parts)
    assert legality.doubts
    assert not legality.is_illegal


def test_of_the_references_in_a_form_one_is_in_doubt_and_two_are_illegal() -> None:
    prompt, url = 'name="prompt"\r\n\r\nA boat', 'name="input_reference[image_url]"\r\n\r\nhttps://x'
    one, two = _form(prompt, url), _form(prompt, url, 'name="input_reference[file_id]"\r\n\r\nf')
    assert (["input_reference[image_url] may be refused because of what it names"], False) == (
        [*one.doubts],
        one.is_illegal,
    )
    assert two.is_illegal


@pytest.mark.parametrize(
    ("names", "is_illegal"), [((), True), (("video[id]",), False), (("video",), False), (("video", "video[id]"), True)]
)
def test_an_edit_in_a_form_names_one_video(names: tuple[str, ...], is_illegal: bool) -> None:  # noqa: FBT001 - a case
    parts = {
        "video": 'name="video"; filename="a.mp4"\r\n\r\nMP4',
        "video[id]": 'name="video[id]"\r\n\r\nvideo_1',
    }
    form = ('name="prompt"\r\n\r\nA boat', *(parts[name] for name in names))
    assert is_illegal == _form(*form, operation="edit_video").is_illegal


def test_a_form_that_cannot_be_read_is_in_doubt() -> None:
    assert _judged("create_video", body=b"nothing", media_type="multipart/form-data").doubts
    assert not _form(end="").is_legal


def test_a_file_that_is_missing_is_illegal() -> None:
    assert _form('name="name"\r\n\r\nAda', operation="create_character").is_illegal
    assert not _form(
        'name="name"\r\n\r\nAda', 'name="video"; filename="a.mp4"\r\n\r\nMP4', operation="create_character"
    ).is_illegal


@pytest.mark.parametrize("query", ["", "limit=1", "limit=100&order=asc", "order=desc", "after=video_1"])
def test_a_list_that_the_contract_allows_is_legal(query: str) -> None:
    assert _judged("list_videos", query).is_legal


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=", "limit=ten", "limit=1.5", "limit=000", "limit=1e1", "order=up"]
)
def test_a_list_that_the_contract_forbids_is_illegal(query: str) -> None:
    assert _judged("list_videos", query).is_illegal


@pytest.mark.parametrize("query", ["limit=1&limit=2", "unknown=1", "after=%00", "limit=01", "limit=%205", "limit=%2B5"])
def test_a_list_that_a_server_may_refuse_is_in_doubt(query: str) -> None:
    assert _judged("list_videos", query).doubts


def test_headers_and_ids_are_not_judged() -> None:
    assert _judged("retrieve_video").is_legal
    assert _judged("download_video_content", "variant=thumbnail").is_legal
    assert _judged("download_video_content", "variant=poster").is_illegal


LISTS = [("7", True), ("x", False), ("7,8", False)]


@pytest.mark.parametrize(
    ("schema", "text", "is_legal"),
    [
        *[({"type": "integer"}, "7", True), ({"type": "integer"}, "7.5", False), ({"type": "integer"}, "seven", False)],
        *[({"type": "number"}, "8.1e-172", True), ({"type": "number", "maximum": 1}, "1.5", False)],
        *[({"type": ["boolean", "null"]}, "true", True), ({"type": "boolean"}, "True", False)],
        *[({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "7", True), ({"type": "string"}, "7", True)],
        *[({"type": "array", "items": {"type": "integer"}}, each, is_legal) for each, is_legal in LISTS],
        *[({"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "integer"}}]}, "x", False)],
    ],
)
def test_a_text_is_read_by_the_schema_of_a_new_field(schema: dict[str, Any], text: str, is_legal: bool) -> None:  # noqa: FBT001 - a case
    changed = _with_new(schema)
    form = _form('name="prompt"\r\n\r\nA boat', f'name="new"\r\n\r\n{text}', by=changed)
    query = _judged("list_videos", query=urlencode({"new": text}), by=changed)
    assert (is_legal, is_legal) == (form.is_legal, query.is_legal)
    assert (not is_legal, not is_legal) == (form.is_illegal, query.is_illegal)


def _with_new(schema: dict[str, Any], **more: Any) -> Contract:
    """Return the contract with a new field of forms and a new parameter of queries."""
    document = copy.deepcopy(contract().document)
    document["components"]["schemas"]["CreateVideoForm"]["properties"]["new"] = schema
    parameter = {"name": "new", "in": "query", "schema": schema, **more}
    document["paths"]["/videos"]["get"]["parameters"].insert(0, parameter)
    return Contract(document)


def test_each_item_of_an_array_is_a_field_of_its_own() -> None:
    few = {"type": "array", "items": {"type": "integer"}, "maxItems": 2}
    prompt, *numbers = [f'name="{name}"\r\n\r\n{text}' for name, text in [("prompt", "A boat"), *[("new", "7")] * 3]]
    changed = _with_new(few)
    assert _form(prompt, *numbers[:2], by=changed).is_legal
    assert [7, 7] == _form(prompt, *numbers[:2], by=changed).fields["new"]
    assert _form(prompt, *numbers, by=changed).is_illegal
    assert _judged("list_videos", "new=7&new=8", by=changed).is_legal
    assert _judged("list_videos", "new=7&new=8&new=9", by=changed).is_illegal
    assert _judged("list_videos", "new=7&new=", by=changed).is_illegal


def test_a_list_that_is_written_in_another_style_is_in_doubt() -> None:
    judged = _judged(
        "list_videos", "new=7,8", by=_with_new({"type": "array", "items": {"type": "integer"}}, explode=False)
    )
    assert judged.doubts
    assert not judged.is_illegal


def test_an_object_in_a_form_is_json_and_in_doubt() -> None:
    changed = _with_new({"type": "object", "properties": {"pan": {"type": "number"}}})
    prompt = 'name="prompt"\r\n\r\nA boat'
    right, wrong, broken = (
        _form(prompt, f'name="new"\r\n\r\n{text}', by=changed) for text in ('{"pan": 1}', '{"pan": "x"}', "{")
    )
    assert (False, {"pan": 1}) == (right.is_illegal, right.fields["new"])
    assert wrong.is_illegal
    assert broken.is_illegal
