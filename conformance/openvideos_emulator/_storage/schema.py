"""Hold the schema of the database, make it, and bring a database of an older schema up to it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from .._model.jobs import Job, Pace, Recipe, Sampling, begin_of, end_of
from .._model.refusals import StartError

if TYPE_CHECKING:
    from pathlib import Path

_APPLICATION_ID: Final = 0x4F564944  # "OVID": distinguishes our files from other SQLite files
_VERSION: Final = 6
_CHECKED_BYTES: Final = 8 << 20
"""The size up to which a database is checked as a whole at the start, which takes 30 ms at the most."""

# `begins_at` and `ends_at` are what `begin_of` and `end_of` say, and `recipe` is the recipe's digest.
_TABLES: Final = """
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
    sampling TEXT NOT NULL DEFAULT '{}',
    pace TEXT NOT NULL,
    failure_code TEXT,
    failure_message TEXT,
    remixed_from TEXT,
    reads INTEGER NOT NULL DEFAULT 0,
    ended_at REAL,
    advanced REAL NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    recipe TEXT NOT NULL DEFAULT '',
    begins_at REAL,
    ends_at REAL
);
CREATE TABLE characters (
    id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, resource_id TEXT NOT NULL, used_at REAL NOT NULL DEFAULT 0
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
    problem TEXT,
    history TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    ahead REAL NOT NULL DEFAULT 0,
    latest REAL NOT NULL DEFAULT 0,
    announced_from REAL
);
INSERT INTO clock (id) VALUES (1);
CREATE TABLE signing (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL);
"""
_INDEXES: Final = """
CREATE INDEX videos_in_order ON videos (created_at, row, ended_at, ends_at, begins_at, failure_code) WHERE NOT deleted;
CREATE INDEX videos_by_recipe ON videos (recipe, ends_at) WHERE NOT deleted;
CREATE INDEX idempotency_in_order ON idempotency (used_at);
CREATE INDEX events_to_deliver ON events (attempts, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX events_in_order ON events (happens_at, row);
"""
_SCHEMA: Final = f"{_TABLES}{_INDEXES}PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_VERSION};"
_CHANGES: Final = {
    3: ("ALTER TABLE videos ADD COLUMN sampling TEXT NOT NULL DEFAULT '{}';",),
    4: (
        """
    ALTER TABLE videos ADD COLUMN recipe TEXT NOT NULL DEFAULT '';
    ALTER TABLE videos ADD COLUMN begins_at REAL;
    ALTER TABLE videos ADD COLUMN ends_at REAL;
    UPDATE videos SET recipe = digest_of(prompt, model, size, seconds, seed, sampling),
        begins_at = begin_of(started_at, pace, reads, ended_at, advanced),
        ends_at = end_of(started_at, pace, reads, ended_at, advanced) WHERE NOT deleted;
    ALTER TABLE clock ADD COLUMN latest REAL NOT NULL DEFAULT 0;
    ALTER TABLE clock ADD COLUMN announced_from REAL;
    INSERT OR IGNORE INTO clock (id, ahead) VALUES (1, 0);
    UPDATE clock SET latest = max(
        coalesce((SELECT max(started_at) FROM videos), 0),
        coalesce((SELECT max(ended_at) FROM videos), 0),
        coalesce((SELECT max(attempted_at) FROM events), 0)
    );
    ALTER TABLE idempotency ADD COLUMN used_at REAL NOT NULL DEFAULT 0;
    UPDATE idempotency SET used_at = (SELECT latest FROM clock);
    CREATE TABLE IF NOT EXISTS signing (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL);
    DROP INDEX videos_in_order;
    DROP INDEX events_to_deliver;
    """,
        _INDEXES,
    ),
    5: ("ALTER TABLE events ADD COLUMN history TEXT NOT NULL DEFAULT '[]';",),
}
"""By the version of an older schema: what makes the next one of it."""


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether nothing was stored in a database yet, not even a schema."""
    return not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]


def check(connection: sqlite3.Connection, path: Path | None) -> str | None:
    """Return the flaw of a database that is not empty; None if it has none that shows in a moment.

    A small database is read as a whole. Damage that is deep in a large one shows when it is met.

    Raises:
        StartError: The database is another program's, or has a schema that this emulator does not read.
    """
    if _value(connection, "PRAGMA application_id") != _APPLICATION_ID:
        raise StartError(f"{path} is the SQLite database of another program; name another file with --db")
    version = _value(connection, "PRAGMA user_version")
    if version not in {*_CHANGES, _VERSION}:
        raise StartError(
            f"{path} has schema {version}, this emulator reads schema {_VERSION}; move the file away, or name another"
            " with --db"
        )
    if _value(connection, "PRAGMA page_count") * _value(connection, "PRAGMA page_size") <= _CHECKED_BYTES:
        flaw = str(_value(connection, "PRAGMA quick_check(1)"))
        if flaw != "ok":
            return flaw
    return _oddity(_things(connection) - _known() if version != _VERSION else _things(connection) ^ _known())


def bring_up(connection: sqlite3.Connection) -> None:
    """Make the schema of an empty database, or change that of an older one; do nothing to a current one.

    Raises:
        sqlite3.DatabaseError: The older database is not as an emulator makes it; it stays as it is.
    """
    if is_empty(connection):
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        return
    changes = [
        change for version in range(_value(connection, "PRAGMA user_version"), _VERSION) for change in _CHANGES[version]
    ]
    if not changes:
        return
    for name, function in (("digest_of", _digest_of), ("begin_of", _begin_of), ("end_of", _end_of)):
        connection.create_function(name, -1, function, deterministic=True)
    connection.executescript(f"BEGIN IMMEDIATE; {''.join(changes)} PRAGMA user_version = {_VERSION};")
    flaw = _oddity(_things(connection) ^ _known())
    if flaw is not None:
        raise sqlite3.DatabaseError(flaw)
    connection.execute("COMMIT")


def _oddity(things: set[str]) -> str | None:
    # A trigger or a view would do what nobody asked for.
    return f"{min(things)} is not as an emulator makes it" if things else None


def _things(connection: sqlite3.Connection) -> set[str]:
    """Return the names of all tables, columns, indexes and whatever else the schema has."""
    query = """
        SELECT thing.name || coalesce('.' || part.name, '')
        FROM sqlite_schema AS thing LEFT JOIN pragma_table_info(thing.name) AS part
        WHERE thing.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
    """
    return {str(name) for (name,) in connection.execute(query)}


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Return the names of all things in the schema of this version."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        return frozenset(_things(connection))


def _value(connection: sqlite3.Connection, query: str) -> int:
    value: int = connection.execute(query).fetchone()[0]
    return value


def _digest_of(prompt: str, model: str, size: str, seconds: int, source: str, sampling: str) -> str:
    return Recipe(prompt, model, size, seconds, source, _sampling_of(sampling)).digest


def _begin_of(*columns: Any) -> float | None:
    return begin_of(_job_of(*columns))


def _end_of(*columns: Any) -> float | None:
    return end_of(_job_of(*columns))


@lru_cache(maxsize=1)  # each row is asked for twice
def _job_of(started_at: float, pace: str, reads: int, ended_at: float | None, advanced: float) -> Job:
    return Job("", 0, 0, started_at, _RECIPE, _pace_of(pace), reads=reads, ended_at=ended_at, advanced=advanced)


_RECIPE: Final = Recipe("", "", "", 0)
_pace_of: Final = lru_cache(Pace.parse)


@lru_cache
def _sampling_of(text: str) -> Sampling:
    return Sampling(**json.loads(text))
