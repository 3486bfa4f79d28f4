"""The database of batches: how it is connected, and its tables.

These have what all rows of a batch have in common, the rows, and the jobs, each of which is one row's.
"""

from __future__ import annotations

import time
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

CONNECTION: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # in milliseconds
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
"""What the URL of a database may say otherwise: a machine that vanished is noticed in half a minute, on both sides."""

TABLES: Final = sa.MetaData()
BATCHES: Final = sa.Table(
    "openvideos_batches",
    TABLES,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("base_url", sa.String, nullable=False),
    sa.Column("out", sa.String, nullable=False, unique=True),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("videos", sa.Integer, nullable=False),  # that may have been billed
    sa.Column("seconds", sa.Integer, nullable=False),  # of these videos
    sa.Column("next_at", sa.Float),  # when the next create may be sent, by the database's clock
)
ROWS: Final = sa.Table(
    "openvideos_rows",
    TABLES,
    sa.Column("batch", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("sent", sa.JSON, nullable=False),
    sa.Column("extra", sa.JSON, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),  # each attempt is a job of its own, under a key of its own
    sa.Column("generation", sa.Integer, nullable=False),  # counts the intents and the doubts: an older one is void
    sa.Column("is_counted", sa.Boolean, nullable=False),  # whether this attempt is among what was spent
    sa.Column("workflow", sa.String),  # the one that is to make it; none if it is to be enqueued
    sa.Column("intended_at", sa.Float),
    sa.Column("video_id", sa.String),
    sa.Column("code", sa.String),
    sa.Column("message", sa.String),
    sa.Column("candidates", sa.JSON),
    sa.Column("files", sa.JSON),  # by variant: the name, the bytes and the sha256
    sa.Index("openvideos_rows_by_state", "batch", "state"),
    sa.Index("openvideos_rows_by_digest", "batch", "digest"),
)
JOBS: Final = sa.Table(
    "openvideos_jobs",
    TABLES,
    sa.Column("base_url", sa.String, primary_key=True),
    sa.Column("video_id", sa.String, primary_key=True),
    sa.Column("batch", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
)


def connect(url: str, *, is_durable: bool = True) -> sa.Engine:
    """Return the engine of a database; one that is not durable may lose its latest transactions if the power fails."""
    if not url.startswith("sqlite"):
        given = sa.make_url(url).query
        wanted = {name: value for name, value in CONNECTION.items() if name not in given}
        return sa.create_engine(url, pool_pre_ping=True, connect_args=wanted)
    engine = sa.create_engine(url)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in (
            "busy_timeout=30000",
            "foreign_keys=ON",
            "journal_mode=WAL",
            "cache_size=-256",  # in KiB, of each connection: the system keeps what all of them read
            f"synchronous={'FULL' if is_durable else 'NORMAL'}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        # DBOS takes it for granted that Python 3.12 has SQLite 3.42, before which this gives null.
        connection.create_function("unixepoch", 1, _now)

    return engine


def _now(_: object) -> float:
    return time.time()


def is_of_another_version(engine: sa.Engine) -> bool:
    """Return whether the tables that are there lack columns."""
    inspector = sa.inspect(engine)
    return any(
        {column.name for column in table.columns} - {column["name"] for column in inspector.get_columns(table.name)}
        for table in TABLES.sorted_tables
    )
