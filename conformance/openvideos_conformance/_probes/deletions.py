"""Delete a job, and look around before and after: alone, and from several clients concurrently."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from .._core.operations import video_path
from .._core.own_jobs import present_ids
from .concurrently import concurrently

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._server.jobs import Job, JobPool
    from .._server.recording_client import RecordingClient
    from .creates import ConcurrentCreate

_CLIENTS: Final = 4
_NEIGHBOURS: Final = 4
_MOST: Final = 1 << 16
"""How much of a file is read to see that it is there, from a server that answers no ranges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The deletion of a job that had ended, with what was there before and behind it."""

    job: Job
    others: tuple[tuple[Exchange, Exchange], ...]
    """What was asked about other jobs of the run before the deletion and behind it."""
    page_before: Exchange
    """The page behind the job, while it was there."""
    deleted: Exchange
    page_after: Exchange
    """The same page, asked for with the cursor of a job that is gone."""
    retrieved: Exchange
    content: Exchange
    again: Exchange


def delete_doomed(client: RecordingClient, jobs: JobPool) -> Deletion:
    """Delete the job that is meant for it, and look around.

    Raises:
        OutcomeError: The job was not accepted, or did not end.

    """
    job = jobs.ended("doomed")
    own = present_ids(client.history)
    place = own.index(job.id) if job.id in own else 0
    nearest = sorted(own, key=lambda video_id: abs(own.index(video_id) - place))
    paths = [video_path(video_id) for video_id in nearest if video_id != job.id][:_NEIGHBOURS]
    page = {"after": job.id, "limit": 5}
    before = _seen(client, paths)
    page_before = client.get("/videos", query=page)
    deleted = client.delete(job.path)
    return Deletion(
        job=job,
        others=tuple(zip(before, _seen(client, paths), strict=True)),
        page_before=page_before,
        deleted=deleted,
        page_after=client.get("/videos", query=page),
        retrieved=client.get(job.path),
        content=client.get(f"{job.path}/content"),
        again=client.delete(job.path),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrentDeletions:
    """Deletions of one job concurrently, with what was asked about its twin before and behind them."""

    deletions: tuple[Exchange, ...]
    others: tuple[tuple[Exchange, Exchange], ...]


def delete_concurrently(client: RecordingClient, creates: list[ConcurrentCreate]) -> ConcurrentDeletions:
    """Delete the last of several jobs from several clients at once; the first, which may be its twin, must stay."""
    path = creates[-1].path
    before = _seen(client, [creates[0].path])
    deletions = concurrently([partial(client.delete, path)] * _CLIENTS)
    after = _seen(client, [creates[0].path])
    return ConcurrentDeletions(deletions=tuple(deletions), others=tuple(zip(before, after, strict=True)))


def _seen(client: RecordingClient, paths: list[str]) -> list[Exchange]:
    """Retrieve jobs, and ask for the first byte of what each has made."""
    retrieved = [client.get(path) for path in paths]
    first = {"range": "bytes=0-0"}
    return [*retrieved, *(client.get(f"{path}/content", headers=first, max_body=_MOST) for path in paths)]
