"""Tests steer the emulator: time by hand, jobs in any state, and a state that tells all and changes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from openvideos_emulator._model.jobs import Failure, Pace, Status
from openvideos_emulator._model.seeds import Seed

from .conftest import CONTROL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.conftest import Server

SMALL = {"size": "64x48", "seconds": "1"}


def control(server: Server, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Use a control endpoint; the response must be a 200."""
    response = server.request(method, f"{CONTROL}/{path}", json=body)
    assert 200 == response.status_code, response.text
    said: dict[str, Any] = response.json()
    return said


def status_of(server: Server, id_: str) -> tuple[str, int]:
    video = server.ok("GET", f"videos/{id_}")
    return video["status"], video["progress"]


class TestManualPace:
    """A job at the pace `manual` stands still until it is advanced; it lasts 10 seconds, or 10 polls."""

    def test_neither_the_clock_nor_reads_move_it(self, serve: type[Server]) -> None:
        with serve(pace="manual") as server:
            id_ = server.create()["id"]
            for _ in range(20):
                server.clock.advance(1000)
                assert ("queued", 0) == status_of(server, id_)

    def test_seconds_and_polls_move_it(self, serve: type[Server]) -> None:
        with serve(pace="manual") as server:
            id_ = server.create()["id"]
            for body, expected in (
                ({"seconds": 0.5}, ("queued", 0)),
                ({"seconds": 2}, ("in_progress", 25)),
                ({"polls": 5}, ("in_progress", 75)),
                ({"seconds": 2.5}, ("completed", 100)),
            ):
                control(server, "POST", "advance", body)
                assert expected == status_of(server, id_)
            video = server.ok("GET", f"videos/{id_}")
            control(server, "POST", "advance", {"seconds": 60})
            assert video == server.ok("GET", f"videos/{id_}")
            assert 200 == server.get(f"videos/{id_}/content").status_code

    def test_a_slow_prompt_lasts_as_long_as_it_says(self, serve: type[Server]) -> None:
        with serve(pace="manual") as server:
            id_ = server.create("[slow:40] [fail]")["id"]
            control(server, "POST", "advance", {"seconds": 20})
            assert ("in_progress", 30) == status_of(server, id_)
            control(server, "POST", "advance", {"polls": 5})
            assert ("failed", 60) == status_of(server, id_)


class TestAdvance:
    def test_nothing_said_brings_all_to_their_ends(self, serve: type[Server]) -> None:
        for pace in ("manual", "polls:5", "seconds:100", "seconds:86400"):
            with serve(pace=pace) as server:
                ids = [server.create(prompt)["id"] for prompt in ("A cat", "[fail:odd]", "[slow:9999]")]
                moved = control(server, "POST", "advance")["jobs"]
                assert ids == [job["id"] for job in moved]
                assert ["completed", "failed", "completed"] == [status_of(server, id_)[0] for id_ in ids]
                assert [] == control(server, "POST", "advance")["jobs"]

    @pytest.mark.parametrize("body", [{"seconds": 0}, {"polls": 0}, {"seconds": 0, "polls": 0}])
    def test_nothing_moves_nothing(self, serve: type[Server], body: dict[str, Any]) -> None:
        for pace in ("manual", "polls:5", "seconds:100"):
            with serve(pace=pace) as server:
                id_ = server.create()["id"]
                assert [] == control(server, "POST", "advance", body)["jobs"]
                assert [] == control(server, "POST", "advance", {**body, "jobs": [id_]})["jobs"]

    def test_a_job_can_be_ended_otherwise_than_its_prompt_says(self, serve: type[Server]) -> None:
        with serve(pace="seconds:50") as server:
            good, bad = server.create("A cat")["id"], server.create("[fail]")["id"]
            error = {"code": "out_of_memory", "message": "The GPU is full."}
            control(server, "POST", "advance", {"to": "failed", "error": error, "jobs": [good]})
            control(server, "POST", "advance", {"to": "completed", "jobs": [bad]})
            assert ("failed", error) == tuple(server.ok("GET", f"videos/{good}")[key] for key in ("status", "error"))
            assert "completed" == status_of(server, bad)[0]
            third = server.create()["id"]
            control(server, "POST", "advance", {"to": "failed"})
            assert "generation_failed" == server.ok("GET", f"videos/{third}")["error"]["code"]

    def test_chosen_jobs_move_and_the_clock_stands(self, serve: type[Server]) -> None:
        with serve(pace="seconds:10") as server:
            one, other = server.create()["id"], server.create()["id"]
            moved = control(server, "POST", "advance", {"seconds": 4, "jobs": [one]})
            assert server.clock.now == moved["now"]
            assert [("in_progress", 40), ("queued", 0)] == [status_of(server, id_) for id_ in (one, other)]
            server.clock.advance(6)
            assert [("completed", 100), ("in_progress", 60)] == [status_of(server, id_) for id_ in (one, other)]
            assert int(server.clock.now) == server.ok("GET", f"videos/{one}")["completed_at"]

    def test_seconds_move_the_clock_also_for_the_expiry_of_files(self, serve: type[Server], tmp_path: Path) -> None:
        with serve(pace="seconds:10", database=tmp_path / "jobs.db") as server:
            id_ = server.create()["id"]
            start = server.clock.now
            assert start + 10 == control(server, "POST", "advance", {"seconds": 10})["now"]
            assert int(start) + 10 == server.ok("GET", f"videos/{id_}")["completed_at"]
            assert 200 == server.get(f"videos/{id_}/content").status_code
            control(server, "POST", "advance", {"seconds": 86_400})
            server.refused(410, "GET", f"videos/{id_}/content")
            clock = server.clock
        with serve(pace="seconds:10", database=tmp_path / "jobs.db", clock=clock) as server:
            assert start + 86_410 == control(server, "GET", "state")["now"]

    def test_polls_move_what_runs_by_polls(self, serve: type[Server]) -> None:
        with serve(pace="polls:4") as server:
            id_ = server.create()["id"]
            assert [] == control(server, "POST", "advance", {"seconds": 50})["jobs"]
            control(server, "POST", "advance", {"polls": 2})
            assert ("in_progress", 75) == status_of(server, id_)
            assert [id_] == [job["id"] for job in control(server, "POST", "advance", {"polls": 900})["jobs"]]
            assert 4 == control(server, "GET", "state")["jobs"][0]["polls"]


class TestSeed:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({}, ("completed", 100)),
            ({"status": "queued"}, ("queued", 0)),
            ({"status": "in_progress"}, ("in_progress", 10)),
            ({"status": "in_progress", "progress": 99}, ("in_progress", 99)),
            ({"status": "in_progress", "progress": 30, "prompt": "[fail]"}, ("in_progress", 30)),
            ({"status": "in_progress", "progress": 50, "pace": "polls:4"}, ("in_progress", 50)),
            ({"status": "failed"}, ("failed", 60)),
            ({"status": "completed", "prompt": "[fail]"}, ("completed", 100)),
        ],
    )
    def test_a_job_stands_in_the_given_state(
        self, serve: type[Server], body: dict[str, Any], expected: tuple[str, int], fits: Callable[[object, str], None]
    ) -> None:
        with serve() as server:
            job = control(server, "POST", "jobs", {**SMALL, **body})
            fits(job, "#/components/schemas/Video")
            server.clock.advance(100)
            state = control(server, "GET", "state")["jobs"]
            assert [expected] == [(each["status"], each["progress"]) for each in state]
            control(server, "POST", "advance")
            assert status_of(server, job["id"])[0] in {"completed", "failed"}

    def test_its_details_are_as_reported(self, serve: type[Server]) -> None:
        with serve() as server:
            body = {
                "id": "video_mine",
                "status": "failed",
                "prompt": "Seeded",
                "model": "m",
                "created_at": 1_000,
                "completed_at": 2_000,
                "remixed_from_video_id": "video_old",
                "error": {"code": "c", "message": "m"},
                **SMALL,
            }
            control(server, "POST", "jobs", body)
            video = server.ok("GET", "videos/video_mine")
            assert body == {name: video[name] for name in body}

    def test_files_of_a_job_that_ended_long_ago_are_expired(self, serve: type[Server]) -> None:
        with serve() as server:
            job = control(server, "POST", "jobs", {"completed_at": int(server.clock.now) - 90_000})
            server.refused(410, "GET", f"videos/{job['id']}/content")

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"progress": 50}, "progress"),
            ({"status": "queued", "progress": 50}, "progress"),
            ({"status": "in_progress", "progress": 5}, "progress"),
            ({"status": "in_progress", "progress": 80, "prompt": "[fail]"}, "progress"),
            ({"status": "in_progress", "progress": 30, "pace": "polls:4"}, "progress"),
            ({"error": {"code": "odd"}}, "error"),
            ({"status": "in_progress", "completed_at": 1_000}, "completed_at"),
            ({"created_at": 2_000, "completed_at": 1_000}, "completed_at"),
            ({"pace": "polls:4"}, "pace"),
            ({"expired": True, "status": "in_progress"}, "expired"),
            ({"expired": True, "status": "failed"}, "expired"),
            ({"expired": True, "created_at": 1_800_000_000}, "expired"),
            ({"expired": True, "completed_at": 1_800_000_000}, "expired"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, serve: type[Server], body: dict[str, Any], param: str) -> None:
        with serve() as server:
            assert param == server.refused(400, "POST", f"{CONTROL}/jobs", json=body)["param"]
            assert [] == control(server, "GET", "state")["jobs"]

    def test_what_is_expired_is_expired(self, serve: type[Server]) -> None:
        with serve() as server:
            old = int(server.clock.now) - 90_000
            for more in ({}, {"completed_at": old}, {"created_at": old - 9}, {"created_at": old, "completed_at": old}):
                job = control(server, "POST", "jobs", {"expired": True, **more})
                server.refused(410, "GET", f"videos/{job['id']}/content")

    def test_an_id_is_given_once(self, serve: type[Server]) -> None:
        with serve() as server:
            control(server, "POST", "jobs", {"id": "video_1"})
            assert "id" == server.refused(409, "POST", f"{CONTROL}/jobs", json={"id": "video_1"})["param"]


def test_the_state_reports_all_and_counts_no_read(serve: type[Server]) -> None:
    with serve(pace="polls:2", profile="sora") as server:
        id_ = server.create("[fail:c]", size="720x1280", seconds="4")["id"]
        server.ok("GET", f"videos/{id_}")
        first, state = (control(server, "GET", "state") for _ in range(2))
        assert first == state
        job = state["jobs"][0]
        assert ("polls:2", "sora", server.clock.now) == (state["pace"], state["profile"], state["now"])
        assert ("polls:2", 1, "c") == (job["pace"], job["polls"], job["fails_with"]["code"])
        assert "in_progress" == job["status"]


def test_a_reset_forgets_all(serve: type[Server], tmp_path: Path) -> None:
    with serve(database=tmp_path / "jobs.db") as server:
        headers = {"Idempotency-Key": "k"}
        id_ = server.ok("POST", "videos", json={"prompt": "x", **SMALL}, headers=headers)["id"]
        server.get(f"videos/{id_}/content")
        control(server, "POST", "faults", {"status": 500})
        control(server, "POST", "advance", {"seconds": 500})
        state = control(server, "POST", "reset")
        assert ([], [], server.clock.now) == (state["jobs"], state["faults"], state["now"])
        assert [] == list((tmp_path / "jobs.db-media").iterdir())
        server.refused(404, "GET", "videos", params={"after": id_})
        assert id_ != server.ok("POST", "videos", json={"prompt": "y", **SMALL}, headers=headers)["id"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("advance", {"second": 1}, "second"),
        ("advance", {"seconds": -1}, "seconds"),
        ("advance", {"seconds": "1"}, "seconds"),
        ("advance", {"polls": 1.5}, "polls"),
        ("advance", {"to": "queued"}, "to"),
        ("advance", {"jobs": "video_1"}, "jobs"),
        ("advance", {"error": {}}, "error.code"),
        ("jobs", {"status": "done"}, "status"),
        ("jobs", {"progress": 100}, "progress"),
        ("jobs", {"size": "3x3"}, "size"),
        ("jobs", {"seconds": "999"}, "seconds"),
        ("jobs", {"id": "a/b"}, "id"),
        ("jobs", {"pace": "fast"}, "pace"),
        ("faults", {"times": 0}, "times"),
        ("faults", {"operation": "fly"}, "operation"),
        ("faults", {"method": "get"}, "method"),
        ("faults", {"path": "videos"}, "path"),
        ("faults", {"status": 100}, "status"),
        ("faults", {"headers": {"a b": "c"}}, "headers"),
        ("faults", {"headers": {"a": "b\r\nc: d"}}, "headers.a"),
        ("faults", {"reset": "now"}, "reset"),
        ("faults", {"stall": {"for": 1}}, "stall"),
        ("faults", {"truncate": -1}, "truncate"),
    ],
)
def test_a_wrong_field_is_named(serve: type[Server], path: str, body: dict[str, Any], param: str) -> None:
    with serve() as server:
        assert param == server.refused(400, "POST", f"{CONTROL}/{path}", json=body)["param"]


def test_an_unknown_job_cannot_be_advanced(serve: type[Server]) -> None:
    with serve(pace="manual") as server:
        id_ = server.create()["id"]
        error = server.refused(404, "POST", f"{CONTROL}/advance", json={"jobs": [id_, "video_unknown"]})
        assert "jobs" == error["param"]
        assert ("queued", 0) == status_of(server, id_)


def test_control_is_http_as_elsewhere(serve: type[Server]) -> None:
    with serve() as server:
        response = server.request("PUT", f"{CONTROL}/faults")
        assert (405, "DELETE, GET, HEAD, OPTIONS, POST") == (response.status_code, response.headers["allow"])
        assert 204 == server.request("OPTIONS", f"{CONTROL}/state").status_code
        server.refused(404, "GET", f"{CONTROL}/nothing")
        server.refused(404, "GET", CONTROL)
        server.refused(415, "POST", f"{CONTROL}/reset", content=b"{}")
        server.refused(400, "POST", f"{CONTROL}/faults")


def test_control_needs_the_key(serve: type[Server]) -> None:
    with serve(api_key="right") as server:
        for method, path in (("GET", "state"), ("POST", "advance"), ("POST", "reset"), ("DELETE", "faults")):
            server.refused(401, method, f"{CONTROL}/{path}")
        assert 200 == server.get(f"{CONTROL}/state", headers={"Authorization": "Bearer right"}).status_code


def test_the_engine_does_the_same_without_http(serve: type[Server]) -> None:
    with serve(pace="manual") as server:
        engine = server.app._engine
        queued = engine.seed(Seed(status=Status.QUEUED, pace=Pace.parse("polls:3")))
        assert [queued.job.id] == [each.job.id for each in engine.advance(polls=3)]
        failed = engine.seed(Seed(status=Status.FAILED, failure=Failure("c", "m")))
        assert ["completed", "failed"] == [each.state.status.value for each in engine.snapshots(now=engine.now())]
        assert failed.job.failure == Failure("c", "m")
        engine.reset()
        assert [] == list(engine.snapshots(now=engine.now()))


def test_jobs_can_be_advanced_while_they_are_polled(serve: type[Server]) -> None:
    with serve(pace="manual") as server:
        ids = [server.create()["id"] for _ in range(5)]

        async def poll(http: httpx.AsyncClient, id_: str) -> int:
            polls = 0
            while (await http.get(f"videos/{id_}")).json()["status"] != "completed":
                polls += 1
            return polls

        async def drive() -> list[int]:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(server.app), base_url="http://emulator/v1/"
            ) as http:
                polls = [asyncio.create_task(poll(http, id_)) for id_ in ids]
                for _ in range(10):
                    await http.post(f"{CONTROL}/advance", json={"polls": 1})
                return await asyncio.gather(*polls)

        assert 5 == len(server._runner.run(drive()))


@pytest.mark.parametrize("path", ["edits", "extensions", "characters", "models"])
def test_a_seeded_job_has_no_id_that_is_a_path(serve: type[Server], path: str) -> None:
    with serve() as server:
        response = server.request("POST", f"{CONTROL}/jobs", json={"id": path})
        assert (400, "id") == (response.status_code, response.json()["error"]["param"])
        assert f"{path}s" == control(server, "POST", "jobs", {"id": f"{path}s"})["id"]
