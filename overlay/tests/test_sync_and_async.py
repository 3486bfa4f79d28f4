"""What takes several requests does the same blocking and async, on asyncio and trio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from openvideos import (
    APIResponseValidationError,
    AsyncOpenVideos,
    DownloadError,
    NotFoundError,
    OpenVideos,
    PaginationError,
    PollTimeoutError,
    Video,
    VideoFailedError,
)

FILM = bytes(range(256)) * 12_000  # about 3 MiB: several batches of the async driver


def body_of(video_id: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"id": video_id, "object": "video", "created_at": 1, "model": "m", "status": status} | more


class Server:
    """A server in memory: jobs that end at their n-th read, a list, and a film."""

    def __init__(self, jobs: dict[str, list[str]], *, lists: bool = True) -> None:
        self.jobs = jobs
        self.lists = lists
        self.paths: list[str] = []
        self.running = 0
        self.most = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1/videos")
        self.paths.append(path)
        if request.method == "POST":
            return httpx.Response(200, json=body_of("video_0", "queued"))
        if path == "":
            if not self.lists:
                return httpx.Response(404, json={"detail": "no list"})
            data = [body_of(name, self.look(name)) for name in self.jobs]
            return httpx.Response(200, json={"object": "list", "data": data, "has_more": False})
        if path.endswith("/content"):
            return httpx.Response(200, content=FILM, headers={"etag": '"1"', "content-type": "video/mp4"})
        name = path.strip("/")
        if name not in self.jobs:
            return httpx.Response(404, json={"error": {"message": f"no {name}"}})
        return httpx.Response(200, json=body_of(name, self.look(name)), headers={"openai-poll-after-ms": "1"})

    async def awaited(self, request: httpx.Request) -> httpx.Response:
        self.running += 1
        self.most = max(self.most, self.running)
        await anyio.lowlevel.checkpoint()
        self.running -= 1
        return self(request)

    def look(self, name: str) -> str:
        words = self.jobs[name]
        return words.pop(0) if len(words) > 1 else words[0]


class Blocking:
    """Call the blocking client as if it were async, so that a test is written once."""

    name = "blocking"

    def client(self, server: Server, **options: Any) -> Any:
        http = httpx.Client(transport=httpx.MockTransport(server))
        return OpenVideos(base_url="http://server.test/v1", http_client=http, **options)

    async def get(self, value: Any) -> Any:
        return value

    async def collect(self, items: Any) -> list[Any]:
        return list(items)

    async def following(self, items: Any) -> Any:
        return next(items)

    async def throw(self, items: Any, error: Exception) -> None:
        items.throw(error)


class Async:
    """Call the async client."""

    name = "async"

    def client(self, server: Server, **options: Any) -> Any:
        http = httpx.AsyncClient(transport=httpx.MockTransport(server.awaited))
        return AsyncOpenVideos(base_url="http://server.test/v1", http_client=http, **options)

    async def get(self, value: Awaitable[Any]) -> Any:
        return await value

    async def collect(self, items: Any) -> list[Any]:
        return [item async for item in items]

    async def following(self, items: Any) -> Any:
        return await anext(items)

    async def throw(self, items: Any, error: Exception) -> None:
        await items.athrow(error)


@pytest.fixture(params=[Blocking(), Async()], ids=lambda colour: colour.name)
def colour(request: pytest.FixtureRequest) -> Blocking | Async:
    """Run a test with both clients."""
    chosen: Blocking | Async = request.param
    return chosen


pytestmark = pytest.mark.anyio


class TestWaitMany:
    async def test_yields_each_as_it_ends(self, colour: Blocking | Async) -> None:
        jobs = {f"video_{n}": ["queued"] * n + ["completed"] for n in range(4)}
        client = colour.client(Server(jobs))
        found = await colour.collect(client.videos.wait_many(list(jobs), poll_interval_ms=0))
        assert [f"video_{n}" for n in range(4)] == [video.id for video in found]

    async def test_reads_singly_where_there_is_no_list(self, colour: Blocking | Async) -> None:
        jobs = {f"video_{n}": ["queued", "completed"] for n in range(20)}
        server = Server(jobs, lists=False)
        found = await colour.collect(
            colour.client(server).videos.wait_many(list(jobs), poll_interval_ms=0, max_concurrency=3)
        )
        assert set(jobs) == {video.id for video in found}
        assert 1 == server.paths.count("")
        assert server.most <= 3

    async def test_names_an_id_that_is_unknown(self, colour: Blocking | Async) -> None:
        client = colour.client(Server({"video_1": ["queued"]}))
        with pytest.raises(NotFoundError) as caught:
            await colour.collect(client.videos.wait_many(["video_1", "video_2"]))
        assert "video_2" == caught.value.video_id

    async def test_tells_the_ids_that_are_unknown_and_goes_on(self, colour: Blocking | Async) -> None:
        client, told = colour.client(Server({"video_1": ["queued", "completed"]})), list[str | None]()
        waiting = client.videos.wait_many(
            ["video_0", "video_1", "video_2"],
            poll_interval_ms=0,
            on_not_found=lambda error: told.append(error.video_id),
        )
        assert ["video_1"] == [video.id for video in await colour.collect(waiting)]
        assert ["video_0", "video_2"] == told

    async def test_names_what_is_pending_at_the_deadline(self, colour: Blocking | Async) -> None:
        client = colour.client(Server({"video_1": ["queued"], "video_2": ["completed"]}))
        waiting = client.videos.wait_many(["video_1", "video_2"], poll_timeout_ms=0)
        assert "video_2" == (await colour.following(waiting)).id
        with pytest.raises(PollTimeoutError) as caught:
            await colour.following(waiting)
        assert ("video_1",) == caught.value.pending

    async def test_raises_on_failure_if_requested(self, colour: Blocking | Async) -> None:
        client = colour.client(Server({"video_1": ["cancelled"]}))
        with pytest.raises(VideoFailedError, match="no reason"):
            await colour.collect(client.videos.wait_many(["video_1"], raise_on_failure=True))

    async def test_reports_each_change(self, colour: Blocking | Async) -> None:
        jobs = {"video_1": ["queued", "in_progress", "completed"], "video_2": ["queued", "queued", "failed"]}
        reported = list[tuple[str, str]]()
        server = Server({video_id: [*statuses] for video_id, statuses in jobs.items()})
        waiting = colour.client(server).videos.wait_many(
            list(jobs), poll_interval_ms=0, on_update=lambda video: reported.append((video.id, video.status))
        )
        await colour.collect(waiting)
        for video_id, expected in jobs.items():
            assert list(dict.fromkeys(expected)) == [status for each, status in reported if each == video_id]

    async def test_can_be_left_early(self, colour: Blocking | Async) -> None:
        client = colour.client(Server({"video_1": ["completed"], "video_2": ["queued"]}))
        waiting = client.videos.wait_many(["video_1", "video_2"])
        assert "video_1" == (await colour.following(waiting)).id
        await colour.get(waiting.close() if isinstance(colour, Blocking) else waiting.aclose())

    async def test_an_exception_of_the_loop_body_is_the_callers(self, colour: Blocking | Async) -> None:
        waiting = colour.client(Server({"video_1": ["completed"]})).videos.wait_many(["video_1"])
        await colour.following(waiting)
        with pytest.raises(KeyError):
            await colour.throw(waiting, KeyError("mine"))


ODD = [StopIteration, StopAsyncIteration, GeneratorExit, SystemExit, KeyboardInterrupt]
"""What a generator or a coroutine treats unlike other exceptions."""


def as_it_comes_out(error: BaseException) -> BaseException:
    """Return a callback's exception; of a StopIteration, a RuntimeError is made (PEP 479)."""
    if isinstance(error.__cause__, StopIteration):
        assert isinstance(error, RuntimeError)
        return error.__cause__
    return error


async def within_a_timeout(call: Awaitable[Any], seconds: float) -> Any:
    """Await a call as `asyncio.wait_for` does, by way of `asyncio.timeout`."""
    async with asyncio.timeout(seconds):
        return await call


class TestPolling:
    async def test_reports_each_change(self, colour: Blocking | Async) -> None:
        seen: list[str] = []
        client = colour.client(Server({"video_0": ["queued", "in_progress", "in_progress", "completed"]}))
        video = await colour.get(
            client.videos.create_and_poll(prompt="x", on_update=lambda video: seen.append(video.status))
        )
        assert (["queued", "in_progress", "completed"], "completed") == (seen, video.status)

    async def test_a_callbacks_exception_carries_the_video(self, colour: Blocking | Async) -> None:
        def on_update(video: Video) -> None:
            raise KeyError(video.status)

        client = colour.client(Server({}))
        with pytest.raises(KeyError) as caught:
            await colour.get(client.videos.create_and_poll(prompt="x", on_update=on_update))
        assert "video_0" == caught.value.video.id  # type: ignore[attr-defined]
        assert "video_0" in "".join(caught.value.__notes__)

    @pytest.mark.parametrize("kind", ODD)
    @pytest.mark.parametrize(
        ("method", "arguments"), [("poll", {"video_id": "video_0"}), ("create_and_poll", {"prompt": "x"})]
    )
    async def test_whatever_a_callback_raises_comes_out_and_carries_the_video(
        self, colour: Blocking | Async, method: str, arguments: dict[str, str], kind: type[BaseException]
    ) -> None:
        own, reason = kind("mine"), KeyError("why")

        def on_update(video: Video) -> None:
            if video.status == "in_progress":
                raise own from reason

        call = getattr(colour.client(Server({"video_0": ["queued", "in_progress"]})).videos, method)
        with pytest.raises(BaseException, match=r"mine|StopIteration") as caught:
            await colour.get(call(on_update=on_update, **arguments))
        assert ("video_0", "in_progress") == (caught.value.video.id, caught.value.video.status)  # type: ignore[attr-defined]
        assert 1 == len(caught.value.__notes__)
        came = as_it_comes_out(caught.value)
        assert (own, reason) == (came, came.__cause__)

    async def test_an_async_callbacks_own_end_carries_the_video(self) -> None:
        own = StopAsyncIteration()

        async def on_update(video: Video) -> None:
            await anyio.lowlevel.checkpoint()
            raise own

        client = Async().client(Server({"video_1": ["queued"]}))
        with pytest.raises(StopAsyncIteration) as caught:
            await client.videos.poll("video_1", on_update=on_update)
        assert (own, "video_1") == (caught.value, caught.value.video.id)  # type: ignore[attr-defined]

    async def test_an_async_callback_is_awaited(self) -> None:
        seen: list[str] = []

        async def on_update(video: Video) -> None:
            await anyio.lowlevel.checkpoint()
            seen.append(video.status)

        client = Async().client(Server({"video_1": ["queued", "completed"]}))
        await client.videos.poll("video_1", on_update=on_update)
        assert ["queued", "completed"] == seen

    async def test_a_cancellation_carries_the_video(self) -> None:
        client = Async().client(Server({"video_1": ["queued"]}))
        caught: list[BaseException] = []

        def looked(video: Video) -> None:
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:

            async def poll_and_cancel() -> None:
                try:
                    await client.videos.poll("video_1", poll_interval_ms=3_600_000, on_update=looked)
                except anyio.get_cancelled_exc_class() as error:
                    caught.append(error)
                    raise

            group.start_soon(poll_and_cancel)
        assert ["video_1"] == [error.video.id for error in caught]  # type: ignore[attr-defined]

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.parametrize("limit", [asyncio.wait_for, within_a_timeout], ids=["wait_for", "timeout"])
    async def test_a_time_limit_of_asyncios_has_the_video_in_its_cause(
        self, limit: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time

        def looked(video: Video) -> None:
            monkeypatch.setattr(loop, "time", lambda: now() + 60)

        client = Async().client(Server({"video_1": ["queued"]}))
        with pytest.raises(TimeoutError) as caught:
            await limit(client.videos.poll("video_1", poll_interval_ms=3_600_000, on_update=looked), 60)
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert "video_1" == caught.value.__cause__.video.id  # type: ignore[attr-defined]
        assert not isinstance(caught.value, PollTimeoutError)


class TestDownloads:
    async def test_reach_the_disk_whole(self, colour: Blocking | Async, tmp_path: Path) -> None:
        steps: list[tuple[int, int | None]] = []
        client = colour.client(Server({}))
        path = await colour.get(
            client.videos.download("video_1", tmp_path / "a.mp4", on_progress=lambda *step: steps.append(step))
        )
        assert FILM == path.read_bytes()
        assert (len(FILM), len(FILM)) == steps[-1]
        assert sorted(steps) == steps
        assert [path] == list(tmp_path.iterdir())

    async def test_side_by_side_do_not_meet(self, colour: Blocking | Async, tmp_path: Path) -> None:
        client = colour.client(Server({}))
        target = tmp_path / "a.mp4"
        if isinstance(colour, Async):
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(client.videos.download, "video_1", target)
        else:
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(anyio.to_thread.run_sync, client.videos.download, "video_1", target)
        assert FILM == target.read_bytes()
        assert [target] == list(tmp_path.iterdir())

    async def test_leave_nothing_when_a_callback_fails(self, colour: Blocking | Async, tmp_path: Path) -> None:
        def on_progress(received: int, total: int | None) -> None:
            raise OSError(f"{received}")

        client = colour.client(Server({}))
        with pytest.raises(OSError, match=r"\d+"):
            await colour.get(client.videos.download("video_1", tmp_path / "a.mp4", on_progress=on_progress))
        assert [] == list(tmp_path.iterdir())

    @pytest.mark.parametrize("kind", [*ODD, OSError, httpx.ReadError])
    async def test_let_a_callbacks_exception_out(
        self, colour: Blocking | Async, tmp_path: Path, kind: type[BaseException]
    ) -> None:
        own, reason = kind("mine"), KeyError("why")

        def on_progress(received: int, total: int | None) -> None:
            raise own from reason

        client = colour.client(Server({}))
        with pytest.raises(BaseException, match=r"mine|StopIteration") as caught:
            await colour.get(client.videos.download("video_1", tmp_path / "a.mp4", on_progress=on_progress))
        came = as_it_comes_out(caught.value)
        assert (own, reason) == (came, came.__cause__)
        assert [] == list(tmp_path.iterdir())

    async def test_replace_what_was_there_only_when_whole(self, colour: Blocking | Async, tmp_path: Path) -> None:
        target = tmp_path / "a.mp4"
        target.write_bytes(b"old")

        class Short(Server):
            def __call__(self, request: httpx.Request) -> httpx.Response:
                return httpx.Response(200, content=b"new", headers={"content-length": "999"})

        client = colour.client(Short({}), max_retries=0)
        with pytest.raises(DownloadError, match="999"):
            await colour.get(client.videos.download("video_1", target))
        assert b"old" == target.read_bytes()
        await colour.get(colour.client(Server({})).videos.download("video_1", target))
        assert FILM == target.read_bytes()


class TestPages:
    def pages(self, *pages: dict[str, Any]) -> Server:
        left = [json.dumps({"object": "list", "data": [], **page}) for page in pages]

        class Pages(Server):
            def __call__(self, request: httpx.Request) -> httpx.Response:
                self.paths.append(request.url.query.decode())
                return httpx.Response(200, content=left.pop(0))

        return Pages({})

    async def test_walk_to_the_end(self, colour: Blocking | Async) -> None:
        server = self.pages(
            {"data": [body_of("a"), body_of("b")], "has_more": True, "last_id": "b", "first_id": "a", "total": 3},
            {"has_more": True, "last_id": "b2"},
            {"data": [body_of("b"), body_of("c")], "has_more": False},
        )
        client = colour.client(server)
        assert ["a", "b", "c"] == [video.id for video in await colour.collect(client.videos.list(limit=2, order="asc"))]
        assert ["limit=2&order=asc", "after=b&limit=2&order=asc", "after=b2&limit=2&order=asc"] == server.paths

    async def test_are_fetched_by_hand(self, colour: Blocking | Async) -> None:
        server = self.pages(
            {"data": [body_of("a")], "has_more": True, "total": 9}, {"data": [body_of("b")], "has_more": False}
        )
        page = await colour.get(colour.client(server).videos.list())
        assert (True, "list", 9) == (page.has_next_page(), page.object, page["total"])
        following = await colour.get(page.get_next_page())
        assert (["b"], False) == ([video.id for video in following.data], following.has_next_page())
        with pytest.raises(PaginationError, match="last page"):
            await colour.get(following.get_next_page())

    async def test_come_one_by_one(self, colour: Blocking | Async) -> None:
        server = self.pages({"data": [body_of("a")], "has_more": True}, {"data": [body_of("b")], "has_more": False})
        pages = colour.client(server).videos.list()
        found = await colour.collect(pages.iter_pages())
        assert [["a"], ["b"]] == [[video.id for video in page.data] for page in found]

    @pytest.mark.parametrize(
        ("page", "problem"),
        [
            ({"has_more": True}, "no cursor"),
            ({"has_more": True, "last_id": ""}, "no cursor"),
            ({"data": [body_of("b")], "has_more": True, "last_id": "a"}, "second time"),
        ],
    )
    async def test_that_lead_nowhere_are_reported(self, colour: Blocking | Async, page: Any, problem: str) -> None:
        server = self.pages({"data": [body_of("a")], "has_more": True, "last_id": "a"}, page)
        with pytest.raises(PaginationError, match=problem):
            await colour.collect(colour.client(server).videos.list())

    @pytest.mark.parametrize(
        ("page", "problem"),
        [
            ({"data": {}}, "'data'"),
            ({"data": [7]}, r"data\[0\] cannot be read: a video is expected"),
        ],
    )
    async def test_that_are_none_are_reported(self, colour: Blocking | Async, page: Any, problem: str) -> None:
        with pytest.raises(APIResponseValidationError, match=problem):
            await colour.collect(colour.client(self.pages(page)).videos.list())
