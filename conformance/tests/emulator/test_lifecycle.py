"""Jobs begin queued, advance by reads or by the clock, end once, and never go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_emulator._model.jobs import (
    FAILS_AT,
    TERMINAL,
    Job,
    Pace,
    Recipe,
    Status,
    failure_in,
    is_counted,
    state_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Server

START = 1_000.0
PACES = st.one_of(
    st.integers(1, 30).map(lambda polls: Pace(polls=polls)),
    st.floats(0, 1000, allow_nan=False).map(lambda seconds: Pace(seconds=round(seconds, 3))),
)


def job_at(pace: Pace, *, reads: int = 0, prompt: str = "A cat") -> Job:
    recipe = Recipe(prompt=prompt, model="m", size="2x2", seconds=1)
    return Job(
        id="video_1",
        row=1,
        created_at=int(START),
        started_at=START,
        recipe=recipe,
        pace=pace,
        failure=failure_in(prompt),
        reads=reads,
    )


class TestRules:
    @given(pace=PACES, prompt=st.sampled_from(["A cat", "[fail]"]), waits=st.lists(st.floats(0, 100, allow_nan=False)))
    def test_neither_progress_nor_status_goes_back(self, pace: Pace, prompt: str, waits: list[float]) -> None:
        order = [Status.QUEUED, Status.IN_PROGRESS, Status.COMPLETED, Status.FAILED]
        now, last = START, state_of(job_at(pace, prompt=prompt), now=START)
        for reads, wait in enumerate(waits, start=1):
            now += wait
            state = state_of(job_at(pace, reads=min(reads, pace.polls or 0), prompt=prompt), now=now)
            assert state.progress >= last.progress
            assert order.index(state.status) >= order.index(last.status)
            assert (state.status in TERMINAL) == (state.ended_at is not None)
            assert last.status not in TERMINAL or (state.status, state.progress) == (last.status, last.progress)
            last = state

    @given(polls=st.integers(1, 1000))
    def test_a_polls_job_is_done_at_the_nth_read_and_no_sooner(self, polls: int) -> None:
        pace = Pace(polls=polls)
        assert state_of(job_at(pace, reads=polls - 1), now=START).status not in TERMINAL
        assert state_of(job_at(pace, reads=polls), now=START).status is Status.COMPLETED
        assert not is_counted(job_at(pace, reads=polls))

    @given(pace=PACES)
    def test_a_pace_reads_what_it_writes(self, pace: Pace) -> None:
        assert pace == Pace.parse(str(pace))

    @pytest.mark.parametrize(
        "text", ["", "fast", "polls", "polls:", "polls:0", "polls:-1", "polls:1.5", "seconds:", "seconds:-1"]
    )
    def test_nonsense_is_no_pace(self, text: str) -> None:
        with pytest.raises(ValueError, match="instant, polls:N"):
            Pace.parse(text)

    @pytest.mark.parametrize(
        "text", ["seconds:nan", "seconds:inf", "seconds:1e3", "seconds:٣", "polls:1\n", "instant "]
    )
    def test_odd_numbers_are_no_pace(self, text: str) -> None:
        with pytest.raises(ValueError, match="instant, polls:N"):
            Pace.parse(text)


def test_create_returns_queued_and_an_instant_job_is_done_at_the_first_read(serve: type[Server]) -> None:
    with serve() as server:
        created = server.create()
        assert ("queued", 0, None) == (created["status"], created["progress"], created["completed_at"])
        response = server.get(f"videos/{created['id']}")
        assert ("completed", 100) == (response.json()["status"], response.json()["progress"])
        assert created["created_at"] == response.json()["completed_at"]
        assert "openai-poll-after-ms" not in response.headers


def test_what_is_left_out_is_as_the_first_vendor_had_it(serve: type[Server]) -> None:
    """Programs that were written for that vendor count on it."""
    with serve() as server:
        video = server.ok("POST", "videos", json={"prompt": "x"})
        assert ("sora-2", "4", "720x1280") == (video["model"], video["seconds"], video["size"])


def test_reads_by_retrieve_and_by_list_count_alike(serve: type[Server]) -> None:
    with serve(pace="polls:4") as server:
        id_ = server.create()["id"]
        first = server.get(f"videos/{id_}")
        assert ("in_progress", 25) == (first.json()["status"], first.json()["progress"])
        assert int(first.headers["openai-poll-after-ms"]) > 0
        assert 50 == server.ok("GET", "videos")["data"][0]["progress"]
        server.request("HEAD", f"videos/{id_}")
        server.refused(409, "GET", f"videos/{id_}/content")
        assert 75 == server.ok("GET", f"videos/{id_}")["progress"]
        server.clock.advance(60)
        done = server.ok("GET", f"videos/{id_}")
        assert ("completed", int(server.clock.now)) == (done["status"], done["completed_at"])
        server.clock.advance(60)
        assert done == server.ok("GET", f"videos/{id_}")


def test_the_clock_moves_a_job_in_seconds(serve: type[Server]) -> None:
    with serve(pace="seconds:10") as server:
        id_ = server.create()["id"]
        seen = []
        for _ in range(12):
            response = server.get(f"videos/{id_}")
            seen.append((response.json()["status"], response.json()["progress"]))
            if response.json()["status"] != "completed":
                assert 0 < int(response.headers["openai-poll-after-ms"]) <= 1000
            server.clock.advance(1)
        assert ("queued", 0) == seen[0]
        assert ("in_progress", 50) == seen[5]
        assert [("completed", 100)] * 2 == seen[10:]
        assert 1_800_000_010 == server.ok("GET", f"videos/{id_}")["completed_at"]


def test_a_clock_that_is_set_back_does_not_set_jobs_back(serve: type[Server]) -> None:
    with serve(pace="seconds:10") as server:
        id_ = server.create()["id"]
        server.clock.advance(7)
        assert 70 == server.ok("GET", f"videos/{id_}")["progress"]
        server.clock.advance(-5)
        assert 70 == server.ok("GET", f"videos/{id_}")["progress"]


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("[fail]", "generation_failed"),
        ("A cat [fail:content_policy_violation]", "content_policy_violation"),
        ("[fail:odd.one-2]", "odd.one-2"),
    ],
)
def test_a_prompt_can_ask_for_failure(serve: type[Server], prompt: str, code: str) -> None:
    with serve(pace="polls:2") as server:
        id_ = server.create(prompt)["id"]
        assert server.ok("GET", f"videos/{id_}")["error"] is None
        failed = server.ok("GET", f"videos/{id_}")
        assert ("failed", code, FAILS_AT) == (failed["status"], failed["error"]["code"], failed["progress"])
        assert failed["error"]["message"]
        assert failed["expires_at"] is None
        for method, path, body in (("GET", "content", None), ("POST", "remix", {"prompt": "again"})):
            assert "video_failed" == server.refused(409, method, f"videos/{id_}/{path}", json=body)["code"]


def test_a_remix_keeps_all_but_the_prompt(serve: type[Server]) -> None:
    with serve() as server:
        source = server.create(model="other", size="128x64", seconds="3")
        remix = server.ok("POST", f"videos/{source['id']}/remix", json={"prompt": "Now at night"})
        kept = ("model", "size", "seconds")
        assert [source[name] for name in kept] == [remix[name] for name in kept]
        assert ("Now at night", source["id"]) == (remix["prompt"], remix["remixed_from_video_id"])
        assert source["id"] != remix["id"]


def test_a_job_that_runs_cannot_be_remixed_or_downloaded(serve: type[Server]) -> None:
    with serve(pace="seconds:5") as server:
        id_ = server.create()["id"]
        assert "video_not_ready" == server.refused(409, "GET", f"videos/{id_}/content")["code"]
        error = server.refused(409, "POST", f"videos/{id_}/remix", json={"prompt": "x"})
        assert "video_not_ready" == error["code"]
        assert id_ in error["message"]


def test_a_deleted_video_is_unknown_everywhere(serve: type[Server]) -> None:
    with serve(pace="seconds:5") as server:
        id_ = server.create()["id"]
        deleted = server.ok("DELETE", f"videos/{id_}")
        assert {"id": id_, "object": "video.deleted", "deleted": True} == deleted
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
            error = server.refused(404, method, f"videos/{id_}{path}")
            assert ("video_id", "not_found") == (error["param"], error["code"])
        server.refused(404, "POST", f"videos/{id_}/remix", json={"prompt": "x"})


def test_content_expires(serve: type[Server]) -> None:
    with serve() as server:
        id_ = server.create()["id"]
        video = server.ok("GET", f"videos/{id_}")
        server.clock.advance(video["expires_at"] - server.clock.now - 1)
        assert 200 == server.get(f"videos/{id_}/content").status_code
        server.clock.advance(1)
        assert "video_expired" == server.refused(410, "GET", f"videos/{id_}/content")["code"]
        assert "completed" == server.ok("GET", f"videos/{id_}")["status"]
        sources: tuple[tuple[str, dict[str, object]], ...] = (
            (f"videos/{id_}/remix", {}),
            ("videos/edits", {"video": {"id": id_}}),
            ("videos/extensions", {"video": {"id": id_}, "seconds": "1"}),
        )
        for path, fields in sources:
            assert "video_expired" == server.refused(410, "POST", path, json={"prompt": "x", **fields})["code"]


def test_files_go_when_their_time_is_up(serve: type[Server], tmp_path: Path) -> None:
    media = tmp_path / "jobs.db-media"
    with serve(database=tmp_path / "jobs.db") as server:
        old = server.create("old")["id"]
        server.get(f"videos/{old}/content")
        server.clock.advance(80_000)
        new = server.create("new")["id"]
        server.get(f"videos/{new}/content")
        assert 2 == len(list(media.iterdir()))
        server.clock.advance(6_400)
        server.get(f"videos/{new}/content")
        server.app._engine._housekeeping._thread.submit(int).result()  # what it does is done
        assert 1 == len(list(media.iterdir()))
        server.refused(410, "GET", f"videos/{old}/content")
        server.clock.advance(80_000)
        server.refused(410, "GET", f"videos/{new}/content")
        server.app._engine._housekeeping._thread.submit(int).result()  # what it does is done
        assert [] == list(media.iterdir())
