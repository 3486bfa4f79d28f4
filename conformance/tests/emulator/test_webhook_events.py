"""Which event a job has, when it is due and what an attempt comes to, over all histories and with a given clock."""

from __future__ import annotations

import json
import math
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from openvideos_emulator._engine.engine import Engine
from openvideos_emulator._engine.housekeeping import Housekeeping
from openvideos_emulator._engine.idempotency import IdempotentRequest
from openvideos_emulator._model.jobs import Failure, Job, Pace, Recipe, Status, Step, advanced, end_of, state_of
from openvideos_emulator._model.refusals import StartError
from openvideos_emulator._model.seeds import Seed
from openvideos_emulator._model.webhook_events import (
    LONGEST_PAUSE,
    MAX_ATTEMPTS,
    Delivery,
    Event,
    Outcome,
    attempted,
    event_of,
    pause_after,
    payload,
    seconds_to_wait,
    to_attempt,
)
from openvideos_emulator._storage import job_store
from openvideos_emulator._storage.event_outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TIMES = st.floats(0, 4e9)
SMALL = Recipe(prompt="A cat", model="sora-2", size="64x48", seconds=1)
PACES = ("instant", "seconds:7", "polls:3", "manual")
EVENTS = st.builds(
    Event,
    id=st.uuids().map(lambda uuid: f"evt_{uuid.hex}"),
    video_id=st.integers(0, 9).map(lambda number: f"video_{number}"),
    type=st.sampled_from(["video.completed", "video.failed"]),
    happens_at=TIMES,
    next_at=TIMES,
    attempts=st.integers(0, MAX_ATTEMPTS - 1),
)
OUTCOMES = st.builds(Outcome, status=st.none() | st.integers(100, 599), retry_after=st.floats(0, 1e9))


def job_of(pace: str, **fields: Any) -> Job:
    known: dict[str, Any] = {"id": "video_1", "row": 1, "created_at": 1000, "started_at": 1000.5, "recipe": SMALL}
    return Job(pace=Pace.parse(pace), **{**known, **fields})


class TestPauses:
    def test_they_double_from_half_a_second_to_a_minute_and_last_five_in_all(self) -> None:
        pauses = [pause_after(attempts) for attempts in range(1, MAX_ATTEMPTS)]
        assert [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60] == pauses
        assert 303.5 == sum(pauses)
        assert LONGEST_PAUSE == pause_after(10**9)

    @given(st.none() | TIMES, TIMES)
    def test_a_rest_is_never_longer_than_until_the_next_attempt_nor_than_a_second(
        self, next_at: float | None, now: float
    ) -> None:
        pause = seconds_to_wait(next_at, now=now)
        assert 0 <= pause <= 1
        assert next_at is None or pause in {1, 0} or now + pause == pytest.approx(next_at)


class TestAttempts:
    @given(EVENTS, OUTCOMES, TIMES)
    def test_an_attempt_delivers_gives_up_or_is_repeated_after_a_pause(
        self, event: Event, outcome: Outcome, now: float
    ) -> None:
        after = attempted(event, outcome, now=now)
        assert (event.attempts + 1, now) == (after.attempts, after.attempted_at)
        assert [*event.history, (now, outcome.status, outcome.problem)] == list(after.history)
        assert payload(event) == payload(after)
        is_success = outcome.status is not None and 200 <= outcome.status <= 299
        if is_success:
            assert (Delivery.DELIVERED, None) == (after.delivery, after.next_at)
        elif outcome.status == 410 or after.attempts == MAX_ATTEMPTS:
            assert (Delivery.GIVEN_UP, None) == (after.delivery, after.next_at)
        else:
            assert Delivery.PENDING is after.delivery
            assert after.next_at is not None
            assert pause_after(after.attempts) <= after.next_at - now + 1e-6 <= LONGEST_PAUSE + 1e-5

    @pytest.mark.parametrize(("requested", "pause"), [(0, 0.5), (0.1, 0.5), (20, 20), (1e9, 60)])
    def test_a_receiver_may_ask_for_a_longer_pause_up_to_a_minute(self, requested: float, pause: float) -> None:
        event = Event("evt_1", "video_1", "video.failed", happens_at=0.0, next_at=0.0)
        assert 100 + pause == attempted(event, Outcome(status=503, retry_after=requested), now=100.0).next_at

    @given(st.lists(EVENTS, unique_by=lambda event: event.video_id), st.sets(st.integers(0, 9)), st.integers(0, 12))
    def test_what_failed_least_goes_first_and_one_attempt_runs_per_job(
        self, due: list[Event], numbers: set[int], slots: int
    ) -> None:
        busy = {f"video_{number}" for number in numbers}
        now = to_attempt(due, busy=busy, slots=slots)
        free = [event for event in due if event.video_id not in busy]
        assert len(now) == min(len(free), max(0, slots - len(busy)))
        assert not busy & {event.video_id for event in now}
        left = [event for event in free if event not in now]
        assert max((event.attempts for event in now), default=0) <= min((event.attempts for event in left), default=99)


class TestEventOfAJob:
    @given(
        st.sampled_from(PACES),
        st.floats(0, 1e6),
        st.floats(0, 1e6),
        st.sampled_from([Step(), Step(seconds=3), Step(polls=1), Step(polls=9), Step(to_end=True)]),
    )
    def test_it_happens_when_the_status_says_that_the_job_has_ended(
        self, pace: str, began_after: float, later: float, step: Step
    ) -> None:
        start = 1_800_000_000 + began_after
        job = job_of(pace, started_at=start)
        if state_of(job, now=start).ended_at is None:
            job = advanced(job, step, now=start)
        ends_at, now = end_of(job), start + later
        assert (state_of(job, now=now).ended_at is not None) == (ends_at is not None and ends_at <= now)

    @settings(max_examples=settings().max_examples * 8)
    @given(st.floats(0, 4e9), st.floats(0.001, 86_400), st.floats(0, 1))
    def test_no_rounding_lies_between_the_event_and_the_status(
        self, start: float, seconds: float, share: float
    ) -> None:
        job = job_of(f"seconds:{seconds:.9f}", started_at=start, advanced=seconds * share)
        ends_at = end_of(job)
        assert ends_at is not None
        assert (Status.COMPLETED, ends_at) == (state_of(job, now=ends_at).status, state_of(job, now=ends_at).ended_at)
        assert Status.COMPLETED is not state_of(job, now=math.nextafter(ends_at, -math.inf)).status

    @pytest.mark.parametrize(
        ("failure", "kind", "schema"),
        [
            (None, "video.completed", "VideoCompletedEvent"),
            (Failure("odd", "It failed."), "video.failed", "VideoFailedEvent"),
        ],
    )
    def test_its_body_is_the_contracts(
        self, fits: Callable[[object, str], None], failure: Failure | None, kind: str, schema: str
    ) -> None:
        event = event_of(job_of("seconds:7", failure=failure), id_="evt_1")
        assert event is not None
        body = json.loads(payload(event))
        fits(body, f"#/components/schemas/{schema}")
        expected = {"id": "evt_1", "object": "event", "created_at": 1007, "type": kind, "data": {"id": "video_1"}}
        assert expected == body

    @pytest.mark.parametrize("pace", ["polls:3", "manual"])
    def test_there_is_none_while_the_end_is_up_to_reads_or_a_hand(self, pace: str) -> None:
        assert event_of(job_of(pace), id_="evt_1") is None


class Histories(RuleBasedStateMachine):
    """Jobs come, run, are read, moved and deleted, events are delivered or not, and the server starts again."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.time = 1_800_000_000.0
        self.clock_error = 0.0
        self.ids: list[str] = []  # of jobs that are not deleted
        self.seeded: set[str] = set()  # of jobs that were born ended
        self.event_ids: dict[str, str] = {}
        self.attempts: dict[str, list[float]] = {}
        self.unwanted: set[str] = set()  # videos of which there must be no attempt any more

    @initialize(pace=st.sampled_from(PACES))
    def begin(self, pace: str) -> None:
        self.start(pace)

    def start(self, pace: str) -> None:
        self.engine = Engine(
            database=Path(self.directory.name) / "jobs.db",
            pace=Pace.parse(pace),
            clock=lambda: self.time + self.clock_error,
            has_events=True,
        )

    def teardown(self) -> None:
        self.deliver_the_rest()
        self.engine.close()
        self.directory.cleanup()

    @rule(prompt=st.sampled_from(["A cat", "[fail]", "[slow:20]", "[slow:3][fail]"]))
    def create(self, prompt: str) -> None:
        self.ids.append(self.engine.create(Recipe(prompt, "sora-2", "64x48", 1)).job.id)

    @rule(status=st.sampled_from(Status), pace=st.sampled_from([None, "seconds:5", "polls:2"]))
    def seed(self, status: Status, pace: str | None) -> None:
        snapshot = self.engine.seed(Seed(status=status, pace=None if pace is None else Pace.parse(pace)))
        self.ids.append(snapshot.job.id)
        if snapshot.state.ended_at is not None:
            self.seeded.add(snapshot.job.id)

    @rule()
    def read(self) -> None:
        self.engine.page(after=None, limit=100, ascending=True)

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(self.ids))
        has_ended = self.engine.retrieve(id_, counted=False).state.ended_at is not None
        before = self.event_of(id_)
        self.engine.delete(id_)
        self.ids.remove(id_)
        if before is not None and before.delivery is Delivery.PENDING:
            assert before == self.event_of(id_)
        else:
            assert self.event_of(id_) is None
        if not has_ended:
            self.unwanted.add(id_)

    def event_of(self, video_id: str) -> Event | None:
        happened = list(self.engine.outbox.walk(now=self.engine.now()))
        return next((event for event in happened if event.video_id == video_id), None)

    @rule(seconds=st.floats(0.01, 30))
    def pass_time(self, seconds: float) -> None:
        self.time += seconds

    @rule(
        seconds=st.sampled_from([0, 1, 5]),
        polls=st.sampled_from([0, 1]),
        to=st.sampled_from([None, Status.COMPLETED, Status.FAILED]),
        data=st.data(),
    )
    def advance(self, seconds: float, polls: int, to: Status | None, data: st.DataObject) -> None:
        some = st.lists(st.sampled_from(self.ids), unique=True) if self.ids else st.nothing()
        self.engine.advance(seconds=seconds, polls=polls, to=to, jobs=data.draw(st.none() | some))

    @rule(outcome=OUTCOMES)
    def attempt(self, outcome: Outcome) -> None:
        """Do once what the dispatcher does all the time."""
        now = self.engine.now()
        for event in to_attempt(self.engine.outbox.due(now=now, limit=10), busy=(), slots=5):
            self.judge(event, now)
            event = attempted(event, outcome, now=now)  # noqa: PLW2901
            self.engine.outbox.record(event)
            if event.next_at is None:
                self.unwanted.add(event.video_id)

    def judge(self, event: Event, now: float) -> None:
        assert self.event_ids.setdefault(event.video_id, event.id) == event.id
        assert event.video_id not in self.seeded | self.unwanted
        before = self.attempts.setdefault(event.id, [])
        assert len(before) == event.attempts < MAX_ATTEMPTS
        if before:
            assert now - before[-1] >= pause_after(len(before)) - 1e-6
        before.append(now)
        if event.video_id in self.ids:
            state = self.engine.retrieve(event.video_id, counted=False).state
            assert event.type == f"video.{state.status.value}"
            assert event.happens_at == state.ended_at

    @rule(pace=st.sampled_from(PACES), error=st.sampled_from([0.0, 0.0, -1e6, 1e6]))
    def restart(self, pace: str, error: float) -> None:
        """Start again, with nothing said at the end, and perhaps with a machine whose clock was set meanwhile."""
        self.engine.close()
        self.clock_error = error
        self.start(pace)

    @rule()
    def reset(self) -> None:
        self.engine.reset()
        assert [] == list(self.engine.outbox.walk(now=math.inf))
        self.ids.clear()
        self.event_ids.clear()

    @invariant()
    def each_job_that_has_ended_has_its_event_and_no_other_has_one(self) -> None:
        if not hasattr(self, "engine"):
            return
        now = self.engine.now()
        snapshots = list(self.engine.snapshots(now=now))
        events = {event.video_id: event for event in self.engine.outbox.walk(now=now)}
        for snapshot in snapshots:
            id_, status = snapshot.job.id, snapshot.state.status
            if snapshot.state.ended_at is None or id_ in self.seeded:
                assert id_ not in events
            else:
                assert f"video.{status.value}" == events[id_].type
                assert self.event_ids.setdefault(id_, events[id_].id) == events[id_].id

    def deliver_the_rest(self) -> None:
        """Once the receiver is well, all that was not given up is delivered."""
        self.engine.advance()
        self.engine.advance(seconds=2e6)
        now = self.engine.now()
        while due := self.engine.outbox.due(now=now, limit=10):
            for event in due:
                self.judge(event, now)
                self.engine.outbox.record(attempted(event, Outcome(status=204), now=now))
        for event in self.engine.outbox.walk(now=now):
            assert event.delivery is Delivery.DELIVERED or 410 == event.status or MAX_ATTEMPTS == event.attempts
        assert {event.video_id for event in self.engine.outbox.walk(now=now)} >= set(self.ids) - self.seeded


@pytest.mark.slow
@pytest.mark.hypothesis
def test_over_all_histories_each_end_has_one_event_and_none_is_lost() -> None:
    run_state_machine_as_test(Histories, settings=settings(stateful_step_count=30))


def test_a_clock_that_was_set_back_repeats_no_event(tmp_path: Path) -> None:
    start = 1_800_000_000.0

    def engine(now: float) -> Engine:
        return Engine(database=tmp_path / "jobs.db", pace=Pace.parse("seconds:7"), clock=lambda: now, has_events=True)

    first = engine(start)
    first.create(SMALL)
    first.close()
    later = engine(start + 7)
    [event] = later.outbox.due(now=later.now(), limit=9)
    delivered = attempted(event, Outcome(status=200), now=later.now())
    later.outbox.record(delivered)
    later.close()
    again = engine(start)
    assert start + 7 == again.now()
    assert [delivered] == list(again.outbox.walk(now=again.now()))
    again.close()


def test_a_server_with_a_url_announces_the_jobs_that_it_finds_running(tmp_path: Path) -> None:
    now = 1_800_000_000.0

    def engine(*, has_events: bool) -> Engine:
        return Engine(database=tmp_path / "jobs.db", clock=lambda: now, has_events=has_events)

    first = engine(has_events=False)
    ended = first.create(SMALL).job.id
    by_hand = first.seed(Seed(status=Status.QUEUED)).job.id
    by_clock = first.seed(Seed(status=Status.QUEUED, pace=Pace.parse("seconds:5"))).job.id
    first.close()
    second = engine(has_events=True)
    second.advance()
    reported = {event.video_id for event in second.outbox.walk(now=now)}
    assert (True, {by_hand, by_clock}) == (ended not in reported, reported)
    second.close()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_many_jobs_that_it_finds_running_are_announced_behind_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """A server that is killed meanwhile goes on after the next start, also with jobs that have ended since."""
    monkeypatch.setattr(job_store, "PAGE", 2)
    time = [1_800_000_000.0]

    def engine(*, has_events: bool) -> Engine:
        pace = Pace.parse("seconds:7")
        return Engine(database=tmp_path / "jobs.db", pace=pace, clock=lambda: time[0], has_events=has_events)

    first = engine(has_events=False)
    first.create(SMALL)
    time[0] += 9  # before anybody wants to know
    ids = [first.create(SMALL).job.id for _ in range(count)]
    first.close()
    with monkeypatch.context() as patch:
        patch.setattr(Housekeeping, "_announce", lambda *_: None)  # which is as if it were killed
        killed = engine(has_events=True)
        assert ids[:2] == [event.video_id for event in killed.outbox.walk(now=math.inf)]
        killed.close()
    time[0] += 9
    second = engine(has_events=True)
    second._housekeeping._thread.submit(int).result()  # the turn after what the start has begun
    assert ids == [event.video_id for event in second.outbox.walk(now=math.inf)]
    later = second.create(SMALL).job.id
    assert [*ids, later] == [event.video_id for event in second.outbox.due(now=math.inf, limit=99)]
    second.close()


def test_no_reset_comes_between_the_reading_and_the_announcing_of_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would leave events of jobs that it has forgotten."""
    monkeypatch.setattr(job_store, "PAGE", 2)
    engine = Engine(pace=Pace.parse("seconds:7"))
    for _ in range(5):
        engine.create(SMALL)
    lock, announce = engine._database.lock, Outbox.announce
    got: list[bool] = []

    def try_the_lock() -> bool:
        if lock.acquire(blocking=False):
            lock.release()
            return True
        return False

    def announce_and_try(outbox: Outbox, jobs: Iterable[Job]) -> None:
        with ThreadPoolExecutor(1) as pool:
            got.append(pool.submit(try_the_lock).result(20))
        announce(outbox, jobs)

    monkeypatch.setattr(Outbox, "announce", announce_and_try)
    engine.write_events(is_wanted=True)
    engine._housekeeping._thread.submit(int).result(20)
    assert [False] * 3 == got
    assert 5 == len(list(engine.outbox.walk(now=math.inf)))
    engine.close()


def test_no_event_that_was_delivered_is_announced_again(tmp_path: Path) -> None:
    time = [1_800_000_000.0]

    def engine(*, has_events: bool) -> Engine:
        pace = Pace.parse("seconds:7")
        return Engine(database=tmp_path / "jobs.db", pace=pace, clock=lambda: time[0], has_events=has_events)

    first = engine(has_events=True)
    first.create(SMALL)
    time[0] += 9
    [event] = first.outbox.due(now=time[0], limit=9)
    first.outbox.record(attempted(event, Outcome(status=200), now=time[0]))
    first.close()
    for has_events in (True, False, True):
        again = engine(has_events=has_events)
        again._housekeeping._thread.submit(int).result()
        assert [] == again.outbox.due(now=time[0], limit=9)
        again.close()


def test_a_server_without_a_url_writes_no_event_but_keeps_right_those_that_it_has(tmp_path: Path) -> None:
    now = 1_800_000_000.0

    def engine(*, has_events: bool) -> Engine:
        pace = Pace.parse("seconds:7")
        return Engine(database=tmp_path / "jobs.db", pace=pace, clock=lambda: now, has_events=has_events)

    first = engine(has_events=True)
    announced, deleted = (first.create(SMALL).job.id for _ in range(2))
    first.close()
    second = engine(has_events=False)
    second.create(SMALL)
    second.delete(deleted)
    second.advance(to=Status.FAILED)
    second.close()
    third = engine(has_events=True)
    events = list(third.outbox.walk(now=math.inf))
    assert [(announced, "video.failed", now)] == [(each.video_id, each.type, each.happens_at) for each in events]
    third.close()


def test_an_event_and_the_end_of_its_job_are_written_together_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_outbox: Outbox, _jobs: object) -> None:
        raise sqlite3.OperationalError("the disk is full")

    engine = Engine(pace=Pace.parse("polls:1"), has_events=True)
    id_ = engine.create(SMALL).job.id
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "plan", fail)
        for act in (
            lambda: engine.retrieve(id_),
            engine.advance,
            lambda: engine.create(SMALL),
            lambda: engine.seed(Seed(status=Status.QUEUED)),
        ):
            with pytest.raises(sqlite3.OperationalError):
                act()
    assert [("queued", id_)] == [(each.state.status.value, each.job.id) for each in engine.snapshots(now=engine.now())]
    assert Status.COMPLETED is engine.retrieve(id_).state.status
    assert [id_] == [event.video_id for event in engine.outbox.walk(now=engine.now())]
    engine.close()


def test_a_disk_that_is_full_at_the_start_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_outbox: Outbox, *, now: float) -> None:
        error = sqlite3.OperationalError(f"database or disk is full at {now}")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    database = tmp_path / "jobs.db"
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "open", fail)
        with pytest.raises(StartError, match="the disk is full"):
            Engine(database=database, has_events=True)
    Engine(database=database).close()  # nobody holds it any more


def test_a_transaction_that_the_disk_ended_reports_the_disks_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk SQLite may have rolled back already, and a second ROLLBACK would hide why."""
    engine = Engine()

    def fail(_claim: object) -> None:
        engine._database.connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(engine._store, "add_claim", fail)
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        engine.create(SMALL, idempotent=IdempotentRequest("key", "fingerprint"))
    assert [] == list(engine.snapshots(now=engine.now()))
    engine.close()
