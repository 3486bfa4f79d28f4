"""What a caller gives as a file arrives as a part of a form: the same bytes, a file name, a media type."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from email.parser import BytesParser
from email.policy import HTTP
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio
import httpx
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers, UploadFile

from openvideos import APIConnectionError, AsyncOpenVideos, InvalidArgumentError, OpenVideos, OpenVideosError
from openvideos._drivers.request_body import RequestBody
from openvideos._drivers.sockets import WORTH_A_WRITE

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
        body = QUEUED if status == 200 else {"error": {"message": "later"}}
        return httpx.Response(status, json=body, headers={"retry-after-ms": "0"})

    def client(self, **options: Any) -> OpenVideos:
        http = httpx.Client(transport=httpx.MockTransport(self))
        return OpenVideos(base_url="http://server.test/v1", http_client=http, **options)

    def awaiting(self) -> AsyncOpenVideos:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.awaited))
        return AsyncOpenVideos(base_url="http://server.test/v1", http_client=http)

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


STREAM: Any = Bare(PNG)
STATUS = {"POST": "queued", "GET": "completed"}


class Named(io.BytesIO):
    """A file with a name."""

    def __init__(self, content: bytes, name: object) -> None:
        super().__init__(content)
        self.name = name


class Unreadable:
    """No file, though asking it raises."""

    @property
    def read(self) -> bytes:
        raise RuntimeError("no")


class AsyncBare:
    """The same, awaited; it counts."""

    def __init__(self, content: bytes) -> None:
        self.read_: Callable[[], bytes] = io.BytesIO(content).read
        self.reads = 0

    async def read(self, size: int = -1) -> bytes:
        assert size > 0
        self.reads += 1
        return self.read_()


class Streaming(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that takes the pieces of a body as they come; httpx's mock reads it whole."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.take = take

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for piece in cast("Iterable[bytes]", request.stream):
            self.take(piece)
        return httpx.Response(200, json=QUEUED)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async for piece in cast("AsyncIterator[bytes]", request.stream):
            self.take(piece)
        return httpx.Response(200, json=QUEUED)


@pytest.mark.parametrize(
    ("value", "name", "kind"),
    [
        (PNG, "input_reference.png", "image/png"),
        (b"\xff\xd8\xff" + b"0" * 20, "input_reference.jpg", "image/jpeg"),
        (b"RIFF0000WEBPVP8 ", "input_reference.webp", "image/webp"),
        (b"GIF89a" + b"0" * 20, "input_reference.gif", "image/gif"),
        (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", "input_reference.bmp", "image/bmp"),
        (b"BMW is no picture", "input_reference", "application/octet-stream"),
        (b"II*\0\x08\0\0\0", "input_reference.tiff", "image/tiff"),
        (b"MM\0*\0\0\0\x08", "input_reference.tiff", "image/tiff"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm", "input_reference.webm", "video/webm"),
        (b"\0\0\0\x20ftypisom", "input_reference.mp4", "video/mp4"),
        (b"\0\0\0\x20ftypmp42\0\0\0\0mp42avc1", "input_reference.mp4", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\x02\0qt  ", "input_reference.mov", "video/quicktime"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "input_reference.avif", "image/avif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "input_reference.avif", "image/avif"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "input_reference.heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "input_reference.heic", "image/heic"),
        (b"\0\0\0\x14ftypmif1\0\0\0\0mif1", "input_reference.heif", "image/heif"),
        (("cat.png.gz", b"\x1f\x8b" + b"0" * 20), "cat.png.gz", "application/octet-stream"),
        (("cat.mp4", PNG), "cat.mp4", "video/mp4"),
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
        (Named(PNG, "<stdin>"), "input_reference.png", "image/png"),
        (Named(PNG, b"a/cat.gif"), "cat.gif", "image/gif"),
        (Named(PNG, 7), "input_reference.png", "image/png"),
    ],
)
def test_a_file_has_a_name_and_a_type(value: Any, name: str, kind: str) -> None:
    server = Recorder()
    server.client().videos.create(prompt="x", input_reference=value)
    parts = server.parts()
    assert {"prompt", "input_reference"} == set(parts)
    found_name, found_kind, content = parts["input_reference"]
    assert kind == found_kind
    assert content in [PNG, value, *(value if isinstance(value, tuple) else [])]
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

    def test_a_stream_is_not_read_again(self) -> None:
        class Twice(httpx.Auth):
            def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
                yield request
                yield request

        sent: list[bytes] = []
        http = httpx.Client(transport=Streaming(sent.append), auth=Twice())
        client = OpenVideos(base_url="http://server.test/v1", http_client=http)
        client.videos.create(prompt="x", input_reference=PNG)
        first, again = sent
        assert first == again
        with pytest.raises(InvalidArgumentError, match="input_reference can be read once, and was"):
            client.videos.create(prompt="x", input_reference=Bare(PNG))  # type: ignore[arg-type]

    def test_a_path_is_opened_again(self, tmp_path: Path) -> None:
        class Removing(Recorder):
            def response(self, request: httpx.Request) -> httpx.Response:
                path.unlink()
                return super().response(request)

        path = tmp_path / "start.png"
        path.write_bytes(PNG)
        server = Removing(429)
        with pytest.raises(InvalidArgumentError, match="input_reference: the file cannot be read: No such file"):
            server.client().videos.create(prompt="x", input_reference=path)
        assert 1 == len(server.requests)


class TestRefused:
    def test_a_media_type_that_is_two_headers(self) -> None:
        with pytest.raises(InvalidArgumentError, match="Content-Type"):
            Recorder().client().videos.create(prompt="x", input_reference=("a", PNG, "image/png\r\nX-A: b"))

    def test_a_part_header_that_is_two(self) -> None:
        with pytest.raises(InvalidArgumentError, match="X-A"):
            Recorder().client().videos.create(prompt="x", input_reference=("a", PNG, None, {"X-A": "b\nc"}))

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            (("\ud800.png", PNG), "file name is not valid Unicode"),
            ((b"a.png", PNG), "file name is of the type bytes"),
            ((7, PNG), "file name is of the type int"),
            ((0, PNG), "file name is of the type int"),
            (("a", PNG, b"image/png"), "media type is of the type bytes"),
            (("a", PNG, 0), "media type is of the type int"),
            (("a", PNG, "image/é"), "Content-Type"),
            (("a", PNG, None, [("X-A", "b")]), "headers are of the type list"),
            (("a", PNG, None, {"X-A": None}), "X-A"),
            (("a", PNG, None, {"X-A": b"b"}), "X-A"),
            (("a", PNG, None, {7: "b"}), "name 7"),
            (("a", PNG, None, {"X A": "b"}), "name 'X A'"),
            (("a", ("b", PNG)), "of the type tuple"),
            (("a", PNG, None, None, None), "tuple of 5"),
        ],
    )
    def test_a_tuple_of_odd_items(self, value: Any, problem: str) -> None:
        with pytest.raises(InvalidArgumentError, match=problem):
            Recorder().client().videos.create(prompt="x", input_reference=value)

    def test_a_closed_file(self) -> None:
        file = io.BytesIO(PNG)
        file.close()
        with pytest.raises(InvalidArgumentError, match="closed"):
            Recorder().client().videos.create(prompt="x", input_reference=file)

    def test_a_picture_and_how_it_becomes_a_file(self) -> None:
        # numpy is not installed here; its arrays are known by their type's name.
        array: Any = type("ndarray", (), {"__module__": "numpy"})()
        image: Any = PIL.Image.new("RGB", (1, 1))
        for value, line in (
            (image, r'image\.save\(file, format="PNG"\)'),
            (array, r'PIL\.Image\.fromarray\(array\)\.save\(file, format="PNG"\)'),
        ):
            with pytest.raises(InvalidArgumentError, match=rf"file = io\.BytesIO\(\)\n    {line}$"):
                Recorder().client().videos.create(prompt="x", input_reference=value)
        server = Recorder()
        file = io.BytesIO()
        image.save(file, format="PNG")
        server.client().videos.create(prompt="x", input_reference=file)
        assert ("input_reference.png", "image/png", file.getvalue()) == server.parts()["input_reference"]

    @pytest.mark.parametrize(
        ("file", "way"),
        [
            (UploadFile(io.BytesIO(PNG)), r"pass its \.file, or use AsyncOpenVideos"),
            (anyio.wrap_file(io.BytesIO(PNG)), r"pass its \.wrapped, or use AsyncOpenVideos"),
            (AsyncBare(PNG), "pass its content as bytes, or use AsyncOpenVideos"),
        ],
    )
    def test_an_async_file_in_the_blocking_client(self, file: Any, way: str) -> None:
        server = Recorder()
        with pytest.raises(InvalidArgumentError, match=way):
            server.client().videos.create(prompt="x", input_reference=file)
        assert [] == server.requests


class TestAsyncFiles:
    @pytest.mark.anyio
    async def test_an_upload_keeps_its_name_and_type(self) -> None:
        for headers, kind in (({"content-type": "image/x-odd"}, "image/x-odd"), ({}, "image/png")):
            server = Recorder(429)
            file = UploadFile(io.BytesIO(PNG), filename="C:\\cats\\cat", headers=Headers(headers))
            await file.read()
            await server.awaiting().videos.create(prompt="x", input_reference=file)
            name = "cat" if headers else "cat.png"
            assert [(name, kind, PNG)] * 2 == [server.parts(index)["input_reference"] for index in range(2)]
            assert "content-length" in server.requests[0].headers

    @pytest.mark.anyio
    async def test_a_file_that_is_read_once_is_sent_once_and_in_chunks(self) -> None:
        server = Recorder(429)
        with pytest.raises(OpenVideosError):
            await server.awaiting().videos.create(prompt="x", input_reference=AsyncBare(PNG))
        [request] = server.requests
        assert "chunked" == request.headers["transfer-encoding"]

    @pytest.mark.anyio
    async def test_memory_is_bounded(self) -> None:
        """Each piece of a file of 100 MB is read when the one before is gone."""
        file, pieces, received = AsyncBare(b""), 1_600, 0
        file.read_ = lambda: bytes(1 << 16) if file.reads <= pieces else b""

        def take(piece: bytes) -> None:
            nonlocal received
            received += len(piece)
            assert file.reads * (1 << 16) - received <= 2 << 16

        client = AsyncOpenVideos(
            base_url="http://server.test/v1", http_client=httpx.AsyncClient(transport=Streaming(take))
        )
        await client.videos.create(prompt="x", input_reference=file)
        assert received > pieces << 16

    @pytest.mark.anyio
    async def test_one_that_raises_is_named(self) -> None:
        file = AsyncBare(PNG)
        file.read_ = partial(dict[str, bytes]().__getitem__, "x")
        with pytest.raises(InvalidArgumentError, match="input_reference: the file cannot be read: KeyError: 'x'"):
            await Recorder().awaiting().videos.create(prompt="x", input_reference=file)


class TestFilesOfTheSdk:
    """A path is open only while it is sent."""

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Give the files that were opened."""
        files: list[Any] = []
        original = Path.open

        def opening(path: Path, *args: Any) -> Any:
            files.append(original(path, *args))
            return files[-1]

        monkeypatch.setattr(Path, "open", opening)
        return files

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "start.png"
        path.write_bytes(PNG)
        return path

    def test_it_is_closed_before_the_first_poll(self, path: Path, opened: list[Any]) -> None:
        class Looking(Recorder):
            def response(self, request: httpx.Request) -> httpx.Response:
                if request.method == "GET":
                    assert [True, True] == [file.closed for file in opened]
                    return httpx.Response(200, json={**QUEUED, "status": "completed"})
                return super().response(request)

        video = Looking().client().videos.create_and_poll(prompt="x", input_reference=path, poll_interval_ms=0)
        assert "completed" == video.status

    @pytest.mark.parametrize(
        "refused",
        [
            {"extra_headers": {"X": "\n"}},
            {"extra_query": {"x": object()}},
            {"extra_body": {"x": object()}},
            {"extra_body": {"x": 7, "y": "\ud800"}},
            {"seed": "7"},
            {"input_reference": ("a", "path", 7)},
            {"extra_headers": {"Content-Type": "application/json"}},
        ],
    )
    def test_none_is_open_after_a_refusal(self, path: Path, opened: list[Any], refused: dict[str, Any]) -> None:
        arguments: dict[str, Any] = {"prompt": "x", "input_reference": path, **refused}
        if isinstance(arguments["input_reference"], tuple):
            arguments["input_reference"] = ("a", path, 7)
        with pytest.raises(InvalidArgumentError):
            Recorder().client().videos.create(**arguments)
        assert all(file.closed for file in opened)

    def test_none_is_open_when_the_call_is_never_sent(self, path: Path, opened: list[Any]) -> None:
        Recorder().client().videos.with_streaming_response.create(prompt="x", input_reference=path)
        assert [True] == [file.closed for file in opened]

    def test_none_is_open_when_the_exchange_breaks_off(self, path: Path, opened: list[Any]) -> None:
        os.truncate(path, 1 << 20)

        def breaks(_: bytes) -> None:
            assert not opened[-1].closed
            raise httpx.ReadError("broken")

        http = httpx.Client(transport=Streaming(breaks))
        client = OpenVideos(base_url="http://server.test/v1", http_client=http)
        with pytest.raises(APIConnectionError):
            client.videos.create(prompt="x", input_reference=path)
        assert [True, True] == [file.closed for file in opened]

    @pytest.mark.parametrize(
        ("later", "has"), [(PNG + b"0", "more"), (PNG[:-1], str(len(PNG) - 1)), (b"", "0")], ids=str
    )
    def test_one_that_has_changed_its_length_is_refused(self, path: Path, later: bytes, has: str) -> None:
        manager = Recorder().client().videos.with_streaming_response.create(prompt="x", input_reference=path)
        path.write_bytes(later)
        with pytest.raises(InvalidArgumentError, match=f"had {len(PNG)} bytes, and now has {has}"), manager:
            pass


class TestTransfer:
    """Content-Length is sent where it is sure, and pieces that are worth a write."""

    @pytest.mark.parametrize("flavour", ["sync", "async"])
    @pytest.mark.parametrize(
        ("size", "pieces"), [(None, 1), (0, 1), (1_000, 1), (60_000, 1), (70_000, 2), (200_000, 4)]
    )
    def test_a_form_goes_out_in_few_pieces(self, flavour: str, size: int | None, pieces: int) -> None:
        sent: list[bytes] = []
        arguments: dict[str, Any] = {"prompt": "x", "model": "m", "seconds": 4, "size": "720x1280", "seed": 1}
        if size is not None:
            arguments["input_reference"] = bytes(size)
        url, transport = "http://server.test/v1", Streaming(sent.append)
        if flavour == "sync":
            OpenVideos(base_url=url, http_client=httpx.Client(transport=transport)).videos.create(**arguments)
        else:
            client = AsyncOpenVideos(base_url=url, http_client=httpx.AsyncClient(transport=transport))
            anyio.run(partial(client.videos.create, **arguments))
        assert pieces == len(sent)

    @given(
        st.lists(st.integers(0, 9) | st.sampled_from([WORTH_A_WRITE - 1, WORTH_A_WRITE, WORTH_A_WRITE + 1]), max_size=9)
    )
    def test_pieces_are_joined_and_none_is_lost(self, sizes: list[int]) -> None:
        class Pieces(httpx.SyncByteStream):
            def __iter__(self) -> Iterator[bytes]:
                yield from pieces

        async def awaited() -> list[bytes]:
            return [piece async for piece in RequestBody(Pieces())]

        pieces = [bytes([index]) * size for index, size in enumerate(sizes)]
        sent = list(RequestBody(Pieces()))
        assert sent == anyio.run(awaited)
        assert b"".join(pieces) == b"".join(sent)
        assert all(WORTH_A_WRITE <= len(piece) < 2 * WORTH_A_WRITE + 1 for piece in sent[:-1])
        assert b"" not in sent

    def test_a_length_is_sent_where_it_is_sure(self, tmp_path: Path) -> None:
        path = tmp_path / "start.png"
        path.write_bytes(PNG)
        zipped = tmp_path / "start.png.gz"
        zipped.write_bytes(gzip.compress(PNG))
        reading, writing = os.pipe()
        with path.open("rb") as file, gzip.open(zipped) as gunzip, os.fdopen(reading, "rb") as pipe:
            with os.fdopen(writing, "wb") as end:
                end.write(PNG)
            cases: list[tuple[Any, str]] = [
                (PNG, "content-length"),
                (path, "content-length"),
                (file, "content-length"),
                (io.BytesIO(PNG), "content-length"),
                (gunzip, "transfer-encoding"),
                (pipe, "transfer-encoding"),
                (Bare(PNG), "transfer-encoding"),
            ]
            for value, header in cases:
                server = Recorder()
                server.client().videos.create(prompt="x", input_reference=value)
                [request] = server.requests
                assert {header} == {"content-length", "transfer-encoding"} & set(request.headers)
                assert PNG == server.parts()["input_reference"][2]


class TestContentType:
    """A create without files is JSON if the caller's Content-Type says so."""

    @pytest.mark.parametrize("value", ["application/json", "Application/JSON; charset=utf-8"])
    def test_a_create_is_json_on_request(self, value: str) -> None:
        server = Recorder()
        arguments: dict[str, Any] = {"prompt": "é", "seconds": 4, "seed": 7, "extra_body": {"steps": 5}}
        server.client().videos.create(**arguments, extra_headers={"content-type": value})
        server.client(default_headers={"Content-Type": value}).videos.create(**arguments)
        assert [value, "application/json"] == [request.headers["content-type"] for request in server.requests]
        for request in server.requests:
            assert {"prompt": "é", "seconds": "4", "seed": 7, "steps": 5} == json.loads(request.content)

    def test_the_polls_after_it_have_no_media_type(self) -> None:
        class Ending(Recorder):
            def response(self, request: httpx.Request) -> httpx.Response:
                self.requests.append(request)
                return httpx.Response(200, json={**QUEUED, "status": STATUS[request.method]})

        server = Ending()
        server.client().videos.create_and_poll(
            prompt="x", extra_headers={"Content-Type": "application/json"}, poll_interval_ms=0
        )
        create, read = server.requests
        assert "application/json" == create.headers["content-type"]
        assert "content-type" not in read.headers

    def test_a_form_has_a_boundary_of_its_own(self) -> None:
        server = Recorder()
        value = "multipart/form-data; boundary=mine"
        server.client().videos.create(prompt="x", input_reference=PNG, extra_headers={"Content-Type": value})
        server.client(default_headers={"content-type": value}).videos.create(prompt="x", input_reference=PNG)
        for index, request in enumerate(server.requests):
            [said] = request.headers.get_list("content-type")
            assert re.fullmatch(r"multipart/form-data; boundary=\w{32}", said)
            assert {"prompt", "input_reference"} == set(server.parts(index))

    @pytest.mark.parametrize(
        ("arguments", "value", "problem"),
        [
            ({"input_reference": PNG}, "application/json", "Only a create without files"),
            ({"references": [{"role": "style", "image": PNG}]}, "application/json", "Only a create without files"),
            ({"input_reference": PNG}, "text/plain", "contradicts"),
            ({}, "application/x-www-form-urlencoded", "contradicts"),
            ({"input_reference": {"file_id": "f"}}, "multipart/form-data", "sent as JSON"),
            ({}, "application/json\n", "line break"),
            ({}, 7, "ASCII text"),
        ],
    )
    def test_another_is_refused(self, arguments: Any, value: Any, problem: str) -> None:
        with pytest.raises(InvalidArgumentError, match=problem):
            Recorder().client().videos.create(prompt="x", **arguments, extra_headers={"Content-Type": value})


class TestExtraBody:
    """What `extra_body` adds goes into the body that is sent, and counts before the method's own."""

    def test_adds_fields_to_a_form(self) -> None:
        server = Recorder()
        extra: dict[str, object] = {
            "seed": 7,
            "upscale": True,
            "tags": ["b"],
            "text": "é",
            "none": None,
            "model": "m2",
        }
        server.client().videos.create(prompt="x", model="m1", extra_body=extra)
        values = {name: content for name, (_, _, content) in server.parts().items()}
        expected = {"seed": b"7", "upscale": b"true", "tags": b"b", "model": b"m2"}
        assert expected | {"prompt": b"x", "text": "é".encode()} == values

    def test_gives_each_item_of_a_list_its_own_part(self) -> None:
        server = Recorder()
        extra: dict[str, object] = {"tags": ["a", {"b": 1}, 7], "pair": ("a", "é"), "none": []}
        server.client().videos.create(prompt="x", extra_body=extra)
        (request,) = server.requests
        heads = re.findall(rb"Content-.*?(?=\r\n\r\n)", request.content, re.DOTALL)
        names = [b"prompt", b"tags", b"tags", b"tags", b"pair", b"pair"]
        assert [b'Content-Disposition: form-data; name="%b"' % name for name in names] == heads
        values = re.findall(rb"\r\n\r\n(.*?)\r\n--", request.content, re.DOTALL)
        assert [b"x", b"a", b'{"b": 1}', b"7", b"a", "é".encode()] == values

    def test_sends_files_as_files(self, tmp_path: Path) -> None:
        path = tmp_path / "mask.png"
        path.write_bytes(PNG)
        files = [PNG, io.BytesIO(PNG), path, ("cat", PNG), ("cat.bin", PNG, "image/x-odd", {"X-Part": "1"})]
        server = Recorder()
        server.client().videos.create(prompt="x", extra_body={"image_reference": files, "mask": path, "text": "a.png"})
        (request,) = server.requests
        heads = re.findall(rb'name="(\w+)"(?:; filename="(.*?)")?(.*?)\r\n\r\n', request.content, re.DOTALL)
        kind = b"\r\nContent-Type: image/png"
        assert [
            (b"prompt", b"", b""),
            (b"image_reference", b"image_reference.png", kind),
            (b"image_reference", b"image_reference.png", kind),
            (b"image_reference", b"mask.png", kind),
            (b"image_reference", b"cat.png", kind),
            (b"image_reference", b"cat.bin", b"\r\nX-Part: 1\r\nContent-Type: image/x-odd"),
            (b"mask", b"mask.png", kind),
            (b"text", b"", b""),
        ] == heads
        assert 6 == request.content.count(PNG)

    def test_replaces_a_file(self, tmp_path: Path) -> None:
        server = Recorder()
        extra: dict[str, object] = {"input_reference": ("b.png", PNG)}
        server.client().videos.create(prompt="x", input_reference=Bare(b"1"), extra_body=extra)  # type: ignore[arg-type]
        assert ("b.png", "image/png", PNG) == server.parts()["input_reference"]

    @pytest.mark.parametrize(
        ("extra", "problem"),
        [
            ({"image": [STREAM, STREAM]}, "one stream twice"),
            ({"image": [PIL.Image.new("RGB", (1, 1))]}, "image is a PIL image"),
            ({"image": [Path("none.png")]}, "image: the file 'none.png'"),
            ({"x": Unreadable()}, "cannot be written as JSON"),
            ({7: "x"}, "extra_body has a key of the type int; its keys must be text"),
            ({"\ud800": "x"}, "Unicode"),
        ],
    )
    def test_is_checked(self, extra: Any, problem: str) -> None:
        with pytest.raises(InvalidArgumentError, match=problem):
            Recorder().client().videos.create(prompt="x", extra_body=extra)

    @pytest.mark.parametrize("value", [PNG, Path("a.png"), io.BytesIO(PNG), [PNG], ("a.png", PNG)])
    def test_puts_no_file_into_json(self, value: Any) -> None:
        client = Recorder().client()
        with pytest.raises(InvalidArgumentError, match="mask in extra_body is a file"):
            client.videos.create(prompt="x", input_reference={"file_id": "f"}, extra_body={"mask": value})
        with pytest.raises(InvalidArgumentError, match="mask in extra_body is a file"):
            client.videos.create(
                prompt="x", extra_headers={"content-type": "application/json"}, extra_body={"mask": value}
            )

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
