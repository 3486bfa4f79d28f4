"""Delete a job, once or concurrently, and read other jobs and the list before and after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from .._core.operations import video_path
from .._core.own_jobs import present_ids
from .._judging.list_walks import ids_on
from .concurrently import concurrently, eight_at_a_time

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._server.jobs import Job, JobPool
    from .._server.recording_client import RecordingClient
    from .creates import ConcurrentCreate

_CLIENTS: Final = 4
_NEIGHBOURS: Final = 4
_MOST: Final = 1 << 16
"""How many bytes of a file are read to see that it exists, if the server does not support ranges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The deletion of a job that had ended, with reads of other jobs and of the list before and after it."""

    job: Job
    others: tuple[tuple[Exchange, Exchange], ...]
    """Reads of other jobs of the run, each before and after the deletion."""
    page_before: Exchange
    """The page after the job, requested before the deletion."""
    deleted: Exchange
    page_after: Exchange
    """The same page after the deletion, so that its cursor is a deleted job."""
    retrieved: Exchange
    content: Exchange
    thumbnail: Exchange
    again: Exchange


def delete_doomed(client: RecordingClient, jobs: JobPool) -> Deletion:
    """Delete the "doomed" job, read other jobs and the list before and after, and return the exchanges.

    Raises:
        OutcomeError: The job was not accepted, or did not end.

    """
    job = jobs.ended("doomed")
    own = present_ids(client.history)
    place = own.index(job.id) if job.id in own else 0
    nearest = sorted(own, key=lambda video_id: abs(own.index(video_id) - place))
    paths = [video_path(video_id) for video_id in nearest if video_id != job.id][:_NEIGHBOURS]
    page: dict[str, str | int] = {"after": job.id, "limit": 5}
    before = _reads(client, paths)
    page_before = client.get("/videos", query=page)
    if page_before.is_ok and not {*ids_on(page_before)} & {*own}:  # it may be the oldest: creates are concurrent
        page["order"] = "asc"
        page_before = client.get("/videos", query=page)
    client.get(f"{job.path}/content", max_body=_MOST)  # some servers keep for ever what they have once served
    deleted = client.delete(job.path)
    return Deletion(
        job=job,
        others=tuple(zip(before, _reads(client, paths), strict=True)),
        page_before=page_before,
        deleted=deleted,
        page_after=client.get("/videos", query=page),
        retrieved=client.get(job.path),
        content=client.get(f"{job.path}/content"),
        thumbnail=client.get(f"{job.path}/content", query={"variant": "thumbnail"}),
        again=client.delete(job.path),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrentDeletions:
    """Concurrent deletions of one job, with reads of another job before and after them."""

    deletions: tuple[Exchange, ...]
    others: tuple[tuple[Exchange, Exchange], ...]


def delete_concurrently(client: RecordingClient, creates: list[ConcurrentCreate]) -> ConcurrentDeletions:
    """Delete the last of several jobs concurrently; read the first, which has the same prompt, before and after."""
    path = creates[-1].path
    before = _reads(client, [creates[0].path])
    deletions = concurrently([partial(client.delete, path)] * _CLIENTS)
    after = _reads(client, [creates[0].path])
    return ConcurrentDeletions(deletions=tuple(deletions), others=tuple(zip(before, after, strict=True)))


def _reads(client: RecordingClient, paths: list[str]) -> list[Exchange]:
    """Retrieve jobs, download the first byte of each, and return the exchanges."""
    first = {"range": "bytes=0-0"}
    return eight_at_a_time(
        [
            *(partial(client.get, path) for path in paths),
            *(partial(client.get, f"{path}/content", headers=first, max_body=_MOST) for path in paths),
        ]
    )
