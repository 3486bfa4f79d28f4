"""What methods return goes to other processes and into copies, and takes no secret along."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any, Final

import attrs
import httpx
import pytest

from openvideos import (
    APIResponseValidationError,
    AsyncOpenVideos,
    ConfigurationError,
    OpenVideos,
    PaginationError,
    Video,
)

from .faults.flavours import anyio_backend, flavour

__all__ = ["anyio_backend", "flavour"]

pytestmark = pytest.mark.anyio

SECRETS: Final = ("sk-pickled-0123456789", "whsec_cGlja2xlZC1zZWNyZXQ=", "header-secret-1234", "extra-secret-1234")
CLIP: Final = b"\0\0\0\x18ftypmp42" + SECRETS[0].encode()[3:9] + bytes(range(256))
PROTOCOLS: Final = range(pickle.HIGHEST_PROTOCOL + 1)


def handle(request: httpx.Request) -> httpx.Response:
    """Serve three videos, two a page; and a file whose content is binary."""
    path = request.url.path.removeprefix("/v1/videos")
    headers = {"x-request-id": f"req{path or '/list'}"}
    if path.endswith("/content"):
        return httpx.Response(200, headers={**headers, "content-type": "video/mp4"}, content=CLIP)
    if path == "/odd":
        return httpx.Response(200, headers=headers, json={"id": "odd"})
    if path == "/streamed":
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(json.dumps(job("streamed")).encode()))
    if request.method == "DELETE":
        return httpx.Response(200, headers=headers, json={"deleted": True})
    if path:
        return httpx.Response(200, headers=headers, json={**job(path[1:]), "model": None})
    ids = ["a", "b", "c"]
    start = ids.index(request.url.params["after"]) + 1 if "after" in request.url.params else 0
    data = [job(name) for name in ids[start : start + 2]]
    return httpx.Response(200, headers=headers, json={"data": data, "has_more": start == 0, "total": 3})


def job(video_id: str) -> dict[str, Any]:
    """Return a video as a server sends it."""
    return {"id": video_id, "object": "video", "created_at": 1, "model": "m", "status": "queued"}


class Client:
    """A client of either kind with secrets everywhere, whose methods are awaited all the same."""

    def __init__(self, flavour: str) -> None:
        options: dict[str, Any] = {
            "base_url": "http://server.test/v1",
            "api_key": SECRETS[0],
            "webhook_secret": SECRETS[1],
            "default_headers": {"X-Api-Key": SECRETS[2]},
        }
        transport = httpx.MockTransport(handle)
        self.blocking = flavour == "sync"
        self.sdk: Any = (
            OpenVideos(http_client=httpx.Client(transport=transport), **options)
            if self.blocking
            else AsyncOpenVideos(http_client=httpx.AsyncClient(transport=transport), **options)
        )

    async def call(self, method: str, /, *arguments: Any, of: str = "", **options: Any) -> Any:
        """Call a method of `client.videos`, or of its raw or streaming view."""
        view = getattr(self.sdk.videos, of) if of else self.sdk.videos
        result = getattr(view, method)(*arguments, extra_headers={"X-Token": SECRETS[3]}, **options)
        return result if self.blocking else await result

    async def next(self, page: Any) -> Any:
        """Get the next page."""
        return page.get_next_page() if self.blocking else await page.get_next_page()

    async def ids(self, page: Any) -> list[str]:
        """Walk from a page to the end."""
        return [item.id for item in page] if self.blocking else [item.id async for item in page]


@pytest.fixture
def client(flavour: str) -> Client:
    """Give a client of each kind."""
    return Client(flavour)


def check_secrets(shown: bytes | str) -> None:
    """Check that no secret is in a pickle or a text."""
    text = shown.decode("latin-1") if isinstance(shown, bytes) else shown
    assert [] == [secret for secret in SECRETS if secret in text]


def pickled(result: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    """Send an object through a pickle, and check that no secret is in it."""
    data = pickle.dumps(result, protocol)
    check_secrets(data)
    return pickle.loads(data)


class TestPages:
    @pytest.mark.parametrize("protocol", PROTOCOLS[2:])
    async def test_a_pickle_keeps_the_data_and_the_way_on(self, client: Client, protocol: int) -> None:
        page = await client.call("list")
        unpickled = pickled(page, protocol)
        assert page == unpickled
        assert (["a", "b"], 3, True, "b") == (
            [video.id for video in unpickled.data],
            unpickled["total"],
            unpickled.has_next_page(),
            unpickled.next_after,
        )
        assert page.to_dict() == unpickled.to_dict()
        assert unpickled == pickled(unpickled, protocol)
        following = await client.call("list", after=unpickled.next_after)
        assert ["c"] == [video.id for video in following.data]

    async def test_a_pickle_cannot_fetch_and_says_how_to_go_on(self, client: Client) -> None:
        page = pickled(await client.call("list"))
        with pytest.raises(
            ConfigurationError, match=r"a pickle leaves the client behind. List again with after='b'\.$"
        ):
            await client.next(page)
        with pytest.raises(ConfigurationError):
            await client.ids(page)
        last = await client.next(await client.call("list"))
        with pytest.raises(PaginationError, match="This is the last page"):
            await client.next(last)
        assert ["c"] == await client.ids(pickled(last))
        with pytest.raises(ConfigurationError, match="It is the last page"):
            await client.next(pickled(last))

    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, attrs.evolve])
    async def test_a_copy_goes_on(self, client: Client, duplicate: Callable[[Any], Any]) -> None:
        page = await client.call("list")
        other = duplicate(page)
        assert page == other
        assert ["a", "b", "c"] == await client.ids(other)
        assert (duplicate is not copy.deepcopy) == (page.data is other.data)

    async def test_as_a_dictionary_and_a_text_it_tells_no_secret(self, client: Client) -> None:
        page = await client.call("list")
        shown = repr(attrs.asdict(page)) + repr(page) + str(page) + page.to_json() + repr(attrs.astuple(page))
        assert "'next_after': 'b'" in shown
        check_secrets(shown)


class TestContent:
    @pytest.mark.parametrize("protocol", PROTOCOLS)
    async def test_a_pickle_has_the_file_and_no_secret(self, client: Client, protocol: int) -> None:
        content = await client.call("download_content", "a")
        assert SECRETS[0] in content.response.request.headers["authorization"], "else there is nothing to leave out"
        for other in (pickled(content, protocol), copy.deepcopy(content)):
            assert CLIP == other.content == content.content
            assert ("video/mp4", "req/a/content", 200) == (
                other.response.headers["content-type"],
                other.response.headers["x-request-id"],
                other.response.status_code,
            )
            assert content.response.request.url == other.response.request.url
        assert SECRETS[0] in content.response.request.headers["authorization"], "the original is as it was"


class TestRawResponses:
    @pytest.mark.parametrize(
        ("method", "arguments"), [("retrieve", ["a"]), ("list", []), ("delete", ["a"]), ("download_content", ["a"])]
    )
    async def test_a_pickle_parses_to_the_same(self, client: Client, method: str, arguments: list[Any]) -> None:
        response = await client.call(method, *arguments, of="with_raw_response")
        result: Any = None
        for protocol in PROTOCOLS[2:]:
            other = pickled(pickled(response, protocol), protocol)
            for name in ("status_code", "content", "request_id"):
                assert getattr(response, name) == getattr(other, name)
            result = other.parse()
            expected = response.parse()
            assert type(expected) is type(result)
            if method == "download_content":
                assert CLIP == result.content
            else:
                assert expected.to_dict() == result.to_dict()
        if method == "list":
            with pytest.raises(ConfigurationError, match="List again with after='b'"):
                await client.next(result)
            assert ["a", "b", "c"] == await client.ids(copy.deepcopy(response).parse())

    async def test_what_cannot_be_parsed_raises_the_same(self, client: Client) -> None:
        other = pickled(await client.call("retrieve", "odd", of="with_raw_response"))
        assert {"id": "odd"} == other.json()
        with pytest.raises(APIResponseValidationError, match="the key 'status' is missing"):
            other.parse()

    async def test_one_that_is_streamed_must_be_read_first(self, client: Client) -> None:
        manager = client.sdk.videos.with_streaming_response.retrieve("streamed")
        refused = pytest.raises(ConfigurationError, match="not read yet; read it before you pickle it")
        if client.blocking:
            with manager as response:
                with refused:
                    pickle.dumps(response)
                response.read()
                assert "streamed" == pickled(response).parse().id
        else:
            async with manager as response:
                with refused:
                    pickle.dumps(response)
                await response.read()
                assert "streamed" == (await pickled(response).parse()).id


class TestRequestIds:
    """`_request_id` is the server's `x-request-id`. It belongs to the exchange, so it is no part of the object."""

    @pytest.mark.parametrize(("method", "arguments"), [("retrieve", ["a"]), ("list", []), ("delete", ["a"])])
    async def test_each_object_has_it(self, client: Client, method: str, arguments: list[Any]) -> None:
        result = await client.call(method, *arguments)
        request_id = f"req/{'a' if arguments else 'list'}"
        assert request_id == result._request_id == pickled(result)._request_id == copy.copy(result)._request_id
        assert request_id not in repr(result) + json.dumps(result.to_dict())
        other = copy.copy(result)
        other._request_id = None
        assert result == other

    async def test_so_has_each_item_of_a_page(self, client: Client) -> None:
        assert ["req/list"] * 2 == [video._request_id for video in (await client.call("list")).data]

    def test_what_no_server_sent_has_none(self) -> None:
        assert None is Video.from_dict(job("a"))._request_id
