"""Keep jobs, characters and idempotency keys in one SQLite file, and decide nothing.

WAL mode: a killed process loses no job that it answered for. The file is locked for as long as it is open, so that two
servers never share it; the lock is the operating system's, so a crash leaves none behind.

Every public method takes the store's lock; `transaction` groups several of them into one that holds wholly or not.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from openvideos_emulator._errors import StartError, is_no_space
from openvideos_emulator._jobs import Failure, Job, Pace, Recipe

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

_APPLICATION_ID: Final = 0x4F564944  # "OVID": tells our files from other SQLite files
_SCHEMA_VERSION: Final = 2
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
CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), ahead REAL NOT NULL);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};
"""
_COLUMNS: Final = (
    "id, row, created_at, started_at, prompt, model, size, seconds, seed, pace, failure_code, failure_message,"
    " remixed_from, reads, ended_at, advanced"
)


@dataclass(frozen=True, slots=True)
class Character:
    """The record of a character."""

    id: str
    created_at: int
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the order of the list: behind the video with this creation time and row."""

    created_at: int
    row: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What an idempotency key stands for: the fingerprint of its request, and the resource that it made."""

    key: str
    fingerprint: str
    resource_id: str


class Store:
    """One SQLite database, in a file, or in memory when the path is None."""

    def __init__(self, path: Path | None) -> None:
        """Open or create the database; StartError if it is not ours, or in use."""
        self._lock = threading.RLock()
        self._connection = _open(path)
        self._finalizer = weakref.finalize(self, self._connection.close)

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        with self._lock:
            self._finalizer()

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """Make all writes inside hold together, or none; also keep other threads out."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def add(self, job: Job) -> Job:
        """Store a new job; return it with the row that the database gave it."""
        recipe, failure = job.recipe, job.failure
        with self.transaction():
            cursor = self._connection.execute(
                "INSERT INTO videos (id, created_at, started_at, prompt, model, size, seconds, seed, pace,"
                " failure_code, failure_message, remixed_from, reads, ended_at, advanced)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job.id,
                    job.created_at,
                    job.started_at,
                    recipe.prompt,
                    recipe.model,
                    recipe.size,
                    recipe.seconds,
                    recipe.seed,
                    str(job.pace),
                    failure.code if failure else None,
                    failure.message if failure else None,
                    job.remixed_from,
                    job.reads,
                    job.ended_at,
                    job.advanced,
                ),
            )
            row = self._connection.execute(
                f"SELECT {_COLUMNS} FROM videos WHERE row = ?",  # noqa: S608 - a constant
                (cursor.lastrowid,),
            ).fetchone()
        return _job(row)

    def job(self, video_id: str) -> Job | None:
        """Find a job that is not deleted."""
        with self._lock:
            row = self._connection.execute(
                f"SELECT {_COLUMNS} FROM videos WHERE id = ? AND NOT deleted",  # noqa: S608 - a constant
                (video_id,),
            ).fetchone()
        return None if row is None else _job(row)

    def cursor(self, video_id: str) -> Cursor | None:
        """Find the place of a video in the list, deleted or not; None if there never was one."""
        with self._lock:
            row = self._connection.execute("SELECT created_at, row FROM videos WHERE id = ?", (video_id,)).fetchone()
        return None if row is None else Cursor(*row)

    def jobs(self, *, after: Cursor | None, limit: int, ascending: bool) -> list[Job]:
        """Read up to `limit` jobs behind a cursor, by creation time and then by row."""
        way, than = ("ASC", ">") if ascending else ("DESC", "<")
        behind = f"AND (created_at, row) {than} (?, ?)" if after else ""
        query = (
            f"SELECT {_COLUMNS} FROM videos WHERE NOT deleted {behind}"  # noqa: S608 - constants
            f" ORDER BY created_at {way}, row {way} LIMIT ?"
        )
        place = (after.created_at, after.row) if after else ()
        with self._lock:
            return [_job(row) for row in self._connection.execute(query, (*place, limit)).fetchall()]

    def all_jobs(self) -> Iterator[Job]:
        """Read all jobs, the oldest first, one by one; nothing else may use the store meanwhile."""
        with self._lock:
            query = f"SELECT {_COLUMNS} FROM videos WHERE NOT deleted ORDER BY created_at, row"  # noqa: S608 - constants
            yield from map(_job, self._connection.execute(query))

    def move(self, jobs: Iterable[Job]) -> None:
        """Write back how far these jobs are, and how they end."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE videos SET reads = ?, ended_at = ?, advanced = ?, failure_code = ?, failure_message = ?"
                " WHERE row = ?",
                [
                    (
                        job.reads,
                        job.ended_at,
                        job.advanced,
                        job.failure.code if job.failure else None,
                        job.failure.message if job.failure else None,
                        job.row,
                    )
                    for job in jobs
                ],
            )

    def delete(self, job: Job) -> None:
        """Forget a job, but for its place in the list, so that its id goes on working as a cursor."""
        with self.transaction():
            self._connection.execute("UPDATE videos SET deleted = 1, prompt = '', seed = '' WHERE row = ?", (job.row,))

    def clear(self) -> None:
        """Forget everything, also which ids there were."""
        with self.transaction():
            for table in ("videos", "characters", "idempotency", "clock"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants

    def ahead(self) -> float:
        """Tell how many seconds the clock was advanced by hand."""
        with self._lock:
            row = self._connection.execute("SELECT ahead FROM clock").fetchone()
        return 0.0 if row is None else float(row[0])

    def set_ahead(self, seconds: float) -> None:
        """Write how many seconds the clock was advanced by hand."""
        with self.transaction():
            self._connection.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (seconds,))

    def uses(self, recipe: Recipe) -> bool:
        """Tell whether a job that is not deleted has this recipe."""
        with self._lock:
            row = self._connection.execute(
                "SELECT 1 FROM videos WHERE prompt = ? AND model = ? AND size = ? AND seconds = ? AND seed = ?"
                " AND NOT deleted",
                (recipe.prompt, recipe.model, recipe.size, recipe.seconds, recipe.seed),
            ).fetchone()
        return row is not None

    def latest(self) -> float:
        """Give the latest time that the database knows, in Unix seconds; 0 if it is empty."""
        with self._lock:
            row = self._connection.execute("SELECT max(max(started_at), coalesce(max(ended_at), 0)) FROM videos")
            return float(row.fetchone()[0] or 0.0)

    def add_character(self, character: Character) -> None:
        """Store a new character."""
        with self.transaction():
            values = (character.id, character.created_at, character.name, character.digest)
            self._connection.execute("INSERT INTO characters VALUES (?, ?, ?, ?)", values)

    def character(self, character_id: str) -> Character | None:
        """Find a character."""
        with self._lock:
            query = "SELECT id, created_at, name, digest FROM characters WHERE id = ?"
            row = self._connection.execute(query, (character_id,)).fetchone()
        return None if row is None else Character(*row)

    def add_claim(self, claim: Claim) -> None:
        """Store what an idempotency key stands for."""
        with self.transaction():
            values = (claim.key, claim.fingerprint, claim.resource_id)
            self._connection.execute("INSERT INTO idempotency VALUES (?, ?, ?)", values)

    def claim(self, key: str) -> Claim | None:
        """Find what an idempotency key stands for."""
        with self._lock:
            query = "SELECT key, fingerprint, resource_id FROM idempotency WHERE key = ?"
            row = self._connection.execute(query, (key,)).fetchone()
        return None if row is None else Claim(*row)


def _open(path: Path | None) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=0.5,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        message = f"the database {path} cannot be opened: {error}; does its directory exist, and may it be written?"
        raise StartError(message) from error
    try:
        _prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StartError(_why_unusable(error, path)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables:
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if owner != _APPLICATION_ID:
            message = f"{path} is the SQLite database of another program; name another file with --db"
            raise StartError(message)
        flaw = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if flaw != "ok":
            raise sqlite3.DatabaseError(flaw)
        if version != _SCHEMA_VERSION:
            message = (
                f"{path} has schema {version}, this emulator reads schema {_SCHEMA_VERSION}; move the file away, or"
                " name another with --db"
            )
            raise StartError(message)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")  # takes the lock that keeps other processes out
    connection.execute("COMMIT")
    if not tables:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")


def _why_unusable(error: sqlite3.DatabaseError, path: Path | None) -> str:
    # What quick_check finds has no code of SQLite's.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"the database {path} is in use by another process; stop that one, or name another file with --db"
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        reason = " ".join(str(error).split())
        return f"{path} is not a database that can be read ({reason}); move it away, or name another file with --db"
    if is_no_space(error):
        return f"the database {path} cannot be used: the disk is full ({error}); make room, nothing was lost"
    return f"the database {path} cannot be used: {error}"


def _job(row: tuple[object, ...]) -> Job:
    # The columns have the types that the schema gives them; a file of ours holds nothing else.
    (id_, number, created, started, prompt, model, size, seconds, seed, pace, code, reason, source, *progress) = row
    reads, ended, advanced = progress
    return Job(
        id=str(id_),
        row=int(str(number)),
        created_at=int(str(created)),
        started_at=float(str(started)),
        recipe=Recipe(prompt=str(prompt), model=str(model), size=str(size), seconds=int(str(seconds)), seed=str(seed)),
        pace=Pace.parse(str(pace)),
        failure=None if code is None else Failure(code=str(code), message=str(reason)),
        remixed_from=None if source is None else str(source),
        reads=int(str(reads)),
        ended_at=None if ended is None else float(str(ended)),
        advanced=float(str(advanced)),
    )
