"""A server that drips: each byte comes in time, and still the whole ends at the deadline of a poll."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from openvideos import APITimeoutError, OpenVideosError

from .calls import COMPLETED, ID, QUEUED
from .clients import HTTP_CLIENTS, TLS, Against, Client
from .server import Behaviour, answers_json, drips, head, stalls

pytestmark = [pytest.mark.anyio, pytest.mark.product]

SHORTEST_S = 0.1
DRIPS: dict[str, Behaviour] = {
    "a response that does not begin": stalls(),
    "headers": drips(b"HTTP/1.1 200 OK\r\n", b"x-drip: drop\r\n"),
    "early hints": drips(b"", head(103)),
    "a body": drips(head(200, {"content-length": "1000000"}), b" "),
    "chunks": drips(head(200, {"transfer-encoding": "chunked"}), b"1\r\n \r\n"),
    "a body without a length": drips(head(200), b" "),
    "the body of an error": drips(head(500, {"content-length": "1000000"}), b" "),
}


@pytest.fixture(autouse=True)
def _short_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an attempt at the deadline have less than the second that it has at the least."""
    monkeypatch.setattr("openvideos._flows.polling.SHORTEST_ATTEMPT_S", SHORTEST_S)


@pytest.mark.parametrize("drip", list(DRIPS.values()), ids=list(DRIPS))
@pytest.mark.parametrize("name", ["poll", "create_and_poll"])
async def test_a_poll_ends_at_its_deadline(drip: Behaviour, name: str, against: Against, flavour: str) -> None:
    if flavour == "httpx2" and drip in (DRIPS["headers"], DRIPS["early hints"]):
        pytest.skip("headers that drip are bounded over the SDK's own connections, and in async clients")
    script = [answers_json(QUEUED)] if name == "create_and_poll" else []
    arguments = {"prompt": "p"} if name == "create_and_poll" else {"video_id": ID}
    async with against(*script, *[drip] * 10) as (_, client):
        started = time.perf_counter()
        error = await client.fails(name, poll_timeout_ms=100, **arguments)
        took = time.perf_counter() - started
    assert isinstance(error, OpenVideosError)
    assert ID == error.video_id
    assert took < 2.0, "the server never ends"


async def test_a_drip_that_ends_in_time_is_a_response(against: Against) -> None:
    body = json.dumps(COMPLETED).encode()
    length = {"content-length": str(len(body) + 3)}
    drip = drips(head(200, length) + body, b" ", pause_s=0.01)
    async with against(drip) as (_, client):
        assert ID == (await client.call("poll", ID, poll_timeout_ms=4000)).id


@pytest.mark.parametrize("name", ["retrieve", "list", "download_content"])
async def test_a_pause_that_is_longer_than_the_timeout_ends_it(name: str, against: Against) -> None:
    drip = drips(head(200, {"content-length": "100"}), b" ", pause_s=0.3)
    async with against(drip, max_retries=0) as (_, client):
        error = await client.fails(name, *([] if name == "list" else [ID]), timeout=0.25)
    assert isinstance(error, APITimeoutError)


@pytest.mark.parametrize("drip", [DRIPS["a body"], DRIPS["chunks"]], ids=["a body", "chunks"])
async def test_a_callers_own_http_client_notices_between_two_pieces(
    drip: Behaviour, against: Against, flavour: str
) -> None:
    plain = {"sync": lambda: httpx.Client(verify=TLS)}
    async with against(drip, http_client=(HTTP_CLIENTS | plain)[flavour]()) as (_, client):
        error = await client.fails("poll", ID, poll_timeout_ms=100)
    assert ID == error.video_id


@pytest.mark.parametrize("flavour", ["sync", "asyncio"])  # trio warns of it, and is right
async def test_a_stream_that_goes_on_after_its_close(flavour: str) -> None:
    """A transport of the caller's own may give one; it is left all the same."""

    class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return iter(lambda: b"x" * (1 << 20), b"")

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in self:
                yield piece

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless()))
    http = (httpx.Client if flavour == "sync" else httpx.AsyncClient)(transport=transport)
    async with Client(flavour, "http://server.test/v1", http_client=http, max_retries=0) as client:
        error = await client.fails("retrieve", ID)
    assert "larger than" in str(error)


@pytest.mark.parametrize("drip", list(DRIPS.values()), ids=list(DRIPS))
@pytest.mark.parametrize("name", ["retrieve", "list", "download_content"])
async def test_a_timeout_that_is_a_number_limits_the_whole_exchange(
    drip: Behaviour, name: str, against: Against, flavour: str
) -> None:
    if flavour == "httpx2" and drip in (DRIPS["headers"], DRIPS["early hints"]):
        pytest.skip("headers that drip are bounded over the SDK's own connections, and in async clients")
    async with against(drip, max_retries=0) as (_, client):
        started = time.perf_counter()
        error = await client.fails(name, *([] if name == "list" else [ID]), timeout=0.2)
        took = time.perf_counter() - started
    assert isinstance(error, APITimeoutError)
    assert took < 2.0, "the server never ends"


async def test_a_timeout_of_phases_limits_each_of_them(against: Against) -> None:
    """A body that takes longer in all than each wait for its next bytes."""
    body = json.dumps(COMPLETED).encode()
    drip = drips(head(200, {"content-length": str(len(body) + 30)}) + body, b" ", pause_s=0.02)
    # A busy machine may stop for longer than one phase, after which the client asks again.
    async with against(drip, drip, drip) as (_, client):
        assert ID == (await client.call("retrieve", ID, timeout=httpx.Timeout(0.5))).id
