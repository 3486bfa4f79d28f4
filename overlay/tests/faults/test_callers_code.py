"""What a caller's own code raises, in a hook or an authentication, comes out unchanged, and nothing is sent again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import httpx
import pytest

from openvideos import APIConnectionError, AsyncOpenVideos, ConfigurationError, OpenVideos, OpenVideosError

from .calls import COMPLETED, ID
from .clients import HTTP_CLIENTS, Against
from .flavours import is_blocking
from .server import answers_json, responses

pytestmark = [pytest.mark.anyio, pytest.mark.product]

ERRORS = [OSError("no file"), ValueError("no number"), KeyError("no key"), TimeoutError("too late")]


class Failing(httpx.Auth):
    """Fails before a request is sent, or after its response."""

    def __init__(self, error: Exception, *, after: bool) -> None:
        self.error, self.after = error, after

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self.after:
            yield request
        raise self.error


@pytest.mark.parametrize("flavour", ["sync", "asyncio"])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_an_authentication_that_fails(error: Exception, after: bool, against: Against, flavour: str) -> None:  # noqa: FBT001 - a parameter
    http: Any = HTTP_CLIENTS[flavour]()
    http.auth = Failing(error, after=after)
    async with against(*[answers_json(COMPLETED)] * 3, http_client=http, max_retries=2) as (server, client):
        with pytest.raises(type(error)) as caught:
            await client.call("retrieve", ID)
        assert error is caught.value
        assert int(after) == len(server.requests)
        assert [] == client.pauses


def hook(flavour: str, act: Callable[[httpx.Response], Any]) -> Any:
    async def async_hook(response: Any) -> None:
        act(response)

    return act if is_blocking(flavour) else async_hook


async def test_a_hook_that_fails(against: Against, flavour: str) -> None:
    """Also over httpx2, whose exceptions are translated; a hook often raises for a status."""
    for status, error in [(200, OSError("no file")), (200, ValueError("no")), (404, None)]:

        def act(response: Any, error: Exception | None = error) -> None:
            if error is not None:
                raise error
            response.raise_for_status()

        http: Any = HTTP_CLIENTS[flavour]()
        http.event_hooks = {"request": [], "response": [hook(flavour, act)]}
        async with against(*[answers_json(COMPLETED, status)] * 3, http_client=http, max_retries=2) as (server, client):
            with pytest.raises(Exception, match=r"no|404") as caught:
                await client.call("retrieve", ID)
            assert type(caught.value).__name__ == ("HTTPStatusError" if error is None else type(error).__name__)
            assert 1 == len(server.requests)


@pytest.mark.parametrize("flavour", ["sync", "asyncio", "trio"])
async def test_whatever_a_transport_raises_is_an_error_of_the_connection(flavour: str, against: Against) -> None:
    class Odd(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise LookupError("odd")

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise LookupError("odd")

    http = (httpx.Client if flavour == "sync" else httpx.AsyncClient)(transport=Odd())
    async with against(http_client=http, max_retries=1) as (_, client):
        error = await client.fails("retrieve", ID)
    assert isinstance(error, APIConnectionError)
    assert "LookupError" in str(error)


@pytest.mark.parametrize("flavour", ["sync"])
async def test_a_body_that_was_streamed_cannot_be_parsed(against: Against) -> None:
    async with against(responses(200, b"{}")) as (_, client):
        with client.sdk.videos.with_streaming_response.retrieve(ID) as response:
            assert b"{}" == b"".join(response.iter_bytes())
            with pytest.raises(OpenVideosError, match="was read in pieces, which are not kept"):
                response.parse()


async def _pieces() -> AsyncGenerator[bytes]:
    yield b""


@pytest.mark.parametrize("given", ["http://proxy", 1, object(), httpx.Client, _pieces])
def test_an_http_client_of_another_kind_is_refused(given: Any) -> None:
    for kind in (OpenVideos, AsyncOpenVideos):
        with pytest.raises(ConfigurationError, match=r"http_client is of the type \w+"):
            kind(base_url="http://s/v1", http_client=given)


@pytest.mark.parametrize("flavour", HTTP_CLIENTS)
async def test_a_client_of_the_other_colour_is_refused(flavour: str) -> None:
    http: Any = HTTP_CLIENTS[flavour]()
    kind: Any = AsyncOpenVideos if is_blocking(flavour) else OpenVideos
    with pytest.raises(ConfigurationError, match=f"use {'OpenVideos' if is_blocking(flavour) else 'AsyncOpenVideos'}"):
        kind(base_url="http://s/v1", http_client=http)
    if is_blocking(flavour):
        http.close()
    else:
        await http.aclose()
