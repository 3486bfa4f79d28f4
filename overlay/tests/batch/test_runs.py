"""Whole batches at an emulator: they are made, broken off, gone on with, and mended."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.exc import OperationalError, ProgrammingError

from openvideos import AuthenticationError, OpenVideos
from openvideos._batch import ledger as states
from openvideos._batch import mending, running
from openvideos._batch.database import JOBS, TABLES, connect
from openvideos._batch.engine import Engine, Liveness
from openvideos._batch.ledger import Ledger
from openvideos._batch.opening import begin, locked, open_batch, url_of
from openvideos._batch.placing import Busy
from openvideos._batch.rows import read_rows
from openvideos._batch.runner import is_of_the_database, may_try_again
from openvideos._batch.server import CreatesStoppedError, Server
from openvideos.batch import BatchError, Estimate, Progress, Settings, run

Rows = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("in_environment")


@contextmanager
def opened(out: Path | str | None, database: str | None = None, **names: Any) -> Generator[Ledger]:
    with closing(open_batch(None if out is None else str(out), database, **names)) as ledger:
        yield ledger


def register(jobs: Path, out: Path, database: str | None = None, settings: Settings | None = None) -> None:
    """Begin a batch that nothing makes yet."""
    rows = read_rows(jobs)
    out.mkdir(exist_ok=True)
    with OpenVideos() as client:
        begin(jobs, rows, str(out), database, str(client.base_url), settings or Settings()).close()


def lines(out: Path) -> list[dict[str, Any]]:
    """Return the results of a batch."""
    return [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def known(counts: Any) -> dict[str, int]:
    return {state: count for state, count in counts.items() if count}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_each_row_becomes_a_file_once(rows: Rows, out: Path, soon: Settings, client: OpenVideos) -> None:
    jobs = rows("A red cat", "A red dog", "A red cat")
    seen: list[Progress] = []
    asked: list[Estimate] = []

    def confirm(expected: Estimate) -> bool:
        asked.append(expected)
        return True

    result = run(jobs, out, settings=soon, confirm=confirm, on_progress=seen.append)
    assert ({"done": 3}, 3, 3, None) == (known(result.counts), result.videos, result.seconds, result.stopped)
    assert [(3, 3, 0)] == [(each.videos, each.seconds, each.spent) for each in asked]
    assert 3 == seen[-1].ended
    told = lines(out)
    assert 3 == len({each["video_id"] for each in told})
    for each in told:
        assert each["bytes"] == (out / each["file"]).stat().st_size
    prompts = [client.videos.retrieve(each["video_id"]).prompt for each in told]
    assert ["A red cat", "A red dog", "A red cat"] == prompts
    # Again, nothing is left to do.
    assert result == run(jobs, out, settings=soon, confirm=confirm)
    assert 1 == len(asked)


def test_webhooks_wake_a_batch_that_polls_seldom(rows: Rows, out: Path, client: OpenVideos) -> None:
    ended: SimpleQueue[str] = SimpleQueue()

    def receive(_: Progress) -> None:
        for video in client.videos.list(limit=10):
            ended.put(video.id)

    jobs = rows("A cat that is told of", "A dog that is told of")
    seldom = Settings(settle=0.05, poll_interval=300)
    result = run(jobs, out, settings=seldom, on_progress=receive, ended=ended)
    assert {"done": 2} == known(result.counts)


def test_failed_jobs_are_made_again_by_rule(rows: Rows, out: Path, soon: Settings) -> None:
    jobs = rows("[fail] A boat", "A boat")
    settings = Settings(settle=0.05, poll_interval=0.05, retry_failed=2, thumbnail=True)
    result = run(jobs, out, settings=settings)
    assert ({"done": 1, "failed": 1}, 4) == (known(result.counts), result.videos)
    failed, done = lines(out)
    assert (3, "failed") == (failed["attempt"], failed["state"])
    assert failed["code"]
    assert (out / done["thumbnail"]).exists()
    with opened(out) as ledger:
        assert [] == mending.retry(ledger, (), "another code")
        ledger.set(failed["name"], "failed", code="moderation_blocked")
        assert [] == mending.retry(ledger, ())  # it would be refused again
        assert [failed["name"]] == mending.retry(ledger, [failed["name"]])
        assert 5 == run(jobs, out, settings=soon).videos
        with pytest.raises(BatchError, match="is done, and only one that has failed"):
            mending.retry(ledger, [done["name"]])


@pytest.mark.parametrize(
    ("code", "only", "may"),
    [("server_error", (), True), ("content_policy_violation", (), False), ("a", ("b",), False), ("b", ("b",), True)],
)
def test_which_failures_are_tried_again(code: str, only: tuple[str, ...], *, may: bool) -> None:
    assert may == may_try_again(code, only)


def test_a_limit_is_exact(rows: Rows, out: Path, soon: Settings) -> None:
    jobs = rows(*(f"A limited cat {number}" for number in range(6)))
    limited = Settings(settle=0.05, poll_interval=0.05, max_videos=4)
    result = run(jobs, out, settings=limited)
    assert ({"done": 4, "pending": 2}, 4) == (known(result.counts), result.videos)
    limited = Settings(settle=0.05, poll_interval=0.05, max_seconds_of_video=5, max_videos=9)
    result = run(jobs, out, settings=limited)
    assert ({"done": 5, "pending": 1}, 5) == (known(result.counts), result.seconds)
    # The limits stay until others are given.
    assert {"done": 5, "pending": 1} == known(run(jobs, out, settings=soon).counts)
    limited = Settings(settle=0.05, poll_interval=0.05, max_seconds_of_video=6)
    assert {"done": 6} == known(run(jobs, out, settings=limited).counts)


def test_a_limit_of_seconds_stays_for_rows_that_are_added(rows: Rows, out: Path, soon: Settings) -> None:
    run(rows(lines=["prompt,name,seconds", "A cat,cat,1"]), out, settings=evolve(soon, max_seconds_of_video=1))
    with pytest.raises(BatchError, match=r":3: there are no seconds, so that their sum cannot be limited"):
        run(rows(lines=["prompt,name,seconds", "A cat,cat,1", "A dog,dog,"]), out, settings=soon, add=True)


def test_a_refused_row_costs_nothing(rows: Rows, out: Path, soon: Settings) -> None:
    jobs = rows(lines=["prompt,seconds", "A cat,1", "A dog,900"])
    result = run(jobs, out, settings=soon)
    assert ({"done": 1, "failed": 1}, 1) == (known(result.counts), result.videos)
    assert lines(out)[1]["message"]


def test_what_does_not_fit_is_told_before_anything_is_started(rows: Rows, out: Path, soon: Settings) -> None:
    jobs = rows("A cat", "A dog")
    with pytest.raises(BatchError, match="you said no"):
        run(jobs, out, settings=soon, confirm=lambda _: False)
    with pytest.raises(BatchError, match="no such batch"), opened(out):
        """What was refused is no batch, so that its file may be changed."""
    register(jobs, out)
    with pytest.raises(BatchError, match=r"jobs\.csv:4 is not in the batch"):
        run(rows("A cat", "A dog", "A boat"), out, settings=soon)
    with pytest.raises(BatchError, match=r"the row of line 3, .* was changed or is gone"):
        run(rows("A cat", "A fox"), out, settings=soon)
    with pytest.raises(BatchError, match="belongs to"):
        run(rows("A cat", "A dog"), out, settings=soon, base_url="http://127.0.0.1:1/v1")
    with pytest.raises(BatchError, match="belongs to"):
        run(None, out, settings=soon, base_url="http://127.0.0.1:1/v1")
    with pytest.raises(BatchError, match="no place"):
        run(jobs, None)
    with pytest.raises(BatchError, match="give --database"):
        run(jobs, "memory://x")
    with pytest.raises(BatchError, match="has no row of the batch in"):
        run(rows("A bird"), out, settings=soon)
    with locked(str(out)), pytest.raises(BatchError, match=rf"another process, {os.getpid()} on .*, runs the batch"):
        run(rows("A cat", "A dog"), out, settings=soon)
    with pytest.raises(BatchError, match=r":2: there are no seconds"):
        run(rows(lines=["prompt", "A cat"], name="b.csv"), out, settings=Settings(max_seconds_of_video=5))
    with opened(out) as ledger:
        assert (0, 0) == ledger.spent()
    with pytest.raises(AuthenticationError):
        run(rows("A cat", "A dog"), out, settings=soon, api_key="sk-wrong")
    with pytest.raises(BatchError, match="no such batch"), opened(out):
        """Nothing of it was begun."""
    register(jobs, out)
    assert {"done": 3} == known(run(rows("A cat", "A dog", "A boat"), out, settings=soon, add=True).counts)


def test_a_changed_row_is_refused_by_its_line(rows: Rows, out: Path, soon: Settings) -> None:
    run(rows(lines=["prompt,name,seconds", "A cat,cat,1"]), out, settings=soon)
    with pytest.raises(BatchError, match=r"jobs\.csv:2: the row 'cat' was changed"):
        run(rows(lines=["prompt,name,seconds", "A dog,cat,1"]), out, settings=soon)


def test_a_limit_of_seconds_holds_for_added_rows(rows: Rows, out: Path) -> None:
    run(rows(lines=["prompt,seconds", "A cat,1"]), out, settings=Settings(poll_interval=0.05, max_seconds_of_video=9))
    with pytest.raises(BatchError, match=r":3: there are no seconds, so that their sum cannot be limited"):
        run(rows(lines=["prompt,seconds", "A cat,1", "A dog,"]), out, add=True)


def test_what_is_not_sent_may_change(rows: Rows, out: Path, soon: Settings) -> None:
    header = "prompt,name,seconds,shot"
    run(rows(lines=[header, "A cat,cat,1,12", "A dog,dog,1,13"]), out, settings=soon)
    run(rows(lines=[header, "A dog,dog,1,14", "A cat,cat,1,12"]), out, settings=soon)
    assert [("dog", 2, "14"), ("cat", 3, "12")] == [(row["name"], row["line"], row["shot"]) for row in lines(out)]


def test_a_batch_may_be_moved(rows: Rows, out: Path, tmp_path: Path, soon: Settings) -> None:
    jobs = rows("A cat that moves")
    run(jobs, out, settings=soon)
    moved = out.rename(tmp_path / "moved")
    (tmp_path / "link").symlink_to(moved)
    for place in (moved, tmp_path / "link"):
        result = run(jobs, place, settings=soon)
        assert ({"done": 1}, 1) == (known(result.counts), result.videos)


def test_a_database_that_goes_away_is_told(
    rows: Rows, out: Path, soon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, told = running._feed, list[str | None]()
    problems: list[Exception] = [OperationalError("", {}, Exception("away"))]

    def failing(*arguments: Any) -> int:
        if problems:
            raise problems.pop()
        return feed(*arguments)

    monkeypatch.setattr(running, "_feed", failing)
    monkeypatch.setattr(running, "DATABASE_S", 0.01)
    result = run(rows("A cat", "A dog"), out, settings=soon, on_progress=lambda seen: told.append(seen.trouble))
    assert {"done": 2} == known(result.counts)
    assert "the database could not be used (OperationalError), and is tried again" == told[0]  # while it is so
    problems.append(ProgrammingError("", {}, Exception("no such table")))
    with pytest.raises(BatchError, match="cannot be used any more"):
        run(rows("A cat", "A dog"), out, settings=soon)


def test_a_batch_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="there is no batch in"):
        open_batch(str(tmp_path), None)
    with pytest.raises(BatchError, match="cannot be used"):
        open_batch(None, "postgresql://127.0.0.1:1/x")
    for url in ("postgresql://u@127.0.0.1:1/x?password=secret", "postgresql://u:secret@[::1"):
        with pytest.raises(BatchError) as raised:
            open_batch(None, url)
        assert "secret" not in raised.value.message
    with pytest.raises(BatchError, match="has to be PostgreSQL"):
        open_batch(None, "sqlite:///x")
    (tmp_path / "batch.db").touch()
    with pytest.raises(BatchError, match="no such batch"):
        open_batch(str(tmp_path), None)
    with closing(sqlite3.connect(tmp_path / "batch.db")) as connection:
        connection.execute("ALTER TABLE openvideos_rows DROP COLUMN files")
    with pytest.raises(BatchError, match=r"batch\.db was made by another version of openvideos"):
        open_batch(str(tmp_path), None)


@pytest.mark.parametrize("values", [{"in_flight": 0}, {"max_videos": True}, {"settle": 0}, {"poll_interval": 1e99}])
def test_a_setting_out_of_range(values: dict[str, Any]) -> None:
    with pytest.raises(BatchError, match="it must be"):
        Settings(**values)


def test_a_key_that_is_refused_later_stops_the_creates(
    rows: Rows, out: Path, soon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> None:
        raise CreatesStoppedError("The account has no credit left.")

    with monkeypatch.context() as context:
        context.setattr(Server, "create", refused)
        result = run(rows("A cat", "A dog"), out, settings=soon)
    told = r"the row '\w+' of line [23]: The account has no credit left\."
    assert re.fullmatch(told, result.stopped or "")
    assert 0 == result.videos
    assert {"pending": 2} == known(result.counts)
    assert {"done": 2} == known(run(rows("A cat", "A dog"), out, settings=soon).counts)


def test_what_keeps_creates_back_is_told_while_it_lasts(rows: Rows, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create, coming = Server.create, iter([Busy(0.5), *["The server failed (500)."] * 2])

    async def failing(server: Server, sent: Any, key: str) -> Any:
        return next(coming, None) or await create(server, sent, key)

    monkeypatch.setattr(Server, "create", failing)
    monkeypatch.setattr(running, "TICK_S", 0.01)
    told = list[str | None]()
    slow = Settings(settle=0.05, poll_interval=0.05, honours_keys=True)
    result = run(rows("A kept cat"), out, settings=slow, on_progress=lambda seen: told.append(seen.trouble))
    assert {"done": 1} == known(result.counts)
    busy, failed = "the server takes no create at the moment; the next is sent in 0 s", "The server failed (500)."
    assert [None, busy, f"a create got no clear answer: {failed}", None] == [each for each, _ in groupby(told)]


@pytest.fixture
def doubtful(rows: Rows, out: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """Return a batch whose only row is ambiguous: the answer to its create was lost, and its list proves nothing."""
    create = Server.create

    async def losing(self: Server, *arguments: Any) -> str:
        await create(self, *arguments)
        return "the answer was lost"

    monkeypatch.setattr("openvideos._batch.placing.MOST_LOOKS", 2)
    monkeypatch.setattr("openvideos._batch.placing.SHORTEST_PAUSE_S", 0.01)
    with monkeypatch.context() as context:
        context.setattr(Server, "create", losing)
        settings = Settings(settle=0.05, poll_interval=0.05, honours_keys=False)
        jobs = rows(lines=["prompt,name,size", f"A doubtful {out.parent.name},cat,128x96"])
        context.setattr("openvideos._batch.sights._fits", lambda *_: False)
        assert {"ambiguous": 1} == known(run(jobs, out, settings=settings).counts)
    with opened(out) as ledger:
        yield ledger


def test_a_person_adopts_a_job(
    doubtful: Ledger, out: Path, soon: Settings, client: OpenVideos, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = doubtful.row("cat")
    (job,) = row["candidates"]
    other = client.videos.create(prompt="Another", size="128x96", seconds="1")
    with pytest.raises(BatchError, match="another prompt"):
        mending.adopt(doubtful, "cat", other.id, client)
    with monkeypatch.context() as context:  # as a server that cuts prompts does
        cut = evolve(client.videos.retrieve(job), prompt="A doubt…")
        context.setattr(client.videos, "retrieve", lambda _: cut)
        mending.adopt(doubtful, "cat", job, client)
    with pytest.raises(BatchError, match="only one that is ambiguous"):
        mending.send(doubtful, "cat")
    assert {"done": 1} == known(run(None, out, settings=soon).counts)
    assert (1, job) == (doubtful.spent()[0], doubtful.row("cat")["video_id"])


def test_a_job_is_adopted_by_one_row(doubtful: Ledger, client: OpenVideos) -> None:
    (job,) = doubtful.row("cat")["candidates"]
    with doubtful._engine.begin() as connection:
        values = {"base_url": doubtful.batch.base_url, "video_id": job, "batch": "b", "name": "n", "attempt": 1}
        connection.execute(sa.insert(JOBS).values(**values))
    with pytest.raises(BatchError, match="that of another row"):
        mending.adopt(doubtful, "cat", job, client)
    with OpenVideos(base_url="http://127.0.0.1:1/v1") as other, pytest.raises(BatchError, match="the batch belongs to"):
        mending.adopt(doubtful, "cat", job, other)


def test_a_person_sends_it_once_more(doubtful: Ledger, out: Path, soon: Settings) -> None:
    mending.send(doubtful, "cat")
    assert {"done": 1} == known(run(None, out, settings=soon).counts)
    assert 2 == doubtful.spent()[0]


def test_an_ambiguous_row_is_not_retried(doubtful: Ledger) -> None:
    with pytest.raises(BatchError, match=r"is ambiguous.* see `openvideos batch resolve`"):
        mending.retry(doubtful, ["cat"])
    with pytest.raises(BatchError, match="has no row 'dog'"):
        doubtful.row("dog")


def test_a_second_sigterm_breaks_no_end_off(
    rows: Rows, out: Path, soon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = rows("A cat that ends", "A dog that ends")
    closed: list[bool] = []
    handlers: list[Any] = []
    close = Engine.close

    def end(number: int, _: object) -> None:
        raise SystemExit(number)

    def press(_: Progress) -> None:
        handlers.append(signal.getsignal(signal.SIGTERM))
        os.kill(os.getpid(), signal.SIGTERM)

    def closing(engine: Engine) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        close(engine)
        closed.append(True)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with monkeypatch.context() as context:
            context.setattr(Engine, "close", closing)
            with pytest.raises(SystemExit) as raised:
                run(jobs, out, settings=soon, on_progress=press)
            assert [True] == closed
            assert end not in handlers, "it would raise in the middle of whatever runs"
    finally:
        signal.signal(signal.SIGTERM, before)
    assert signal.SIGTERM == raised.value.code
    result = run(jobs, out, settings=soon)
    assert ({"done": 2}, 2) == (known(result.counts), result.videos)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_stops_the_creates_and_then_the_wait(
    rows: Rows, out: Path, soon: Settings, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    jobs = rows(*(f"A late cat {number}" for number in range(5)))
    sent = threading.Event()

    def press(progress: Progress) -> None:
        if progress.counts["running"] and not sent.is_set():
            sent.set()
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    slow = Settings(settle=0.05, poll_interval=0.3, in_flight=2)
    if times == 2:
        with pytest.raises(KeyboardInterrupt):
            run(jobs, out, settings=slow, on_progress=press)
    else:
        result = run(jobs, out, settings=slow, on_progress=press)
        assert "interrupted" == result.stopped
        assert {"done", "pending"} == set(known(result.counts))
    assert out.joinpath("results.jsonl").exists()
    result = run(jobs, out, settings=soon)
    assert ({"done": 5}, 5) == (known(result.counts), result.videos)


def test_a_row_that_was_left_by_its_workflow_is_made(rows: Rows, out: Path, soon: Settings) -> None:
    jobs = rows("A left cat")
    register(jobs, out)
    with opened(out) as ledger:
        (row,) = ledger.rows()
        ledger.set(row["name"], states.PENDING, workflow="gone")
    assert {"done": 1} == known(run(jobs, out, settings=soon).counts)


def test_errors_of_the_database() -> None:
    assert is_of_the_database(OperationalError("", {}, Exception("disk is full")))
    assert not is_of_the_database(ProgrammingError("", {}, Exception("no such column")))
    assert not is_of_the_database(ValueError())


@pytest.fixture
def database(postgres: Any) -> str:
    """Return the URL of a PostgreSQL."""
    return str(postgres.url)


class TestManyMachines:
    def test_a_worker_makes_rows_of_another_machine(self, rows: Rows, out: Path, soon: Settings, database: str) -> None:
        jobs = rows("A far cat", "A far dog")
        register(jobs, out, database)
        with pytest.raises(BatchError, match="no such batch"):
            open_batch(None, database, name="another")
        assert {"done": 2} == known(run(None, None, settings=soon, database=database).counts)
        assert {"done": 2} == known(run(jobs, out, settings=soon, database=database).counts)

    def test_the_rows_of_a_worker_that_died_are_taken_over(
        self, rows: Rows, out: Path, soon: Settings, database: str
    ) -> None:
        jobs = rows(*(f"A farther cat {number}" for number in range(4)))
        command = [sys.executable, "-m", "openvideos", "batch", "run", str(jobs), "--out", str(out)]
        command += ["--database", database, "--settle", "0.2"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as worker:
            while not any(counted(database, out, state) for state in ("sending", "running")):
                assert worker.poll() is None
                time.sleep(0.02)
            worker.kill()
        result = run(jobs, out, settings=soon, database=database)
        assert ({"done": 4}, 4) == (known(result.counts), result.videos)

    def test_the_creates_of_all_machines_are_limited_by_the_clock_of_the_database(
        self, rows: Rows, out: Path, database: str
    ) -> None:
        register(rows("A slow cat"), out, database, Settings(per_minute=2))
        with opened(out, database) as one, opened(out, database) as other:
            assert 0.0 == one.turn()
            assert 0.0 < other.turn() <= 30.0

    def test_many_may_begin_in_an_empty_database(self, database: str) -> None:
        engines = [connect(url_of("", database)) for _ in range(8)]
        TABLES.drop_all(engines[0])
        with ThreadPoolExecutor(len(engines)) as pool:
            list(pool.map(Ledger.prepare, engines))
        assert [] == Ledger.batches(engines[0])
        for engine in engines:
            engine.dispose()

    def test_a_batch_of_which_a_row_was_begun_is_not_forgotten(self, rows: Rows, out: Path, database: str) -> None:
        register(rows("A cat", "A dog"), out, database)
        with opened(out, database) as ledger, opened(out, database) as worker:
            with (
                worker._changing(next(iter(ledger.known()))) as (connection, row),
                ThreadPoolExecutor() as pool,
            ):
                forgetting = pool.submit(ledger.forget)
                while not is_waiting(worker):
                    time.sleep(0.01)
                worker._set(connection, row["name"], generation=1)
                connection.commit()
                assert not forgetting.result()
            assert 2 == len([*ledger.rows()])

    def test_a_lock_tells_whether_a_worker_lives(self, database: str) -> None:
        url = url_of("", database)
        one, other = Liveness(url, "one"), Liveness(url, "other")
        with other.holding("one") as is_dead:
            assert not is_dead
        one.close()
        with other.holding("one") as is_dead:
            assert is_dead
        other.close()


def is_waiting(ledger: Ledger) -> bool:
    """Return whether somebody waits for a lock of the database, as a transaction of its own sees it."""
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with ledger._engine.connect() as connection:
        return bool(connection.execute(waiting).scalar())


def counted(database: str, out: Path, state: str) -> int:
    """Return how many rows of a batch are in a state, as far as there is one."""
    try:
        with opened(out, database) as ledger:
            return ledger.counts()[0][state]
    except BatchError:
        return 0
