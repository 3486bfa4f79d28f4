"""Test that a request gets what the server says to it: no more than fits, no later than it may, and no other's."""

from __future__ import annotations

import errno
import gzip
import socket
import time
from contextlib import suppress
from typing import Any

import httpx
import pytest

from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.outcomes import NotReachedError
from openvideos_conformance._core.target import Target
from openvideos_conformance._fuzz.transport import RecordingTransport
from openvideos_conformance._judging.server_errors import is_unanswered
from openvideos_conformance._server.recording_client import RecordingClient

from .conversations import Answer, Conversations, says, serving

OK = says()
DEAD = b""
BROKEN = says('{"error": {}}', "500 Internal Server Error")
LIMIT = 0.8


def client_of(server: Conversations, **options: Any) -> RecordingClient:
    return RecordingClient(Target(base_url=server.url, **options))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_request_on_a_connection_that_was_closed_is_sent_once_more(method: str) -> None:
    empty = says("") if method == "HEAD" else OK
    with serving([OK, DEAD], [empty]) as server, client_of(server) as client:
        assert client.get("/videos").is_ok
        assert client.send(method, "/videos").is_ok
        assert 2 == len(client.history)
    assert [0, 0, 1] == server.connections


def test_it_is_sent_once_more_and_no_oftener() -> None:
    with serving([OK, DEAD], [DEAD]) as server, client_of(server) as client:
        client.get("/videos")
        assert "disconnected" in client.get("/videos").failure
    assert [0, 0, 1] == server.connections


@pytest.mark.parametrize("script", [[DEAD], [OK, b"HTTP/1.1 2"]], ids=["new connection", "begun response"])
def test_a_request_that_the_server_let_fail_is_not_sent_again(script: list[Answer]) -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 2")
        connection.shutdown(socket.SHUT_RDWR)

    script = [cut if each == b"HTTP/1.1 2" else each for each in script]
    with serving(script) as server, client_of(server) as client:
        last = [client.get("/videos") for _ in script][-1]
        assert last.failure
    assert [0] * len(script) == server.connections


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_request_that_changes_something_has_a_connection_of_its_own_and_is_sent_once(method: str) -> None:
    with serving([OK], [OK], [DEAD]) as server, client_of(server) as client:
        client.get("/videos")
        assert client.send(method, "/videos/video_1").is_ok
        assert client.send(method, "/videos/video_1").failure
        assert client.get("/videos").is_ok
    assert [0, 1, 2, 0] == server.connections


def test_a_connection_is_not_used_after_a_server_error() -> None:
    with serving([BROKEN], [OK]) as server, client_of(server) as client:
        assert [500, 200, 200] == [client.get("/videos").status for _ in range(3)]
    assert [0, 1, 1] == server.connections


def breaks(connection: socket.socket) -> None:
    """Answer as a server does whose handler has raised an exception: say nothing of the connection, and close it."""
    connection.sendall(BROKEN)
    connection.shutdown(socket.SHUT_RDWR)


def test_a_list_that_always_raises_is_blamed_for_nothing_else() -> None:
    scripts: list[list[Answer]] = [[OK, breaks]] * 8
    with serving(*scripts) as server, client_of(server) as client:
        for _ in range(8):
            assert client.get("/videos/video_1").is_ok
            assert 500 == client.get("/videos").status
        assert 500 not in {each.status for each in client.history if each.operation != "list_videos"}
        assert [""] * 16 == [each.failure for each in client.history]


def test_an_encoding_that_was_not_asked_for_is_refused_and_not_unpacked() -> None:
    packed = gzip.compress(b"0" * 100_000)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(packed)}\r\n\r\n"
    with serving([head.encode() + packed]) as server, client_of(server) as client:
        exchange = client.get("/videos")
    assert "Content-Encoding 'gzip', which was not asked for" in exchange.failure
    assert (200, b"") == (exchange.status, exchange.body)
    assert b"accept-encoding: identity" in server.requests[0][1].lower()


def test_a_response_that_is_too_long_is_read_no_further() -> None:
    with serving([says('"' + "x" * 300_000 + '"')]) as server, client_of(server) as client:
        exchange = client.get("/videos", max_body=100_000)
    assert "longer than 100000 bytes" in exchange.failure
    assert 100_000 < exchange.length < 300_000


def drips(connection: socket.socket) -> None:
    _forever(connection, iter(lambda: b"x", b""), first=b"HTTP/1.1 200 OK\r\nx-head: ")


def goes_on(connection: socket.socket) -> None:
    _forever(connection, iter(lambda: b"HTTP/1.1 100 Continue\r\n\r\n", b""))


def _forever(connection: socket.socket, pieces: Any, first: bytes = b"") -> None:
    with suppress(OSError):
        connection.sendall(first)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.005)  # until the client closes the connection, which is soon


@pytest.mark.parametrize("answer", [drips, goes_on])
@pytest.mark.parametrize("is_generated", [False, True])
def test_a_response_that_never_begins_is_given_up(answer: Answer, *, is_generated: bool) -> None:
    with serving([answer]) as server, client_of(server, timeout=LIMIT / 4) as client:
        exchange = generated(client, "/videos") if is_generated else client.get("/videos")
        assert f"did not end within {LIMIT:g} s" in exchange.failure
        assert exchange.ended - exchange.began < 10 * LIMIT


def generated(client: RecordingClient, path: str, method: str = "GET") -> Exchange:
    """Send a request as schemathesis does, and return its exchange."""
    import requests
    from schemathesis.transport.requests import ManagedCookiesSession

    with RecordingTransport(client, 12).installed(), suppress(requests.ConnectionError):
        ManagedCookiesSession().request(method, client.target.base_url + path)
    return client.history[-1]


@pytest.mark.full
def test_a_generated_request_has_the_same_care() -> None:
    scripts: list[list[Answer]] = [[OK, DEAD], [BROKEN], [says("{}", "200 OK", "content-encoding: gzip")], [DEAD]]
    with serving(*scripts) as server, client_of(server) as client:
        assert [200, 500] == [generated(client, "/videos?order='").status for _ in range(2)]
        assert "not asked for" in generated(client, "/videos").failure
        assert generated(client, "/videos", "POST").failure
    assert [0, 0, 1, 2, 3] == server.connections
    assert server.requests[0][1].startswith(b"GET /v1/videos?order=' "), "as schemathesis spells it"
    for _, request in server.requests:
        assert 1 == request.lower().count(b"accept-encoding:")
        assert b"accept-encoding: identity\r\n" in request.lower()


def test_a_socket_that_was_closed_on_this_side_says_nothing_of_the_server() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("Bad file descriptor") from OSError(errno.EBADF, "Bad file descriptor")

    with RecordingClient(Target(base_url="https://api.test/v1"), httpx.MockTransport(answer)) as client:
        with pytest.raises(NotReachedError, match="closed on this side"):
            client.post("/videos", json={"prompt": "A boat"})
        [exchange] = client.history
    assert not is_unanswered(exchange)
