"""A job that was started is never lost: whatever breaks behind its id, the exception has the id.

A POST that may have reached the server is sent once; one that provably was refused is sent again.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from openvideos import (
    APIConnectionError,
    APIResponseValidationError,
    InternalServerError,
    NotFoundError,
    OpenVideosError,
    PollTimeoutError,
    RateLimitError,
    Video,
)

from .calls import COMPLETED, ID, POSTS, QUEUED, Method, named
from .clients import Against
from .server import Behaviour, answers_json, closes, head, resets, responses, stalls

pytestmark = [pytest.mark.anyio, pytest.mark.product]

WHOLE = json.dumps(QUEUED).encode()
PROMPT_FIRST = json.dumps({"model": "m", "prompt": '{"id": "no"}, [', "stage": {"id": "no"}, **QUEUED}).encode()
LATE = PROMPT_FIRST[: PROMPT_FIRST.index(b'"object"')]


def longer(body: bytes) -> bytes:
    """Return a response whose Content-Length promises a byte more than it has."""
    return head(200, {"content-length": str(len(body) + 1)}) + body


def chunked(body: bytes) -> bytes:
    """Return a response in chunks that lacks the last one."""
    return head(200, {"transfer-encoding": "chunked"}) + b"%x\r\n%s\r\n" % (len(body), body)


TOLD: dict[str, Behaviour] = {
    "a length that is too long": closes(longer(WHOLE)),
    "no last chunk": closes(chunked(WHOLE)),
    "a reset in the last chunk": stalls(chunked(WHOLE)),
    "an end behind the id": closes(longer(LATE)),
    "an end behind the id's comma": closes(longer(b' {"id" : "video_1",')),
}
NOT_TOLD: dict[str, bytes] = {
    "nothing": b"",
    "no object": b'"id": "video_1"',
    "half an id": b'{"id": "video_',
    "an empty id": b'{"id": "",',
    "an id that is no text": b'{"id": 1,',
    "the id of something else": b'{"error": {"id": "video_1"},',
    "an object that ended": b'{} {"id": "video_1"}',
    "nested too deep": b'{"x": ' + b"[" * 100_000,
    "no UTF-8": b'{"\xff": "\xff", "id": \xff',
}


@pytest.mark.parametrize("fault", list(TOLD.values()), ids=list(TOLD))
@pytest.mark.parametrize("method", [*POSTS, "create_and_poll"], ids=named)
async def test_the_id_is_read_out_of_an_response_that_breaks_off(
    fault: Behaviour, method: Method | str, against: Against
) -> None:
    name, arguments = (method.name, method.arguments) if isinstance(method, Method) else (method, {"prompt": "p"})
    async with against(fault) as (server, client):
        error = await client.fails(name, timeout=0.3, **arguments)
        assert 1 == len(server.requests)
    assert isinstance(error, APIConnectionError)
    assert ID == error.video_id


@pytest.mark.parametrize("beginning", list(NOT_TOLD.values()), ids=list(NOT_TOLD))
async def test_no_id_is_made_up(beginning: bytes, against: Against) -> None:
    async with against(closes(longer(beginning))) as (_, client):
        error = await client.fails("create", prompt="p")
    assert isinstance(error, APIConnectionError)
    assert error.video_id is None


async def test_the_id_is_kept_of_an_response_that_lacks_something_else(against: Against) -> None:
    async with against(answers_json({"id": ID, "model": "m"})) as (server, client):
        error = await client.fails("create_and_poll", prompt="p")
        assert 1 == len(server.requests)
    assert isinstance(error, APIResponseValidationError)
    assert ID == error.video_id


AFTERWARDS: list[tuple[Behaviour, type[OpenVideosError]]] = [
    (resets(), APIConnectionError),
    (responses(404), OpenVideosError),
    (responses(401), OpenVideosError),
    (responses(503), InternalServerError),
    (responses(429, headers={"retry-after": "30"}), RateLimitError),
    (responses(200, b"<html>"), APIResponseValidationError),
    (answers_json({**COMPLETED, "status": None}), APIResponseValidationError),
]


@pytest.mark.parametrize(("fault", "kind"), AFTERWARDS)
async def test_whatever_a_poll_meets_the_job_is_on_the_exception(
    fault: Behaviour, kind: type[OpenVideosError], against: Against
) -> None:
    known = answers_json({**QUEUED, "status": "in_progress", "progress": 50})
    async with against(answers_json(QUEUED), known, *[fault] * 20, max_retries=1) as (server, client):
        error = await client.fails("create_and_poll", prompt="p")
        assert 1 == server.methods.count("POST")
    assert isinstance(error, kind)
    assert error.video is not None
    assert (ID, "in_progress", 50) == (error.video_id, error.video.status, error.video.progress)


async def test_the_deadline_too(against: Against) -> None:
    async with against(answers_json(QUEUED), answers_json(QUEUED), answers_json(QUEUED)) as (_, client):
        error = await client.fails("create_and_poll", prompt="p", poll_timeout_ms=0)
    assert isinstance(error, PollTimeoutError)
    assert error.video is not None
    assert (ID, "queued") == (error.video_id, error.video.status)


@pytest.mark.parametrize(("method", "shows"), [("poll", lambda video: video), ("wait_many", lambda videos: videos[0])])
class TestAVideoThatIsPassedForItsId:
    """It is known, as after a create: a server that finds it late is borne, and errors carry it."""

    async def test_may_be_found_late(self, method: str, shows: Any, against: Against) -> None:
        known = Video.from_dict(QUEUED)
        script = [*[responses(404)] * 2, answers_json(COMPLETED)]
        async with against(*script, max_retries=1) as (server, client):
            arguments = [known] if method == "poll" else [[known]]
            assert "completed" == shows(await client.call(method, *arguments)).status
            assert 3 == len(server.requests)

    async def test_is_on_the_error_if_it_is_never_found(self, method: str, shows: Any, against: Against) -> None:
        known = Video.from_dict(QUEUED)
        async with against(*[responses(404)] * 3, max_retries=1) as (server, client):
            arguments = [known] if method == "poll" else [[known]]
            error = await client.fails(method, *arguments)
            assert 3 == len(server.requests)
        assert isinstance(error, NotFoundError)
        assert known is error.video


REFUSALS: list[Behaviour] = [
    responses(429),
    responses(429, headers={"retry-after": "3"}),
    responses(503, headers={"retry-after-ms": "3000"}),
]
AMBIGUOUS: list[Behaviour] = [responses(status) for status in (408, 409, 500, 502, 503, 504, 520, 529, 599)]


@pytest.mark.parametrize("method", POSTS, ids=named)
class TestRefusals:
    """A response that says that nothing was started, and responses that do not."""

    @pytest.mark.parametrize("refusal", REFUSALS)
    async def test_a_refused_post_is_sent_again_under_the_same_key(
        self, refusal: Behaviour, method: Method, against: Against
    ) -> None:
        async with against(refusal, refusal, method.good, max_retries=2) as (server, client):
            assert ID == method.shows(await client.call(method.name, **method.arguments))
            keys = {request.headers["idempotency-key"] for request in server.requests}
            bodies = {request.body for request in server.requests}
            assert (3, 1) == (len(server.requests), len(keys))
        assert 1 == len(bodies) or all(b"form-data" in body for body in bodies)

    @pytest.mark.parametrize("response", AMBIGUOUS)
    async def test_an_ambiguous_response_is_raised(self, response: Behaviour, method: Method, against: Against) -> None:
        async with against(response, method.good) as (server, client):
            await client.fails(method.name, **method.arguments)
            assert (1, []) == (len(server.requests), client.pauses)

    @pytest.mark.parametrize("status", [500, 503, 599])
    async def test_an_error_of_the_server_says_what_to_do_before_the_next_create(
        self, status: int, method: Method, against: Against
    ) -> None:
        async with against(responses(status)) as (_, client):
            error = await client.fails(method.name, **method.arguments)
        assert str(error).endswith(
            f"returned {status}: the body is empty. The server may have started the job all the same; list the videos "
            "before you start it again."
        )

    @pytest.mark.parametrize("fault", [resets(), closes(), responses(500)])
    async def test_whoever_declares_that_keys_are_honoured_has_it_sent_again(
        self, fault: Behaviour, method: Method, against: Against
    ) -> None:
        options: dict[str, Any] = {"idempotent_posts": True, "max_retries": 1}
        async with against(fault, method.good, **options) as (server, client):
            assert ID == method.shows(await client.call(method.name, **method.arguments))
            assert 1 == len({request.headers["idempotency-key"] for request in server.requests})
            assert 2 == len(server.requests)
