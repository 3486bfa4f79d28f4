"""Workers whose connections to the database are cut, and two processes on one folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.exc import SQLAlchemyError

from openvideos._batch import engine, running
from openvideos._batch.engine import Liveness
from openvideos._batch.opening import OWNER, locked, open_batch, url_of
from openvideos.batch import BatchError, Progress, Settings, run

Rows = Callable[..., Path]


class TestLiveness:
    @pytest.fixture
    def workers(self, postgres: Any) -> Iterator[tuple[Liveness, Liveness]]:
        url = url_of("", postgres.url)
        one, other = Liveness(url, "one"), Liveness(url, "other")
        yield one, other
        one.close()
        other.close()

    def takes_for_dead(self, other: Liveness) -> bool:
        """Return whether a worker takes the first one for dead."""
        for _ in range(2):  # the connections of its pool may be cut, too
            try:
                with other.holding("one") as is_dead:
                    return is_dead
            except SQLAlchemyError:
                continue
        raise AssertionError

    @pytest.mark.parametrize("mode", ["fast", "immediate"])
    def test_it_takes_its_lock_again_after_a_restart(
        self, workers: tuple[Liveness, Liveness], postgres: Any, mode: str
    ) -> None:
        one, other = workers
        assert 1 == one.hold()
        assert not self.takes_for_dead(other)
        postgres.restart(mode)
        assert self.takes_for_dead(other)
        with pytest.raises(SQLAlchemyError):
            one.hold()
        assert [2, 2] == [one.hold(), one.hold()]
        assert not self.takes_for_dead(other)

    def test_a_connection_that_was_cut_is_noticed(self, workers: tuple[Liveness, Liveness]) -> None:
        one, other = workers
        own = one._connection.execute(sa.select(sa.func.pg_backend_pid())).scalar()
        with other._engine.connect() as connection:
            connection.execute(sa.select(sa.func.pg_terminate_backend(own, 5000)))
        assert self.takes_for_dead(other)
        with pytest.raises(SQLAlchemyError):
            one.hold()
        one.hold()
        assert not self.takes_for_dead(other)

    def test_it_is_not_alive_before_it_has_its_lock(
        self, workers: tuple[Liveness, Liveness], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine, "LOCK_MS", 50)
        one, other = workers
        one._connection.invalidate()
        one._connection.close()
        with other.holding("one") as is_dead:
            assert is_dead
            with pytest.raises(SQLAlchemyError):
                one.hold()
        one.hold()
        assert not self.takes_for_dead(other)


@pytest.mark.usefixtures("in_environment")
def test_a_batch_goes_on_while_its_database_restarts(rows: Rows, tmp_path: Path, soon: Settings, postgres: Any) -> None:
    jobs, out = rows(*(f"A restarted cat {number:02}" for number in range(12))), tmp_path / "out"
    restarting = threading.Thread(target=postgres.restart, args=("immediate",))

    def restart(progress: Progress) -> None:
        if progress.counts["running"] and not restarting.ident:
            restarting.start()

    settings = Settings(settle=soon.settle, poll_interval=0.3, in_flight=3)
    result = run(jobs, out, settings=settings, database=postgres.url, on_progress=restart)
    restarting.join()
    assert (12, 12) == (result.counts["done"], result.videos)


@pytest.mark.usefixtures("in_environment")
def test_a_row_whose_workflow_is_lost_is_made_by_the_same_run(
    rows: Rows, tmp_path: Path, soon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CLEAR_S", 0.2)
    jobs, out, lost = rows("A lost cat", "A lost dog", "A lost fox"), tmp_path / "out", list[str]()

    def lose(_: Progress) -> None:
        with closing(open_batch(str(out), None)) as ledger:
            waiting = [row["workflow"] for row in ledger.rows(states=("pending",)) if row["workflow"]]
        if waiting and not lost:
            lost.append(waiting[-1])
            cancel = threading.Thread(target=DBOS.cancel_workflow, args=(lost[0],))
            cancel.start()
            cancel.join()

    settings = Settings(settle=soon.settle, poll_interval=0.3, in_flight=1)
    result = run(jobs, out, settings=settings, on_progress=lose)
    assert (1, 3, 3) == (len(lost), result.counts["done"], result.videos)


class TestTwoProcesses:
    HOLDING = "import sys; from openvideos._batch.opening import locked\nwith locked(sys.argv[1]): print(); input()"

    def test_the_second_is_told_of_the_first(self, tmp_path: Path) -> None:
        command = [sys.executable, "-c", self.HOLDING, str(tmp_path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
            assert first.stdout is not None
            first.stdout.readline()
            with (
                pytest.raises(BatchError, match=f"another process, {first.pid} on .*, runs the batch"),
                locked(str(tmp_path)),
            ):
                pass
            first.kill()
        with locked(str(tmp_path)):
            assert (tmp_path / OWNER).read_text().startswith(f"{os.getpid()} on ")

    @pytest.mark.parametrize("known", [None, b"", b"\x1b[2J", b"7 on \xff", b"1 on my host"])
    def test_what_another_has_written_is_not_repeated(self, tmp_path: Path, known: bytes | None) -> None:
        with locked(str(tmp_path)):
            (tmp_path / OWNER).unlink()
            if known is not None:
                (tmp_path / OWNER).write_bytes(known)
            with pytest.raises(BatchError, match="another process runs the batch in"), locked(str(tmp_path)):
                pass
