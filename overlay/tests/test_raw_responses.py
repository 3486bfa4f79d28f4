"""`with_raw_response` gives the answer beside its meaning, `with_streaming_response` before its body is read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from openvideos import (
    APIConnectionError,
    APIResponse,
    APIResponseValidationError,
    AsyncOpenVideos,
    DownloadError,
    HttpxBinaryResponseContent,
    ModelList,
    NotFoundError,
    OpenVideos,
    OpenVideosError,
    SyncConversationCursorPage,
    Video,
    VideoDeleteResponse,
)

VIDEO = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "completed"}
FILM = b"film" * 10_000
CHARACTER = {"id": "char_1", "created_at": 1, "name": "Ada"}
ANSWERS: dict[str, Any] = {
    "DELETE video_1": {"id": "video_1", "object": "video.deleted", "deleted": True},
    "GET videos": {"object": "list", "data": [VIDEO], "has_more": False},
    "GET models": {
        "object": "list",
        "contract": {"revision": "2026-12-01", "profiles": ["core"], "extensions": []},
        "data": [],
    },
    "POST characters": CHARACTER,
    "GET char_1": CHARACTER,
}


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is not read yet."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self.content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


def response(request: httpx.Request) -> httpx.Response:
    headers = {"x-request-id": "req_1"}
    last = request.url.path.rpartition("/")[2]
    if last == "missing":
        return httpx.Response(404, json={"error": {"message": "no", "type": "t", "param": None, "code": "c"}})
    if last == "content":
        return httpx.Response(200, stream=Pieces(FILM), headers={"content-type": "video/mp4", **headers})
    body = json.dumps(ANSWERS.get(f"{request.method} {last}", VIDEO)).encode()
    return httpx.Response(200, stream=Pieces(body), headers={"content-type": "application/json", **headers})


@pytest.fixture
def client() -> OpenVideos:
    return OpenVideos(
        base_url="http://server.test/v1", http_client=httpx.Client(transport=httpx.MockTransport(response))
    )


@pytest.fixture
def async_client() -> AsyncOpenVideos:
    http = httpx.AsyncClient(transport=httpx.MockTransport(response))
    return AsyncOpenVideos(base_url="http://server.test/v1", http_client=http)


CALLS: dict[str, tuple[dict[str, Any], type]] = {
    "create": ({"prompt": "x"}, Video),
    "retrieve": ({"video_id": "video_1"}, Video),
    "delete": ({"video_id": "video_1"}, VideoDeleteResponse),
    "download_content": ({"video_id": "video_1"}, HttpxBinaryResponseContent),
    "remix": ({"video_id": "video_1", "prompt": "x"}, Video),
    "edit": ({"video": "video_1", "prompt": "x"}, Video),
    "extend": ({"video": "video_1", "prompt": "x", "seconds": 4}, Video),
    "create_character": ({"name": "Ada", "video": b"film"}, object),
    "get_character": ({"character_id": "char_1"}, object),
    "list_models": ({}, ModelList),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_raw_response_parses_to_what_the_method_returns(client: OpenVideos, name: str) -> None:
    arguments, kind = CALLS[name]
    response: APIResponse[Any] = getattr(client.videos.with_raw_response, name)(**arguments)
    assert (200, "req_1") == (response.status_code, response.request_id)
    assert isinstance(response.parse(), kind)
    assert response.content == response.read() == b"".join(response.iter_bytes())
    assert "[200]" in repr(response)
    with getattr(client.videos.with_streaming_response, name)(**arguments) as streamed:
        assert "req_1" == streamed.headers["x-request-id"]
        assert isinstance(streamed.parse(), kind)


@pytest.mark.anyio
@pytest.mark.parametrize("name", CALLS)
async def test_so_does_an_async_one(async_client: AsyncOpenVideos, name: str) -> None:
    arguments, kind = CALLS[name]
    response: APIResponse[Any] = await getattr(async_client.videos.with_raw_response, name)(**arguments)
    assert (200, "req_1") == (response.status_code, response.request_id)
    assert isinstance(response.parse(), kind)
    async with getattr(async_client.videos.with_streaming_response, name)(**arguments) as streamed:
        assert "req_1" == streamed.request_id
        assert isinstance(await streamed.parse(), kind)


def test_a_list_parses_to_a_page(client: OpenVideos) -> None:
    page = client.videos.with_raw_response.list(limit=1).parse()
    assert isinstance(page, SyncConversationCursorPage)
    assert ["video_1"] == [video.id for video in page]


@pytest.mark.anyio
async def test_an_async_list_parses_to_a_page(async_client: AsyncOpenVideos) -> None:
    page = (await async_client.videos.with_raw_response.list(limit=1)).parse()
    assert ["video_1"] == [video.id async for video in page]
    async with async_client.videos.with_streaming_response.list() as response:
        assert "list" == (await response.parse()).object


def test_a_streamed_body_is_read_in_pieces(client: OpenVideos) -> None:
    with client.videos.with_streaming_response.download_content("video_1") as response:
        pieces = list(response.iter_bytes(1000))
    assert (40, FILM) == (len(pieces), b"".join(pieces))
    with client.videos.with_streaming_response.retrieve("video_1") as response:
        assert VIDEO == json.loads("".join(response.iter_lines()))


@pytest.mark.anyio
async def test_an_async_streamed_body_is_read_in_pieces(async_client: AsyncOpenVideos) -> None:
    async with async_client.videos.with_streaming_response.download_content("video_1") as response:
        assert FILM == b"".join([piece async for piece in response.iter_bytes(1000)])
    async with async_client.videos.with_streaming_response.retrieve("video_1") as response:
        assert [line async for line in response.iter_lines()]
    async with async_client.videos.with_streaming_response.retrieve("video_1") as response:
        assert b"video_1" in await response.read()
        assert "video_1" in response.text
        assert VIDEO == response.json()


def test_a_response_tells_of_its_request(client: OpenVideos) -> None:
    response = client.videos.with_raw_response.retrieve("video_1")
    assert ("GET", "http://server.test/v1/videos/video_1") == (response.method, str(response.url))
    assert response.url == response.http_request.url
    assert ("HTTP/1.1", True) == (response.http_version, response.is_closed)


def test_a_streamed_response_is_read_when_it_is_asked_for_what_it_says(client: OpenVideos) -> None:
    def said(response: APIResponse[Video], way: str) -> Any:
        match way:
            case "json":
                return response.json()
            case "text":
                return json.loads(response.text)
            case "content":
                return json.loads(response.content)
            case _:
                return json.loads("".join(response.iter_text(5)))

    for way in ("json", "text", "content", "iter_text"):
        with client.videos.with_streaming_response.retrieve("video_1") as response:
            assert not response.is_closed
            assert VIDEO == said(response, way)
            assert response.is_closed


@pytest.mark.anyio
async def test_an_async_streamed_response_says_that_it_must_be_read(async_client: AsyncOpenVideos) -> None:
    async with async_client.videos.with_streaming_response.retrieve("video_1") as response:
        for read in ("json", "text", "content"):
            with pytest.raises(OpenVideosError, match=r"await response\.read\(\)"):
                getattr(response, read)()
        assert not response.is_closed
        assert "video_1" in "".join([piece async for piece in response.iter_text()])
    assert response.is_closed


class TestTooLate:
    """What can no longer be read says why, and is no broken connection."""

    def test_after_pieces(self, client: OpenVideos) -> None:
        with client.videos.with_streaming_response.retrieve("video_1") as response:
            assert list(response.iter_bytes(5))
            for read in (response.parse, response.read, response.json, lambda: list(response.iter_bytes())):
                with pytest.raises(OpenVideosError, match="in pieces") as caught:
                    read()
                assert not isinstance(caught.value, APIConnectionError)

    def test_after_the_block(self, client: OpenVideos) -> None:
        with client.videos.with_streaming_response.retrieve("video_1") as response:
            pass
        with pytest.raises(OpenVideosError, match="inside the `with` block"):
            response.parse()

    @pytest.mark.anyio
    async def test_async(self, async_client: AsyncOpenVideos) -> None:
        async with async_client.videos.with_streaming_response.retrieve("video_1") as response:
            assert [piece async for piece in response.iter_bytes(5)]
            with pytest.raises(OpenVideosError, match="in pieces"):
                await response.parse()
        async with async_client.videos.with_streaming_response.retrieve("video_1") as response:
            pass
        with pytest.raises(OpenVideosError, match="inside the `with` block"):
            await response.parse()


def test_a_body_that_is_no_json_is_a_typed_error() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, html="<p>"))
    client = OpenVideos(base_url="http://server.test/v1", http_client=httpx.Client(transport=transport))
    with pytest.raises(APIResponseValidationError, match="not JSON"):
        client.videos.with_raw_response.retrieve("video_1").json()


@pytest.mark.anyio
async def test_leaving_without_entering_does_nothing(client: OpenVideos, async_client: AsyncOpenVideos) -> None:
    client.videos.with_streaming_response.retrieve("video_1").__exit__(None, None, None)
    await async_client.videos.with_streaming_response.retrieve("video_1").__aexit__(None, None, None)


def test_an_error_is_raised_on_entering(client: OpenVideos) -> None:
    with pytest.raises(NotFoundError, match="no"), client.videos.with_streaming_response.retrieve("missing"):
        pytest.fail("entered")
    with pytest.raises(NotFoundError):
        client.videos.with_raw_response.retrieve("missing")


@pytest.mark.anyio
async def test_an_async_error_is_raised_on_entering(async_client: AsyncOpenVideos) -> None:
    with pytest.raises(NotFoundError):
        async with async_client.videos.with_streaming_response.retrieve("missing"):
            pytest.fail("entered")


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks off."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"fi"
        raise httpx.ReadError("reset")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


class TestBreaks:
    """A streamed body that breaks off is an APIConnectionError, however it is read."""

    @pytest.mark.parametrize("read", ["read", "iter_bytes", "iter_lines", "parse"])
    def test_of_a_streamed_response(self, read: str) -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Broken()))
        client = OpenVideos(base_url="http://server.test/v1", http_client=httpx.Client(transport=transport))
        with (
            client.videos.with_streaming_response.download_content("video_1") as response,
            pytest.raises(APIConnectionError, match="reset"),
        ):
            list(getattr(response, read)())
        assert response.http_response.is_closed

    @pytest.mark.anyio
    @pytest.mark.parametrize("read", ["read", "iter_bytes", "iter_lines", "parse"])
    async def test_of_an_async_one(self, read: str) -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Broken()))
        http = httpx.AsyncClient(transport=transport)
        client = AsyncOpenVideos(base_url="http://server.test/v1", http_client=http)
        async with client.videos.with_streaming_response.download_content("video_1") as response:
            reading = getattr(response, read)()
            with pytest.raises(APIConnectionError, match="reset"):
                await collected(reading)


class TestFiles:
    """A streamed body goes to a file as it arrives, whole or not at all."""

    def test_are_written(self, client: OpenVideos, tmp_path: Path) -> None:
        with client.videos.with_streaming_response.download_content("video_1") as response:
            response.stream_to_file(tmp_path / "a.mp4", chunk_size=1000)
        assert {"a.mp4": FILM} == {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    @pytest.mark.anyio
    async def test_are_written_async(self, async_client: AsyncOpenVideos, tmp_path: Path) -> None:
        async with async_client.videos.with_streaming_response.download_content("video_1") as response:
            await response.stream_to_file(tmp_path / "a.mp4", chunk_size=1000)
        assert {"a.mp4": FILM} == {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    @pytest.mark.anyio
    @pytest.mark.parametrize(("target", "kind"), [("a.mp4", APIConnectionError), ("no/a.mp4", DownloadError)])
    async def test_are_whole_or_left_as_they_were(
        self, target: str, kind: type[OpenVideosError], tmp_path: Path
    ) -> None:
        (tmp_path / "a.mp4").write_bytes(b"old")
        transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Broken()))
        client = OpenVideos(base_url="http://server.test/v1", http_client=httpx.Client(transport=transport))
        with client.videos.with_streaming_response.download_content("video_1") as response, pytest.raises(kind):
            response.stream_to_file(tmp_path / target)
        http = httpx.AsyncClient(transport=transport)
        awaited = AsyncOpenVideos(base_url="http://server.test/v1", http_client=http)
        async with awaited.videos.with_streaming_response.download_content("video_1") as streamed:
            with pytest.raises(kind):
                await streamed.stream_to_file(tmp_path / target)
        assert {"a.mp4": b"old"} == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


async def collected(reading: Any) -> Any:
    return [item async for item in reading] if hasattr(reading, "__aiter__") else await reading


class TestBinaryContent:
    """A download in memory reads like the one that applications know."""

    def test_gives_its_bytes_in_every_way(self, client: OpenVideos, tmp_path: Path) -> None:
        content = client.videos.download_content("video_1")
        assert FILM == content.content == content.read() == b"".join(content.iter_bytes())
        assert [4] * 10_000 == [len(piece) for piece in content.iter_bytes(4)]
        content.write_to_file(tmp_path / "a.mp4")
        content.stream_to_file(str(tmp_path / "b.mp4"), chunk_size=4)
        assert FILM == (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
        assert "video/mp4, 40000 bytes" in repr(content)
        assert (FILM.decode(), "utf-8") == (content.text, content.encoding)
        assert FILM.decode() == "".join(content.iter_text()) == "".join(content.iter_lines())
        assert {"a.mp4", "b.mp4"} == {path.name for path in tmp_path.iterdir()}
        content.close()

    @pytest.mark.anyio
    async def test_gives_its_bytes_async_too(self, async_client: AsyncOpenVideos, tmp_path: Path) -> None:
        content = await async_client.videos.download_content("video_1")
        assert FILM == await content.aread() == b"".join([piece async for piece in content.aiter_bytes(7)])
        await content.awrite_to_file(tmp_path / "a.mp4")
        await content.astream_to_file(tmp_path / "b.mp4", chunk_size=4)
        assert FILM.decode() == "".join([piece async for piece in content.aiter_text(7)])
        assert [FILM.decode()] == [line async for line in content.aiter_lines()]
        assert FILM == (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
        await content.aclose()

    def test_reads_as_json_where_it_is_json(self) -> None:
        assert {"a": 1} == HttpxBinaryResponseContent(httpx.Response(200, json={"a": 1})).json()

    def test_an_empty_body_has_no_pieces(self) -> None:
        assert [] == list(HttpxBinaryResponseContent(httpx.Response(200, content=b"")).iter_bytes())
