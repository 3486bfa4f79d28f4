"""The parts of a batch: how many jobs at once, what a list shows, what an answer means, where files go."""

from __future__ import annotations

import asyncio
import csv
import errno
import importlib
import io
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    AsyncOpenVideos,
    BatchError,
    DownloadError,
    InternalServerError,
    InvalidArgumentError,
    NotFoundError,
    Video,
)
from openvideos._batch import files, results
from openvideos._batch.database import connect
from openvideos._batch.files import Files, check_place, digest_of
from openvideos._batch.ledger import Batch, Ledger
from openvideos._batch.pacing import Pace
from openvideos._batch.placing import Blind, Busy, Placed, Refused, Sight
from openvideos._batch.rows import Row
from openvideos._batch.server import CreatesStoppedError, Server
from openvideos._batch.sights import sight_of
from openvideos._batch.waiting import Waiting

DATE = "Mon, 30 Nov 2026 12:00:00 GMT"
AT = 1_796_040_000.0


def video(id_: str, **fields: Any) -> dict[str, Any]:
    """Return a job as a server tells it."""
    known = {"object": "video", "status": "queued", "model": "m", "created_at": int(AT), "prompt": "A cat"}
    return {"id": id_, **known, "size": "1x1", "seconds": "4", "progress": 0, **fields}


class TestPace:
    @given(st.integers(1, 50), st.lists(st.one_of(st.just(None), st.floats(0, 100)), max_size=200))
    def test_the_limit_stays_in_its_bounds(self, most: int, happened: list[float | None]) -> None:
        pace, now = Pace(most), 0.0
        for pause in happened:
            now += 1.0
            before = pace.limit
            pace.accepted() if pause is None else pace.busy(now, pause)
            assert 1 <= pace.limit <= most
            assert pace.limit <= before + 1
            assert pause is None or pace.not_before >= now + pause

    def test_creates_that_are_refused_together_halve_it_once(self) -> None:
        pace = Pace(16)
        for _ in range(16):
            pace.busy(10.0, 5.0)
        assert 8 == pace.limit
        pace.busy(15.0, 1.0)
        assert 4 == pace.limit
        for _ in range(4 * 4):
            pace.accepted()
        assert 5 == pace.limit


class TestSights:
    def see(self, *jobs: dict[str, Any], claimed: dict[str, str | None] | None = None, **sent: Any) -> Sight:
        known = {"prompt": "A cat", "size": "1x1", "seconds": "4", **sent}
        seen = [Video.from_dict(each) for each in jobs]
        return sight_of(known, seen, claimed or {}, rivals=0, under_way=False)

    def test_a_free_job_like_it_is_a_candidate(self) -> None:
        sight = self.see(video("a"), video("b"), video("c", prompt="A dog"), claimed={"a": "A cat"})
        assert Sight(("b",), (), 0, is_proven=True) == sight

    def test_one_with_another_size_or_a_prompt_that_is_cut_may_be_its_own(self) -> None:
        sight = self.see(video("a", size="2x2"), video("b", prompt="A c"), video("c", prompt=None), claimed={"z": None})
        assert Sight((), ("a", "b", "c"), 0, is_proven=False) == sight

    @pytest.mark.parametrize(
        "told",
        [
            "Café &amp; cat, at dusk",
            "Caf? & cat, at dusk",
            "Cafe\u0301 cat at dusk",
            "Café …dusk",
            "Café & [cut]",
            "café...",
        ],
    )
    def test_a_prompt_that_a_server_changes_may_be_its_own(self, told: str) -> None:
        sight = self.see(video("a", prompt=told), prompt="Café & cat, at dusk")
        assert ("a",) == sight.near

    @pytest.mark.parametrize("told", ["A dog", "dusk … Café", "Caf? & dog, at dusk"])
    def test_another_prompt_is_not_its_own(self, told: str) -> None:
        sight = self.see(video("a", prompt=told), prompt="Café & cat, at dusk")
        assert () == sight.near

    def test_a_list_that_tells_another_prompt_proves_nothing(self) -> None:
        assert not self.see(video("a", prompt="Changed"), claimed={"a": "A cat"}).is_proven
        assert self.see(video("a", prompt="A dog"), claimed={"a": "A dog"}).is_proven


Answer = Callable[[httpx.Request], httpx.Response]


def at(answer: Answer) -> AsyncOpenVideos:
    """Return a client of a server in memory."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return AsyncOpenVideos(base_url="http://server.test/v1", api_key="sk-1", max_retries=0, http_client=http)


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("gone", request=request)


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("away", request=request)


def says(http_status: int, /, **fields: Any) -> Answer:
    """Return a server that always says the same."""
    headers = fields.pop("headers", {})
    return lambda _: httpx.Response(http_status, json=fields, headers={"date": DATE, **headers})


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "No.", "type": "t", "param": None}}


CREATES: list[tuple[Answer, Any]] = [
    (says(200, **video("v")), Placed("v")),
    (says(200, **(video("v") | {"status": 7})), Placed("v")),
    (says(500, **error("internal_error")), "str"),
    (says(200, object="video"), "str"),
    (says(200, **video("")), "str"),
    (says(200, **video("..")), "str"),
    (says(200, **video("a\0")), "str"),
    (says(200, **video("a\ud800")), "str"),
    (lost, "str"),
    (says(429, **error("rate_limit_exceeded"), headers={"retry-after": "7"}), Busy(7.0)),
    (says(429, **error("rate_limit_exceeded")), Busy(1.0)),
    (says(409, **error("idempotency_key_reused")), "str"),
    (says(422, **error("idempotency_error")), "str"),
    (says(409, **error("conflict")), Refused),
    (says(400, **error("invalid_value")), Refused),
    (says(403, **error("content_policy_violation")), Refused),
    (says(307, **error("x")), "str"),
    (says(408, **error("x")), "str"),
    (says(499, **error("x")), "str"),
]


class TestServer:
    @pytest.mark.parametrize("number", range(len(CREATES)))
    def test_what_an_answer_means(self, number: int) -> None:
        answer, wanted = CREATES[number]
        outcome = asyncio.run(Server(at(answer)).create({"prompt": "A cat"}, "key-1"))
        if wanted == "str":
            assert isinstance(outcome, str)
        elif wanted is Refused:
            assert isinstance(outcome, Refused)
            assert outcome.always == (outcome.code != "conflict")
        else:
            assert wanted == outcome

    def test_a_create_that_was_never_sent_can_be_sent_later(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            client = AsyncOpenVideos(
                base_url=f"http://127.0.0.1:{closed.getsockname()[1]}/v1", api_key="k", max_retries=0
            )
            assert Busy(1.0) == asyncio.run(Server(client).create({"prompt": "A cat"}, "key-1"))

    @pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation", "SAFETY"])
    def test_a_prompt_that_is_refused_stops_no_other(self, code: str) -> None:
        answer = says(403, error={**error("no")["error"], "code": code})
        outcome = asyncio.run(Server(at(answer)).create({"prompt": "A cat"}, "key-1"))
        assert isinstance(outcome, Refused)
        assert (code, True) == (outcome.code, outcome.always)

    @given(
        said=st.lists(
            st.tuples(st.sampled_from(["accepted", "forbidden", "invalid", "moderated", "busy"]), st.integers(0, 3)),
            max_size=12,
        )
    )
    @example([("forbidden", 0), ("forbidden", 0), ("busy", 0), ("forbidden", 1), ("forbidden", 2), ("accepted", 0)])
    def test_403_is_of_a_prompt_until_it_comes_to_three_rows_in_a_row(self, said: list[tuple[str, int]]) -> None:
        answers = {
            "accepted": says(200, **video("v")),
            "forbidden": says(403, **error("no")),
            "invalid": says(400, **error("no")),
            "moderated": says(403, **error("moderation_blocked")),
            "busy": says(429, **error("no")),
        }
        coming = iter(said)

        def answer(request: httpx.Request) -> httpx.Response:
            return answers[next(coming)[0]](request)

        server = Server(at(answer))
        rows = set[int]()
        for what, row in said:
            if what != "busy":  # which tells nothing
                rows = rows | {row} if what == "forbidden" else set()
            if what == "forbidden" and len(rows) >= 3:
                with pytest.raises(CreatesStoppedError):
                    asyncio.run(server.create({"prompt": "A cat"}, f"key-{row}"))
                continue
            outcome = asyncio.run(server.create({"prompt": "A cat"}, f"key-{row}"))
            if what == "forbidden":
                assert isinstance(outcome, Refused)
                assert not outcome.always, "a create whose answer was lost may have been accepted"

    @pytest.mark.parametrize("status", [401, 402, 404])
    def test_what_refuses_every_create_stops_them(self, status: int) -> None:
        with pytest.raises(CreatesStoppedError):
            asyncio.run(Server(at(says(status, **error("no")))).create({"prompt": "A cat"}, "key-1"))

    def test_the_key_and_the_picture_are_sent(self, tmp_path: Path) -> None:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            request.read()
            seen.append(request)
            return httpx.Response(200, json=video("v"))

        (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n a picture")
        for picture in (str(tmp_path / "cat.png"), "https://example.test/a.png"):
            asyncio.run(Server(at(answer)).create({"prompt": "A cat", "input_reference": picture}, "key-1"))
        assert ["key-1"] * 2 == [request.headers["idempotency-key"] for request in seen]
        assert b"a picture" in seen[0].content
        assert b"https://example.test/a.png" in seen[1].content

    def test_a_picture_that_is_gone_is_refused(self) -> None:
        sent = {"prompt": "A cat", "input_reference": "/nowhere/cat.png"}
        outcome = asyncio.run(Server(at(away)).create(sent, "key-1"))
        assert isinstance(outcome, Refused)
        assert not outcome.always  # another machine may have sent it

    @pytest.mark.parametrize(
        ("answer", "honours"),
        [
            (
                says(
                    200,
                    object="list",
                    data=[],
                    contract={"revision": "2026-12-01", "profiles": ["core"], "extensions": ["idempotency"]},
                ),
                True,
            ),
            (
                says(
                    200,
                    object="list",
                    data=[],
                    contract={"revision": "2026-12-01", "profiles": ["full"], "extensions": []},
                ),
                True,
            ),
            (says(200, object="list", data=[]), False),
            (says(404, **error("unknown_path")), False),
        ],
    )
    def test_it_says_whether_it_honours_keys(self, answer: Answer, *, honours: bool) -> None:
        server = Server(at(answer))
        assert server.slack > 60
        assert honours == asyncio.run(server.honours_keys())
        assert server.slack <= 60
        assert abs(server.now - AT) < 5

    def test_a_server_that_is_away_is_told_before_all(self) -> None:
        with pytest.raises(APIConnectionError):
            asyncio.run(Server(at(away)).honours_keys())
        with pytest.raises(InternalServerError):
            asyncio.run(Server(at(says(503, **error("overloaded")))).honours_keys())

    def test_one_walk_serves_all_who_wait(self) -> None:
        asked: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            after = request.url.params.get("after")
            jobs = [video("c", created_at=int(AT) + 9), video("b")] if after is None else [video("a", created_at=5)]
            page = {"object": "list", "data": jobs, "has_more": True, "first_id": None, "last_id": jobs[-1]["id"]}
            return httpx.Response(200, json=page, headers={"date": DATE})

        async def both() -> tuple[Any, ...]:
            server = Server(at(answer))
            return await asyncio.gather(server.jobs_since(AT), server.jobs_since(AT + 5000), server.jobs_since(AT))

        first, late, same = asyncio.run(both())
        assert ["b", "c"] == [each.id for each in first] == [each.id for each in same]
        assert [] == late
        assert 2 == len(asked)

    def test_a_list_in_another_order_is_read_whole(self) -> None:
        pages = iter([[video("a", created_at=1), video("b", created_at=int(AT))], [video("c", created_at=None)]])

        def answer(_: httpx.Request) -> httpx.Response:
            jobs = next(pages)
            more = jobs[0]["id"] == "a"
            return httpx.Response(
                200, json={"object": "list", "data": jobs, "has_more": more, "last_id": jobs[-1]["id"]}
            )

        async def look() -> Any:
            return await Server(at(answer)).jobs_since(AT)

        assert ["c", "b"] == [each.id for each in asyncio.run(look())]

    @pytest.mark.parametrize(
        ("answer", "may_pass"),
        [
            (says(404, **error("unknown_path")), False),
            (says(501, **error("not_implemented")), False),
            (says(503, **error("overloaded")), True),
            (says(200, object="list"), False),
            (says(200, object="list", data=[video("")], has_more=False), False),
            (says(200, object="list", data=[video("v\0")], has_more=False), False),
            (lost, True),
        ],
    )
    def test_a_list_that_cannot_be_used(self, answer: Answer, *, may_pass: bool) -> None:
        async def look() -> Any:
            return await Server(at(answer)).jobs_since(AT)

        blind = asyncio.run(look())
        assert isinstance(blind, Blind)
        assert may_pass == blind.may_pass

    def test_a_list_without_end_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("openvideos._batch.server.MOST_PAGES", 3)
        numbers = iter(range(1000))

        def answer(_: httpx.Request) -> httpx.Response:
            jobs = [video(f"v{next(numbers)}")]
            return httpx.Response(
                200, json={"object": "list", "data": jobs, "has_more": True, "last_id": jobs[0]["id"]}
            )

        async def look() -> Any:
            return await Server(at(answer)).jobs_since(AT)

        assert "more than 3 pages" in asyncio.run(look()).reason

    @pytest.mark.parametrize("kind", [asyncio.CancelledError, RuntimeError])
    def test_whoever_waits_learns_that_a_walk_has_failed(self, kind: type[BaseException]) -> None:
        class Broken(Server):
            async def _list(self, since: float) -> Any:
                raise kind

        async def look() -> Any:
            server = Broken(at(away))
            try:
                return await server.jobs_since(AT)
            finally:
                await asyncio.gather(server._walking or asyncio.sleep(0), return_exceptions=True)

        with pytest.raises(kind):
            asyncio.run(look())


class TestWaiting:
    def test_trouble_is_told_and_passes(self) -> None:
        answers: Iterator[Answer] = iter([away, says(200, **video("v", status="in_progress"))])
        told: list[str | None] = []

        def answer(request: httpx.Request) -> httpx.Response:
            return next(answers, says(200, **video("v", status="completed")))(request)

        async def wait() -> tuple[str, str]:
            waiting = Waiting(at(answer), 0.01, told.append)
            one, same = await asyncio.gather(waiting.ended("v"), waiting.ended("v"))
            return one.status, same.status

        assert ("completed", "completed") == asyncio.run(wait())
        assert told[-1] is None
        assert any(told)

    def test_a_slow_server_is_given_more_time(self) -> None:
        told: list[str | None] = []
        rounds = iter([*["in_progress"] * 2, *["slow"] * 6])

        def answer(request: httpx.Request) -> httpx.Response:
            kind = next(rounds, "completed")
            if kind == "slow":
                raise httpx.ReadTimeout("slow", request=request)
            return says(200, **video("v", status=kind))(request)

        async def wait() -> tuple[str, list[float]]:
            def tell(what: str | None) -> None:
                told.append(what)
                spans.append(waiting._span)

            spans: list[float] = []
            waiting = Waiting(at(answer), 0.01, tell)
            return (await waiting.ended("v")).status, spans

        status, spans = asyncio.run(wait())
        assert "completed" == status
        assert max(spans) > 0.01
        assert any(told)
        assert not any("poll_timeout_ms" in (each or "") for each in told)  # whose reader wrote no Python

    def test_a_job_that_a_webhook_tells_of_is_read_at_once(self) -> None:
        status = {"late": "in_progress", "early": "completed", "wrong": "in_progress"}
        asked: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            name = request.url.path.rpartition("/")[2]
            if name == "videos":  # a list that is always behind
                jobs = [video(each, status="in_progress") for each in status]
                return says(200, object="list", data=jobs, has_more=False)(request)
            asked.append(name)
            return says(200, **video(name, status=status[name]))(request)

        async def wait() -> list[str]:
            waiting = Waiting(at(answer), 3600.0, lambda _: None)
            waiting.hear(["early", "unknown"])  # it may be faster than the answer to the create
            early = await waiting.ended("early")
            waiting._settle(early)  # the list tells of it, too
            late, wrong = (asyncio.create_task(waiting.ended(each)) for each in ("late", "wrong"))
            await asyncio.sleep(0)
            status["late"] = "completed"
            waiting.hear(["late", "late", "wrong"])
            ended = [early.status, (await late).status]
            await asyncio.gather(*waiting._looks.values())
            assert not wrong.done()
            wrong.cancel()
            return ended

        assert ["completed"] * 2 == asyncio.run(wait())
        assert {"early": 1, "late": 1, "wrong": 1} == Counter(asked)

    def test_what_a_webhook_tells_of_and_cannot_be_read_is_read_in_its_turn(self) -> None:
        async def wait() -> str:
            answers = iter([says(200, **video("v", status="queued")), says(500), away])

            def answer(request: httpx.Request) -> httpx.Response:
                return next(answers, says(200, **video("v", status="completed")))(request)

            waiting = Waiting(at(answer), 0.01, lambda _: None)
            job = asyncio.create_task(waiting.ended("v"))
            await asyncio.sleep(0)
            waiting.hear(["v"])
            return (await job).status

        assert "completed" == asyncio.run(wait())

    def test_what_is_heard_is_bounded(self) -> None:
        waiting = Waiting(at(away), 1.0, lambda _: None)
        waiting.hear(map(str, range(5000)))
        assert 1000 == len(waiting._heard)

    def test_a_job_that_the_server_lost_is_its_rows_alone(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/gone"):
                return says(404, **error("not_found"))(request)
            if request.url.path.endswith("/videos"):
                return says(404, **error("unknown_path"))(request)
            return says(200, **video("here", status="completed"))(request)

        async def wait() -> tuple[Any, ...]:
            waiting = Waiting(at(answer), 0.01, lambda _: None)
            both = waiting.ended("gone"), waiting.ended("here")
            return await asyncio.gather(*both, return_exceptions=True)

        gone, here = asyncio.run(wait())
        assert isinstance(gone, NotFoundError)
        assert "completed" == here.status


CLIP = b"\x00\x00\x00\x18ftypisom" + b"clip" * 100


def serving(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=CLIP, headers={"content-type": "video/mp4"})


class TestFiles:
    def fetch(self, out: str, answer: Answer = serving, known: dict[str, Any] | None = None) -> dict[str, Any]:
        async def fetch() -> dict[str, Any]:
            return await Files(at(answer), out, self.told.append).fetch("v", "cat", "video", known)

        self.told: list[str | None] = []
        return asyncio.run(fetch())

    @pytest.fixture(autouse=True)
    def _no_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "SHORTEST_PAUSE_S", 0.001)

    @pytest.mark.parametrize("kind", ["folder", "memory"])
    def test_a_file_is_saved_once(self, tmp_path: Path, kind: str) -> None:
        out = str(tmp_path) if kind == "folder" else f"memory://{tmp_path.name}"
        check_place(out)
        found = self.fetch(out)
        assert ("cat.mp4", len(CLIP)) == (found["file"], found["bytes"])
        assert found == self.fetch(out, away, known=found)
        other = {**found, "sha256": "0"}
        assert found == self.fetch(out, known=other)
        files.put_bytes(out, "results.jsonl", b"{}")

    def test_one_that_is_gone_is_downloaded_again(self, tmp_path: Path) -> None:
        for out in (str(tmp_path), f"memory://{tmp_path.name}-gone"):
            check_place(out)
            assert len(CLIP) == self.fetch(out, known={"file": "cat.mp4", "bytes": 1, "sha256": "0"})["bytes"]

    def test_a_file_that_always_arrives_broken_is_left_to_the_next_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "LONGEST_PAUSE_S", 0.001)

        async def broken(*_: object) -> dict[str, Any]:
            raise DownloadError("cut off")

        monkeypatch.setattr(Files, "_download", broken)
        with pytest.raises(DownloadError):
            self.fetch(str(tmp_path))

    def test_a_full_disk_and_a_server_that_is_away_are_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        problems: Iterator[BaseException] = iter([OSError(errno.ENOSPC, "full"), DownloadError("cut off")])
        download = Files._download

        async def failing(self: Files, *arguments: Any) -> dict[str, Any]:
            problem = next(problems, None)
            if problem is not None:
                raise problem
            return await download(self, *arguments)

        monkeypatch.setattr(Files, "_download", failing)
        assert len(CLIP) == self.fetch(str(tmp_path))["bytes"]
        assert ["there is no room", "cut off", None] == [each and each.partition(" in ")[0] for each in self.told]

    def test_a_file_may_be_there_later_than_the_end_of_its_job(self, tmp_path: Path) -> None:
        answers: Iterator[Answer] = iter([says(404, **error("not_found"))] * 2)

        def answer(request: httpx.Request) -> httpx.Response:
            return next(answers, serving)(request)

        assert len(CLIP) == self.fetch(str(tmp_path), answer)["bytes"]
        assert [None] == self.told

    def test_what_will_not_pass_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "LATE_S", 0.0)
        with pytest.raises(NotFoundError):
            self.fetch(str(tmp_path), says(404, **error("not_found")))
        (tmp_path / "cat.mp4").mkdir()
        with pytest.raises(InvalidArgumentError, match=r"cat\.mp4' is a directory"):
            self.fetch(str(tmp_path))
        (tmp_path / "file").write_text("x")
        with pytest.raises(BatchError, match=r"cat\.mp4 cannot be written"):
            self.fetch(str(tmp_path / "file"), known={"file": "cat.mp4"})

    def test_a_file_that_vanishes_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Files, "_described", lambda *_: None)
        with pytest.raises(BatchError, match="is gone"):
            self.fetch(str(tmp_path))

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(BatchError, match="files cannot be written"):
            check_place(str(tmp_path / "file" / "folder"))
        with pytest.raises(BatchError, match="cannot be written in"):
            files.put_bytes(str(tmp_path / "nowhere"), "results.jsonl", b"")
        with pytest.raises(BatchError, match="fsspec does not take"):
            check_place("nonsense://place")

    def test_without_fsspec(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
        with pytest.raises(BatchError, match="needs fsspec"):
            check_place("memory://x")

    def test_a_digest(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abc")
        assert digest_of(tmp_path / "a")["sha256"].startswith("ba7816bf")


HOSTILE = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", '"><script>x()</script>', "</figure><img src=x>", "'&#0;"]
    ),
)


class TestResults:
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Iterator[Ledger]:
        engine = connect(f"sqlite:///{tmp_path / 'batch.db'}")
        Ledger.prepare(engine)
        rows = [Row(2, "cat", "d1", {"prompt": "A <cat>"}, {"tag": "=1+1"}), Row(3, "dog", "d2", {"prompt": "A dog"})]
        ledger = Ledger.begin(engine, Batch("b", "http://server.test/v1", str(tmp_path), {}), rows)
        saved = {"video": {"file": "cat.mp4", "bytes": 3, "sha256": "x"}, "thumbnail": {"file": "cat.webp"}}
        ledger.set("cat", "done", files=saved, video_id="video_1")
        ledger.set("dog", "ambiguous", message="who knows", candidates=["video_2"])
        yield ledger
        ledger.close()

    def test_a_line_for_each_row(self, ledger: Ledger, tmp_path: Path) -> None:
        results.write_results(ledger)
        cat, dog = (json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines())
        assert ("cat.mp4", "cat.webp", "=1+1") == (cat["file"], cat["thumbnail"], cat["tag"])
        assert ("ambiguous", ["video_2"]) == (dog["state"], dog["candidates"])

    def test_a_table_does_not_run_in_a_spreadsheet(self, ledger: Ledger, tmp_path: Path) -> None:
        results.export(ledger, "csv", tmp_path / "a.csv")
        cat, _ = csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text()))
        assert ("'=1+1", "3") == (cat["tag"], cat["bytes"])

    def test_a_page_shows_texts_as_texts(self, ledger: Ledger, tmp_path: Path) -> None:
        results.export(ledger, "html", tmp_path / "a.html")
        page = (tmp_path / "a.html").read_text()
        assert "A &lt;cat&gt;" in page
        assert 'src="cat.mp4" poster="cat.webp"' in page

    def test_a_page_finds_its_files_from_where_it_is(self, ledger: Ledger, tmp_path: Path) -> None:
        (tmp_path / "a page").mkdir()
        for to, base in (("a.html", "./"), ("a page/a.html", "../")):
            results.export(ledger, "html", tmp_path / to)
            assert f'<base href="{base}">' in (tmp_path / to).read_text()
        assert "memory://place/" == results._base("memory://place", tmp_path / "a.html")

    def test_a_page_on_another_drive_names_the_whole_path(
        self, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def on_another_drive(*_: object) -> str:
            raise ValueError

        monkeypatch.setattr("os.path.relpath", on_another_drive)
        results.export(ledger, "html", tmp_path / "a.html")
        assert f'<base href="{Path(ledger.batch.out).as_uri()}/">' in (tmp_path / "a.html").read_text()

    @given(st.dictionaries(st.sampled_from(["name", "prompt", "code", "message", "file", "thumbnail"]), HOSTILE))
    def test_a_page_has_no_element_of_a_row(self, row: dict[str, str]) -> None:
        class Elements(HTMLParser):
            def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
                found.append((tag, *(name for name, _ in attrs)))

        found: list[tuple[str, ...]] = []
        Elements().feed(results._figure(row))
        attributes = ("controls", "preload", "src", *(["poster"] if row.get("thumbnail") else []), "aria-label")
        picture = [("video", *attributes)] if row.get("file") else []
        assert [("figure",), *picture, ("figcaption",), ("b",), ("bdi",), ("br",), ("bdi",)] == found

    @given(st.lists(st.dictionaries(st.one_of(st.just("prompt"), HOSTILE), HOSTILE, min_size=1), min_size=1))
    def test_no_cell_of_a_table_is_a_formula(self, rows: list[dict[str, Any]]) -> None:
        for line in csv.reader(io.StringIO(results._csv(rows).decode(), newline="")):
            assert not [cell for cell in line if cell.startswith(results.FORMULAS)]

    def test_parquet(self, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pq: Any = importlib.import_module("pyarrow.parquet")  # it ships no types
        results.export(ledger, "parquet", tmp_path / "a.parquet")
        assert ["cat", "dog"] == pq.read_table(tmp_path / "a.parquet").column("name").to_pylist()
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        with pytest.raises(BatchError, match="parquet needs pyarrow"):
            results.export(ledger, "parquet", tmp_path / "b.parquet")

    def test_where_nothing_can_be_written(self, ledger: Ledger, tmp_path: Path) -> None:
        with pytest.raises(BatchError, match=r"a\.csv cannot be written"):
            results.export(ledger, "csv", tmp_path / "nowhere" / "a.csv")
