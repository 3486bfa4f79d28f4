"""A database that an older emulator has left is taken over, with all that is in it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from openvideos_emulator._engine.engine import Engine
from openvideos_emulator._engine.idempotency import IdempotentRequest
from openvideos_emulator._model.jobs import Pace, Recipe, Sampling, Status
from openvideos_emulator._model.refusals import StartError
from openvideos_emulator._model.seeds import Seed
from openvideos_emulator._storage.schema import _SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

VIDEOS = """
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    started_at REAL NOT NULL,
    prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    size TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    seed TEXT NOT NULL,
    {sampling}
    pace TEXT NOT NULL,
    failure_code TEXT,
    failure_message TEXT,
    remixed_from TEXT,
    reads INTEGER NOT NULL DEFAULT 0,
    ended_at REAL,
    advanced REAL NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0
"""
SCHEMA = """
CREATE TABLE videos ({videos});
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
PRAGMA application_id = 1331054916;
"""
OLD = {
    3: SCHEMA.format(videos=VIDEOS.format(sampling="")),
    4: SCHEMA.format(videos=VIDEOS.format(sampling="sampling TEXT NOT NULL DEFAULT '{}',"))
    + "CREATE TABLE signing (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL);",
    5: f"{_SCHEMA} ALTER TABLE events DROP COLUMN history; DELETE FROM clock;",  # noqa: S608 - constants
}
START = 1_800_000_000.0
KEY = IdempotentRequest("key", "print")


def write_old(old: Path, new: Path, version: int) -> None:
    """Write what is in a database of today into one of an older schema."""
    connection = sqlite3.connect(old)
    connection.executescript(f"PRAGMA journal_mode = WAL; {OLD[version]} PRAGMA user_version = {version};")
    connection.execute("ATTACH ? AS new", (str(new),))
    tables = ["videos", "characters", "idempotency", "events", "clock", *(["signing"] if version > 3 else [])]
    for table in tables:
        columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
        connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")  # noqa: S608 - constants
    connection.commit()
    connection.close()


def filled(path: Path, *, sampling: Sampling) -> None:
    """Make jobs of all kinds."""
    engine = Engine(database=path, clock=lambda: START, has_events=True)
    for pace in ("instant", "seconds:500", "seconds:900", "polls:3", "polls:30", "manual"):
        engine.pace = Pace.parse(pace)
        for prompt in ("A cat", "[fail]"):
            engine.create(Recipe(prompt, "m", "64x48", 1, "", sampling))
    for status in Status:
        engine.seed(Seed(status=status))
    engine.create(Recipe("With a key", "m", "64x48", 1), idempotent=KEY)
    engine.characters.create("Ada", "digest")
    engine.advance(seconds=700, polls=1)
    engine.page(after=None, limit=100, ascending=True)
    engine.delete(list(engine.snapshots(now=0))[3].job.id)
    engine.close()


def told(engine: Engine) -> list[Any]:
    """Return all that an engine tells."""
    now = engine.now()
    snapshots = list(engine.snapshots(now=now))
    counts = engine.newest(limit=1, skip=0, status=None)[2]
    used = [engine._store.uses(each.job.recipe.digest) for each in snapshots]
    return [now, snapshots, counts, used, list(engine.outbox.walk(now=START + 1e6)), engine.url_secret]


@pytest.mark.parametrize("version", OLD)
def test_all_is_as_it_was(tmp_path: Path, version: int) -> None:
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    filled(new, sampling=Sampling(seed=7) if version > 3 else Sampling())
    write_old(old, new, version)
    outcomes = []
    for path in (new, old, old):
        engine = Engine(database=path, clock=lambda: START, has_events=True)
        outcomes.append(told(engine))
        engine.close()
    assert outcomes[0][:-1] == outcomes[1][:-1]
    assert outcomes[1] == outcomes[2]
    assert (outcomes[0] == outcomes[1]) == (version > 3)  # an older one had no secret yet
    engine = Engine(database=old, clock=lambda: START)
    again = engine.create(Recipe("With a key", "m", "64x48", 1), idempotent=KEY)
    assert again.job.id in {each.job.id for each in outcomes[0][1]}
    engine.reset()
    assert START == engine.now()
    engine.close()


def test_a_clock_that_was_set_back_does_not_bring_old_jobs_back(tmp_path: Path) -> None:
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    filled(new, sampling=Sampling())
    write_old(old, new, 4)
    engine = Engine(database=old, clock=lambda: START - 5_000)
    assert engine.now() >= START + 700
    engine.close()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER t AFTER INSERT ON videos BEGIN DELETE FROM videos; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE more (a)",
        "ALTER TABLE videos ADD COLUMN more",
        "ALTER TABLE videos DROP COLUMN remixed_from",
        "DROP INDEX videos_in_order",
        "DROP TABLE clock",
    ],
)
@pytest.mark.parametrize("version", [4, 5])
def test_a_schema_that_no_emulator_made_is_refused(tmp_path: Path, change: str, version: int) -> None:
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    filled(new, sampling=Sampling())
    write_old(old, new, 4)
    path = {4: old, 5: new}[version]
    connection = sqlite3.connect(path)
    connection.executescript(change)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StartError, match=r"not as an emulator makes it|no such "):
        Engine(database=path)
    assert before == path.read_bytes()
