"""A reset is a fence between two tests: what the first has under way does not reach the second."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from openvideos_emulator._engine.engine import Engine
from openvideos_emulator._media import rendering
from openvideos_emulator._model.fault_plan import Fault
from openvideos_emulator._model.jobs import Pace, Recipe
from openvideos_emulator._model.profiles import PROFILES
from openvideos_emulator._model.refusals import RefusalError
from openvideos_emulator._storage import job_store

from .conftest import CONTROL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.emulator.conftest import Server

BODY = {"prompt": "Of the first test", "size": "64x48", "seconds": "1"}
PATIENCE = 30.0


def client_of(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://emulator/v1/")


async def held(
    http: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
) -> tuple[asyncio.Task[httpx.Response], asyncio.Event]:
    """Send a request, and return it once it has arrived, with the event that lets its body follow."""
    arrived, release = asyncio.Event(), asyncio.Event()

    async def late() -> AsyncIterator[bytes]:
        arrived.set()
        await release.wait()
        yield json.dumps(body).encode()

    headers = {"content-type": "application/json"}
    first = asyncio.create_task(http.request(method, path, content=late(), headers=headers))
    await arrived.wait()
    return first, release


def refused(response: httpx.Response) -> bool:
    """Return whether a request was refused, so that no client sends it again by itself."""
    assert 409 == response.status_code, response.text
    error = response.json()["error"]
    assert "was reset while this request was under way" in error["message"]
    assert "retry-after" not in response.headers
    return bool(error["code"] == "emulator_was_reset")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "videos", BODY),
        ("POST", f"{CONTROL}/jobs", {"prompt": "Seeded by the first test"}),
        ("POST", f"{CONTROL}/faults", {"status": 500}),
        ("POST", f"{CONTROL}/advance", {"seconds": 5}),
        ("PUT", f"{CONTROL}/webhook", {"url": "http://127.0.0.1:9/", "secret": "whsec_" + "A" * 32}),
    ],
)
def test_a_request_whose_body_comes_after_it_is_refused(
    serve: type[Server], method: str, path: str, body: dict[str, Any]
) -> None:
    async def both(server: Server) -> httpx.Response:
        async with client_of(server) as http:
            first, release = await held(http, method, path, body)
            assert 200 == (await http.post(f"{CONTROL}/reset")).status_code
            release.set()
            return await first

    with serve(pace="manual") as server:
        assert refused(server._runner.run(both(server)))
        state = server.ok("GET", f"{CONTROL}/state")
        assert ([], [], server.clock.now) == (state["jobs"], state["faults"], state["now"])
        assert server.app._dispatcher is None
        assert "queued" == server.create("Of the second test")["status"]


@pytest.mark.parametrize("prompt", ["Of the first test", None])
def test_a_request_that_has_arrived_before_it_takes_no_fault_of_the_next_test(
    serve: type[Server], prompt: str | None
) -> None:
    """Its body comes after the next test has planned the fault; it is read for a fault that names a prompt."""

    async def both(server: Server) -> list[httpx.Response]:
        async with client_of(server) as http:
            await http.post(f"{CONTROL}/faults", json={"status": 418, "prompt": "Another", "times": 9})
            first, release = await held(http, "POST", "videos", BODY)
            await http.post(f"{CONTROL}/reset")
            fault = {"status": 503, "prompt": prompt} if prompt is not None else {"status": 503}
            await http.post(f"{CONTROL}/faults", json=fault)
            release.set()
            return [await first, await http.post("videos", json=BODY), await http.post("videos", json=BODY)]

    with serve(pace="manual") as server:
        stale, second, third = server._runner.run(both(server))
        assert refused(stale)
        assert [503, 200] == [second.status_code, third.status_code]


def test_a_request_that_was_valid_before_it_is_not_carried_out_after_it(serve: type[Server]) -> None:
    """What happens in the thread of the engine waits behind a gate, while the reset goes by in another thread."""
    with serve(pace="manual") as server:
        ids = [server.create()["id"] for _ in range(2)]
        waits, release = threading.Event(), threading.Event()

        def gate() -> None:
            waits.set()
            assert release.wait(PATIENCE)

        async def all_of_them() -> list[httpx.Response]:
            server.app._operations._thread.submit(gate)
            async with client_of(server) as http:
                requests = [
                    http.post("videos", json=BODY, headers={"Idempotency-Key": "k"}),
                    http.get(f"videos/{ids[0]}"),
                    http.get("videos"),
                    http.delete(f"videos/{ids[1]}"),
                    http.post(f"videos/{ids[0]}/remix", json={"prompt": "Of the first test"}),
                ]
                tasks = [asyncio.create_task(each) for each in requests]
                async with asyncio.timeout(PATIENCE):
                    while server.app._operations._thread._work_queue.qsize() < len(tasks):  # noqa: ASYNC110 - it tells nobody
                        await asyncio.sleep(0)
                assert 200 == (await http.post(f"{CONTROL}/reset")).status_code
                release.set()
                return await asyncio.gather(*tasks)

        assert [True] * 5 == [refused(each) for each in server._runner.run(all_of_them())]
        assert [] == server.ok("GET", "videos")["data"]
        job = server.ok("POST", "videos", json={**BODY, "prompt": "Another"}, headers={"Idempotency-Key": "k"})
        assert [job["id"]] == [each["id"] for each in server.ok("GET", "videos")["data"]]


def test_renderings_under_way_end_and_leave_no_file(
    serve: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, release = threading.Semaphore(0), threading.Event()

    def render(recipe: Recipe, path: Path) -> None:
        path.write_bytes(b"half")
        begun.release()
        assert release.wait(PATIENCE)
        path.write_bytes(recipe.prompt.encode())

    monkeypatch.setattr(rendering, "render_video", render)
    with serve(database=tmp_path / "jobs.db") as server:
        ids = [server.create(f"{number}")["id"] for number in range(4)]

        async def downloads() -> list[httpx.Response]:
            async with client_of(server) as http:
                tasks = [asyncio.create_task(http.get(f"videos/{id_}/content")) for id_ in ids]
                for _ in range(2):  # the others wait for a place
                    assert await asyncio.to_thread(begun.acquire, timeout=PATIENCE)
                async with asyncio.timeout(PATIENCE):
                    while len(server.app._engine._media._pending) < len(ids):  # noqa: ASYNC110 - it tells nobody
                        await asyncio.sleep(0)
                assert 200 == (await http.post(f"{CONTROL}/reset")).status_code
                waiting = [await task for task in tasks[2:]]
                release.set()
                return [*[await task for task in tasks[:2]], *waiting]

        first, second, third, fourth = server._runner.run(downloads())
        assert [404, 404] == [first.status_code, second.status_code]
        assert refused(third)
        assert refused(fourth)
        assert [] == list((tmp_path / "jobs.db-media").iterdir())
        again = server.create("2")["id"]
        assert b"2" == server.get(f"videos/{again}/content").content


def test_a_reset_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    time = [1_800_000_000.0]
    engine = Engine(pace=Pace.parse("manual"), clock=lambda: time[0])
    recipe = Recipe("A cat", "m", "64x48", 1)
    engine.plan_fault(Fault(status=500))
    list(engine.advance(seconds=100))

    def fail() -> None:
        raise OSError("the disk is gone")

    with engine.of_this_generation():
        with monkeypatch.context() as patch:
            patch.setattr(engine.outbox, "clear", fail)
            with pytest.raises(OSError, match="gone"):
                engine.reset(pace=Pace.parse("instant"), profile=PROFILES["sora"])
        id_ = engine.create(recipe).job.id
        assert [id_] == [each.job.id for each in engine.snapshots(now=engine.now())]
        assert [1, "manual", "default", time[0] + 100] == [
            len(engine.faults.pending()),
            str(engine.pace),
            engine.profile.name,
            engine.now(),
        ]
        engine.reset(profile=PROFILES["sora"])
        with pytest.raises(RefusalError, match="was reset"):
            engine.create(recipe)
    assert [[], "manual", "sora", time[0]] == [
        engine.faults.pending(),
        str(engine.pace),
        engine.profile.name,
        engine.now(),
    ]
    engine.close()


def test_the_clock_is_set_back_in_the_database_too(tmp_path: Path) -> None:
    time = [1_800_000_000.0]
    for expected in (time[0], time[0]):
        engine = Engine(database=tmp_path / "jobs.db", clock=lambda: time[0])
        assert expected == engine.now()
        list(engine.advance(seconds=9000))
        engine.reset()
        engine.close()


def test_an_advance_under_way_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(pace=Pace.parse("manual"))
    recipe = Recipe("A cat", "m", "64x48", 1)
    for _ in range(5):
        engine.create(recipe)
    made: list[str] = []

    def reset_and_create() -> str:
        engine.reset()
        return engine.create(recipe).job.id

    lock = engine._database.lock

    class AndThenReset:
        """The lock, after whose first release another thread resets the engine."""

        def __enter__(self) -> None:
            lock.__enter__()

        def __exit__(self, *_: object) -> None:
            lock.__exit__(None, None, None)
            if not made:
                with ThreadPoolExecutor(1) as pool:
                    made.append(pool.submit(reset_and_create).result(PATIENCE))

    monkeypatch.setattr(job_store, "PAGE", 2)
    monkeypatch.setattr(engine._advances, "_lock", AndThenReset())
    with engine.of_this_generation(), pytest.raises(RefusalError, match="was reset"):
        engine.advance()
    assert [(made[0], "queued")] == [
        (each.job.id, each.state.status.value) for each in engine.snapshots(now=engine.now())
    ]
    engine.close()
