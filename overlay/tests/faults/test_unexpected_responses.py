"""Answers that are whole, and still odd: a typed error or success, and the connection fit for the next request."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from openvideos import APIConnectionError, APIResponseValidationError, APIStatusError, InternalServerError

from .calls import CLIP, COMPLETED, DELETED, ID, METHODS, PAGE, QUEUED, READS, Method, files_in, named
from .clients import Against
from .server import Behaviour, answers_json, closes, closes_at_once, floods, head, message, responses, sends

pytestmark = [pytest.mark.anyio, pytest.mark.product]

BODY = json.dumps(COMPLETED).encode()
JSON = {"content-type": "application/json"}
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
IN_JSON = [method for method in METHODS if method.reads_json]
EARLY = head(103, {"link": "</style.css>; rel=preload"})

NO_VIDEO: dict[str, Behaviour] = {
    "nothing": responses(200),
    "no content": sends(head(204)),
    "HTML": responses(200, HTML, {"content-type": "text/html"}),
    "half of the JSON": responses(200, BODY[:30], JSON),
    "a length that is too short": closes(head(200, {**JSON, "content-length": "30"}) + BODY),
    "no UTF-8": responses(200, b'{"id": "\xff\xfe"}', JSON),
    "UTF-16 without its end": responses(200, BODY.decode().encode("utf-16")[:-1], JSON),
    "a number of many digits": responses(200, b"1" * 5000, JSON),
    "JSON nested too deep": responses(200, b"[" * 100_000, JSON),
    "JSON nested nearly too deep": responses(200, b"[" * 500 + b"]" * 500, JSON),
    "text": responses(200, b'"video"', JSON),
    "null": responses(200, b"null", JSON),
    "a list": responses(200, b"[1]", JSON),
}
POLLS = {"poll", "create_and_poll"}
NO_CONFIRMATION = {"nothing", "no content"}  # and none is needed for a deletion
GOOD: dict[str, Behaviour] = {
    "early hints": sends(EARLY * 3 + message(200, BODY, JSON)),
    "continue": sends(head(100) + message(200, BODY, JSON)),
    "no type": responses(200, BODY),
    "another type": responses(200, BODY, {"content-type": "text/html; charset=klingon"}),
    "a status of its own": responses(299, BODY),
    "accepted": responses(202, BODY),
    "headers twice": responses(200, BODY, [*JSON.items(), *JSON.items(), ("x-request-id", "1"), ("x-request-id", "2")]),
    "the same length twice": responses(200, BODY, {"Content-Length": str(len(BODY))}),
    "a header that is not ASCII": responses(200, BODY, {"x-name": "Zo\xeb", "content-disposition": "\xff"}),
    "a long header": responses(200, BODY, {"x-trace": "y" * 30_000}),
    "many headers": responses(200, BODY, [(f"x-{number}", "y") for number in range(500)]),
    "gzip": responses(200, gzip.compress(BODY), {"content-encoding": "gzip"}),
    "gzip in two members": responses(
        200, gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), {"content-encoding": "x-gzip"}
    ),
    "an encoding that is none": responses(200, BODY, {"content-encoding": "utf-8"}),
    "a byte order mark": responses(200, b"\xef\xbb\xbf" + BODY),
    "UTF-16": responses(200, BODY.decode().encode("utf-16")),
    "chunks": sends(head(200, {"transfer-encoding": "chunked"}) + b"%x\r\n%s\r\n0\r\nx: y\r\n\r\n" % (len(BODY), BODY)),
    "chunks that are not ASCII beside": sends(
        head(200, {"transfer-encoding": "chunked", "x": "\xe9"}) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    ),
    "no length": closes(head(200) + BODY),
    "HTTP/1.0": closes(b"HTTP/1.0 200 OK\r\n\r\n" + BODY),
    "no reason": responses(200, BODY),
    "a cookie": responses(200, BODY, {"set-cookie": "a=b; expires=Never; Path=/; Domain=.elsewhere.example"}),
    "lone line feeds": closes(head(200).replace(b"\r\n", b"\n") + BODY),
}
UNREAD_BY_AIOHTTP = [GOOD["the same length twice"], GOOD["a long header"], GOOD["many headers"]]
"""What aiohttp itself refuses to read."""


class TestGoodAnswers:
    @pytest.mark.parametrize("response", list(GOOD.values()), ids=list(GOOD))
    async def test_are_read(self, response: Behaviour, against: Against, flavour: str) -> None:
        async with against(response, answers_json(COMPLETED), max_retries=0) as (_, client):
            if flavour == "aiohttp" and response in UNREAD_BY_AIOHTTP:
                assert isinstance(await client.fails("retrieve", ID), APIConnectionError)
                return
            assert ID == (await client.call("retrieve", ID)).id
            assert ID == (await client.call("poll", ID)).id

    @pytest.mark.parametrize("response", list(GOOD.values()), ids=list(GOOD))
    async def test_to_a_post_are_read(self, response: Behaviour, against: Against, flavour: str) -> None:
        async with against(response, max_retries=0) as (_, client):
            if flavour == "aiohttp" and response in UNREAD_BY_AIOHTTP:
                assert not (await client.fails("create", prompt="p")).never_sent
                return
            assert ID == (await client.call("create", prompt="p")).id

    async def test_and_their_connection_is_used_again(self, against: Against) -> None:
        script = [
            answers_json(COMPLETED),
            answers_json(PAGE),
            answers_json(DELETED),
            responses(404),
            responses(200, CLIP),
        ]
        async with against(*script) as (server, client):
            await client.call("retrieve", ID)
            await client.call("list")
            await client.call("delete", ID)
            await client.fails("retrieve", ID)
            await client.call("download_content", ID)
            assert (1, 5) == (server.connections, len(server.requests))

    @pytest.mark.parametrize("method", METHODS, ids=named)
    async def test_another_connection_is_made_when_the_kept_one_has_ended(
        self, method: Method, against: Against, flavour: str, tmp_path: Path
    ) -> None:
        script = [*method.before, answers_json(COMPLETED), closes_at_once(), *method.before, method.good]
        async with against(*script, max_retries=1) as (server, client):
            for _ in method.before:
                await client.call("create", prompt="p")
            await client.call("retrieve", ID)
            # The end has arrived when the server is through with the connection.
            assert server.wait_until_closed()
            if flavour == "aiohttp" and (method.posts or method.before):
                # aiohttp writes on a connection that has ended, and does not prove that nothing was sent.
                error = await client.fails(method.name, **method.arguments)
                assert isinstance(error, APIConnectionError)
                assert not error.never_sent
                return
            assert ID == method.shows(await client.call(method.name, **method.arguments_in(tmp_path)))
            assert 2 == server.connections
            assert len(set(server.requests[-1].headers)) > 1


@pytest.mark.parametrize(
    ("method", "response"),
    [
        pytest.param(method, response, id=f"{method.name}-{name}")
        for method in IN_JSON
        for name, response in NO_VIDEO.items()
        if method.name != "delete" or name not in NO_CONFIRMATION
    ],
)
async def test_what_is_no_response_is_reported(
    response: Behaviour, method: Method, against: Against, flavour: str
) -> None:
    if flavour == "aiohttp" and response == NO_VIDEO["a length that is too short"]:
        pytest.skip("aiohttp sees the bytes behind the body, which makes it a broken exchange that may be repeated")
    times = 5 if method.name in POLLS else 1  # a poll bears a few of them; see below
    async with against(*method.before, *[response] * times, answers_json(COMPLETED)) as (server, client):
        error = await client.fails(method.name, **method.arguments)
        assert len(method.before) + times == len(server.requests)
        assert ID == (await client.call("retrieve", ID)).id, "the client works on"
    assert isinstance(error, APIResponseValidationError)
    assert error.response is not None
    assert f"returned {error.response.status_code}, but" in str(error)
    # A connection that the server has closed may break one more poll; which, and whether, is a matter of luck.
    notes = [re.sub(r"\d+", "so many", note) for note in getattr(error, "__notes__", [])]
    assert ["openvideos: so many polls in a row have failed; this is the last failure."] * (times > 1) == notes


@pytest.mark.parametrize("method", [method for method in METHODS if method.name in POLLS], ids=named)
@pytest.mark.parametrize("response", [*NO_VIDEO.values(), responses(404)], ids=[*NO_VIDEO, "not found"])
async def test_a_few_are_borne_by_a_poll(response: Behaviour, method: Method, against: Against) -> None:
    before = method.before or (answers_json(QUEUED),)
    async with against(*before, *[response] * 4, answers_json(COMPLETED)) as (_, client):
        assert ID == (await client.call(method.name, **method.arguments)).id


@pytest.mark.parametrize("response", [responses(200), sends(head(204)), responses(200, b" \n")])
async def test_a_deletion_needs_no_confirmation(response: Behaviour, against: Against) -> None:
    async with against(response) as (_, client):
        result = await client.call("delete", ID)
    assert (ID, True, "video.deleted") == (result.id, result.deleted, result.object)


class TestStatuses:
    @pytest.mark.parametrize("status", [502, 520, 529, 599, 999])
    @pytest.mark.parametrize("method", READS, ids=named)
    async def test_of_500_and_above_are_server_errors(
        self, status: int, method: Method, against: Against, tmp_path: Path
    ) -> None:
        response = responses(status, HTML, {"content-type": "text/html", "x-request-id": "req_1"})
        async with against(*method.before, *[response] * 20, max_retries=1) as (_, client):
            error = await client.fails(method.name, **method.arguments_in(tmp_path))
            assert client.pauses
        assert isinstance(error, InternalServerError)
        assert (status, "req_1", None) == (error.status_code, error.request_id, error.body)
        assert "502 Bad Gateway" in str(error)
        assert [] == files_in(tmp_path)

    @pytest.mark.parametrize("status", [300, 304, 402, 499])
    @pytest.mark.parametrize("method", METHODS, ids=named)
    async def test_of_other_kinds_are_errors_at_once(
        self, status: int, method: Method, against: Against, tmp_path: Path
    ) -> None:
        async with against(*method.before, closes(head(status)), method.good) as (server, client):
            error = await client.fails(method.name, **method.arguments_in(tmp_path))
            assert len(method.before) + 1 == len(server.requests)
        assert type(error) is APIStatusError
        assert status == error.status_code

    async def test_switching_protocols_is_no_response(self, against: Against) -> None:
        async with against(closes(head(101, {"upgrade": "websocket", "connection": "upgrade"})), max_retries=0) as (
            _,
            client,
        ):
            error = await client.fails("retrieve", ID)
        assert isinstance(error, (APIConnectionError, APIStatusError))

    async def test_an_error_may_have_headers_that_are_not_ascii(self, against: Against) -> None:
        async with against(responses(404, b"{}", {"x-reason": "caf\xe9"})) as (_, client):
            error = await client.fails("retrieve", ID)
        assert (404, "caf\xe9") == (error.status_code, error.response.headers["x-reason"])


class TestTooMuch:
    """A response that has no end, or one that is out of all proportion, is left."""

    @pytest.mark.parametrize("name", ["retrieve", "create"])
    async def test_a_gzip_bomb(self, name: str, against: Against) -> None:
        arguments: dict[str, Any] = {"prompt": "p"} if name == "create" else {"video_id": ID}
        bomb = responses(200, gzip.compress(b"0" * (65 << 20), compresslevel=1), {"content-encoding": "gzip"})
        async with against(bomb, max_retries=0) as (_, client):
            error = await client.fails(name, **arguments)
        assert isinstance(error, APIConnectionError)
        assert f"larger than {64 << 20} bytes" in str(error)

    async def test_more_chunks_than_the_length_beside_them(self, against: Against) -> None:
        chunks = (b"100000\r\n" + b" " * (1 << 20) + b"\r\n") * 65 + b"0\r\n\r\n"
        both = {"content-length": "9", "transfer-encoding": "chunked"}
        async with against(sends(head(200, both) + chunks), max_retries=0) as (_, client):
            assert isinstance(await client.fails("retrieve", ID), APIConnectionError)

    @pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate", "compress", "gzip, br"])
    async def test_an_encoding_that_was_not_requested(self, encoding: str, against: Against) -> None:
        async with against(responses(200, gzip.compress(BODY), {"content-encoding": encoding}), max_retries=0) as (
            server,
            client,
        ):
            error = await client.fails("retrieve", ID)
            assert "gzip" == server.requests[0].headers["accept-encoding"]
        assert isinstance(error, APIConnectionError)

    @pytest.mark.parametrize(
        ("name", "status"),
        [("retrieve", 200), ("retrieve", 404), ("retrieve", 500), ("download", 500), ("download_content", 404)],
    )
    async def test_a_body_without_an_end(self, name: str, status: int, against: Against, tmp_path: Path) -> None:
        """A video may have any length, what is said of an error may not."""
        arguments: dict[str, Any] = {"to": tmp_path / "clip.mp4"} if name == "download" else {}
        async with against(floods(head(status), b"x" * (1 << 20)), max_retries=0) as (_, client):
            error = await client.fails(name, ID, **arguments)
        assert isinstance(error, APIConnectionError)
        assert [] == files_in(tmp_path)

    async def test_headers_without_an_end(self, against: Against) -> None:
        async with against(floods(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 1000), max_retries=0) as (_, client):
            assert isinstance(await client.fails("retrieve", ID), APIConnectionError)
