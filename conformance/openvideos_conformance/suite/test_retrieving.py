"""Check retrieving jobs, and that a plain job completes. The rules of `_history` judge the rest of the lifecycle."""

from __future__ import annotations

from functools import partial

import pytest

from .._core.exchange import Exchange
from .._core.operations import video_path
from .._core.outcomes import NotReachedError
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import accepted, expect, expect_completed, expect_response, shown, violated
from .._probes.concurrently import concurrently
from .._probes.creates import ConcurrentCreate, not_busy
from .._probes.derived_jobs import Remix
from .._pytest.marker import Phase, checks
from .._server.jobs import Job, JobPool
from .._server.recording_client import RecordingClient

CLIENTS = 8
_UNKNOWN = 404


def _known(exchange: Exchange) -> Exchange:
    """Return a retrieve, unless the job is unknown, which another requirement judges.

    Raises:
        NotReachedError: The job is unknown.

    """
    if exchange.status == _UNKNOWN:
        raise NotReachedError(f"the job is unknown: {exchange.summary}", exchange)
    return exchange


KINDS = (
    *("json", "doomed", "defaults", "reference", "image_url"),
    *("sampled", "references", "longest", "unknown_field"),
)
"""The kinds of jobs that a server can make if it accepts them."""


@checks("VID-RETRIEVE-001")
def test_a_known_job_is_retrieved(client: RecordingClient, jobs: JobPool) -> None:
    # The rule of this requirement judges responses. This one fails, too, where there is none.
    accepted(_known(client.get(jobs["plain"].path)), "retrieving a job")


@checks("VID-HEADER-006")
def test_head_is_get_without_a_body(client: RecordingClient, jobs: JobPool) -> None:
    for path in ("/videos", jobs["plain"].path):
        got, head = client.get(path), client.send("HEAD", path)
        if got.is_ok and expect_response(head).status != got.status:
            raise violated(f"HEAD {path}: returned {head.status}, and GET {got.status}", got, head)


@checks("VID-RETRIEVE-003")
@pytest.mark.parametrize("kind", ["like", "other"])
def test_an_unknown_id_is_not_found(client: RecordingClient, jobs: JobPool, kind: str) -> None:
    unknown = unknown_like(jobs["plain"].id if kind == "like" else "video_000000000000")
    exchange = client.get(video_path(unknown))
    # Servers may refuse an id of another form as malformed; an id in their own form is unknown.
    allowed = {404} if kind == "like" else {404, 400, 422}
    expect(exchange, allowed, "retrieving an unknown id")


@checks("VID-RETRIEVE-004", phase=Phase.LATE, jobs=("failing",))
def test_a_failed_job_is_retrieved_as_failed(client: RecordingClient, jobs: JobPool) -> None:
    job = jobs.ended("failing")
    exchange = expect(_known(client.get(job.path)), 200, "retrieving a job that has failed")
    status = exchange.object.get("status")
    if status == "completed":
        raise NotReachedError("the job with --failing-prompt completed; give a prompt that makes a job fail", exchange)
    if status != "failed":
        raise violated(f"the status of a job that has failed is {shown(status)}", exchange)


@checks("VID-RETRIEVE-008")
def test_concurrent_retrieves_each_return_their_job(
    client: RecordingClient, jobs: JobPool, concurrent_creates: list[ConcurrentCreate]
) -> None:
    ids = [jobs["plain"].id, concurrent_creates[0].id]
    alone = [client.get(video_path(video_id)) for video_id in ids]
    if not all(each.is_ok for each in alone):
        raise NotReachedError("the jobs cannot be retrieved one by one either", *alone)
    wanted = [ids[number % 2] for number in range(CLIENTS)]
    responses = concurrently([partial(client.get, video_path(video_id)) for video_id in wanted])
    for video_id, exchange in zip(wanted, responses, strict=True):
        not_busy(exchange)
        what = f"retrieving {video_id}, among {CLIENTS} concurrent requests,"
        accepted(exchange, what)
        returned = exchange.object.get("id")
        if returned in ids and returned != video_id:  # an id of no job is another requirement
            raise violated(f"{what} returns {shown(returned)}", exchange)


@checks("VID-LIFE-014", phase=Phase.LATE, jobs=KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_job_completes(jobs: JobPool, kind: str) -> None:
    _completes(jobs.ended(kind))


@checks("VID-LIFE-014", phase=Phase.LATE, capability="remix")
def test_a_remix_completes(jobs: JobPool, remix: Remix) -> None:
    del remix  # it was sent, and its job is followed
    _completes(jobs.ended("remix"))


@checks("VID-LIFE-014", phase=Phase.LATE, capability="edits")
def test_an_edit_completes(jobs: JobPool, edit: Exchange) -> None:
    del edit
    _completes(jobs.ended("edit"))


@checks("VID-LIFE-014", phase=Phase.LATE, capability="extensions")
def test_an_extension_completes(jobs: JobPool, extension: Exchange) -> None:
    del extension
    _completes(jobs.ended("extension"))


def _completes(job: Job) -> None:
    what = f"the job {job.id} ({job.plan.why})"
    expect_completed(job.video, what, job.created, *([job.last] if job.last else []))


@checks("VID-LIFE-014", phase=Phase.LATE)
def test_the_plain_job_completes(jobs: JobPool) -> None:
    job = jobs.ended("plain")
    exchanges = [job.last] if job.last else [job.created]
    if not exchanges[0].is_ok:
        raise NotReachedError(
            f"the status of the plain job can no longer be read: {exchanges[0].summary}", job.created, *exchanges
        )
    if job.status != "completed":
        error = job.video.get("error")
        why = f", because of {shown(error)}" if error is not None else ", without an error"
        raise violated(f"the plain job ended as {shown(job.status)}{why}", *exchanges)
