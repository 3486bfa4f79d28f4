"""Turn jobs into rows of the database, and rows into jobs. Pure."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from typing import Any, Final

from .._model.jobs import Failure, Job, Pace, Recipe, Sampling, begin_of, end_of

COLUMNS: Final = (
    "id, row, created_at, started_at, prompt, model, size, seconds, seed, sampling, pace, failure_code,"
    " failure_message, remixed_from, reads, ended_at, advanced"
)
"""What `job_of` reads."""

INSERT: Final = (
    f"INSERT INTO videos ({COLUMNS}, recipe, begins_at, ends_at)"  # noqa: S608 - a constant
    f" VALUES ({', '.join(f':{name}' for name in COLUMNS.split(', '))}, :recipe, :begins_at, :ends_at)"
)
"""Takes what `values_of` returns, but with no row."""

_NO_SAMPLING: Final = Sampling()


def job_of(row: tuple[Any, ...]) -> Job:
    """Return the job of a row.

    Raises:
        sqlite3.DatabaseError: A value is none that the emulator writes.
    """
    (id_, number, created, started, prompt, model, size, seconds, made_from, sampling, *others) = row
    pace, code, reason, source, *progress = others
    reads, ended, advanced = progress
    # Every column has the type that the schema declares; the conversions find what something else has written.
    try:
        return Job(
            id=str(id_),
            row=int(number),
            created_at=int(created),
            started_at=float(started),
            recipe=Recipe(
                prompt=str(prompt),
                model=str(model),
                size=str(size),
                seconds=int(seconds),
                source=str(made_from),
                sampling=_NO_SAMPLING if sampling == "{}" else Sampling(**json.loads(sampling)),
            ),
            pace=Pace.parse(str(pace)),
            failure=None if code is None else Failure(code=str(code), message=str(reason)),
            remixed_from=None if source is None else str(source),
            reads=int(reads),
            ended_at=None if ended is None else float(ended),
            advanced=float(advanced),
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise sqlite3.DatabaseError(f"the job in row {number} is not as an emulator writes it") from error


def _sampling_text(sampling: Sampling) -> str:
    given = {name: value for name, value in asdict(sampling).items() if value is not None}
    return json.dumps(given, sort_keys=True)


def values_of(job: Job) -> dict[str, Any]:
    """Return the values of a job's columns, by their names."""
    recipe = job.recipe
    return {
        "id": job.id,
        "row": job.row,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "prompt": recipe.prompt,
        "model": recipe.model,
        "size": recipe.size,
        "seconds": recipe.seconds,
        "seed": recipe.source,
        "sampling": "{}" if recipe.sampling == _NO_SAMPLING else _sampling_text(recipe.sampling),
        "pace": str(job.pace),
        "remixed_from": job.remixed_from,
        "recipe": recipe.digest,
        **progress_of(job),
    }


def progress_of(job: Job) -> dict[str, Any]:
    """Return the values of the columns that change while a job runs, by their names, and its row."""
    return {
        "row": job.row,
        "failure_code": job.failure.code if job.failure else None,
        "failure_message": job.failure.message if job.failure else None,
        "reads": job.reads,
        "ended_at": job.ended_at,
        "advanced": job.advanced,
        "begins_at": begin_of(job),
        "ends_at": end_of(job),
    }
