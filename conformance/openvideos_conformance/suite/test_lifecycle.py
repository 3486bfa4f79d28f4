"""Check that a plain job completes. The rules of `_history` judge the rest of the lifecycle."""

from __future__ import annotations

from .._judging.assertions import shown, violated
from .._pytest.marker import Phase, checks
from .._server.jobs import JobPool


@checks("VID-LIFE-014", phase=Phase.LATE)
def test_the_plain_job_completes(jobs: JobPool) -> None:
    job = jobs.ended("plain")
    exchanges = [job.last] if job.last else [job.created]
    if not exchanges[0].is_ok:
        raise violated(
            f"the status of the plain job can no longer be read: {exchanges[0].summary}", job.created, *exchanges
        )
    if job.status != "completed":
        error = job.video.get("error")
        why = f", because of {shown(error)}" if error is not None else ", without an error"
        raise violated(f"the plain job ended as {job.status!r}{why}", *exchanges)
