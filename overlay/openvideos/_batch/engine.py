"""Run the rows of a batch on DBOS: each is a durable workflow, and a queue says how many run at once."""

from __future__ import annotations

import hashlib
import logging
import platform
import uuid
from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions

from .ledger import connect

if TYPE_CHECKING:
    from dbos import WorkflowStatus

    from .runner import Runner

NAME: Final = "openvideos-batch"
VERSION: Final = "1"
"""The version of the workflows: one that a process with another version began is not taken."""
POLL_S: Final = 0.1
MOST_IDS: Final = 500
THREADS: Final = 12
"""How many threads use the database or save files: not one for each row, more than files are saved at once, and fewer
than a pool has connections."""
GOING: Final = frozenset({"ENQUEUED", "PENDING", "DELAYED"})

_runners: dict[str, Runner] = {}


@DBOS.workflow(name="openvideos_row")
async def _row(batch: str, name: str) -> str:
    return await _runners[batch].make(name)


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
            config["system_database_engine"] = self._engine
        _runners[self._batch] = runner
        self._locks = None if is_local else Liveness(url, self._executor)
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

    def take_over(self) -> None:
        """Resume the workflows of workers that have died."""
        if self._locks is None:
            return
        going = self._going()
        for executor in {str(each.executor_id) for each in going} - {self._executor}:
            with self._locks.holding(executor) as is_dead:
                # Another worker may have resumed them before this one had the lock.
                ids = [each.workflow_id for each in self._going() if each.executor_id == executor] if is_dead else []
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
        self._connection.execute(sa.select(sa.func.pg_advisory_lock(_number(executor))))

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
        self._connection.close()
        self._engine.dispose()


def _number(executor: str) -> int:
    return int.from_bytes(hashlib.sha256(executor.encode()).digest()[:8], signed=True)
