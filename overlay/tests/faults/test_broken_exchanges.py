"""A connection that breaks, a protocol that is broken: every method ends in a typed error, or gets through.

A read is tried again and succeeds when the server is well again. A POST may have started a job that costs money, so it
is sent once. No connection is left open and no file is left behind.
"""

from __future__ import annotations

import gzip
import socket
from pathlib import Path

import pytest

from openvideos import APIConnectionError, APITimeoutError, DownloadError, OpenVideosError

from .calls import ID, METHODS, POSTS, READS, Method, files_in, named
from .clients import Against, Client
from .server import (
    Behaviour,
    closes,
    closes_at_once,
    head,
    resets,
    resets_at_once,
    responses,
    stalls,
)

pytestmark = [pytest.mark.anyio, pytest.mark.product]

JSON = {"content-type": "application/json"}
STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
SOME_HEADERS = STATUS_LINE + b"content-type: appl"
HEADERS = head(200, {**JSON, "content-length": "400"})
PART = HEADERS + b'{"object":'
CHUNKED = head(200, {**JSON, "transfer-encoding": "chunked"})
ZIPPED = gzip.compress(b"{" + b" " * 5000 + b"}")

BROKEN: dict[str, Behaviour] = {
    "reset before the request": resets_at_once(),
    "reset before the answer": resets(),
    "reset in the status line": resets(b"HTTP/1."),
    "reset in the headers": resets(SOME_HEADERS),
    "reset behind the headers": resets(HEADERS),
    "reset in the body": resets(PART),
    "reset in a chunk": resets(CHUNKED + b"20\r\n{"),
    "closed before the request": closes_at_once(),
    "closed before the answer": closes(),
    "closed in the headers": closes(SOME_HEADERS),
    "closed behind the headers": closes(HEADERS),
    "closed in the body": closes(PART),
    "closed between chunks": closes(CHUNKED + b"1\r\n{\r\n"),
    "a length that is negative": closes(head(200, {**JSON, "content-length": "-1"}) + b"{}"),
    "a length that is no number": closes(head(200, {**JSON, "content-length": "two"}) + b"{}"),
    "two lengths": closes(head(200, [*JSON.items(), ("content-length", "2"), ("content-length", "3")]) + b"{} "),
    "a chunk's length that is no number": closes(CHUNKED + b"two\r\n{}\r\n0\r\n\r\n"),
    "another protocol": closes(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a status that is no number": closes(b"HTTP/1.1 OK 200\r\n\r\n"),
    "a header without a name": closes(STATUS_LINE + b": value\r\n\r\n"),
    "headers without an end": closes(head(200, {"x": "y" * 200_000})),
    "gzip that is none": responses(200, b"{}" * 20, {**JSON, "content-encoding": "gzip"}),
    "gzip that is damaged": responses(200, ZIPPED[:20] + b"\xff" * 20 + ZIPPED[40:], {"content-encoding": "gzip"}),
    "gzip that ends early": responses(200, ZIPPED[:-9], {"content-encoding": "gzip"}),
}
STALLS: dict[str, Behaviour] = {
    "before the answer": stalls(),
    "in the headers": stalls(SOME_HEADERS),
    "behind the headers": stalls(HEADERS),
    "in the body": stalls(PART),
}

each_fault = pytest.mark.parametrize("fault", list(BROKEN.values()), ids=list(BROKEN))
each_stall = pytest.mark.parametrize("fault", list(STALLS.values()), ids=list(STALLS))


def check_nothing_is_lost(error: OpenVideosError, method: Method, folder: Path) -> None:
    """Check that the exception names the job that it is about, and that no file is left."""
    assert (method.arguments.get("video_id") or (ID if method.before else None)) == error.video_id
    if method.before:
        assert error.video is not None
    assert [] == files_in(folder)


@each_fault
@pytest.mark.parametrize("method", READS, ids=named)
async def test_a_read_that_fails_every_time_raises(
    fault: Behaviour, method: Method, against: Against, tmp_path: Path
) -> None:
    async with against(*method.before, *[fault] * 20, max_retries=1) as (_, client):
        error = await client.fails(method.name, **method.arguments_in(tmp_path))
    assert isinstance(error, (APIConnectionError, DownloadError))
    check_nothing_is_lost(error, method, tmp_path)


@each_fault
@pytest.mark.parametrize("method", READS, ids=named)
async def test_a_read_that_fails_once_is_repeated(
    fault: Behaviour, method: Method, against: Against, flavour: str, tmp_path: Path
) -> None:
    async with against(*method.before, fault, method.good, max_retries=1) as (_, client):
        result = await client.call(method.name, **method.arguments_in(tmp_path))
        # A kept connection that was closed may be found out before anything is sent on it, and aiohttp repeats a GET
        # or DELETE by itself.
        assert 1 == len(client.pauses) or (method.before and fault.eager) or flavour == "aiohttp"
    assert ID == method.shows(result)
    assert ["clip.mp4"] * method.saves == files_in(tmp_path)


@pytest.mark.parametrize("fault", [fault for fault in BROKEN.values() if fault.eager])
@pytest.mark.parametrize("method", POSTS, ids=named)
async def test_a_post_is_repeated_only_if_the_connection_was_not_made(
    fault: Behaviour, method: Method, against: Against
) -> None:
    """Whether a connection that is reset at once was made or not is a matter of chance."""
    async with against(fault, method.good) as (server, client):
        try:
            await client.call(method.name, **method.arguments)
        except APIConnectionError as error:
            assert not error.never_sent  # noqa: PT017 - it is not certain to be raised
            assert [] == server.requests
        else:
            assert 1 == len(server.requests)


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in BROKEN.items() if not fault.eager])
@pytest.mark.parametrize("method", POSTS, ids=named)
async def test_a_post_is_sent_once(fault: Behaviour, method: Method, against: Against) -> None:
    async with against(fault, method.good) as (server, client):
        error = await client.fails(method.name, **method.arguments)
        assert 1 == server.connections
        assert [] == client.pauses
    assert isinstance(error, APIConnectionError)
    assert not error.never_sent
    assert "list the videos before you start it again" in str(error)


class TestRefusal:
    """A connection that is never made: nothing was started, so everything may be tried again."""

    @pytest.mark.parametrize("method", METHODS, ids=named)
    async def test_raises_after_the_retries(self, method: Method, flavour: str, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        async with Client(flavour, f"http://127.0.0.1:{port}/v1", max_retries=2) as client:
            error = await client.fails(method.name, **method.arguments_in(tmp_path))
            assert 2 <= len(client.pauses)
        assert isinstance(error, APIConnectionError)
        assert error.never_sent
        assert [] == files_in(tmp_path)


class TestStall:
    """A server that falls silent: the timeout ends it."""

    @each_stall
    @pytest.mark.parametrize("method", READS, ids=named)
    async def test_a_read_times_out(self, fault: Behaviour, method: Method, against: Against, tmp_path: Path) -> None:
        async with against(*method.before, fault, max_retries=0) as (_, client):
            error = await client.fails(method.name, timeout=0.25, **method.arguments_in(tmp_path))
        reason = error.__cause__ if isinstance(error, DownloadError) else error
        assert isinstance(reason, APITimeoutError)
        check_nothing_is_lost(error, method, tmp_path)

    @each_stall
    @pytest.mark.parametrize("method", POSTS, ids=named)
    async def test_a_post_is_sent_once(self, fault: Behaviour, method: Method, against: Against) -> None:
        async with against(fault, method.good) as (server, client):
            error = await client.fails(method.name, timeout=0.25, **method.arguments)
            assert 1 == server.connections
        assert isinstance(error, APITimeoutError)
        assert not error.never_sent
