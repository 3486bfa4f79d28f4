"""Clients, pages, videos and errors go to other processes; a client works after a fork, in threads and in new loops."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import httpx
import pytest

from openvideos import (
    NOT_GIVEN,
    AsyncOpenVideos,
    ConfigurationError,
    NotFoundError,
    OpenVideos,
    PollTimeoutError,
    Video,
    omit,
)

from .faults.calls import COMPLETED
from .faults.server import FaultServer, answers_json

pytestmark = pytest.mark.slow


class TestPickles:
    def test_of_clients_connect_again(self, client: OpenVideos) -> None:
        video = client.videos.create(prompt="x", seconds="1", size="64x64")
        with pickle.loads(pickle.dumps(client)) as other:
            assert (client.base_url, client.api_key) == (other.base_url, other.api_key)
            assert video.id == other.videos.retrieve(video.id).id
        assert not client.is_closed

    @pytest.mark.anyio
    async def test_of_async_clients_connect_again(self, in_environment: None) -> None:
        async with pickle.loads(pickle.dumps(AsyncOpenVideos())) as client:
            assert "queued" == (await client.videos.create(prompt="x")).status

    def test_of_a_client_with_an_http_client_are_refused(self) -> None:
        pairs: list[tuple[Any, Any]] = [(OpenVideos, httpx.Client()), (AsyncOpenVideos, httpx.AsyncClient())]
        for kind, http in pairs:
            with pytest.raises(ConfigurationError, match="http_client"):
                pickle.dumps(kind(base_url="http://s/v1", http_client=http))

    def test_of_a_function_that_returns_the_key(self) -> None:
        for kind in (OpenVideos, AsyncOpenVideos):
            client = kind(base_url="http://s/v1", api_key=key_of_module)
            assert key_of_module is pickle.loads(pickle.dumps(client)).api_key

    def test_of_videos_and_errors_keep_everything(self, client: OpenVideos) -> None:
        video = client.videos.create(prompt="x", seconds="1", size="64x64")
        video["vendor"] = {"any": [1]}
        assert video == pickle.loads(pickle.dumps(video)) == copy.deepcopy(video)
        with pytest.raises(NotFoundError) as caught:
            client.videos.retrieve("unknown_1")
        error: NotFoundError = pickle.loads(pickle.dumps(caught.value))
        assert str(caught.value) == str(error)
        for name in ("status_code", "code", "type", "param", "body", "request_id", "video_id"):
            assert getattr(caught.value, name) == getattr(error, name)
        assert caught.value.response.text == error.response.text
        timeout = PollTimeoutError("late", video=video)
        timeout.pending = ("video_1",)
        copied = pickle.loads(pickle.dumps(timeout))
        assert (video, ("video_1",), "late") == (copied.video, copied.pending, str(copied))
        assert isinstance(copied, TimeoutError)

    def test_of_sentinels_are_themselves(self) -> None:
        assert omit is pickle.loads(pickle.dumps(omit)) is copy.deepcopy(omit)
        assert NOT_GIVEN is pickle.loads(pickle.dumps(NOT_GIVEN))
        assert not omit
        assert not NOT_GIVEN
        assert "omit NOT_GIVEN" == f"{omit!r} {NOT_GIVEN!r}"


def key_of_module() -> str:
    """Return a key; a function of a module is pickled by its name."""
    return "sk-of-module"


class _Own:
    """What subclasses of either client add."""

    def __init__(self, **options: Any) -> None:
        super().__init__(base_url="http://server.test/v1", api_key="k", **options)  # type: ignore[call-arg]
        self.made = getattr(self, "made", 0) + 1
        self.tags = ["a"]

    @cached_property
    def resource(self) -> Any:
        return cast("Any", self)._session


class Own(_Own, OpenVideos):
    """A blocking client with attributes of its own."""


class AsyncOwn(_Own, AsyncOpenVideos):
    """An async client with attributes of its own."""


class Slotted(Own):
    """A client that has an attribute in a slot, too."""

    __slots__ = ("colour",)


class TestSubclasses:
    """A copy has the attributes of the subclass, whose constructor is not called again, and resources of its own."""

    @pytest.mark.parametrize("kind", [Own, AsyncOwn, Slotted])
    @pytest.mark.parametrize(
        "copied",
        [
            lambda client: client.with_options(timeout=7),
            lambda client: client.copy(timeout=7),
            copy.copy,
            copy.deepcopy,
            lambda client: pickle.loads(pickle.dumps(client)),
        ],
    )
    def test_survive(self, kind: Any, copied: Callable[[Any], Any]) -> None:
        client = kind(timeout=7)
        if kind is Slotted:
            client.colour = "red"
        assert client._session is client.resource is client.videos._session
        assert client.webhooks
        other = copied(client)
        assert type(client) is type(other)
        assert (1, ["a"], "http://server.test/v1", "k", 7) == (
            other.made,
            other.tags,
            other.base_url,
            other.api_key,
            other.timeout,
        )
        assert getattr(client, "colour", None) == getattr(other, "colour", None)
        assert client._session is not other._session
        assert other._session is other.resource is other.videos._session
        other.api_key = "l"
        assert "k" == client.api_key

    @pytest.mark.parametrize("kind", [Own, AsyncOwn])
    def test_share_connections_where_they_can_be_shared(self, kind: Any) -> None:
        given = httpx.Client() if kind is Own else httpx.AsyncClient()
        client, theirs = kind(), kind(http_client=given)
        assert client._session.driver.transport is copy.copy(client)._session.driver.transport
        assert client._session.driver.transport is not copy.deepcopy(client)._session.driver.transport
        assert theirs._session.driver.transport is copy.deepcopy(theirs)._session.driver.transport
        assert client.tags is copy.copy(client).tags is not copy.deepcopy(client).tags


class TestProcesses:
    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_a_pool_shares_a_client(self, client: OpenVideos, method: str) -> None:
        video = client.videos.create(prompt="x", seconds="1", size="64x64")
        client.videos.retrieve(video.id)
        with multiprocessing.get_context(method).Pool(2) as pool:
            # A bound method is pickled with its client, and found in the worker by its name.
            responses = pool.map(client.videos.retrieve, [video.id] * 4)
        assert [video.id] * 4 == [response.id for response in responses]
        assert video.id == client.videos.retrieve(video.id).id

    def test_a_used_client_works_on_in_a_child(self, client: OpenVideos) -> None:
        video = client.videos.create(prompt="x", seconds="1", size="64x64")
        parents = client._session.driver.transport.client()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - runs in the child
            ok = b"0"
            try:
                same = client.videos.retrieve(video.id).id == video.id
                ok = b"1" if same and client._session.driver.transport.client() is not parents else b"0"
                client.close()
            finally:
                os.write(write, ok)
                os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            assert b"1" == pipe.read()
        assert video.id == client.videos.retrieve(video.id).id
        assert parents is client._session.driver.transport.client()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
class TestAFork:
    """The connections of the caller's own httpx client are shared with the other process, whose answers would come."""

    @pytest.mark.parametrize("kind", [OpenVideos, AsyncOpenVideos])
    def test_ends_the_use_of_a_given_client(self, kind: Any) -> None:
        given: Any = httpx.Client() if kind is OpenVideos else httpx.AsyncClient()
        client: Any = kind(base_url="http://127.0.0.1:9/v1", http_client=given)

        def in_child() -> str:  # pragma: no cover - runs in the child
            try:
                result: Any = client.videos.retrieve("video_1")
                asyncio.run(result)
            except ConfigurationError as error:
                closed = client.close()
                if closed is not None:
                    asyncio.run(closed)
                return f"{error} {given.is_closed}"
            return "went on"

        assert in_a_child(in_child).endswith("make a client in each process. False")
        assert client._session.driver.transport.callers is given
        if kind is OpenVideos:
            assert given is client._session.driver.transport.client()

    def test_does_not_mix_up_responses(self) -> None:
        """Two processes read on one connection: each gets the other's response, unless the child is refused."""
        with FaultServer(answers_json(COMPLETED)) as server:
            client = OpenVideos(base_url=server.base_url, http_client=httpx.Client(), max_retries=0)
            client.videos.retrieve("video_1")

            def in_child() -> str:  # pragma: no cover - runs in the child
                try:
                    return client.videos.retrieve("video_2").id
                except ConfigurationError:
                    return "refused"

            assert "refused" == in_a_child(in_child)
            assert 1 == len(server.requests)
            client.close()


def in_a_child(function: Callable[[], str]) -> str:
    """Run a function in a forked process, and return what it returns."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - runs in the child
        text = "raised"
        try:
            text = function()
        finally:
            os.write(write, text.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return text


class TestThreadsAndLoops:
    def test_threads_share_one_connection_pool(self, client: OpenVideos) -> None:
        pools: list[Any] = []
        barrier = threading.Barrier(8)

        def connect() -> None:
            barrier.wait()
            pools.append(client._session.driver.transport.client())

        threads = [threading.Thread(target=connect) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 1 == len(set(map(id, pools)))

    def test_a_client_outlives_its_event_loop(self, in_environment: None) -> None:
        client = AsyncOpenVideos()

        async def create() -> Video:
            video = await client.videos.create(prompt="x", seconds="1", size="64x64")
            # Close the connection, as the loop would: the client itself stays usable.
            await (await client._session.driver.transport.client()).aclose()
            return video

        first, second = asyncio.run(create()), asyncio.run(create())
        assert first.id != second.id
        asyncio.run(client.close())
        assert client.is_closed

    def test_a_closed_async_client_says_so(self) -> None:
        given = httpx.AsyncClient()

        async def retrieve_after_closing() -> None:
            for client in (
                AsyncOpenVideos(base_url="http://server.test/v1"),
                AsyncOpenVideos(base_url="http://server.test/v1", http_client=given),
            ):
                await client.close()
                await client.close()
                with pytest.raises(ConfigurationError, match="closed"):
                    await client.videos.retrieve("video_1")

        asyncio.run(retrieve_after_closing())
        assert given.is_closed

    def test_nothing_is_made_before_it_is_needed(self) -> None:
        client = OpenVideos(base_url="http://server.test/v1")
        assert client._session.driver.transport._client is None
        client.close()
        client.close()
        assert client.is_closed
