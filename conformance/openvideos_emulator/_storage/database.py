"""Open one SQLite file, with its schema, its lock and its transactions, for all stores that share it.

In WAL mode, a killed process loses no job for which it has sent a response. The file is locked while it is open, so
that two servers never share it; the operating system releases the lock after a crash.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING, Final

from .._model.refusals import StartError, is_no_space

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_APPLICATION_ID: Final = 0x4F564944  # "OVID": distinguishes our files from other SQLite files
_SCHEMA_VERSION: Final = 4
_CHANGES: Final = {3: "ALTER TABLE videos ADD COLUMN sampling TEXT NOT NULL DEFAULT '{}'"}
"""By the version of an older schema: what makes the next one of it."""
_SCHEMA: Final = f"""
CREATE TABLE videos (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    started_at REAL NOT NULL,
    prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    size TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    seed TEXT NOT NULL,
    sampling TEXT NOT NULL DEFAULT '{{}}',
    pace TEXT NOT NULL,
    failure_code TEXT,
    failure_message TEXT,
    remixed_from TEXT,
    reads INTEGER NOT NULL DEFAULT 0,
    ended_at REAL,
    advanced REAL NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX videos_in_order ON videos (created_at, row) WHERE NOT deleted;
CREATE TABLE characters (
    id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, resource_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE events (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    video_id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    happens_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    attempted_at REAL,
    next_at REAL,
    status INTEGER,
    problem TEXT
);
CREATE INDEX events_to_deliver ON events (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), ahead REAL NOT NULL);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};
"""


class Database:
    """One SQLite database, in a file, or in memory if the path is None.

    Code that uses `connection` must hold `lock`, or be inside `transaction`.
    """

    lock: threading.RLock
    connection: sqlite3.Connection

    def __init__(self, path: Path | None) -> None:
        """Open or create the database.

        Raises:
            StartError: The file is not a database of the emulator, is in use, or cannot be read or written.
        """
        self.lock = threading.RLock()
        self.connection = _open(path)
        self._finalizer = weakref.finalize(self, self.connection.close)

    def close(self) -> None:
        """Close the file; the database cannot be used afterwards."""
        with self.lock:
            self._finalizer()

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """Commit all writes inside, or none, and keep other threads out; a nested transaction joins the outer one."""
        with self.lock:
            if self.connection.in_transaction:
                yield
                return
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:  # on a full disk, SQLite may have rolled back by itself
                    self.connection.execute("ROLLBACK")
                raise


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
            f"the database {path} cannot be opened: {error}; check that its directory exists and is writable"
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
    version, tables = _SCHEMA_VERSION, connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables:
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if owner != _APPLICATION_ID:
            raise StartError(f"{path} is the SQLite database of another program; name another file with --db")
        flaw = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if flaw != "ok":
            raise sqlite3.DatabaseError(flaw)
        if version not in {*_CHANGES, _SCHEMA_VERSION}:
            raise StartError(
                f"{path} has schema {version}, this emulator reads schema {_SCHEMA_VERSION}; move the file away, or"
                " name another with --db"
            )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")  # acquires the lock that keeps other processes out
    connection.execute("COMMIT")
    for old in range(version, _SCHEMA_VERSION) if tables else ():
        connection.executescript(f"BEGIN IMMEDIATE; {_CHANGES[old]}; PRAGMA user_version = {old + 1}; COMMIT;")
    if not tables:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")


def why_unusable(error: sqlite3.DatabaseError, path: Path | None) -> str:
    """Return a sentence that says why a database cannot be used, and what to do."""
    # The error for a failed quick_check is raised here, so it has no error code of SQLite.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"the database {path} is in use by another process; stop that one, or name another file with --db"
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        reason = " ".join(str(error).split())
        return f"{path} is not a database that can be read ({reason}); move it away, or name another file with --db"
    if is_no_space(error):
        return f"the database {path} cannot be used: the disk is full ({error}); free some space, no data was lost"
    return f"the database {path} cannot be used: {error}"
