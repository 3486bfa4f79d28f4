"""A key may come from a function, which is asked before each attempt, and may be set; then it is as safe as any key."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator
from itertools import count, repeat
from typing import Any

import pytest

from openvideos import APIStatusError, ConfigurationError

from .calls import COMPLETED, ID, PAGE, QUEUED
from .clients import Against, Client, check_promises
from .flavours import is_blocking
from .server import Behaviour, Exchange, FaultServer, answers_json, responses

pytestmark = [pytest.mark.anyio, pytest.mark.product]

AGAIN = responses(503, b"", {"retry-after-ms": "0"})


def numbered() -> Iterator[str]:
    """Return keys that each expire after one attempt."""
    return (f"sk-number-{number}" for number in count())


def function_of(keys: Iterator[Any], flavour: str, *, awaited: bool) -> Callable[[], Any]:
    """Return a function that returns these keys, an async one if the flavour can have one and it is wanted."""

    async def asynchronous() -> Any:
        return next(keys)

    return asynchronous if awaited and not is_blocking(flavour) else lambda: next(keys)


async def awaited(result: Any) -> Any:
    """Return what a method of either client returns."""
    return await result if inspect.isawaitable(result) else result


def sent(server: FaultServer) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.requests]


@pytest.mark.parametrize("awaited", [False, True])
class TestAFunction:
    async def test_is_asked_before_each_attempt(self, against: Against, flavour: str, *, awaited: bool) -> None:
        key = function_of(numbered(), flavour, awaited=awaited)
        script = [AGAIN, answers_json(QUEUED), answers_json(QUEUED), AGAIN, answers_json(COMPLETED)]
        async with against(*script, api_key=key) as (server, client):
            assert ID == (await client.call("create_and_poll", prompt="x")).id
            assert [f"Bearer sk-number-{number}" for number in range(5)] == sent(server)
            assert (key, key) == (client.sdk.api_key, client.sdk.with_options(timeout=1).api_key)
            assert "sk-" not in repr(client.sdk)

    async def test_is_not_asked_if_the_caller_authorizes_the_call(
        self, against: Against, flavour: str, *, awaited: bool
    ) -> None:
        key = function_of(iter(()), flavour, awaited=awaited)
        async with against(*[answers_json(COMPLETED)] * 2, api_key=key) as (server, client):
            await client.call("retrieve", ID, extra_headers={"AUTHORIZATION": "Basic a"})
            client.sdk = client.sdk.with_options(default_headers={"authorization": "Basic b"})
            await client.call("retrieve", ID)
            assert ["Basic a", "Basic b"] == sent(server)

    @pytest.mark.parametrize("wrong", [None, b"bytes", 5, "sk-line\nbreak", "sk-a blank"])
    async def test_returns_a_key_or_the_call_fails(
        self, against: Against, flavour: str, wrong: Any, *, awaited: bool
    ) -> None:
        key = function_of(iter([wrong]), flavour, awaited=awaited)
        async with against(api_key=key) as (server, client):
            error = await client.fails("retrieve", ID)
            assert [] == server.requests
        assert isinstance(error, ConfigurationError)
        assert "sk-" not in str(error)

    async def test_may_return_no_key(self, against: Against, flavour: str, *, awaited: bool) -> None:
        key = function_of(iter([""]), flavour, awaited=awaited)
        async with against(answers_json(COMPLETED), api_key=key) as (server, client):
            await client.call("retrieve", ID)
            assert [None] == sent(server)

    async def test_returns_what_no_error_and_no_log_shows(
        self, against: Against, flavour: str, caplog: pytest.LogCaptureFixture, *, awaited: bool
    ) -> None:
        caplog.set_level(logging.DEBUG, logger="openvideos")
        secret = "sk-fresh-0123456789"
        key = function_of(iter([secret]), flavour, awaited=awaited)
        refusal = responses(401, f"no {secret}".encode(), {"x-request-id": secret})
        async with against(refusal, api_key=key) as (server, client):
            error = await client.fails("retrieve", ID)
            assert [f"Bearer {secret}"] == sent(server)
        assert isinstance(error, APIStatusError)
        check_promises(error, secret)
        assert "request id [redacted]" in caplog.text
        assert secret not in caplog.text

    async def test_is_in_no_warning_of_a_poll_and_in_no_error_of_its_job(
        self, against: Against, flavour: str, caplog: pytest.LogCaptureFixture, *, awaited: bool
    ) -> None:
        caplog.set_level(logging.DEBUG, logger="openvideos")
        secret = "sk-fresh-0123456789"
        key = function_of(repeat(secret), flavour, awaited=awaited)
        odd = answers_json({**QUEUED, "id": f"for {secret}", "status": f"by {secret}"})
        failed = answers_json({**QUEUED, "status": "failed", "error": {"code": "no", "message": f"by {secret}"}})
        async with against(odd, failed, api_key=key) as (_, client):
            error = await client.fails("poll", ID, raise_on_failure=True)
        check_promises(error, secret)
        assert "the server calls it 'for [redacted]'" in caplog.text
        assert "the status 'by [redacted]' is unknown" in caplog.text
        assert "The video video_1 failed (no: by [redacted])." == str(error)
        assert secret not in caplog.text

    async def test_raises_what_it_raises(self, against: Against, flavour: str, *, awaited: bool) -> None:
        own = LookupError("the vault is shut")

        def shut() -> Iterator[str]:
            raise own
            yield

        key = function_of(shut(), flavour, awaited=awaited)
        async with against(api_key=key) as (server, client):
            with pytest.raises(LookupError) as caught:
                await client.call("retrieve", ID)
            assert own is caught.value
            assert [] == server.requests


async def test_a_blocking_client_cannot_await_its_function() -> None:
    async def key() -> str:
        raise AssertionError("nothing can await this")

    async def awaitable() -> Awaitable[str]:
        raise AssertionError("nothing can await this")

    for function in (key, awaitable):
        with FaultServer() as server:
            async with Client("sync", server.base_url, api_key=function) as client:
                error = await client.fails("retrieve", ID)
                assert [] == server.requests
        assert isinstance(error, ConfigurationError)
        assert "AsyncOpenVideos" in str(error)


async def test_a_key_that_is_set_is_sent_by_that_client_alone(against: Against) -> None:
    async with against(*[answers_json(COMPLETED)] * 6) as (server, client):
        other = client.sdk.with_options(max_retries=0)
        raw = client.sdk.videos.with_raw_response
        await client.call("retrieve", ID)
        client.sdk.api_key = "sk-later"
        await client.call("retrieve", ID)
        result = raw.retrieve(ID)
        if not hasattr(result, "parse"):
            await result
        client.sdk.api_key = lambda: "sk-latest"
        await client.call("retrieve", ID)
        client.sdk.api_key = None
        await client.call("retrieve", ID)
        client.sdk = other
        await client.call("retrieve", ID)
        mine = sent(server)
    assert [mine[0], "Bearer sk-later", "Bearer sk-later", "Bearer sk-latest", None, mine[0]] == mine


class TestAKeyThatIsSet:
    """It counts for what the client sends later; a copy of the client with other options keeps its own."""

    async def test_is_that_of_the_next_page(self, against: Against) -> None:
        script = [answers_json({**PAGE, "has_more": True})] * 2 + [answers_json({**PAGE, "data": []})] * 2
        async with against(*script, api_key="sk-first") as (server, client):
            pages = [await awaited(sdk.videos.list()) for sdk in (client.sdk, client.sdk.with_options(max_retries=0))]
            client.sdk.api_key = "sk-second"
            for page in pages:
                await awaited(page.get_next_page())
            assert ["Bearer sk-first"] * 2 + ["Bearer sk-second", "Bearer sk-first"] == sent(server)

    async def test_is_that_of_a_list_that_is_awaited_later(self) -> None:
        with FaultServer(answers_json(PAGE)) as server:
            async with Client("asyncio", server.base_url, api_key="sk-first") as client:
                listed = client.sdk.videos.list()
                client.sdk.api_key = "sk-second"
                await listed
            assert ["Bearer sk-second"] == sent(server)

    async def test_is_that_of_the_next_read_of_many(self, against: Against) -> None:
        def sets(exchange: Exchange) -> None:
            client.sdk.api_key = "sk-second"
            answers_json(QUEUED).act(exchange)

        async with against(Behaviour(sets), answers_json(COMPLETED), api_key="sk-first") as (server, client):
            await client.call("wait_many", [ID])
            assert ["Bearer sk-first", "Bearer sk-second"] == sent(server)
