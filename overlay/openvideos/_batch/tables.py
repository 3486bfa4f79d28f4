"""The tables of batches: what all rows of one have in common, the rows, and the jobs, each of which is one row's."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

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
