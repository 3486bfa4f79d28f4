"""Open one SQLite file, with its lock and its transactions, for all stores that share it.

In WAL mode, a killed process loses no job for which it has sent a response. The file is locked while it is open, so
that two servers never share it; the operating system releases the lock after a crash.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from .._model.refusals import StartError, is_no_space, stale
from .owner import Owner, owner_of
from .reserve import Reserve
from .schema import bring_up, check, is_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

_Result = TypeVar("_Result")


class Database:
    """One SQLite database, in a file, or in memory if the path is None.

    Code that uses `connection` must hold `lock`, or be inside `transaction`. `owner` is the note for other processes.
    With a `clock`, each transaction that changes something stores the time, in Unix seconds.
    """

    lock: threading.RLock
    connection: sqlite3.Connection
    owner: Owner
    clock: Callable[[], float] | None

    def __init__(self, path: Path | None) -> None:
        """Open or create the database.

        Raises:
            StartError: The file is not a database of the emulator, is in use, or cannot be read or written.
        """
        self.lock, self.clock = threading.RLock(), None
        self._generation = 0
        self.connection = _open(path)
        self.owner, self._reserve = Owner(path), Reserve(path)
        self._finalizer = weakref.finalize(self, _close, self.connection, self.owner, self._reserve)

    def close(self) -> None:
        """Close the file; the database cannot be used afterwards."""
        with self.lock:
            self._finalizer()

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """Commit all writes inside, or none, and keep other threads out; a nested transaction joins the outer one.

        Raises:
            RefusalError: The transaction is of a generation that has ended, see `of_this_generation`.
        """
        with self.lock:
            if self.connection.in_transaction:
                yield
                return
            database, generation = _GENERATION.get()
            if database == id(self) and generation != self._generation:
                raise stale()
            self.connection.execute("BEGIN IMMEDIATE")
            before = self.connection.total_changes
            try:
                yield
                if self.clock is not None and self.connection.total_changes != before:
                    self.connection.execute("UPDATE clock SET latest = ?", (self.clock(),))
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:  # on a full disk, SQLite may have rolled back by itself
                    self.connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def of_this_generation(self) -> Generator[None]:
        """Refuse the transactions inside, in this context, once a later generation has begun."""
        token = _GENERATION.set((id(self), self._generation))
        try:
            yield
        finally:
            _GENERATION.reset(token)

    @contextlib.contextmanager
    def next_generation(self, *, clock: Callable[[], float]) -> Generator[None]:
        """Begin a generation with a transaction, which may be of any; if that fails, none begins.

        The transaction stores the time of this `clock`.
        """
        token = _GENERATION.set(_NONE)
        with self.lock:
            usual, self.clock = self.clock, clock
            try:
                with self.transaction():
                    yield
                self._generation += 1
            finally:
                self.clock = usual
                _GENERATION.reset(token)

    def even_if_full(self, write: Callable[[], _Result]) -> _Result:
        """Carry out a transaction that makes room on the disk; if the disk is full, give up the reserve for it.

        Call `restore_reserve` once the room is made.
        """
        for make_room in (self._reserve.release, self._checkpoint):
            try:
                return write()
            except sqlite3.Error as error:
                if not is_no_space(error):
                    raise
            make_room()
        return write()

    def restore_reserve(self) -> None:
        """Take the reserve again, if it was given up and the disk has room for it."""
        if self._reserve.is_released:
            self._checkpoint()
            self._reserve.take()

    def _checkpoint(self) -> None:
        """Write the log of changes into the database, and make room of it."""
        with self.lock, contextlib.suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


_NONE: Final = (0, 0)
_GENERATION: Final[ContextVar[tuple[int, int]]] = ContextVar("generation", default=_NONE)
"""The id of a database, and the generation of it that this context belongs to."""


def _close(connection: sqlite3.Connection, owner: Owner, reserve: Reserve) -> None:
    reserve.release()
    owner.close()
    connection.close()


def _open(path: Path | None) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=0.5,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise StartError(
            f"the database {path} cannot be opened: {error}; check that its directory exists and is writable, or name"
            " another file with --db"
        ) from error
    try:
        _prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StartError(why_unusable(error, path)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA trusted_schema = OFF")
    flaw = None if is_empty(connection) else check(connection, path)
    if flaw is not None:
        raise sqlite3.DatabaseError(flaw)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = FAST")  # some builds of SQLite overwrite all that is deleted
    connection.execute("BEGIN IMMEDIATE")  # acquires the lock that keeps other processes out
    connection.execute("COMMIT")
    bring_up(connection)


def why_unusable(error: sqlite3.DatabaseError, path: Path | None) -> str:
    """Return a sentence that says why a database cannot be used, and what to do."""
    code = _code(error)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        who = "" if path is None else owner_of(path)
        who = f" ({who})" if who else ""
        return f"the database {path} is in use by another process{who}; stop that one, or name another file with --db"
    if is_damage(error):
        reason = " ".join(str(error).split())
        return f"{path} is not a database that can be read ({reason}); move it away, or name another file with --db"
    if is_no_space(error):
        return f"the database {path} cannot be used: the disk is full ({error}); free some space, no data was lost"
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR}:
        return (
            f"the database {path} cannot be written: {error}; check that it and its directory are writable, or name"
            " another file with --db"
        )
    return f"the database {path} cannot be used: {error}"


def is_damage(error: BaseException) -> bool:
    """Return whether an error means that the database is damaged, or is none."""
    # Its subclasses are for what a program does wrong, and have no error code, either.
    return type(error) is sqlite3.DatabaseError and _code(error) in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


def _code(error: sqlite3.DatabaseError) -> int:
    # The errors for what SQLite does not notice are raised here, so they have no error code of SQLite.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF
