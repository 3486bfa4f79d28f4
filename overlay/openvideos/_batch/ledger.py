"""Keep what is known of a batch in SQLite or PostgreSQL: its rows, their jobs, and what was spent.

Each method is one transaction, so that a crash leaves the state before it or the state after it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import sqlalchemy as sa
from attrs import evolve, frozen

from .. import BatchError
from .database import BATCHES, JOBS, ROWS, TABLES
from .rows import Row

if TYPE_CHECKING:
    from collections.abc import Generator

PENDING, SENDING, DOUBT, RUNNING, DOWNLOADING = "pending", "sending", "doubt", "running", "downloading"
DONE, FAILED, AMBIGUOUS = "done", "failed", "ambiguous"
STATES: Final = (PENDING, SENDING, DOUBT, RUNNING, DOWNLOADING, DONE, FAILED, AMBIGUOUS)
"""The states of a row, in their order: nothing sent; a create is being sent; its answer is lost; the job has an id; it
has completed; its file is here; no video will come of it; a person has to look."""
ENDED: Final = frozenset({DONE, FAILED, AMBIGUOUS})
MINUTE_S: Final = 60.0
PREPARING: Final = 0x6F70656E  # any number that others hardly take
EPOCH: Final = sa.select(sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Float))
GOING: Final = (SENDING, DOUBT, RUNNING, DOWNLOADING)


@frozen
class Batch:
    """What all rows of a batch have in common."""

    id: str
    base_url: str
    out: str
    settings: Mapping[str, Any]


class Ledger:
    """The ledger of one batch."""

    def __init__(self, engine: sa.Engine, batch: Batch) -> None:
        """Hold the engine, whose tables are there."""
        self._engine = engine
        self.batch = batch
        self._rows = ROWS.c.batch == batch.id

    @staticmethod
    def prepare(engine: sa.Engine) -> None:
        """Create the tables that are not there."""
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":  # one of two that begin at once would fail
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PREPARING)))
            TABLES.create_all(connection)

    @staticmethod
    def batches(engine: sa.Engine) -> list[Batch]:
        """Return all batches of a database."""
        with engine.begin() as connection:
            found = connection.execute(sa.select(BATCHES).order_by(BATCHES.c.id)).mappings().all()
        return [Batch(each["id"], each["base_url"], each["out"], each["settings"]) for each in found]

    @classmethod
    def begin(cls, engine: sa.Engine, batch: Batch, rows: Iterable[Row]) -> Ledger:
        """Record a new batch with its rows."""
        values = {"id": batch.id, "base_url": batch.base_url, "out": batch.out, "settings": dict(batch.settings)}
        ledger = cls(engine, batch)
        with engine.begin() as connection:
            connection.execute(sa.insert(BATCHES).values(**values, videos=0, seconds=0))
            ledger._add(connection, rows)
        return ledger

    @property
    def limits(self) -> dict[str, int | None]:
        """How much the batch may spend, by the settings that say so; None is not limited."""
        return {name: self.batch.settings.get(name) for name in ("max_videos", "max_seconds_of_video")}

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def change(self, *, out: str, settings: Mapping[str, Any]) -> None:
        """Record where the batch is, and settings that hold from now on; those that are not given stay."""
        with self._engine.begin() as connection:
            chosen = {name: value for name, value in settings.items() if value is not None}
            self.batch = Batch(self.batch.id, self.batch.base_url, out, {**self.batch.settings, **chosen})
            values = {"out": out, "settings": dict(self.batch.settings)}
            connection.execute(sa.update(BATCHES).where(BATCHES.c.id == self.batch.id).values(**values))

    def add(self, rows: Iterable[Row]) -> None:
        """Record new rows."""
        with self._engine.begin() as connection:
            self._add(connection, rows)

    def _add(self, connection: sa.Connection, rows: Iterable[Row]) -> None:
        fresh = {"state": PENDING, "attempt": 1, "generation": 0, "is_counted": False}
        values = [
            {"batch": self.batch.id, "name": row.name, "line": row.line, "digest": row.digest, **fresh}
            | {"sent": dict(row.sent), "extra": dict(row.extra)}
            for row in rows
        ]
        if values:
            connection.execute(sa.insert(ROWS), values)

    def enqueue(
        self,
        put: Callable[[sa.Connection, str, str], None],
        most: int,
        states: Collection[str],
        without: Collection[str] = (),
    ) -> int:
        """Give up to `most` rows in these states that nobody makes a workflow each; return how many.

        `put(connection, workflow, name)` enqueues it in the same transaction, so that no row has two.
        """
        free = [self._rows, ROWS.c.workflow.is_(None), ROWS.c.state.in_(states), ROWS.c.name.not_in(without)]
        with self._writing() as connection:
            wanted = sa.select(ROWS.c.name).where(*free).order_by(ROWS.c.line).limit(most).with_for_update()
            names = connection.execute(wanted).scalars().all()
            given = [{"row": name, "given": f"{self.batch.id}:{uuid.uuid4()}"} for name in names]
            for each in given:
                put(connection, each["given"], each["row"])
            if given:
                change = sa.update(ROWS).where(self._rows, ROWS.c.name == sa.bindparam("row"))
                connection.execute(change.values(workflow=sa.bindparam("given")), given)
        return len(given)

    def free(self, workflows: Collection[str]) -> None:
        """Let the rows of workflows that ended without them be enqueued again."""
        with self._engine.begin() as connection:
            change = sa.update(ROWS).where(self._rows, ROWS.c.workflow.in_(workflows))
            connection.execute(change.values(workflow=None))

    def workflows(self) -> list[str]:
        """Return the workflows of the rows that have not ended."""
        wanted = [self._rows, ROWS.c.workflow.is_not(None), ROWS.c.state.not_in(ENDED)]
        with self._engine.begin() as connection:
            return [*connection.execute(sa.select(ROWS.c.workflow).where(*wanted)).scalars()]

    def rows(self, *, states: Collection[str] = STATES) -> Generator[dict[str, Any]]:
        """Yield the rows in these states, in the order of their lines, without holding all of them."""
        wanted = (self._rows, ROWS.c.state.in_(states))
        with self._engine.connect().execution_options(yield_per=500) as connection:
            ordered = sa.select(ROWS).where(*wanted).order_by(ROWS.c.line, ROWS.c.name)
            for each in connection.execute(ordered).mappings():
                yield dict(each)

    def row(self, name: str) -> dict[str, Any]:
        """Return a row.

        Raises:
            BatchError: There is none of this name.
        """
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(ROWS).where(self._rows, ROWS.c.name == name)).mappings().one_or_none()
        if found is None:
            raise BatchError(f"the batch has no row {name!r}; `openvideos batch status` names those that need you.")
        return dict(found)

    def known(self) -> dict[str, Row]:
        """Return the rows as their file had them, by their names."""
        wanted = [ROWS.c[name] for name in ("line", "name", "digest", "sent", "extra")]
        with self._engine.begin() as connection:
            return {each.name: Row(*each) for each in connection.execute(sa.select(*wanted).where(self._rows))}

    def reword(self, rows: Iterable[Row]) -> None:
        """Record anew what may have changed of rows that send the same: their lines, where a picture is, the rest."""
        values = [{"row": row.name, "at": row.line, "same": dict(row.sent), "handed": dict(row.extra)} for row in rows]
        if values:
            columns: dict[str, Any] = {
                "line": sa.bindparam("at"),
                "sent": sa.bindparam("same"),
                "extra": sa.bindparam("handed"),
            }
            change = sa.update(ROWS).where(self._rows, ROWS.c.name == sa.bindparam("row")).values(**columns)
            with self._engine.begin() as connection:
                connection.execute(change, values)

    def forget(self) -> bool:
        """Remove the batch if nobody has begun to make it; return whether it is gone."""
        begun = sa.or_(ROWS.c.workflow.is_not(None), ROWS.c.generation > 0, ROWS.c.state != PENDING)
        with self._writing() as connection:
            # A worker may begin a row at any moment, unless all are locked.
            if any(connection.execute(sa.select(begun).where(self._rows).with_for_update()).scalars()):
                return False
            connection.execute(sa.delete(ROWS).where(self._rows))
            connection.execute(sa.delete(BATCHES).where(BATCHES.c.id == self.batch.id))
        return True

    def counts(self) -> tuple[dict[str, int], int, int]:
        """Return how many rows are in each state, how many have a workflow, and how many of these are pending."""
        counted = sa.select(ROWS.c.state, sa.func.count(), sa.func.count(ROWS.c.workflow)).where(self._rows)
        with self._engine.begin() as connection:
            found = {state: both for state, *both in connection.execute(counted.group_by(ROWS.c.state))}
        counts = {state: found.get(state, (0, 0))[0] for state in STATES}
        given = {state: found.get(state, (0, 0))[1] for state in STATES if state not in ENDED}
        return counts, sum(given.values()), given[PENDING]

    def spent(self) -> tuple[int, int]:
        """Return how many videos may have been billed, and how many seconds of video they have."""
        with self._engine.begin() as connection:
            of_batch = sa.select(BATCHES.c.videos, BATCHES.c.seconds).where(BATCHES.c.id == self.batch.id)
            videos, seconds = connection.execute(of_batch).one()
        return videos, seconds

    def intend(self, name: str, at: float, *, settled: bool = False) -> dict[str, Any] | None:
        """Record that a create is about to be sent; return the row, or None if the spend limit does not allow it.

        The row is returned as it is if it has a job, has ended, or has an intent that is not settled.
        """
        with self._changing(name) as (connection, row):
            if row["state"] != PENDING and not (settled and row["state"] == DOUBT and row["video_id"] is None):
                return row
            if not row["is_counted"] and not self._count(connection, row, 1):
                return None
            change = {"state": SENDING, "generation": row["generation"] + 1, "is_counted": True, "intended_at": at}
            change["message"] = None
            self._set(connection, name, of=None, **change)
            return {**row, **change, "is_new": True}

    def turn(self) -> float:
        """Let a create be sent, and return 0; or return for how many seconds none may be sent.

        The creates of all processes are as far apart as the batch's `per_minute` says.
        """
        if not self.batch.settings.get("per_minute"):
            return 0.0
        own = BATCHES.c.id == self.batch.id
        with self._writing() as connection:
            batch = connection.execute(sa.select(BATCHES).where(own).with_for_update()).mappings().one()
            # The clocks of machines differ, and that of their database is one.
            is_shared = self._engine.dialect.name == "postgresql"
            at = float(connection.execute(EPOCH).scalar_one()) if is_shared else time.time()
            pause = turn_after(batch["next_at"], at)
            if not pause:
                later = at + MINUTE_S / batch["settings"]["per_minute"]
                connection.execute(sa.update(BATCHES).where(own).values(next_at=later))
        return pause

    def reread(self) -> None:
        """Read the settings anew, which another process may have changed."""
        with self._engine.begin() as connection:
            chosen = sa.select(BATCHES.c.settings).where(BATCHES.c.id == self.batch.id)
            self.batch = evolve(self.batch, settings=connection.execute(chosen).scalar_one())

    def doubt(self, name: str, reason: str) -> dict[str, Any]:
        """Record that, and why, the answer to a create is lost, which makes its intent void; return the row."""
        with self._changing(name) as (connection, row):
            if row["state"] != SENDING:
                return row
            change = {"state": DOUBT, "generation": row["generation"] + 1, "message": reason}
            self._set(connection, name, **change)
            return row | change

    def place(self, name: str, video_id: str) -> bool:
        """Record the id of a row's job; return False if another row has it, or the row has another job."""
        with self._changing(name) as (connection, row):
            mine = (self.batch.id, name, row["attempt"])
            wanted = (JOBS.c.base_url == self.batch.base_url, JOBS.c.video_id == video_id)
            owner = connection.execute(sa.select(JOBS.c.batch, JOBS.c.name, JOBS.c.attempt).where(*wanted))
            known = owner.one_or_none()
            if known is None:
                claim = dict(zip(("batch", "name", "attempt"), mine, strict=True))
                claim |= {"base_url": self.batch.base_url, "video_id": video_id}
                # If another process is faster, this fails, and the step is tried again.
                connection.execute(sa.insert(JOBS).values(**claim))
            if row["video_id"] is None and known in {None, mine}:
                change = dict.fromkeys(("candidates", "code", "message"))
                self._set(connection, name, state=RUNNING, video_id=video_id, **change)
                return True
            return bool(row["video_id"] == video_id)

    def release(self, name: str) -> None:
        """Record that the create of a row has surely started no job, and is not to be paid for."""
        with self._changing(name) as (connection, row):
            if row["video_id"] is not None or row["state"] not in {SENDING, DOUBT}:
                return
            self._count(connection, row, -1)
            self._set(connection, name, state=PENDING, is_counted=False, message=None)

    def set(self, name: str, state: str, *, workflow: str | None = None, **values: Any) -> None:
        """Record the state of a row, and further columns; for a workflow, only while the row is its own."""
        with self._engine.begin() as connection:
            self._set(connection, name, of=workflow, state=state, **values)

    def leave(self, name: str, state: str, *, workflow: str | None = None, **values: Any) -> None:
        """Record the state in which a workflow leaves a row, as `set` does; the row can be enqueued again."""
        with self._engine.begin() as connection:
            self._set(connection, name, of=workflow, state=state, workflow=None, **values)

    def renew(self, name: str, *, of: Collection[str]) -> int:
        """Let a row in one of these states begin anew, as another attempt under another key; return its number.

        Raises:
            BatchError: It is in another state by now.
        """
        with self._changing(name) as (connection, row):
            if row["state"] not in of:
                raise BatchError(f"the row {name!r} is {row['state']} by now; nothing was changed.")
            attempt = int(row["attempt"]) + 1
            nothing = dict.fromkeys(("intended_at", "video_id", "code", "message", "candidates", "files"))
            self._set(connection, name, state=PENDING, attempt=attempt, is_counted=False, **nothing)
        return attempt

    def rivals(self, row: Mapping[str, Any]) -> tuple[int, bool, bool]:
        """Return how many other rows send the same and are in doubt, and two things of those with the same prompt.

        These are whether the create of one is being sent, and whether one in doubt sends something else. The rows of
        all batches at this server count.
        """
        alike = [ROWS.c.sent["prompt"].as_string() == row["sent"]["prompt"], ROWS.c.state.in_((DOUBT, SENDING))]
        here = sa.select(BATCHES.c.id).where(BATCHES.c.base_url == self.batch.base_url)
        wanted = sa.select(ROWS.c.batch, ROWS.c.name, ROWS.c.state, ROWS.c.digest)
        with self._engine.begin() as connection:
            found = connection.execute(wanted.where(*alike, ROWS.c.batch.in_(here))).all()
        others = [each for each in found if (each.batch, each.name) != (row["batch"], row["name"])]
        doubts = [each.digest == row["digest"] for each in others if each.state == DOUBT]
        return sum(doubts), any(each.state == SENDING for each in others), not all(doubts)

    def claimed(self, ids: Sequence[str]) -> dict[str, str | None]:
        """Return which of these jobs are recorded, with the prompt of each that is of this batch."""
        with self._engine.begin() as connection:
            wanted = (JOBS.c.base_url == self.batch.base_url, JOBS.c.video_id.in_(ids))
            same_row = (ROWS.c.batch == JOBS.c.batch) & (ROWS.c.name == JOBS.c.name)
            chosen = sa.select(JOBS.c.video_id, JOBS.c.batch, ROWS.c.sent).where(*wanted)
            found = connection.execute(chosen.join_from(JOBS, ROWS, same_row, isouter=True)).all()
        return {id_: sent["prompt"] if sent and batch == self.batch.id else None for id_, batch, sent in found}

    @contextmanager
    def _writing(self) -> Generator[sa.Connection]:
        """Yield a connection in a transaction whose reads hold until its writes."""
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # sqlite3 begins one only before a write
            yield connection

    @contextmanager
    def _changing(self, name: str) -> Generator[tuple[sa.Connection, dict[str, Any]]]:
        """Yield a row that nobody else changes meanwhile."""
        with self._writing() as connection:
            wanted = sa.select(ROWS).where(self._rows, ROWS.c.name == name).with_for_update()
            yield connection, dict(connection.execute(wanted).mappings().one())

    def _set(self, connection: sa.Connection, name: str, *, of: str | None = None, **values: Any) -> None:
        owned = [] if of is None else [ROWS.c.workflow == of]
        clean = {column: storable(value) for column, value in values.items()}
        connection.execute(sa.update(ROWS).where(self._rows, ROWS.c.name == name, *owned).values(**clean))

    def _count(self, connection: sa.Connection, row: Mapping[str, Any], sign: int) -> bool:
        """Add a row to what is spent, or take it off; return False if that would exceed a limit."""
        seconds = sign * int(row["sent"].get("seconds", 0))
        own = BATCHES.c.id == self.batch.id
        # The limits may have been changed by another process since this one has read them.
        batch = connection.execute(sa.select(BATCHES).where(own).with_for_update()).mappings().one()
        after = {"videos": batch["videos"] + sign, "seconds": batch["seconds"] + seconds}
        limits = {"videos": "max_videos", "seconds": "max_seconds_of_video"}
        found = {column: batch["settings"].get(name) for column, name in limits.items()}
        if sign > 0 and any(most is not None and after[column] > most for column, most in found.items()):
            return False
        connection.execute(sa.update(BATCHES).where(own).values(**after))
        return True


def turn_after(next_at: float | None, at: float) -> float:
    """Return how many seconds after `at` the next create may be sent.

    No pause is longer than a minute: a time further away was written by a clock that was set since.
    """
    pause = 0.0 if next_at is None else next_at - at
    return pause if 0 < pause <= MINUTE_S else 0.0


def storable(value: Any) -> Any:
    """Return a value that every database takes: a server's text may have what none does."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    if isinstance(value, list):
        return [storable(each) for each in cast("list[object]", value)]
    return value
