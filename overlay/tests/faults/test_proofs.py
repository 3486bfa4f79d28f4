"""A create is sent again only if it is proven that nothing was sent, whichever HTTP client sends it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Generator
from typing import Any

import aiohttp
import httpcore
import httpcore2
import httpx
import httpx2
import pytest

from openvideos import APIConnectionError, APIStatusError, APITimeoutError
from openvideos._drivers.connection_errors import connection_error, proves_unsent

from .calls import ID, QUEUED
from .clients import Against, Client
from .server import answers_json, closes, resets, responses, stalls

pytestmark = [pytest.mark.anyio, pytest.mark.product]

REQUEST = httpx.Request("POST", "http://server.test/v1/videos")


async def test_a_refused_connection_proves_it(flavour: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with Client(flavour, f"http://127.0.0.1:{port}/v1", max_retries=2) as client:
        error = await client.fails("create", prompt="p")
        assert 2 == len(client.pauses)
    assert error.never_sent


@pytest.mark.parametrize("fault", [resets(), closes(), stalls()], ids=["reset", "closed", "no response"])
async def test_an_end_after_the_whole_request_proves_nothing(fault: Any, against: Against) -> None:
    async with against(*[fault] * 3, max_retries=2) as (server, client):
        error = await client.fails("create", prompt="p", timeout=0.5)
        assert 1 == len(server.requests)
    assert isinstance(error, APIConnectionError)
    assert not error.never_sent
    assert "list the videos before you start it again" in str(error)


@pytest.mark.parametrize("idempotent_posts", [False, True])
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_job_in_an_error_response_is_accepted(
    status: int,
    idempotent_posts: bool,  # noqa: FBT001 - a parameter
    against: Against,
) -> None:
    job = answers_json(QUEUED, status, {"retry-after": "0"})
    async with against(*[job] * 3, max_retries=2, idempotent_posts=idempotent_posts) as (server, client):
        error = await client.fails("create", prompt="p")
        assert 1 == len(server.requests)
    assert isinstance(error, APIStatusError)
    assert (status, ID) == (error.status_code, error.video_id)
    assert f"is the job {ID}" in str(error)


def after(cause: BaseException | None, kind: type[httpx.TransportError] = httpx.ConnectTimeout) -> httpx.TransportError:
    error = kind("it broke", request=REQUEST)
    error.__cause__ = cause
    return error


KEY: Any = None  # aiohttp's key of a connection, which its exceptions only show

PROOFS = [
    *(kind() for kind in (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError)),
    *(kind() for kind in (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout)),
    aiohttp.ClientConnectorError(KEY, OSError("refused")),
    aiohttp.ConnectionTimeoutError(),
]
NO_PROOFS = [
    None,
    OSError("reset"),
    httpcore.ReadError(),
    httpcore.WriteError(),
    httpcore.ReadTimeout(),
    httpcore2.ReadError(),
    aiohttp.ServerDisconnectedError(),
    aiohttp.ClientOSError("reset"),
    aiohttp.SocketTimeoutError(),
]


@pytest.mark.parametrize("cause", PROOFS, ids=lambda cause: f"{type(cause).__module__}.{type(cause).__name__}")
def test_the_cause_proves_it_and_the_class_does_not(cause: BaseException) -> None:
    for kind in (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError):
        assert proves_unsent(after(cause, kind))


@pytest.mark.parametrize("cause", NO_PROOFS, ids=lambda cause: type(cause).__name__)
def test_no_other_cause_proves_it(cause: BaseException | None) -> None:
    for kind in (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        assert not proves_unsent(after(cause, kind))


def test_a_library_that_is_not_loaded_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "aiohttp")
    assert not proves_unsent(after(aiohttp.ClientConnectorError(KEY, OSError())))
    assert proves_unsent(after(httpcore.ConnectError()))


def test_a_broken_connection_that_httpx_aiohttp_calls_a_timeout_is_none() -> None:
    broken = connection_error(after(aiohttp.ServerDisconnectedError()), REQUEST, ())
    assert (APIConnectionError, True) == (type(broken), "broke off (ServerDisconnectedError" in str(broken))
    late = connection_error(after(aiohttp.SocketTimeoutError(), httpx.ReadTimeout), REQUEST, ())
    assert isinstance(late, APITimeoutError)


def test_a_full_pool_is_named() -> None:
    said = str(connection_error(after(httpcore.PoolTimeout(), httpx.PoolTimeout), REQUEST, ()))
    assert "all connections to http://server.test were in use for too long" in said
    assert "list the videos" not in said


@pytest.mark.parametrize(
    "body",
    [
        {"id": ID, "object": "video"},
        b'{"id": "video_1", "object": "video", "created_at": ' + b"1" * 5000 + b"}",
        b'{"id": "video_1", "object": "video", "status": "queued"} trailing',
    ],
    ids=["no status", "a huge number", "more behind it"],
)
async def test_a_job_is_seen_however_odd_its_json(body: Any, against: Against) -> None:
    job = responses(429, body) if isinstance(body, bytes) else answers_json(body, 429)
    async with against(*[job] * 3, max_retries=2) as (server, client):
        error = await client.fails("create", prompt="p")
        assert 1 == len(server.requests)
    assert ID == error.video_id


class Again(httpx.Auth):
    """Sends a request a second time, as Digest does."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        yield request
        yield request


@pytest.mark.parametrize("flavour", ["sync", "asyncio"])
async def test_nothing_is_proven_after_an_authentication_that_sends_twice(flavour: str) -> None:
    sent: list[str] = []

    class Second(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(request.method)
            if len(sent) % 2:
                return httpx.Response(401)
            raise httpx.ConnectError("refused", request=request) from httpcore.ConnectError()

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return self.handle_request(request)

    http = (httpx.Client if flavour == "sync" else httpx.AsyncClient)(transport=Second(), auth=Again())
    async with Client(flavour, "http://server.test/v1", http_client=http, max_retries=2) as client:
        error = await client.fails("create", prompt="p")
    assert (["POST", "POST"], False) == (sent, error.never_sent)


@pytest.mark.parametrize("flavour", ["sync", "asyncio", "httpx2", "httpx2 async"])
async def test_nothing_is_proven_of_a_request_that_was_sent_before(flavour: str, against: Against) -> None:
    """A transport that wraps another may fail to connect elsewhere; httpcore tells that the request was sent before."""
    module: Any = httpx2 if flavour.startswith("httpx2") else httpx
    core: Any = httpcore2 if module is httpx2 else httpcore

    def fail(request: Any) -> None:
        raise module.ConnectError("no metrics", request=request) from core.ConnectError()

    def handle_request(transport: Any, request: Any) -> Any:
        module.HTTPTransport.handle_request(transport, request).close()
        fail(request)

    async def handle_async_request(transport: Any, request: Any) -> Any:
        await (await module.AsyncHTTPTransport.handle_async_request(transport, request)).aclose()
        fail(request)

    measured = type("Measured", (module.HTTPTransport,), {"handle_request": handle_request})
    async_measured = type("AsyncMeasured", (module.AsyncHTTPTransport,), {"handle_async_request": handle_async_request})
    blocking = flavour in {"sync", "httpx2"}
    http = module.Client(transport=measured()) if blocking else module.AsyncClient(transport=async_measured())
    async with against(*[answers_json(QUEUED)] * 3, http_client=http, max_retries=2) as (server, client):
        error = await client.fails("create", prompt="p")
        assert (1, False) == (len(server.requests), error.never_sent)
