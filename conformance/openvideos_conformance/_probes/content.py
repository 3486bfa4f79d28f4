"""Download files beside those that checks share, so that rules can compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.flaws import shown
from .._core.outcomes import NotReachedError

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient


def download_each(client: RecordingClient, jobs: JobPool) -> list[Exchange]:
    """Download the clip of the plain job, a part of it, and each of its variants, of which the clip is one.

    Raises:
        OutcomeError: The plain job was not accepted, or did not complete.

    """
    path = f"{jobs.completed().path}/content"
    variants: list[str] = client.contract.schema("VideoVariant")["enum"]
    sent = [client.get(path), client.get(path, headers={"range": "bytes=3-12"})]
    return [*sent, *(client.get(path, query={"variant": variant}) for variant in variants)]


def download_failed(client: RecordingClient, jobs: JobPool) -> Exchange:
    """Download the content of the job that was made to fail.

    Raises:
        OutcomeError: There is no such job, or it did not fail.

    """
    job = jobs.ended("failing")
    if job.status != "failed":
        raise NotReachedError(f"the job {job.id} was to fail, and ended as {shown(job.status)}")
    return client.get(f"{job.path}/content")
