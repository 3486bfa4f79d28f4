"""Whatever is sent, the answer has the envelope and is not a server error (`Server` checks both on each answer)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.conftest import Server

HARD = settings(max_examples=settings().max_examples * 2, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda child: st.lists(child) | st.dictionaries(st.text(), child),
    max_leaves=10,
)
NAMES = st.sampled_from(["prompt", "model", "size", "seconds", "input_reference", "video", "name"])
POSTS = st.sampled_from(
    ["videos", "videos/edits", "videos/extensions", "videos/characters", "videos/video_1/remix", "videos/%00/remix"]
)


@pytest.fixture
def server(serve: type[Server]) -> Iterator[Server]:
    with serve(max_body_bytes=1 << 20) as server:
        yield server


@HARD
@given(path=POSTS, body=st.dictionaries(NAMES | st.text(), JSON) | JSON)
def test_any_json(server: Server, path: str, body: object) -> None:
    server.post(path, content=json.dumps(body), headers={"content-type": "application/json"})


@HARD
@given(
    path=POSTS,
    parts=st.lists(
        st.tuples(NAMES | st.text(min_size=1), st.tuples(st.none() | st.text(), st.binary(max_size=50) | st.text()))
    ),
)
def test_any_form(server: Server, path: str, parts: list[tuple[str, tuple[str | None, bytes | str]]]) -> None:
    encoded = [
        (
            name.encode("utf-8", "replace").decode(),
            (file, part.encode("utf-8", "replace") if isinstance(part, str) else part),
        )
        for name, (file, part) in parts
        if file is None or file.encode("utf-8", "replace").decode() == file
    ]
    server.post(path, files=encoded or {"x": b""})


@HARD
@given(
    path=POSTS,
    body=st.binary(max_size=200),
    content_type=st.sampled_from(
        [
            "application/json",
            "application/json; charset=utf-16",
            "multipart/form-data; boundary=b",
            "multipart/form-data",
            "text/plain",
            ";",
            "multipart/form-data; boundary=b; boundary=c",
        ]
    ),
)
def test_any_bytes(server: Server, path: str, body: bytes, content_type: str) -> None:
    server.post(path, content=body, headers={"content-type": content_type})


@HARD
@given(
    boundary_first=st.booleans(),
    pieces=st.lists(
        st.sampled_from(
            [
                b"--b",
                b"--b--",
                b"\r\n",
                b"\n",
                b"\r",
                b"Content-Disposition: form-data; name=",
                b"prompt",
                b'"',
                b";",
                b"Content-Type: ",
                b"\r\n\r\n",
                b"filename=x",
                b":",
                b"\0",
                b"\xff",
            ]
        ),
        max_size=25,
    ),
)
def test_any_near_form(server: Server, pieces: list[bytes], *, boundary_first: bool) -> None:
    body = (b"--b\r\n" if boundary_first else b"") + b"".join(pieces)
    server.post("videos", content=body, headers={"content-type": "multipart/form-data; boundary=b"})


SEGMENT = st.text(alphabet=st.characters(codec="ascii"), min_size=1, max_size=20) | st.binary(min_size=1, max_size=9)


def _escaped(segment: str | bytes) -> str:
    return quote(segment, safe="")


@HARD
@given(
    segment=SEGMENT,
    query=st.binary(max_size=30),
    method=st.sampled_from(["GET", "DELETE", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "TRACE", "BREW"]),
    tail=st.sampled_from(["", "/content", "/remix", "/", "/x", "/content/"]),
)
def test_any_path_and_query(server: Server, segment: str | bytes, query: bytes, method: str, tail: str) -> None:
    response = server.request(method, f"videos/{_escaped(segment)}{tail}?{_escaped(query)}=1&limit={_escaped(query)}")
    if response.status_code == 405:
        assert method not in response.headers["allow"].split(", ")


@HARD
@given(header=st.sampled_from(["Range", "If-Range", "Idempotency-Key", "Authorization"]), value=st.binary(max_size=40))
def test_any_header(server: Server, header: str, value: bytes) -> None:
    value = bytes(each for each in value if each not in b"\r\n\0").strip()
    headers = {header.encode(): value}
    server.create()
    id_ = server.ok("GET", "videos", params={"limit": 1})["first_id"]
    server.get(f"videos/{id_}/content", headers=headers)
    server.post("videos", json={"prompt": "x"}, headers=headers)


@settings(HARD, max_examples=settings().max_examples)
@given(data=st.data(), is_video=st.booleans())
def test_any_damaged_file(server: Server, png: bytes, data: st.DataObject, *, is_video: bool) -> None:
    whole = server.get(f"videos/{server.create()['id']}/content").content if is_video else png
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        # The front holds the structure, in which damage matters most.
        place = data.draw(st.integers(0, min(len(whole), 1200) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))]
    field, path = ("video", "videos/edits") if is_video else ("input_reference", "videos")
    response = server.post(path, files={"prompt": (None, b"x"), field: ("file", bytes(damaged))})
    assert response.status_code in {200, 400, 422}
