"""Test that each prompt of a run has its mark, and is otherwise what it was."""

from __future__ import annotations

import json
from typing import Any

import requests
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.request_validation import judge_request
from openvideos_conformance._core.run_mark import RunMark

from .synthetic_server import SyntheticServer, client_of

LONGEST = 60
MARK = RunMark("0123456789abcdef", LONGEST, "make it fail")
PROMPTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=2 * LONGEST)


@given(PROMPTS)
def test_a_marked_prompt_stays_legal_or_too_long_and_is_marked_once(prompt: str) -> None:
    marked = MARK.on_prompt(prompt)
    assert MARK.run_id in marked
    assert MARK.on_prompt(marked) == marked
    assert (len(marked) <= LONGEST) == (len(prompt) <= LONGEST)
    assert marked.startswith(prompt) or (marked.endswith(prompt[len(MARK.text) :]) and len(marked) == len(prompt))


@given(st.one_of(st.none(), st.just(""), st.integers(), st.lists(st.text()), st.just("make it fail")))
def test_what_is_illegal_or_the_operators_stays_as_it_is(prompt: object) -> None:
    fields = {"prompt": prompt, "size": "64x48"}
    assert MARK.on_fields(fields) == fields
    body = json.dumps(fields).encode()
    assert MARK.on_body("application/json", body) == body


@given(PROMPTS, st.dictionaries(st.sampled_from(["size", "model", "negative_prompt"]), st.text(min_size=1)))
def test_a_body_has_the_marked_prompt_and_its_other_fields(prompt: str, rest: dict[str, str]) -> None:
    fields = {**rest, "prompt": prompt}
    expected = {**rest, "prompt": MARK.on_prompt(prompt)}
    bodies: list[dict[str, Any]] = [
        {"json": fields},
        {"files": {name: (None, value) for name, value in fields.items()}},
    ]
    for made in bodies:
        request = requests.Request("POST", "http://server.test/", **made).prepare()
        media_type, body = str(request.headers["content-type"]), request.body
        assert isinstance(body, bytes)
        read = judge_request(
            contract(), "create_video", query="", media_type=media_type, body=MARK.on_body(media_type, body)
        ).fields
        assert {name: read[name] for name in expected} == expected


@given(st.binary(max_size=200), st.sampled_from(["application/json", "multipart/form-data; boundary=b", "text/plain"]))
def test_a_body_that_cannot_be_read_stays_as_it_is(body: bytes, media_type: str) -> None:
    assert MARK.on_body(media_type, body) == body or b"prompt" in body


def test_a_file_that_is_named_prompt_stays_as_it_is() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="prompt"; filename="a.txt"\r\n\r\nA boat\r\n--b--\r\n'
    assert MARK.on_body("multipart/form-data; boundary=b", body) == body


def test_every_way_to_create_a_job_sends_the_mark() -> None:
    server = SyntheticServer()
    with client_of(server) as client:
        boat: dict[str, Any] = {"prompt": "A boat"}
        client.post("/videos", form=boat)
        client.post("/videos", json=boat)
        client.post("/videos/video_1/remix", json=boat)
        client.post("/videos/edits", json={**boat, "video": {"id": "video_1"}})
        assert all(client.run_id.encode() in each.content for each in server.requests)
        assert all(client.run_id in each.request_fields["prompt"] for each in client.history)
