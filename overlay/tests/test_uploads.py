"""What a caller gives as a file arrives as a part of a form: the same bytes, a file name, a media type."""

from __future__ import annotations

import io
import re
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import AsyncOpenVideos, InvalidArgumentError, OpenVideos, OpenVideosError

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
QUEUED = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "queued"}


class Recorder:
    """A server that keeps what it was sent, and takes every job."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[httpx.Request] = []
        self.statuses = list(statuses)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self.response(request)

    async def awaited(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self.response(request)

    def response(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else 200
        return httpx.Response(status, json=QUEUED, headers={"retry-after-ms": "0"})

    def client(self, **options: Any) -> OpenVideos:
        http = httpx.Client(transport=httpx.MockTransport(self))
        return OpenVideos(base_url="http://server.test/v1", http_client=http, **options)

    def parts(self, index: int = -1) -> dict[str, tuple[str | None, str, bytes]]:
        """Return the parts of a form by name: file name, media type, content."""
        request = self.requests[index]
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + request.content)
        return {
            str(part.get_param("name", header="content-disposition")): (
                part.get_filename(),
                part.get_content_type(),
                part.get_payload(decode=True),  # type: ignore[misc]
            )
            for part in message.iter_parts()
        }


class Bare:
    """A reader that can read and nothing else."""

    def __init__(self, content: bytes) -> None:
        self.read = io.BytesIO(content).read


@pytest.mark.parametrize(
    ("value", "name", "kind"),
    [
        (PNG, "input_reference.png", "image/png"),
        (b"\xff\xd8\xff" + b"0" * 20, "input_reference.jpg", "image/jpeg"),
        (b"RIFF0000WEBPVP8 ", "input_reference.webp", "image/webp"),
        (b"\0\0\0\x20ftypisom", "input_reference.mp4", "video/mp4"),
        (b"anything", "input_reference", "application/octet-stream"),
        (b"", "input_reference", "application/octet-stream"),
        (io.BytesIO(PNG), "input_reference.png", "image/png"),
        (("cat.jpg", PNG), "cat.jpg", "image/jpeg"),
        (("cat", PNG), "cat.png", "image/png"),
        ((None, PNG), "input_reference.png", "image/png"),
        (("cat.jpg", PNG, "image/x-odd"), "cat.jpg", "image/x-odd"),
        (("cat.jpg", io.BytesIO(PNG), None, {"X-Part": "1"}), "cat.jpg", "image/jpeg"),
        (("日本.png", PNG), "日本.png", "image/png"),
        (Bare(PNG), "input_reference", "application/octet-stream"),
    ],
)
def test_a_file_has_a_name_and_a_type(value: Any, name: str, kind: str) -> None:
    server = Recorder()
    server.client().videos.create(prompt="x", input_reference=value)
    parts = server.parts()
    assert {"prompt", "input_reference"} == set(parts)
    found_name, found_kind, content = parts["input_reference"]
    assert kind == found_kind
    assert content in {PNG, b"", *([value] if isinstance(value, bytes) else [])}
    if name.isascii():
        assert name == found_name


def test_a_path_is_read_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "start.png"
    path.write_bytes(PNG)
    server = Recorder()
    server.client().videos.create(prompt="x", input_reference=path)
    assert ("start.png", "image/png", PNG) == server.parts()["input_reference"]
    # pytest turns the ResourceWarning of a file that is left open into a failure.


@pytest.mark.anyio
async def test_an_async_client_uploads_too(tmp_path: Path) -> None:
    path = tmp_path / "start.png"
    path.write_bytes(PNG)
    server = Recorder()
    http = httpx.AsyncClient(transport=httpx.MockTransport(server.awaited))
    async with AsyncOpenVideos(base_url="http://server.test/v1", http_client=http) as client:
        await client.videos.create(prompt="x", input_reference=path)
    assert ("start.png", "image/png", PNG) == server.parts()["input_reference"]


@given(st.text(min_size=1, max_size=50, alphabet=st.characters(codec="utf-8")), st.binary(max_size=200))
def test_no_prompt_and_no_file_bends_the_form(prompt: str, content: bytes) -> None:
    server = Recorder()
    server.client().videos.create(prompt=prompt, input_reference=("a.bin", content), seconds=4)
    parts = server.parts()
    assert ["prompt", "seconds", "input_reference"] == list(parts)
    raw = server.requests[-1].content
    assert prompt.encode() in raw
    assert content in raw


class TestAgain:
    """A body that can be rewound is sent again whole; one that cannot is sent once."""

    def test_bytes_and_files_are_rewound(self, tmp_path: Path) -> None:
        path = tmp_path / "start.png"
        path.write_bytes(PNG)
        with path.open("rb") as file:
            for value in (PNG, path, file, io.BytesIO(PNG)):
                server = Recorder(429, 429)
                server.client().videos.create(prompt="x", input_reference=value)
                assert [PNG] * 3 == [server.parts(index)["input_reference"][2] for index in range(3)]
                assert 1 == len({request.headers["idempotency-key"] for request in server.requests})

    def test_a_stream_is_sent_once(self) -> None:
        server = Recorder(429)
        with pytest.raises(OpenVideosError):
            server.client().videos.create(prompt="x", input_reference=Bare(PNG))  # type: ignore[arg-type]
        assert 1 == len(server.requests)


class TestRefused:
    def test_a_media_type_that_is_two_headers(self) -> None:
        with pytest.raises(InvalidArgumentError, match="Content-Type"):
            Recorder().client().videos.create(prompt="x", input_reference=("a", PNG, "image/png\r\nX-A: b"))

    def test_a_part_header_that_is_two(self) -> None:
        with pytest.raises(InvalidArgumentError, match="X-A"):
            Recorder().client().videos.create(prompt="x", input_reference=("a", PNG, None, {"X-A": "b\nc"}))

    def test_a_name_that_is_no_text(self) -> None:
        with pytest.raises(InvalidArgumentError, match="file name"):
            Recorder().client().videos.create(prompt="x", input_reference=("\ud800.png", PNG))

    def test_a_closed_file(self, tmp_path: Path) -> None:
        file = io.BytesIO(PNG)
        file.close()
        with pytest.raises(InvalidArgumentError, match="closed"):
            Recorder().client().videos.create(prompt="x", input_reference=file)

    def test_a_path_is_closed_when_the_rest_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "start.png"
        path.write_bytes(PNG)
        with pytest.raises(InvalidArgumentError):
            Recorder().client().videos.create(prompt="x", input_reference=path, extra_headers={"X": "\n"})


class TestExtraBody:
    """What `extra_body` adds goes into the body that is sent, and counts before the method's own."""

    def test_adds_fields_to_a_form(self) -> None:
        server = Recorder()
        extra: dict[str, object] = {
            "seed": 7,
            "upscale": True,
            "tags": ["b"],
            "text": "é",
            "raw": b"\xff",
            "none": None,
            "model": "m2",
        }
        server.client().videos.create(prompt="x", model="m1", extra_body=extra)
        values = {name: content for name, (_, _, content) in server.parts().items()}
        expected = {"seed": b"7", "upscale": b"true", "tags": b"b", "raw": b"\xff", "model": b"m2"}
        assert expected | {"prompt": b"x", "text": "é".encode()} == values

    def test_gives_each_item_of_a_list_its_own_part(self) -> None:
        server = Recorder()
        extra: dict[str, object] = {"tags": ["a", {"b": 1}, 7], "pair": ("a", b"\xff"), "none": []}
        server.client().videos.create(prompt="x", extra_body=extra)
        (request,) = server.requests
        names = re.findall(rb'name="([^"]*)"', request.content)
        assert [b"prompt", b"tags", b"tags", b"tags", b"pair", b"pair"] == names
        values = re.findall(rb"\r\n\r\n(.*?)\r\n--", request.content, re.DOTALL)
        assert [b"x", b"a", b'{"b": 1}', b"7", b"a", b"\xff"] == values

    def test_adds_keys_to_json(self) -> None:
        server = Recorder()
        client = server.client()
        client.videos.remix("video_1", prompt="x", extra_body={"seed": 7, "prompt": "y"})
        client.videos.create(prompt="x", input_reference={"file_id": "f"}, seconds=8, extra_body={"seed": 7})
        client.videos.retrieve("video_1", extra_body={"why": "not"})
        bodies = [httpx.Response(200, content=request.content).json() for request in server.requests]
        reference = {"file_id": "f"}
        assert [
            {"seed": 7, "prompt": "y"},
            {"prompt": "x", "seconds": "8", "input_reference": reference, "seed": 7},
            {"why": "not"},
        ] == bodies


class TestExtras:
    def test_headers_and_query_are_laid_over_the_clients(self) -> None:
        server = Recorder()
        client = server.client(default_headers={"X-A": "1", "X-B": "1"}, default_query={"a": 1, "b": 1, "c": None})
        extra: dict[str, object] = {"b": 2, "d": ["x", "y"], "e": True, "f": None}
        client.videos.retrieve("video_1", extra_headers={"x-b": "2", "Accept": "a/b"}, extra_query=extra)
        request = server.requests[-1]
        assert ("1", "2", "a/b") == (request.headers["x-a"], request.headers["x-b"], request.headers["accept"])
        assert [("a", "1"), ("b", "2"), ("d", "x"), ("d", "y"), ("e", "true")] == request.url.params.multi_items()

    def test_a_callers_idempotency_key_counts(self) -> None:
        server = Recorder(429)
        server.client().videos.create(prompt="x", extra_headers={"idempotency-key": "mine"})
        assert ["mine", "mine"] == [request.headers["idempotency-key"] for request in server.requests]

    def test_a_timeout_counts_before_the_clients(self) -> None:
        server = Recorder()
        client = server.client(timeout=7)
        client.videos.retrieve("video_1")
        for timeout in (3, None, httpx.Timeout(1, read=2)):
            client.videos.retrieve("video_1", timeout=timeout)
        reads = [request.extensions["timeout"]["read"] for request in server.requests]
        assert [7, 3, None, 2] == reads
