"""A client of httpx2 sends what it would send by itself, and no more to another origin."""

from __future__ import annotations

from typing import Any

import httpx
import httpx2
import pytest

from openvideos import AsyncOpenVideos, ConfigurationError, OpenVideos

from .calls import CLIP, COMPLETED, ID, QUEUED
from .clients import Against, Client
from .flavours import is_blocking
from .server import FaultServer, answers_json, head, responses, sends

pytestmark = [pytest.mark.anyio, pytest.mark.product]


@pytest.fixture(params=["httpx2", "httpx2 async"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def client_of(flavour: str, **options: Any) -> Any:
    return (httpx2.Client if is_blocking(flavour) else httpx2.AsyncClient)(**options)


async def test_its_headers_parameters_and_cookies_are_sent(flavour: str, against: Against) -> None:
    http = client_of(flavour, headers={"x-own": "h"}, params={"own": "p"}, cookies={"session": "c"})
    script = [answers_json(COMPLETED, headers={"set-cookie": "balancer=b; Path=/"}), responses(200, CLIP)]
    async with against(*script, http_client=http) as (server, client):
        await client.call("retrieve", ID)
        await client.call("download_content", ID, variant="video")
    first, second = server.requests
    assert ("h", "session=c") == (first.headers["x-own"], first.headers["cookie"])
    assert first.target.endswith(f"/videos/{ID}?own=p")
    assert {"session=c", "balancer=b"} == set(second.headers["cookie"].split("; "))
    assert {"own=p", "variant=video"} == set(second.target.partition("?")[2].split("&"))


async def test_another_origin_gets_none_of_its_secrets(flavour: str) -> None:
    with FaultServer(responses(200, CLIP)) as other:
        there = sends(head(302, {"location": f"{other.origin}/clip.mp4?part=1", "content-length": "0"}))
        with FaultServer(there) as server:
            http = client_of(
                flavour, headers={"x-api-key": "gateway-secret"}, params={"token": "t-secret"}, auth=("u", "pw-secret")
            )
            async with Client(flavour, server.base_url, http_client=http) as client:
                await client.call("download_content", ID)
            assert "gateway-secret" == server.requests[0].headers["x-api-key"]
        [request] = other.requests
    assert "/clip.mp4?part=1" == request.target
    assert "secret" not in str(request)
    assert "authorization" not in request.headers


async def test_a_hook_may_read_the_body(flavour: str, against: Against) -> None:
    seen: list[bytes] = []

    def read(response: Any) -> None:
        seen.append(response.read())

    async def aread(response: Any) -> None:
        seen.append(await response.aread())

    http = client_of(flavour, event_hooks={"response": [read if is_blocking(flavour) else aread]})
    async with against(answers_json(QUEUED), http_client=http) as (server, client):
        assert ID == (await client.call("create", prompt="p")).id
        assert (1, 1) == (len(server.requests), len(seen))


async def test_one_that_its_owner_has_closed_says_so(flavour: str) -> None:
    http = client_of(flavour)
    kind: Any = OpenVideos if is_blocking(flavour) else AsyncOpenVideos
    client = kind(base_url="http://server.test/v1", http_client=http)
    closed = http.close() if is_blocking(flavour) else await http.aclose()
    assert closed is None
    assert client.is_closed
    with pytest.raises(ConfigurationError, match="closed"):
        await client.videos.retrieve(ID)


async def test_what_its_hook_sends_elsewhere_is_no_exchange_with_the_server(flavour: str, against: Against) -> None:
    def log(response: Any) -> None:
        httpx.post("http://127.0.0.1:1/log", timeout=1)

    async def alog(response: Any) -> None:
        async with httpx2.AsyncClient() as http:
            await http.post("http://127.0.0.1:1/log")

    http = client_of(flavour, event_hooks={"response": [log if is_blocking(flavour) else alog]})
    async with against(*[answers_json(QUEUED)] * 3, http_client=http, max_retries=2) as (server, client):
        with pytest.raises((httpx.ConnectError, httpx2.ConnectError)) as caught:
            await client.call("create", prompt="p")
        error: Any = caught.value
        assert "/log" in str(error.request.url)
        assert 1 == len(server.requests)
