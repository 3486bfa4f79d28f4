"""Reads follow redirects, within reason and without taking secrets along; a POST and a changed DELETE do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from openvideos import APIConnectionError, APIStatusError

from .calls import CLIP, COMPLETED, DELETED, ID, POSTS, READS, Method, files_in, named
from .clients import KEY, Against
from .server import Behaviour, FaultServer, answers_json, floods, head, responses, stalls

pytestmark = [pytest.mark.anyio, pytest.mark.product]

SECRETS = {"x-api-key": "sk-second-0123456789", "Cookie": "session=0123456789"}


def redirect(status: int, to: str) -> Behaviour:
    return responses(status, b"", {"location": to})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", [method for method in READS if method.name != "delete"], ids=named)
async def test_a_read_follows(status: int, method: Method, against: Against, tmp_path: Path) -> None:
    async with against(*method.before, redirect(status, "/elsewhere"), method.good, max_retries=0) as (server, client):
        assert ID == method.shows(await client.call(method.name, **method.arguments_in(tmp_path)))
        assert ("GET", "/elsewhere") == (server.requests[-1].method, server.requests[-1].path)
        assert f"Bearer {KEY}" == server.requests[-1].headers["authorization"]


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_delete_follows_as_a_delete(status: int, against: Against) -> None:
    async with against(redirect(status, "/elsewhere"), answers_json(DELETED)) as (server, client):
        assert (await client.call("delete", ID)).deleted
        assert ["DELETE", "DELETE"] == server.methods


@pytest.mark.parametrize("status", [302, 303])
async def test_a_delete_that_would_become_a_get_is_not_taken_for_done(status: int, against: Against) -> None:
    async with against(redirect(status, "/elsewhere"), answers_json(COMPLETED)) as (server, client):
        error = await client.fails("delete", ID)
        assert ["DELETE"] == server.methods
    assert isinstance(error, APIStatusError)
    assert (status, ID) == (error.status_code, error.video_id)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", POSTS, ids=named)
async def test_a_post_does_not(status: int, method: Method, against: Against) -> None:
    async with against(redirect(status, "/elsewhere"), method.good) as (server, client):
        error = await client.fails(method.name, **method.arguments)
        assert 1 == len(server.requests)
    assert isinstance(error, APIStatusError)
    assert status == error.status_code
    assert "set the base URL" in str(error)


@pytest.mark.parametrize("method", READS, ids=named)
async def test_a_circle_ends(method: Method, against: Against, tmp_path: Path) -> None:
    async with against(*method.before, *[redirect(307, "/v1/again")] * 50) as (server, client):
        error = await client.fails(method.name, **method.arguments_in(tmp_path))
        assert len(method.before) + 21 == len(server.requests), "a circle is not tried again"
        assert [] == [pause for pause in client.pauses if pause != 1.0]
    assert isinstance(error, APIConnectionError)
    assert "redirects in a circle" in str(error)
    assert [] == files_in(tmp_path)


@pytest.mark.parametrize(
    "location", ["http://[", "ftp://127.0.0.1/x", "http://", "\x7f", "http://127.0.0.1:99999/", "//"]
)
@pytest.mark.parametrize("name", ["retrieve", "download_content"])
async def test_a_way_that_leads_nowhere(location: str, name: str, against: Against) -> None:
    async with against(redirect(302, location), max_retries=0) as (_, client):
        error = await client.fails(name, ID)
    assert isinstance(error, (APIConnectionError, APIStatusError))


async def test_a_location_that_is_not_ascii(against: Against) -> None:
    async with against(redirect(302, "/caf\xe9"), *[answers_json(COMPLETED)] * 2, max_retries=0) as (_, client):
        assert ID == (await client.call("retrieve", ID)).id


@pytest.mark.parametrize(
    "endless", [floods(head(302, {"location": "/x"}), b"0" * 65536), stalls(head(302, {"location": "/x"}))]
)
async def test_the_body_of_a_redirect_is_not_read(endless: Behaviour, against: Against) -> None:
    async with against(endless, answers_json(COMPLETED), max_retries=0) as (server, client):
        assert ID == (await client.call("retrieve", ID)).id
        assert 2 == server.connections


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize("method", READS, ids=named)
class TestAnotherOrigin:
    """Some servers send a download on to the host of another vendor: it must not get the key."""

    async def test_gets_no_secret(self, status: int, method: Method, against: Against, tmp_path: Path) -> None:
        with FaultServer(method.good) as other:
            script = [*method.before, redirect(status, f"{other.origin}/file?signed=1")]
            async with against(*script, default_headers=SECRETS, max_retries=0) as (_, client):
                result = await client.call(method.name, **method.arguments_in(tmp_path))
            assert await anyio.to_thread.run_sync(other.wait_until_closed)
        assert ID == method.shows(result)
        (request,) = other.requests
        assert {"authorization", "x-api-key", "cookie"}.isdisjoint(request.headers)
        assert not [value for value in request.headers.values() if "0123456789" in value]

    async def test_can_fail_and_echo(self, status: int, method: Method, against: Against, tmp_path: Path) -> None:
        """The first server puts the key into the address; the second one repeats it."""
        with FaultServer(responses(403, f"no {KEY}".encode(), {"x-echo": KEY, "x-request-id": KEY})) as other:
            script = [*method.before, redirect(status, f"{other.origin}/{KEY}?a={KEY}#{KEY}")]
            async with against(*script, max_retries=0) as (_, client):
                error: Any = await client.fails(method.name, **method.arguments_in(tmp_path))
        assert 403 == error.status_code


async def test_a_file_comes_whole_from_another_origin(against: Against, tmp_path: Path) -> None:
    """It is requested again after a break, by the first server's address, with a range."""
    with FaultServer() as other:
        etag = {"etag": '"1"', "content-length": str(len(CLIP))}
        rest = {"etag": '"1"', "content-range": f"bytes 100-{len(CLIP) - 1}/{len(CLIP)}"}
        from .server import closes

        other.add(closes(head(200, etag) + CLIP[:100]), responses(206, CLIP[100:], rest))
        way = redirect(302, f"{other.origin}/file")
        async with against(way, way, max_retries=1) as (_, client):
            await client.call("download", ID, to=tmp_path / "clip.mp4")
        assert "bytes=100-" == other.requests[1].headers["range"]
    assert ["clip.mp4"] == files_in(tmp_path)
