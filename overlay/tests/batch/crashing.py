"""Run the command, and let faults happen to it: `python crashing.py PLAN batch run …`.

PLAN is JSON. `at` is the moment at which the process dies; 0 for none. `seed` and `chances` are those of the faults
that happen at random, by their kind: at each moment, one of a kind with this chance. `log` is a file to which a line is
added for each fault, before it happens, and the number of moments at the end.

A moment is before and after each change of the ledger, each create and each record of a step, and in each transaction
of the ledger before it ends, with the connection to the database open.
"""

from __future__ import annotations

import errno
import functools
import inspect
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from openvideos.__main__ import main
from openvideos._batch import runner
from openvideos._batch.ledger import Ledger
from openvideos._batch.server import Server
from openvideos._drivers.part_file import PartFile

LONGEST_JUMP_S: Final = 8 * 3600.0
LONGEST_FULL_S: Final = 1.0
WRITES: Final = ("INSERT", "UPDATE", "DELETE", "BEGIN")
real_time = time.time


class Faults:
    """The faults of one process."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.log = os.open(plan["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.at, self.chances = plan.get("at", 0), plan.get("chances", {})
        self.chance = random.Random(plan.get("seed", 0))  # noqa: S311 - it is no secret
        self.passed, self.offset, self.full_until = 0, 0.0, 0.0
        self.lock = threading.Lock()

    def moment(self) -> None:
        """Count a moment, and let happen what happens at it."""
        with self.lock:
            self.passed += 1
            chosen = [kind for kind, chance in self.chances.items() if self.chance.random() < chance]
            if self.passed == self.at:
                chosen = ["kill"]
            for kind in chosen:
                os.write(self.log, f"{kind}\n".encode())
                getattr(self, kind)()

    def kill(self) -> None:
        """Let the process die."""
        os.kill(os.getpid(), signal.SIGKILL)

    def clock(self) -> None:
        """Set the clock of this machine to another time."""
        self.offset = self.chance.uniform(-LONGEST_JUMP_S, LONGEST_JUMP_S)

    def disk(self) -> None:
        """Let the disk be full for a while."""
        self.full_until = time.monotonic() + self.chance.uniform(0.1, LONGEST_FULL_S)

    @property
    def is_full(self) -> bool:
        """Whether the disk is full."""
        return time.monotonic() < self.full_until


faults = Faults(json.loads(sys.argv[1]))


def watched(function: Any) -> Any:
    """Return a function before and after which a moment passes."""

    @functools.wraps(function)
    def blocking(*arguments: Any, **options: Any) -> Any:
        faults.moment()
        result = function(*arguments, **options)
        faults.moment()
        return result

    @functools.wraps(function)
    async def asynchronous(*arguments: Any, **options: Any) -> Any:
        faults.moment()
        result = await function(*arguments, **options)
        faults.moment()
        return result

    return asynchronous if inspect.iscoroutinefunction(function) else blocking


writing, write = Ledger._writing, PartFile.write


@contextmanager
def watched_writing(self: Ledger) -> Generator[sa.Connection]:
    """Let a moment pass while a transaction is open."""
    with writing(self) as connection:
        yield connection
        faults.moment()


def limited_write(self: PartFile, data: bytes) -> None:
    """Write to a file, unless the disk is full."""
    if faults.is_full:
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise self._unwritable(error) from error
    write(self, data)


def full() -> sqlite3.OperationalError:
    """Return what SQLite says of a full disk."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


class LimitedCursor(sqlite3.Cursor):
    """A cursor that cannot write while the disk is full."""

    def execute(self, sql: str, *parameters: Any) -> LimitedCursor:
        if faults.is_full and sql.lstrip().upper().startswith(WRITES):
            raise full()
        return super().execute(sql, *parameters)

    def executemany(self, sql: str, *parameters: Any) -> LimitedCursor:
        if faults.is_full:
            raise full()
        return super().executemany(sql, *parameters)


class LimitedConnection(sqlite3.Connection):
    """A connection that can neither write nor commit while the disk is full."""

    def cursor(self, factory: Any = LimitedCursor) -> Any:
        return super().cursor(factory)

    def commit(self) -> None:
        if faults.is_full and self.in_transaction:
            raise full()
        super().commit()


@event.listens_for(sa.Engine, "do_connect")
def limit(dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
    """Let a connection of SQLite be one of those."""
    if dialect.name == "sqlite":
        options["factory"] = LimitedConnection


for name in ("intend", "doubt", "place", "release", "set", "renew", "enqueue"):
    setattr(Ledger, name, watched(getattr(Ledger, name)))
for place, function in ((Ledger, watched_writing), (Server, watched(Server.create)), (PartFile, limited_write)):
    setattr(place, {Ledger: "_writing", Server: "create", PartFile: "write"}[place], function)
runner._step = watched(runner._step)
time.time = lambda: real_time() + faults.offset

if __name__ == "__main__":
    code = main(sys.argv[2:])
    os.write(faults.log, f"moments {faults.passed}\n".encode())
    sys.exit(code)
