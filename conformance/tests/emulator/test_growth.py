"""However many jobs there are, a request finds its own by an index, and waits for some of the others at the most."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_emulator._engine.engine import Engine
from openvideos_emulator._engine.idempotency import IdempotentRequest
from openvideos_emulator._media.library import Variant
from openvideos_emulator._model.jobs import Failure, Pace, Recipe, Status
from openvideos_emulator._model.seeds import Seed
from openvideos_emulator._storage import job_store, schema

from .conftest import CONTROL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Server

START = 1_800_000_000.0
SMALL = Recipe("A cat", "sora-2", "64x48", 1)
PACES = ("instant", "polls:1", "polls:7", "polls:30", "seconds:0.3", "seconds:7", "manual", "manual:3")
SEEDS = st.builds(
    Seed,
    prompt=st.sampled_from(["A cat", "[fail]"]),
    status=st.sampled_from(Status),
    progress=st.none() | st.integers(0, 99),
    created_at=st.none() | st.sampled_from([int(START) - 100_000, int(START) - 1]),
    completed_at=st.none() | st.sampled_from([int(START) - 90_000, int(START), int(START) + 500]),
    failure=st.none() | st.just(Failure("odd", "It failed.")),
    pace=st.none() | st.sampled_from(PACES).map(Pace.parse),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(PACES)),
        st.tuples(st.just("seed"), SEEDS),
        st.tuples(st.just("wait"), st.sampled_from([0.03, 0.7, 3.0, 4.0, 1e5])),
        st.tuples(st.just("poll"), st.none()),
        st.tuples(st.just("advance"), st.sampled_from([{"seconds": 0.7}, {"polls": 3}, {}, {"to": Status.FAILED}])),
        st.tuples(st.just("delete"), st.integers(0, 20)),
    ),
    max_size=12,
)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_store, "PAGE", 2)
    monkeypatch.setattr(job_store, "_WINDOW", 3)


def engine_after(steps: list[tuple[str, Any]]) -> Engine:
    """Return an engine that went through these steps."""
    time = [START]
    engine = Engine(clock=lambda: time[0])
    for kind, what in steps:
        if kind == "create":
            engine.pace = Pace.parse(what)
            engine.create(SMALL)
        elif kind == "seed":
            engine.seed(what)
        elif kind == "wait":
            time[0] += what
        elif kind == "poll":
            engine.page(after=None, limit=3, ascending=True)
        elif kind == "advance":
            engine.advance(**what)
        else:
            ids = [each.job.id for each in engine.snapshots(now=engine.now())]
            for id_ in ids[what : what + 1]:
                engine.delete(id_)
    return engine


@pytest.mark.usefixtures("small_pages")
class TestStatuses:
    @given(steps=STEPS)
    def test_the_database_finds_them_as_the_model_decides(self, steps: list[tuple[str, Any]]) -> None:
        engine = engine_after(steps)
        now = engine.now()
        snapshots = list(engine.snapshots(now=now))
        _, page, counts = engine.newest(limit=100, skip=0, status=None)
        assert Counter({each: counts[each] for each in Status}) == Counter(each.state.status for each in snapshots)
        assert snapshots[::-1] == list(page.snapshots)
        for status in Status:
            expected = [each for each in snapshots[::-1] if each.state.status is status]
            assert expected == list(engine.newest(limit=100, skip=0, status=status)[1].snapshots)
            assert expected[1:3] == list(engine.newest(limit=2, skip=1, status=status)[1].snapshots)
        for skip in range(len(snapshots) + 2):
            assert snapshots[::-1][skip : skip + 3] == list(engine.newest(limit=3, skip=skip, status=None)[1].snapshots)
        running = engine._store.pages(statuses=job_store.RUNNING, now=now)
        assert [each.job.id for each in snapshots if each.state.ended_at is None] == [
            job.id for jobs in running for job in jobs
        ]
        engine.close()

    @given(steps=STEPS)
    def test_files_are_needed_until_they_expire(self, steps: list[tuple[str, Any]]) -> None:
        engine = engine_after(steps)
        now = engine.now()
        snapshots = list(engine.snapshots(now=now))
        for recipe in {each.job.recipe for each in snapshots} | {SMALL}:
            of_it = [each for each in snapshots if each.job.recipe == recipe]
            assert engine._store.uses(recipe.digest) == bool(of_it)
            kept = [each for each in of_it if each.state.ended_at is None or now < each.state.ended_at + 86_400]
            assert engine._store.uses(recipe.digest, since=now - 86_400) == bool(kept)
        engine.close()


@pytest.mark.usefixtures("small_pages")
class TestPages:
    @given(steps=STEPS, last=st.sampled_from([{"seconds": 0.7}, {"seconds": 5, "polls": 2}, {"polls": 1}, {}]))
    def test_jobs_advanced_some_at_a_time_are_advanced_as_all_at_once(
        self, steps: list[tuple[str, Any]], last: dict[str, Any]
    ) -> None:
        outcomes = []
        for size in (2, 1000):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(job_store, "PAGE", size)
                patch.setattr(job_store, "_WINDOW", size)
                engine = engine_after(steps)
                numbers = {each.job.id: number for number, each in enumerate(engine.snapshots(now=engine.now()))}
                changed = [(numbers[each.job.id], each.state) for each in engine.advance(**last)]
                outcomes.append((changed, [each.state for each in engine.snapshots(now=engine.now())]))
                engine.close()
        assert outcomes[0] == outcomes[1]

    def test_no_job_is_left_out_where_many_are_of_one_second(self, serve: type[Server]) -> None:
        with serve(pace="manual") as server:
            ids = [server.create()["id"] for _ in range(7)]
            server.clock.advance(1)
            ids += [server.create()["id"] for _ in range(4)]
            state = server.ok("GET", f"{CONTROL}/state")
            assert ids == [job["id"] for job in state["jobs"]]
            assert ids == [job["id"] for job in server.ok("POST", f"{CONTROL}/advance")["jobs"]]
            found: list[str] = []
            while page := server.ok("GET", "videos", params={"limit": 2, **({"after": found[-1]} if found else {})}):
                found += [job["id"] for job in page["data"]]
                if not page["has_more"]:
                    break
            assert found == ids[::-1]

    def test_no_event_is_left_out_where_many_are_of_one_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("openvideos_emulator._storage.event_outbox._PAGE", 2)
        time = [START]
        engine = Engine(clock=lambda: time[0], has_events=True)
        ids: list[str] = []
        for _ in range(2):
            ids += [engine.create(SMALL).job.id for _ in range(5)]
            time[0] += 1
        assert ids == [event.video_id for event in engine.outbox.walk(now=time[0])]
        engine.close()

    def test_others_are_served_between_them(self) -> None:
        engine = Engine()
        ids = [engine.create(SMALL).job.id for _ in range(5)]
        listed = engine.snapshots(now=engine.now())
        first = next(listed)
        with ThreadPoolExecutor(1) as pool:  # another thread, since a lock lets its own thread in
            new = pool.submit(engine.create, SMALL).result(20).job.id
            pool.submit(engine.delete, ids[3]).result(20)
        assert [*ids[:3], ids[4], new] == [each.job.id for each in (first, *listed)]
        engine.close()

    @pytest.mark.parametrize("status", [None, Status.FAILED])
    def test_others_are_served_between_those_that_are_counted_and_listed(self, status: Status | None) -> None:
        engine = Engine()
        for _ in range(20):
            engine.create(SMALL)
        store, made = engine._store, list[str]()
        lock, pool = store._lock, ThreadPoolExecutor(1)

        class Door:
            """The lock, in whose gaps another thread creates a job; without a gap, none can."""

            depth = 0

            def __enter__(self) -> None:
                lock.__enter__()
                self.depth += 1

            def __exit__(self, *_: object) -> None:
                self.depth -= 1
                lock.__exit__(None, None, None)
                if not self.depth and len(made) < 3:
                    with pytest.MonkeyPatch.context() as patch:
                        patch.setattr(store, "_lock", lock)
                        made.append(pool.submit(engine.create, SMALL).result(20).job.id)

        store._lock = Door()  # type: ignore[assignment]
        engine.newest(limit=9, skip=0, status=status)
        assert 3 == len(made)
        pool.shutdown()
        engine.close()

    def test_what_is_created_meanwhile_is_not_advanced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = Engine(pace=Pace.parse("manual"))
        before = [engine.create(SMALL).job.id for _ in range(5)]
        move = engine._store.move
        made: list[str] = []

        def move_and_create(jobs: Any) -> None:
            move(jobs)
            if len(made) < 2:
                made.append(engine.create(SMALL).job.id)

        monkeypatch.setattr(engine._store, "move", move_and_create)
        assert before == [each.job.id for each in engine.advance()]
        assert {"queued"} == {engine.retrieve(id_).state.status.value for id_ in made}
        engine.close()


class TestQueries:
    """SQLite reads no table or index as a whole, whatever lies in it."""

    def scans(self, connection: sqlite3.Connection, statements: list[str]) -> list[str]:
        found = []
        for statement in dict.fromkeys(statements):
            if not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE)", statement):
                continue
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement.replace('-Inf', '-9e999')}").fetchall()
            found += [f"{row[3]}: {statement}" for row in plan if re.match(r"SCAN (videos|events|idempotency)", row[3])]
        return found

    @pytest.fixture
    def statements(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Give what SQLite is told, from the opening of a database on."""
        told: list[str] = []
        connect = sqlite3.connect

        def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.set_trace_callback(told.append)
            return connection

        monkeypatch.setattr(sqlite3, "connect", traced)
        return told

    def test_requests(self, statements: list[str], tmp_path: Path) -> None:
        time = [START]
        engine = Engine(database=tmp_path / "jobs.db", clock=lambda: time[0], has_events=True)
        for number in range(3):
            engine.create(SMALL, idempotent=IdempotentRequest(f"{number}", "print"))
        for id_ in [each.job.id for each in engine.page(after=None, limit=2, ascending=False).snapshots]:
            engine.request_content(id_, Variant.THUMBNAIL).result()
            engine.page(after=id_, limit=2, ascending=True)
            engine.retrieve(id_)
            engine.delete(id_)
        engine.seed(Seed())
        engine.sweep().result()
        now = engine.now()
        engine.outbox.due(now=now, limit=9)
        engine.outbox.next_at(now=now)
        list(engine.outbox.walk(now=now))
        list(engine.advance(polls=1))
        list(engine.snapshots(now=now))
        for status in (None, *Status):
            engine.newest(limit=2, skip=1, status=status)
        connection = engine._database.connection
        connection.set_trace_callback(None)
        assert [] == self.scans(connection, statements)
        engine.close()

    def test_the_start(self, statements: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(schema, "_CHECKED_BYTES", 0)  # as if it were large
        for _ in range(2):
            statements.clear()
            engine = Engine(database=tmp_path / "jobs.db", has_events=True)
            engine.create(SMALL)
            told = list(statements)
            connection = engine._database.connection
            connection.set_trace_callback(None)
            assert [] == self.scans(connection, told)
            assert not any("quick_check" in each for each in told)
            engine.close()

    def test_a_small_database_is_checked_as_a_whole(self, statements: list[str], tmp_path: Path) -> None:
        Engine(database=tmp_path / "jobs.db").close()
        statements.clear()
        Engine(database=tmp_path / "jobs.db").close()
        assert any("quick_check" in each for each in statements)


def test_what_is_damaged_deep_in_a_large_database_is_told_when_it_is_met(
    serve: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schema, "_CHECKED_BYTES", 0)
    path = tmp_path / "jobs.db"
    with serve(database=path) as server:
        first = server.create("The first")["id"]
        for number in range(60):
            server.create(f"{number} {'x' * 500}")
    whole = path.read_bytes()
    page = whole.index(b"59 xxx") // 4096 * 4096
    path.write_bytes(whole[:page] + b"\xaa" * 4096 + whole[page + 4096 :])
    with serve(database=path) as server:
        assert "The first" == server.ok("GET", f"videos/{first}")["prompt"]
        [response] = server.together(("GET", "videos"))
        assert 500 == response.status_code
        assert "database is damaged" in response.json()["error"]["message"]
        assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("column", "value"),
    [("pace", "fast"), ("sampling", "[]"), ("sampling", "x"), ("seconds", "many"), ("started_at", b"")],
)
def test_a_row_that_no_emulator_wrote_is_told(serve: type[Server], tmp_path: Path, column: str, value: object) -> None:
    path = tmp_path / "jobs.db"
    with serve(database=path) as server:
        good, bad = server.create()["id"], server.create()["id"]
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE videos SET {column} = ? WHERE id = ?", (value, bad))  # noqa: S608 - a constant
    connection.commit()
    connection.close()
    with serve(database=path) as server:
        server.ok("GET", f"videos/{good}")
        for address in (f"videos/{bad}", f"{CONTROL}/state"):
            [response] = server.together(("GET", address))
            assert (500, True) == (response.status_code, "database is damaged" in response.text)
