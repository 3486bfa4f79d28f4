"""Turns that a batch takes seldom: each decision, each effect and each end by itself."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from attrs import evolve
from dbos._error import DBOSException
from dbos._utils import retriable_sqlite_exception
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from openvideos import AsyncOpenVideos, BatchError, InternalServerError, NotFoundError, Video
from openvideos._batch import ledger as states
from openvideos._batch.database import connect
from openvideos._batch.engine import Engine
from openvideos._batch.ledger import MINUTE_S, Batch, Ledger, storable, turn_after
from openvideos._batch.opening import Settings
from openvideos._batch.pacing import Pace
from openvideos._batch.placing import (
    KEY_AGE_S,
    Adopt,
    Ambiguous,
    Blind,
    Busy,
    Create,
    Doubt,
    Held,
    Intend,
    Intent,
    Look,
    Outcome,
    Placed,
    Refused,
    Sight,
    Sleep,
    placing,
)
from openvideos._batch.records import decoded, encoded
from openvideos._batch.rows import Row, read_rows
from openvideos._batch.runner import TURN_S, Runner
from openvideos._batch.running import run
from openvideos._batch.server import Server
from openvideos._batch.waiting import Waiting

INTENT = Intent("key", 0.0)
DOUBT = Doubt(INTENT)
ADOPTED = True


def decided(*outcomes: Any, honours_keys: bool = False) -> tuple[list[str], Outcome]:
    """Run a flow with these outcomes, each of the sleeps between them aside; return its effects and its end."""
    flow = placing(settle=1.0)
    outcomes = tuple(evolve(each, honours_keys=honours_keys) if isinstance(each, Doubt) else each for each in outcomes)
    rest, effects = iter(outcomes), list[str]()
    outcome: Any = None
    while True:
        try:
            effect = flow.send(outcome)
        except StopIteration as end:
            return effects, cast("Outcome", end.value)
        if isinstance(effect, Sleep):
            outcome = None
        else:
            effects.append(type(effect).__name__ + (" again" if effect == Create(INTENT, again=True) else ""))
            outcome = next(rest)


class TestPlacing:
    def test_a_busy_server_is_asked_later(self) -> None:
        assert (["Intend", "Create"] * 2, Placed("v")) == decided(INTENT, Busy(9.0), INTENT, Placed("v"))

    def test_a_row_may_be_done_already(self) -> None:
        assert (["Intend"], Placed("v")) == decided(Placed("v"))

    def test_a_server_that_is_busy_for_long_is_no_doubt(self) -> None:
        assert Placed("v") == decided(*[INTENT, Busy(1.0)] * 50, INTENT, Placed("v"))[1]

    def test_answers_that_are_always_lost_are_a_persons(self) -> None:
        _, end = decided(*[INTENT, DOUBT, Sight(), Sight()] * 20)
        assert isinstance(end, Ambiguous)

    @pytest.mark.parametrize("between", [(), (Busy(1.0),), (DOUBT,), (Refused("no_credit", "No."),)])
    def test_a_key_settles_a_doubt(self, between: tuple[Any, ...]) -> None:
        effects, end = decided(INTENT, DOUBT, *between, Placed("v"), honours_keys=True)
        assert Placed("v") == end
        assert ["Create again"] * (1 + len(between)) == effects[2:]

    @given(text=st.text(st.characters(exclude_categories=())))
    @example("\ud800\0")
    def test_an_outcome_is_recorded_whatever_a_server_says(self, text: str) -> None:
        known = decoded(json.loads(json.dumps(encoded(Refused(text, text, always=True)))))
        assert known.message == known.message.encode("utf-8").decode()  # which databases want
        assert "\0" not in known.message
        assert storable(text) == known.code

    def test_a_create_that_is_refused_for_long_leaves_the_key(self) -> None:
        refused = [Refused("status 403", "No.")] * 5
        effects, end = decided(INTENT, DOUBT, *refused, Sight(("v",)), ADOPTED, honours_keys=True)
        assert (["Create again"] * 5 + ["Look", "Adopt"], Placed("v")) == (effects[2:], end)

    def test_what_is_refused_always_was_refused_before(self) -> None:
        refused = Refused("invalid_value", "No.", always=True)
        assert refused == decided(INTENT, DOUBT, refused, honours_keys=True)[1]

    def test_an_old_key_is_not_relied_on(self) -> None:
        old = Doubt(INTENT, age=1e6)
        effects, end = decided(old, Sight(("v",)), ADOPTED, honours_keys=True)
        assert (["Intend", "Look", "Adopt"], Placed("v")) == (effects, end)

    def test_a_key_that_never_answers_leaves_the_list(self) -> None:
        old = Doubt(INTENT, age=1e6)
        effects, end = decided(INTENT, DOUBT, *[Busy(1.0)] * 30, old, Sight(("v",)), ADOPTED, honours_keys=True)
        assert Placed("v") == end
        assert "Look" in effects

    @pytest.mark.parametrize(
        ("open_question", "reason"),
        [
            (Blind("no answer", may_pass=True), "no answer"),
            (Sight(under_way=True), "under way"),
            (Sight(near=("n",)), "may be its own"),
            (Sight(is_proven=False), "proves nothing"),
        ],
    )
    def test_an_open_question_is_no_absence(self, open_question: Any, reason: str) -> None:
        _, end = decided(INTENT, DOUBT, *[Sight(), open_question] * 15)
        assert isinstance(end, Ambiguous)
        assert reason in end.reason
        assert Placed("v") == decided(INTENT, DOUBT, Sight(), open_question, Sight(), Sight(), INTENT, Placed("v"))[1]

    def test_a_job_that_another_row_has_is_not_adopted(self) -> None:
        _, end = decided(INTENT, DOUBT, Sight(("a",)), not ADOPTED, Sight(("b",)), ADOPTED)
        assert Placed("b") == end

    def test_more_jobs_than_rows_are_ambiguous(self) -> None:
        _, end = decided(INTENT, DOUBT, Sight(("a", "b"), rivals=0))
        assert ("a", "b") == cast("Ambiguous", end).candidates


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    engine = connect(f"sqlite:///{tmp_path / 'batch.db'}")
    Ledger.prepare(engine)
    ledger = Ledger.begin(
        engine,
        Batch("0" * 32, "http://server.test/v1", str(tmp_path), {}),
        [Row(2, "cat", "d1", {"prompt": "A cat"}), Row(3, "dog", "d2", {"prompt": "A dog"})],
    )
    yield ledger
    ledger.close()


@pytest.fixture
def runner(ledger: Ledger) -> Runner:
    client: Any = SimpleNamespace()
    return Runner(ledger, client, Pace(4), honours_keys=False, settle=1.0, interval=0.01)


class TestRunner:
    def do(self, runner: Runner, effect: Any, name: str = "cat") -> Any:
        return decoded(asyncio.run(runner._carry_out(name, effect)))

    def answering(self, runner: Runner, outcome: Any) -> None:
        async def create(*_: object) -> Any:
            return outcome

        runner.server = cast("Server", SimpleNamespace(create=create, now=5.0))

    def test_a_row_that_has_ended_is_left(self, runner: Runner) -> None:
        runner.ledger.set("cat", states.FAILED)
        assert "Held" == type(self.do(runner, Intend())).__name__

    def test_an_id_is_kept_while_the_database_is_away(self, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answering(runner, Placed("v"))
        intent = self.do(runner, Intend())
        with monkeypatch.context() as context:

            def away(*_: object) -> None:
                raise OperationalError("", {}, Exception("away"))

            context.setattr(Ledger, "place", away)
            with pytest.raises(OperationalError):
                self.do(runner, Create(intent))
        self.answering(runner, "it must not be sent again")
        assert Placed("v") == self.do(runner, Create(intent))
        assert not runner._arrived

    def test_nothing_is_sent_while_others_may_take_it_for_dead(self, runner: Runner) -> None:
        def cut() -> int:
            raise OperationalError("", {}, Exception("cut"))

        self.answering(runner, Placed("v"))
        intent = self.do(runner, Intend())
        runner.hold = cut
        with pytest.raises(OperationalError):
            self.do(runner, Create(intent))
        assert "sending" == runner.ledger.row("cat")["state"]
        runner.hold = lambda: 1
        runner.ledger.doubt("cat", "another worker has taken it over")
        assert isinstance(self.do(runner, Create(intent)), Doubt)
        assert "another worker has taken it over" == runner.ledger.row("cat")["message"]

    @pytest.mark.parametrize("taken", [False, True])
    def test_a_row_is_read_anew_if_others_may_have_taken_it(self, runner: Runner, *, taken: bool) -> None:
        """Whoever takes the lock again need not be the one who is to send."""
        held = itertools.chain([1, 2], itertools.repeat(2))

        def hold() -> int:
            count = next(held)
            if count == 2 and taken:
                runner.ledger.doubt("cat", "another worker has taken it over")
            return count

        self.answering(runner, Placed("v"))
        intent = self.do(runner, Intend())
        runner.hold = hold
        outcome = self.do(runner, Create(intent))
        assert (Doubt if taken else Placed) is type(outcome)
        assert ("doubt" if taken else "running") == runner.ledger.row("cat")["state"]

    def test_it_sleeps_by_no_clock(self, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        names: list[str] = []

        def step(name: str, function: Any) -> Any:
            names.append(name)
            return function()

        def flow(**_: object) -> Any:
            yield Sleep(0.01)
            return Placed("v")

        monkeypatch.setattr("openvideos._batch.runner._step", step)
        monkeypatch.setattr("openvideos._batch.runner.placing", flow)
        assert Placed("v") == asyncio.run(runner._placed("cat"))
        assert ["Sleep"] == names

    @pytest.mark.parametrize("again", [False, True])
    def test_no_create_is_sent_once_they_are_stopped(self, runner: Runner, *, again: bool) -> None:
        self.answering(runner, Placed("v"))
        runner.server.now = time.time()  # type: ignore[misc]
        runner.honours_keys = again
        intent = self.do(runner, Intend())
        if again:
            runner._unsent.clear()
            assert self.do(runner, Create(intent)).honours_keys
        runner.stopped = "interrupted"
        assert Held() == self.do(runner, Create(intent, again=again))
        row = runner.ledger.row("cat")
        # The doubt stays and counts; what was surely not sent costs nothing.
        assert (states.DOUBT if again else states.PENDING, int(again)) == (row["state"], runner.ledger.spent()[0])

    def test_a_server_that_is_busy_leaves_a_row_in_doubt(self, runner: Runner) -> None:
        self.answering(runner, Busy(0.0))
        runner.server.now = time.time()  # type: ignore[misc]
        runner.honours_keys = True
        intent = self.do(runner, Intend())
        runner._unsent.clear()
        assert isinstance(self.do(runner, Create(intent)), Doubt)
        assert Busy(0.0) == self.do(runner, Create(intent, again=True))
        assert (states.DOUBT, 1) == (runner.ledger.row("cat")["state"], runner.ledger.spent()[0])

    def test_the_creates_of_a_minute_are_limited_together(
        self, runner: Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert 0.0 == runner.ledger.turn()
        now, slept = [1000.0], list[float]()
        monkeypatch.setattr("openvideos._batch.ledger.time", SimpleNamespace(time=lambda: now[0]))

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            now[0] += seconds

        monkeypatch.setattr("openvideos._batch.runner.asyncio.sleep", sleep)
        other = Ledger(runner.ledger._engine, runner.ledger.batch)
        other.change(out=other.batch.out, settings={"per_minute": 20})
        runner.ledger.reread()  # as each process does, since another may have set it
        began = now[0]

        async def turns() -> None:
            for number in range(1, 61):
                await runner._turn(f"row {number % 3}")
                assert other.turn()  # it is no other process's turn, either

        asyncio.run(turns())
        assert pytest.approx(59 * 3.0) == now[0] - began
        assert max(slept) == TURN_S
        runner.stopped = "interrupted"
        assert [False, False] == [asyncio.run(runner._turn("row 1")), asyncio.run(runner._paced())]

    def test_a_pause_that_begins_while_a_row_waits_is_kept(
        self, runner: Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            runner.pace.not_before = 0.0

        async def paced() -> bool:
            runner.pace.busy(asyncio.get_running_loop().time(), 300.0)  # after it has had its turn
            return await runner._paced()

        monkeypatch.setattr("openvideos._batch.runner.asyncio.sleep", sleep)
        assert asyncio.run(paced())
        assert [TURN_S] == slept

    def test_an_answer_with_the_job_of_another_row(self, runner: Runner) -> None:
        self.answering(runner, Placed("v"))
        assert Placed("v") == self.do(runner, Create(self.do(runner, Intend())))
        end = self.do(runner, Create(self.do(runner, Intend(), "dog")), "dog")
        assert ("v",) == end.candidates

    def test_a_create_waits_for_its_turn(self, runner: Runner) -> None:
        async def turns() -> bool:
            runner.pace.limit = 1
            runner._inside.add("dog")
            waiting = asyncio.create_task(runner._turn("cat"))
            await asyncio.sleep(0)
            assert not waiting.done()
            runner._inside.clear()
            return await waiting

        assert asyncio.run(turns())

    def test_a_refused_row_is_not_released_twice(self, runner: Runner) -> None:
        runner.ledger.release("cat")
        assert (0, 0) == runner.ledger.spent()
        assert states.PENDING == runner.ledger.row("cat")["state"]

    def ending(self, runner: Runner, problem: Exception) -> str:
        async def ended(_: str) -> None:
            raise problem

        runner.ledger.place("cat", "v")
        runner.waiting = cast("Waiting", SimpleNamespace(ended=ended))
        return asyncio.run(runner._end("cat", Placed("v")))

    def test_a_job_that_the_server_lost_has_failed(self, runner: Runner) -> None:
        request = httpx.Request("GET", "http://server.test/v1/videos/v")
        gone = NotFoundError("It is gone.", response=httpx.Response(404, request=request), body=None)
        assert states.FAILED == self.ending(runner, gone)
        assert "status 404" == runner.ledger.row("cat")["code"]

    def test_a_job_may_be_known_a_while_after_it_was_accepted(self, runner: Runner) -> None:
        async def ended(_: str) -> Any:
            request = httpx.Request("GET", "http://server.test/v1/videos/v")
            if (problem := next(problems, None)) is not None:
                raise NotFoundError("Not yet.", response=httpx.Response(problem, request=request), body=None)
            return SimpleNamespace(status="failed", error=None)

        problems = iter([404, 404])
        runner.interval, runner.settle = 0.001, 60.0
        runner.ledger.intend("cat", time.time())
        runner.ledger.place("cat", "v")
        runner.waiting = cast("Waiting", SimpleNamespace(ended=ended))
        assert states.FAILED == asyncio.run(runner._end("cat", Placed("v")))
        assert "the server gives no reason" == runner.ledger.row("cat")["message"]

    @pytest.mark.parametrize("problem", [BatchError("cat.mp4 cannot be written."), ValueError("\ud800")])
    def test_a_row_that_fails_to_be_made_waits_for_the_next_run(
        self, runner: Runner, problem: Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def failing(*_: object, **__: object) -> None:
            raise problem

        runner.ledger.place("cat", "v")
        monkeypatch.setattr(Runner, "_placed", failing)
        monkeypatch.setattr("openvideos._batch.runner._step", lambda _, function: function())
        assert states.RUNNING == asyncio.run(runner.make("cat"))
        assert {"cat"} == runner.parked
        assert "cat: " in str(runner.trouble)
        fed = runner.ledger.enqueue(lambda *_: None, 9, states.GOING, runner.parked)
        assert (0, 1) == (fed, runner.ledger.enqueue(lambda *_: None, 9, states.GOING))

    def test_what_dbos_has_to_say_is_left_to_it(self, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        async def failing(*_: object, **__: object) -> None:
            raise DBOSException("It is another's.")

        monkeypatch.setattr("openvideos._batch.runner._step", failing)
        with pytest.raises(DBOSException):
            asyncio.run(runner.make("cat"))

    def test_a_refusal_does_not_end_a_row_that_has_a_job(self, runner: Runner) -> None:
        runner.ledger.place("cat", "v")
        runner.ledger.set("cat", states.DONE)
        assert states.DONE == asyncio.run(runner._end("cat", Ambiguous("who knows")))

    def test_a_release_that_was_not_recorded_is_no_doubt(self, runner: Runner) -> None:
        assert Busy(0.0) == self.do(runner, Create(INTENT))
        assert self.do(runner, Create(INTENT, again=True)).always

    def test_an_id_that_was_recorded_before_a_crash_is_no_doubt(self, runner: Runner) -> None:
        runner.ledger.place("cat", "v")
        assert Placed("v") == self.do(runner, Create(INTENT))

    def test_an_old_key_is_not_sent_again(self, runner: Runner) -> None:
        self.answering(runner, Placed("v"))
        self.do(runner, Intend())
        assert self.do(runner, Create(INTENT, again=True)).age > KEY_AGE_S
        assert "its key is too old to be relied on" == runner.ledger.row("cat")["message"]

    def test_a_key_that_grows_old_while_it_waits_is_not_sent(
        self, runner: Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.answering(runner, Placed("v"))
        intent = self.do(runner, Intend())

        async def long_turn(_: Runner, __: str) -> bool:
            runner.server.now = intent.at + KEY_AGE_S + 1  # type: ignore[misc]
            return True

        monkeypatch.setattr(Runner, "_turn", long_turn)
        assert self.do(runner, Create(intent, again=True)).age > KEY_AGE_S
        assert "its key is too old to be relied on" == runner.ledger.row("cat")["message"]

    def test_a_job_that_may_be_that_of_another_row_is_near(self, runner: Runner) -> None:
        told = {"id": "v", "object": "video", "status": "queued", "created_at": 1, "prompt": "A cat"}
        job = Video.from_dict({**told, "model": "m", "size": "1x1", "seconds": "4", "progress": 0})

        async def jobs_since(_: float) -> list[Video]:
            return [job]

        runner.server = cast("Server", SimpleNamespace(jobs_since=jobs_since))
        runner.ledger.add([Row(4, "other cat", "d3", {"prompt": "A cat", "seed": 7})])
        assert ("v",) == self.do(runner, Look(INTENT)).candidates
        runner.ledger.set("other cat", states.DOUBT)
        assert ((), ("v",)) == (self.do(runner, Look(INTENT)).candidates, self.do(runner, Look(INTENT)).near)

    def test_a_row_begins_anew_from_where_it_was_seen(self, runner: Runner) -> None:
        with pytest.raises(BatchError, match="is pending by now"):
            runner.ledger.renew("cat", of=(states.FAILED,))

    def test_a_row_is_left_by_its_own_workflow_alone(self, runner: Runner) -> None:
        runner.ledger.leave("cat", states.FAILED, workflow="another's")
        assert states.PENDING == runner.ledger.row("cat")["state"]

    def test_an_end_that_was_reached_before_a_crash(self, runner: Runner) -> None:
        assert states.PENDING == asyncio.run(runner._end("cat", Placed("v")))

    def test_a_look_at_no_list(self, runner: Runner) -> None:
        async def jobs_since(_: float) -> Blind:
            return Blind("no list")

        runner.server = cast("Server", SimpleNamespace(jobs_since=jobs_since))
        assert Blind("no list") == self.do(runner, Look(INTENT))
        assert self.do(runner, Adopt("v"))


@given(st.floats(0, 1e10), st.none() | st.floats(0, 1e10))
def test_no_turn_is_further_away_than_a_minute(at: float, next_at: float | None) -> None:
    pause = turn_after(next_at, at)
    assert 0 <= pause <= MINUTE_S
    if next_at is not None and 0 < next_at - at <= MINUTE_S:
        assert next_at - at == pause


class TestServer:
    def test_without_a_date_the_clock_of_this_machine_counts(self) -> None:
        server = Server(cast("AsyncOpenVideos", None))
        server.hear({"date": "nonsense"})
        assert server.now > 1.7e9

    def test_models_that_cannot_be_read_tell_of_no_keys(self) -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="no JSON")))
        client = AsyncOpenVideos(base_url="http://server.test/v1", api_key="k", http_client=http)
        assert not asyncio.run(Server(client).honours_keys())

    def test_whoever_went_away_needs_no_list(self) -> None:
        page = {"object": "list", "data": [], "has_more": False}
        http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=page)))
        client = AsyncOpenVideos(base_url="http://server.test/v1", api_key="k", http_client=http)

        async def look() -> Any:
            server = Server(client)
            gone = asyncio.create_task(server.jobs_since(1.0))
            other = asyncio.create_task(server.jobs_since(1.0))
            await asyncio.sleep(0)
            gone.cancel()
            return await other

        assert [] == asyncio.run(look())


def test_an_error_of_the_server_is_no_rows_own() -> None:
    request = httpx.Request("GET", "http://server.test/v1/videos/v")
    waiting = Waiting(cast("AsyncOpenVideos", None), 0.01, lambda _: None)
    error = InternalServerError("No.", response=httpx.Response(500, request=request), body=None)
    assert not waiting._is_about_one(error)


def test_a_picture_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"a picture")
    (tmp_path / "jobs.csv").write_text("prompt,input_reference\nA cat,cat.png\nA dog,cat.png\n")
    first, second = read_rows(tmp_path / "jobs.csv")
    assert first.sent["input_reference"] == second.sent["input_reference"]


@pytest.mark.usefixtures("in_environment")
def test_a_batch_runs_in_any_thread(tmp_path: Path, soon: Settings) -> None:
    (tmp_path / "jobs.csv").write_text("prompt,size\nA threaded cat,128x96\n")
    results: list[int] = []

    def work() -> None:
        results.append(run(tmp_path / "jobs.csv", tmp_path / "out", settings=soon).counts["done"])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [1] == results


@pytest.mark.parametrize(
    ("looks", "resumes"),
    [
        ([False, False], [0, 0]),
        ([True, True], [0, 1]),  # a worker takes its lock again that was cut off
        ([True, False, True], [0, 0, 0]),
        ([True, False, True, True], [0, 0, 0, 1]),
    ],
)
def test_a_worker_that_is_dead_at_two_looks_loses_its_rows(
    monkeypatch: pytest.MonkeyPatch, looks: list[bool], resumes: list[int]
) -> None:
    engine, seen = Engine.__new__(Engine), iter(looks)
    engine._locks = cast("Any", SimpleNamespace(holding=lambda _: nullcontext(enter_result=next(seen))))
    engine._executor, engine._suspects = "own", set()
    engine._runner, engine._batch = cast("Any", SimpleNamespace(making={"mine"})), "b"
    going = [
        SimpleNamespace(executor_id="other", workflow_id="w"),
        SimpleNamespace(executor_id="own", workflow_id="mine"),
    ]
    monkeypatch.setattr(Engine, "_going", lambda _: going)
    resumed: list[Any] = []
    monkeypatch.setattr("openvideos._batch.engine.DBOS.resume_workflows", lambda *ids, **_: resumed.append(ids))
    counted = list[int]()
    for _ in looks:
        engine.take_over()
        counted.append(len(resumed))
    assert resumes == counted


def test_a_workflow_that_died_alone_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine.__new__(Engine)
    engine._locks, engine._executor, engine._suspects, engine._batch = None, "own", set(), "b"
    making = {"alive"}
    engine._runner = cast("Any", SimpleNamespace(making=making))
    going = [SimpleNamespace(executor_id="own", workflow_id=each) for each in ("alive", "dead", "beginning")]
    monkeypatch.setattr(Engine, "_going", lambda _: going)
    resumed: list[Any] = []
    monkeypatch.setattr("openvideos._batch.engine.DBOS.resume_workflows", lambda ids, **_: resumed.append(ids))
    engine.take_over()
    making.add("beginning")
    engine.take_over()
    assert [["dead"]] == resumed


def test_dbos_tries_again_what_a_full_disk_has_refused(runner: Runner, tmp_path: Path) -> None:
    engine = Engine.__new__(Engine)
    engine._runner = runner
    database = connect(f"sqlite:///{tmp_path / 'small.db'}")
    event.listen(database, "handle_error", engine._wait_for_room)
    with database.connect() as connection, pytest.raises(OperationalError, match="no such table"):
        connection.exec_driver_sql("SELECT * FROM no_table")
    assert runner.trouble is None
    with database.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=2")
        connection.exec_driver_sql("CREATE TABLE some (thing)")
        with pytest.raises(OperationalError) as raised:
            connection.exec_driver_sql("INSERT INTO some VALUES (zeroblob(100000))")
    assert retriable_sqlite_exception(raised.value)
    assert f"there is no room in {tmp_path}: make some, and it goes on" == runner.trouble
    database.dispose()
    nowhere = connect(f"sqlite:///{tmp_path / 'no folder' / 'a.db'}")
    event.listen(nowhere, "handle_error", engine._wait_for_room)
    with pytest.raises(OperationalError):
        nowhere.connect()
    assert f"the database in {tmp_path} cannot be written (unable to open database file): make room" in str(
        runner.trouble
    )


def test_the_database_knows_the_time_however_old_it_is(tmp_path: Path) -> None:
    database, before = connect(f"sqlite:///{tmp_path / 'a.db'}"), time.time()
    with database.connect() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE some (thing, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))"
        )
        connection.exec_driver_sql("INSERT INTO some (thing) VALUES (1)")
        at = connection.exec_driver_sql("SELECT at FROM some").scalar_one()
    database.dispose()
    assert before <= at / 1000 <= time.time()


@pytest.mark.parametrize("given", ["", "?keepalives_idle=3"])
def test_a_machine_that_vanished_is_noticed(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr("openvideos._batch.ledger.sa.create_engine", lambda _, **options: seen.update(options))
    connect(f"postgresql+psycopg://127.0.0.1/b{given}")
    assert ("keepalives_idle" in seen["connect_args"], True) == (not given, "tcp_user_timeout" in seen["connect_args"])
