"""`client.request` reaches what the contract does not have, by the same rules, and no server but the client's."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    APIResponseValidationError,
    AuthenticationError,
    Character,
    HttpxBinaryResponseContent,
    InternalServerError,
    InvalidArgumentError,
    ModelList,
    OpenVideos,
    Video,
)
from openvideos._calls import LARGEST_RESPONSE

from .calls import CLIP, COMPLETED, ID, QUEUED
from .clients import KEY, Against
from .server import answers_json, closes, floods, head, resets, responses

pytestmark = [pytest.mark.anyio, pytest.mark.product]

BUSY = answers_json({"error": {"message": "busy"}}, 500)
LIMITED = answers_json({"error": {"message": "slow"}}, 429, {"retry-after": "1"})
MODELS = {"object": "list", "contract": {"revision": "2026-12-01", "profiles": [], "extensions": []}, "data": []}


class TestWhatIsSent:
    async def test_json(self, against: Against) -> None:
        async with against(answers_json([1]), default_query={"tenant": "a"}) as (server, client):
            found = await client.call(
                "request",
                "post",
                "/videos/sync",
                json={"prompt": "ä"},
                query={"q": [1, "b"]},
                extra_headers={"X-A": "b"},
            )
        assert [1] == found
        (request,) = server.requests
        assert ("POST", "/v1/videos/sync?tenant=a&q=1&q=b") == (request.method, request.target)
        assert {"prompt": "ä"} == json.loads(request.body)
        assert (f"Bearer {KEY}", "b") == (request.headers["authorization"], request.headers["x-a"])
        assert request.headers["idempotency-key"]

    async def test_a_form(self, against: Against) -> None:
        async with against(answers_json({})) as (server, client):
            await client.call("request", "POST", "videos/sync", files={"prompt": "A cat", "n": 2, "mask": b"\x89PNG"})
        (request,) = server.requests
        assert "/v1/videos/sync" == request.path
        assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
        for part in (b'name="prompt"', b"A cat", b'name="n"', b"\r\n2\r\n", b'name="mask"', b"\x89PNG"):
            assert part in request.body

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
    async def test_nothing(self, method: str, against: Against) -> None:
        async with against(responses(204)) as (server, client):
            assert await client.call("request", method, "/videos/models") is None
        assert (method, b"") == (server.requests[0].method, server.requests[0].body)
        assert "idempotency-key" not in server.requests[0].headers


class TestWhatIsReturned:
    @pytest.mark.parametrize(
        ("cast_to", "body", "expected"),
        [
            (Any, b"[null]", [None]),
            (Any, b"", None),
            (dict, b'{"a": 1}', {"a": 1}),
            (bytes, CLIP, CLIP),
        ],
    )
    async def test_what_is_asked_for(self, cast_to: Any, body: bytes, expected: Any, against: Against) -> None:
        async with against(responses(200, body)) as (_, client):
            assert expected == await client.call("request", "GET", "/x", cast_to=cast_to)

    @pytest.mark.parametrize(
        ("cast_to", "body"),
        [(Video, COMPLETED), (Character, {"id": ID, "created_at": 1, "name": "Ada"}), (ModelList, MODELS)],
    )
    async def test_objects(self, cast_to: Any, body: Any, against: Against) -> None:
        async with against(answers_json(body)) as (_, client):
            found = await client.call("request", "GET", "/x", cast_to=cast_to)
        assert cast_to.from_dict(body) == found

    async def test_files_and_responses(self, against: Against) -> None:
        async with against(*[responses(200, CLIP, {"content-type": "video/mp4"})] * 2) as (_, client):
            content = await client.call("request", "POST", "/videos/sync", cast_to=HttpxBinaryResponseContent)
            response = await client.call("request", "POST", "/videos/sync", cast_to=httpx.Response)
        assert (CLIP, "video/mp4", CLIP) == (content.content, response.headers["content-type"], response.content)

    @pytest.mark.parametrize("cast_to", [int, list, "Video", None, 7, [], dict[str, int]])
    async def test_nothing_else(self, cast_to: Any, against: Against) -> None:
        async with against() as (server, client):
            error = await client.fails("request", "GET", "/x", cast_to=cast_to)
        assert isinstance(error, InvalidArgumentError)
        assert "read as one of Any, dict, bytes, Response, HttpxBinaryResponseContent, Video" in str(error)
        assert [] == server.requests

    @pytest.mark.parametrize(("cast_to", "body"), [(dict, b"[]"), (dict, b""), (Any, b"<html>"), (Video, b"{}")])
    async def test_what_it_is_not(self, cast_to: Any, body: bytes, against: Against) -> None:
        async with against(responses(200, body)) as (_, client):
            assert isinstance(await client.fails("request", "GET", "/x", cast_to=cast_to), APIResponseValidationError)


class TestTheRules:
    @pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT", "DELETE"])
    async def test_what_may_be_repeated_is(self, method: str, against: Against) -> None:
        async with against(BUSY, resets(), answers_json([])) as (server, client):
            assert [] == await client.call("request", method, "/x", json={"a": 1})
        assert [method] * 3 == server.methods
        assert 1 == len({request.body for request in server.requests})

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    async def test_what_may_cost_twice_is_not(self, method: str, against: Against) -> None:
        for fault in (BUSY, resets(), closes()):
            async with against(fault) as (server, client):
                error = await client.fails("request", method, "/x", json={})
            assert isinstance(error, (InternalServerError, APIConnectionError))
            assert [method] == server.methods

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    async def test_unless_it_was_not_accepted_or_has_a_key_that_is_honoured(
        self, method: str, against: Against
    ) -> None:
        async with against(LIMITED, answers_json([])) as (server, client):
            await client.call("request", method, "/x", json={})
        async with against(BUSY, answers_json([]), idempotent_posts=True) as (server, client):
            await client.call("request", method, "/x", json={})
        assert 1 == len({request.headers["idempotency-key"] for request in server.requests})

    async def test_the_id_of_a_job_that_breaks_off_is_kept(self, against: Against) -> None:
        body = json.dumps(QUEUED).encode()
        async with against(closes(head(200, {"content-length": "999"}) + body)) as (_, client):
            error = await client.fails("request", "POST", "/videos/sync", json={}, cast_to=Video)
        assert ID == error.video_id

    async def test_an_error_status_is_an_error_without_the_key(self, against: Against) -> None:
        async with against(answers_json({"error": {"message": f"no such key {KEY}"}}, 401)) as (_, client):
            error = await client.fails("request", "GET", "/x", cast_to=httpx.Response)
        assert isinstance(error, AuthenticationError)

    @pytest.mark.parametrize("cast_to", [bytes, httpx.Response, Any])
    async def test_memory_is_bounded(self, cast_to: Any, against: Against) -> None:
        async with against(floods(head(200), b"x" * (1 << 20)), max_retries=0) as (_, client):
            error = await client.fails("request", "GET", "/x", cast_to=cast_to)
        assert f"larger than {LARGEST_RESPONSE}" in str(error)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (("GET", "https://elsewhere.test/x"), "names a server"),
            (("GET", "//elsewhere.test/x"), "names a server"),
            (("GET", "\\\\elsewhere.test\\x"), "names a server"),
            (("GET", "/a/../../admin"), "another path"),
            (("GET", "/a/%2e%2E/admin"), "another path"),
            (("GET", "..\\admin"), "another path"),
            (("GET", "./x"), "another path"),
            (("GET", "/x?key=1"), "query="),
            (("GET", "/x#y"), "query="),
            (("GET", ""), "pass one such as"),
            (("GET", "/"), "pass one such as"),
            (("GET", None), "pass one such as"),
            (("GET", "/\ud800"), "cannot be written"),
            (("CONNECT", "/x"), "one of GET"),
            (("GET\r\n", "/x"), "one of GET"),
            ((None, "/x"), "one of GET"),
        ],
    )
    async def test_before_anything_is_sent(self, arguments: Any, problem: str, against: Against) -> None:
        async with against() as (server, client):
            error = await client.fails("request", *arguments)
        assert isinstance(error, InvalidArgumentError)
        assert problem in str(error)
        assert [] == server.requests

    @pytest.mark.parametrize("name", ["files", "query", "extra_headers"])
    async def test_what_is_no_mapping_is_named(self, name: str, against: Against) -> None:
        async with against() as (server, client):
            error = await client.fails("request", "POST", "/x", **{name: [("a", b"b")]})
            assert f"{name} is of the type list; it must be a mapping, such as a dict." == str(error)
            error = await client.fails("request", "POST", "/x", **{name: {1: b"b"}})
            assert f"{name} has a key of the type int; its keys must be text." == str(error)
            assert [] == server.requests

    async def test_two_bodies(self, against: Against) -> None:
        async with against() as (_, client):
            assert "exclude each other" in str(await client.fails("request", "POST", "/x", json={}, files={}))


@given(path=st.text(st.sampled_from("/\\.:@?#%2eE5cC;&= ab\t\n\0é") | st.characters(), max_size=12))
@example("/@elsewhere.test")
@example(":80/x")
@example("%2f%2felsewhere.test")
def test_the_key_goes_to_the_base_url_alone(path: str) -> None:
    """Whatever the path is, it is refused, or the request goes to this server and below the path of the base URL."""
    sent: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.url)
        return httpx.Response(204)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    with OpenVideos(base_url="http://server.test/v1", api_key=KEY, http_client=http) as client:
        try:
            client.request("GET", path)
        except InvalidArgumentError:
            assert [] == sent
        else:
            (url,) = sent
            assert ("http", "server.test", None) == (url.scheme, url.host, url.port)
            assert url.raw_path.startswith(b"/v1/")
            assert b"/../" not in url.raw_path + b"/"
            assert not url.query
