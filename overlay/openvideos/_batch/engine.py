"""Run the rows of a batch on DBOS: each is a durable workflow, and a queue says how many run at once."""

from __future__ import annotations

import hashlib
import logging
import platform
import sqlite3
import threading
import uuid
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from .database import connect

if TYPE_CHECKING:
    from dbos import WorkflowStatus

    from .runner import Runner

NAME: Final = "openvideos-batch"
VERSION: Final = "1"
"""The version of the workflows: one that a process with another version began is not taken."""
POLL_S: Final = 0.1
MOST_IDS: Final = 500
NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
"""What SQLite says when the disk is full: which of them depends on the file that cannot grow."""
HOLD_S: Final = 2.0
LOCK_MS: Final = 5000
"""For how many milliseconds a worker waits for its own lock."""
THREADS: Final = 12
"""How many threads use the database or save files: not one for each row, more than files are saved at once, and fewer
than a pool has connections."""
GOING: Final = frozenset({"ENQUEUED", "PENDING", "DELAYED"})

_runners: dict[str, Runner] = {}


@DBOS.workflow(name="openvideos_row")
async def _row(batch: str, name: str) -> str:
    runner, workflow = _runners[batch], str(DBOS.workflow_id)
    runner.making.add(workflow)
    try:
        return await runner.make(name)
    finally:
        runner.making.discard(workflow)


def queue_name(batch: str) -> str:
    """Return the name of a batch's queue."""
    return f"openvideos-{batch}"


class Engine:
    """DBOS, with the workflows of one batch."""

    def __init__(self, url: str, runner: Runner, *, most: int) -> None:
        """Start it; DBOS is one in a process."""
        self._runner, self._batch = runner, runner.ledger.batch.id
        is_local = url.startswith("sqlite")
        self._executor = "local" if is_local else f"{platform.node()}-{uuid.uuid4()}"
        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": url,
            "application_version": VERSION,
            "executor_id": self._executor,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": THREADS,
            "log_level": "CRITICAL",  # what goes wrong is told by the rows
        }
        self._engine = connect(url, is_durable=False) if is_local else None
        if self._engine is not None:
            event.listen(self._engine, "handle_error", self._wait_for_room)
            config["system_database_engine"] = self._engine
        _runners[self._batch] = runner
        self._locks = None if is_local else Liveness(url, self._executor)
        self._suspects: set[str] = set()
        if self._locks is not None:
            runner.hold = self._locks.hold
            self._locks.keep()
        DBOS(config=config)
        DBOS.listen_queues([queue_name(self._batch)])
        DBOS.launch()
        self._client = DBOSClient(
            system_database_url=url, system_database_engine=self._engine, serializer=DBOSPortableJSONSerializer()
        )
        self._client.register_queue(
            queue_name(self._batch),
            worker_concurrency=most,
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )

    def enqueue(self, most: int, states: Collection[str]) -> int:
        """Enqueue up to `most` rows in these states that nobody makes; return how many."""

        def put(connection: sa.Connection, workflow: str, name: str) -> None:
            options: EnqueueOptions = {
                "workflow_name": "openvideos_row",
                "queue_name": queue_name(self._batch),
                "workflow_id": workflow,
                "app_version": VERSION,
            }
            self._client.enqueue_in_transaction(connection, options, self._batch, name)

        return self._runner.ledger.enqueue(put, most, states, self._runner.parked)

    def clear(self) -> None:
        """Let the rows be enqueued again whose workflows ended without them, which no workflow should."""
        ids = self._runner.ledger.workflows()
        for start in range(0, len(ids), MOST_IDS):
            some = ids[start : start + MOST_IDS]
            found = DBOS.list_workflows(workflow_ids=some, load_input=False, load_output=False)
            going = {each.workflow_id for each in found if each.status in GOING}
            self._runner.ledger.free([each for each in some if each not in going])

    def _wait_for_room(self, context: sa.ExceptionContext) -> Exception | None:
        """Let DBOS try again what a full disk has refused: it does so while a database of SQLite is locked."""
        if getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF not in NO_ROOM:
            return None
        out, said = self._runner.ledger.batch.out, context.original_exception
        self._runner.trouble = f"there is no room in {out}: make some, and it goes on"
        if getattr(said, "sqlite_errorcode", 0) != sqlite3.SQLITE_FULL:
            self._runner.trouble = f"the database in {out} cannot be written ({said}): make room if its disk is full"
        locked = sqlite3.OperationalError("database is locked: there is no room")
        return OperationalError(context.statement, None, locked)

    def take_over(self) -> None:
        """Resume the workflows of workers that have died, and those that died here: if they were dead at two calls.

        A worker that lives takes its lock again meanwhile, if its connection was cut or the database has restarted. A
        workflow dies alone if DBOS could not record what it did, nor that it failed.
        """
        going = self._going()
        before, self._suspects = self._suspects, set()
        dead = {each.workflow_id for each in going if each.executor_id == self._executor} - self._runner.making
        self._suspects |= dead - before
        self._resume([*(dead & before)])
        if self._locks is None:
            return
        for executor in {str(each.executor_id) for each in going} - {self._executor}:
            with self._locks.holding(executor) as is_dead:
                if is_dead and executor not in before:
                    self._suspects.add(executor)
                elif is_dead:
                    # Another worker may have resumed them before this one had the lock.
                    self._resume([each.workflow_id for each in self._going() if each.executor_id == executor])

    def _resume(self, ids: list[str]) -> None:
        if ids:
            DBOS.resume_workflows(ids, queue_name=queue_name(self._batch))

    def _going(self) -> list[WorkflowStatus]:
        name = queue_name(self._batch)
        return DBOS.list_workflows(status="PENDING", queue_name=name, load_input=False, load_output=False)

    def close(self) -> None:
        """Stop; what is under way goes on when the batch is run again."""
        DBOS.destroy()
        logging.getLogger("dbos").handlers.clear()  # it would keep what stderr is now, and write to it the next time
        self._client.destroy()
        _runners.pop(self._batch, None)
        if self._locks is not None:
            self._locks.close()
        if self._engine is not None:
            self._engine.dispose()


class Liveness:
    """Tells whether other workers live: each holds a lock on the database, which goes with its connection."""

    def __init__(self, url: str, executor: str) -> None:
        """Take the lock of this worker."""
        self._engine = connect(url).execution_options(isolation_level="AUTOCOMMIT")
        self._own, self._connection = executor, self._engine.connect()
        self._one_at_a_time = threading.Lock()
        self._closing = threading.Event()
        # While the database is away, DBOS may sleep in all threads but this one.
        self._keeper = threading.Thread(target=self._hold_on, daemon=True)
        self._taken = 0
        self._take(self._connection)

    def keep(self) -> None:
        """See from now on that this worker holds its lock."""
        self._keeper.start()

    def _hold_on(self) -> None:
        while not self._closing.wait(HOLD_S):
            with suppress(SQLAlchemyError):  # each create asks again
                self.hold()

    def hold(self) -> int:
        """See that this worker holds its lock, taking it again if need be; return how often it was taken.

        A worker whose connection was cut is taken for dead by others, which make its rows. So it asks before each
        create: between two calls that return the same number, the lock was held all the time.

        Raises:
            SQLAlchemyError: It is not held; ask again.
        """
        with self._one_at_a_time:
            if self._connection.closed:
                connection = self._engine.connect()
                try:
                    self._take(connection)
                except SQLAlchemyError:
                    connection.close()
                    raise
                self._connection = connection
            try:
                self._connection.execute(sa.select(1))
            except SQLAlchemyError:
                self._connection.invalidate()
                self._connection.close()
                raise
            return self._taken

    def _take(self, connection: sa.Connection) -> None:
        # What is left of a connection that was cut may hold it until the server notices; that is tried again later.
        connection.execute(sa.text(f"SET lock_timeout = {LOCK_MS}"))
        connection.execute(sa.select(sa.func.pg_advisory_lock(_number(self._own))))
        self._taken += 1

    @contextmanager
    def holding(self, executor: str) -> Generator[bool]:
        """Yield whether a worker holds its lock no more; if so, it is held meanwhile."""
        number = _number(executor)
        with self._engine.connect() as connection:
            is_free = bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(number))).scalar())
            try:
                yield is_free
            finally:
                if is_free:
                    connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))

    def close(self) -> None:
        """Let go of the lock."""
        self._closing.set()
        if self._keeper.is_alive():
            self._keeper.join()
        with suppress(SQLAlchemyError):  # it may have been cut
            self._connection.close()
        self._engine.dispose()


def _number(executor: str) -> int:
    return int.from_bytes(hashlib.sha256(executor.encode()).digest()[:8], signed=True)
