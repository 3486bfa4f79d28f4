"""Store jobs, characters and idempotency keys in one database.

Every public method acquires the database's lock; `transaction` makes several calls atomic.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from .._model.jobs import Failure, Job, Pace, Recipe, Sampling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .database import Database

_COLUMNS: Final = (
    "id, row, created_at, started_at, prompt, model, size, seconds, seed, sampling, pace, failure_code,"
    " failure_message, remixed_from, reads, ended_at, advanced"
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
    """A position in the list: after the video with this creation time and row."""

    created_at: int
    row: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A used idempotency key: the fingerprint of its request, and the id of the resource that the request made."""

    key: str
    fingerprint: str
    resource_id: str


class Store:
    """Jobs, characters, idempotency keys and the clock, in one database."""

    def __init__(self, database: Database) -> None:
        """Store everything in this database, which the caller closes."""
        self.transaction = database.transaction
        self._lock, self._connection = database.lock, database.connection

    def add(self, job: Job) -> Job:
        """Store a new job; return it with its row in the database."""
        recipe, failure = job.recipe, job.failure
        with self.transaction():
            cursor = self._connection.execute(
                "INSERT INTO videos (id, created_at, started_at, prompt, model, size, seconds, seed, sampling, pace,"
                " failure_code, failure_message, remixed_from, reads, ended_at, advanced)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job.id,
                    job.created_at,
                    job.started_at,
                    recipe.prompt,
                    recipe.model,
                    recipe.size,
                    recipe.seconds,
                    recipe.source,
                    _sampling_text(recipe),
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
        """Find the position of a video in the list, deleted or not; None if there never was such a video."""
        with self._lock:
            row = self._connection.execute("SELECT created_at, row FROM videos WHERE id = ?", (video_id,)).fetchone()
        return None if row is None else Cursor(*row)

    def jobs(self, *, after: Cursor | None, limit: int, ascending: bool) -> list[Job]:
        """Read up to `limit` jobs after a cursor, ordered by creation time and then by row."""
        way, than = ("ASC", ">") if ascending else ("DESC", "<")
        following = f"AND (created_at, row) {than} (?, ?)" if after else ""
        query = (
            f"SELECT {_COLUMNS} FROM videos WHERE NOT deleted {following}"  # noqa: S608 - constants
            f" ORDER BY created_at {way}, row {way} LIMIT ?"
        )
        place = (after.created_at, after.row) if after else ()
        with self._lock:
            return [_job(row) for row in self._connection.execute(query, (*place, limit)).fetchall()]

    def all_jobs(self) -> Iterator[Job]:
        """Yield all jobs, the oldest first; the lock is held until the iteration ends."""
        with self._lock:
            query = f"SELECT {_COLUMNS} FROM videos WHERE NOT deleted ORDER BY created_at, row"  # noqa: S608 - constants
            yield from map(_job, self._connection.execute(query))

    def move(self, jobs: Iterable[Job]) -> None:
        """Store the progress and the failure of these jobs."""
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
        """Delete a job, but keep its position in the list, so that its id still works as a cursor."""
        with self.transaction():
            self._connection.execute(
                "UPDATE videos SET deleted = 1, prompt = '', seed = '', sampling = '{}' WHERE row = ?", (job.row,)
            )

    def clear(self) -> None:
        """Delete everything, including the positions of deleted jobs."""
        with self.transaction():
            for table in ("videos", "characters", "idempotency", "clock"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants

    def ahead(self) -> float:
        """Return how many seconds the clock was advanced by hand."""
        with self._lock:
            row = self._connection.execute("SELECT ahead FROM clock").fetchone()
        return 0.0 if row is None else float(row[0])

    def set_ahead(self, seconds: float) -> None:
        """Store how many seconds the clock was advanced by hand."""
        with self.transaction():
            self._connection.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (seconds,))

    def uses(self, recipe: Recipe) -> bool:
        """Return whether a job that is not deleted has this recipe."""
        with self._lock:
            row = self._connection.execute(
                "SELECT 1 FROM videos WHERE prompt = ? AND model = ? AND size = ? AND seconds = ? AND seed = ?"
                " AND sampling = ? AND NOT deleted",
                (recipe.prompt, recipe.model, recipe.size, recipe.seconds, recipe.source, _sampling_text(recipe)),
            ).fetchone()
        return row is not None

    def latest(self) -> float:
        """Return the latest time in the database, in Unix seconds; 0 if it is empty."""
        with self._lock:
            row = self._connection.execute("SELECT max(max(started_at), coalesce(max(ended_at), 0)) FROM videos")
            return float(row.fetchone()[0] or 0.0)

    def add_character(self, character: Character) -> None:
        """Store a new character."""
        with self.transaction():
            values = (character.id, character.created_at, character.name, character.digest)
            self._connection.execute("INSERT INTO characters VALUES (?, ?, ?, ?)", values)

    def character(self, character_id: str) -> Character | None:
        """Find a character; None if there is none with this id."""
        with self._lock:
            query = "SELECT id, created_at, name, digest FROM characters WHERE id = ?"
            row = self._connection.execute(query, (character_id,)).fetchone()
        return None if row is None else Character(*row)

    def add_claim(self, claim: Claim) -> None:
        """Store a used idempotency key."""
        with self.transaction():
            values = (claim.key, claim.fingerprint, claim.resource_id)
            self._connection.execute("INSERT INTO idempotency VALUES (?, ?, ?)", values)

    def claim(self, key: str) -> Claim | None:
        """Find a used idempotency key; None if the key was not used."""
        with self._lock:
            query = "SELECT key, fingerprint, resource_id FROM idempotency WHERE key = ?"
            row = self._connection.execute(query, (key,)).fetchone()
        return None if row is None else Claim(*row)


def _sampling_text(recipe: Recipe) -> str:
    given = {name: value for name, value in asdict(recipe.sampling).items() if value is not None}
    return json.dumps(given, sort_keys=True)


def _job(row: tuple[object, ...]) -> Job:
    # Every column has the type that the schema declares; the conversions are for the type checker.
    (id_, number, created, started, prompt, model, size, seconds, made_from, sampling, *others) = row
    pace, code, reason, source, *progress = others
    reads, ended, advanced = progress
    return Job(
        id=str(id_),
        row=int(str(number)),
        created_at=int(str(created)),
        started_at=float(str(started)),
        recipe=Recipe(
            prompt=str(prompt),
            model=str(model),
            size=str(size),
            seconds=int(str(seconds)),
            source=str(made_from),
            sampling=Sampling(**json.loads(str(sampling))),
        ),
        pace=Pace.parse(str(pace)),
        failure=None if code is None else Failure(code=str(code), message=str(reason)),
        remixed_from=None if source is None else str(source),
        reads=int(str(reads)),
        ended_at=None if ended is None else float(str(ended)),
        advanced=float(str(advanced)),
    )
