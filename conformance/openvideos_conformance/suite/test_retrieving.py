"""Check retrieving jobs, and that a plain job completes. The rules of `_history` judge the rest of the lifecycle."""

from __future__ import annotations

from functools import partial

import pytest

from .._core.contract import Contract
from .._core.operations import VIDEO, video_path
from .._core.outcomes import NotReachedError
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import expect, fits, shown, violated
from .._probes.concurrently import concurrently
from .._probes.creates import ConcurrentCreate, not_busy
from .._probes.unfinished_job import UnfinishedJob
from .._pytest.marker import Phase, checks
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient

CLIENTS = 8


@checks("VID-RETRIEVE-001")
def test_a_known_job_is_retrieved(
    client: RecordingClient, jobs: JobPool, concurrent_creates: list[ConcurrentCreate]
) -> None:
    fits(client.get(jobs["plain"].path), VIDEO, "retrieving a job")
    for each in concurrent_creates:
        fits(each.retrieved, VIDEO, "retrieving a job that was just created")


@checks("VID-RETRIEVE-001", phase=Phase.LATE)
def test_a_job_that_has_ended_is_retrieved(client: RecordingClient, jobs: JobPool) -> None:
    fits(client.get(jobs.ended("plain").path), VIDEO, "retrieving a job that has ended")


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
    exchange = expect(client.get(job.path), 200, "retrieving a job that has failed")
    status = exchange.object.get("status")
    if status == "completed":
        raise NotReachedError("the job with --failing-prompt completed; give a prompt that makes a job fail", exchange)
    if status != "failed":
        raise violated(f"the status of a job that has failed is {shown(status)}", exchange)


@checks("VID-RETRIEVE-005")
def test_a_running_job_has_a_poll_hint(unfinished: UnfinishedJob) -> None:
    exchange = unfinished.retrieved
    if exchange.header("openai-poll-after-ms") is None:
        raise violated(
            f"retrieving a job that is {exchange.object.get('status')} returns no openai-poll-after-ms",
            exchange,
        )


@checks("VID-RETRIEVE-006", phase=Phase.LATE)
def test_the_poll_hint_is_a_whole_number(client: RecordingClient) -> None:
    hinted = [exchange for exchange in client.history if exchange.header("openai-poll-after-ms") is not None]
    for exchange in hinted:
        hint = exchange.header("openai-poll-after-ms") or ""
        if not (hint.isascii() and hint.isdecimal()):
            raise violated(f"openai-poll-after-ms is {shown(hint)}, not a whole number of milliseconds", exchange)
    if not hinted:
        raise NotReachedError("no response of this run has openai-poll-after-ms")


@checks("VID-RETRIEVE-007", phase=Phase.LATE)
def test_a_video_has_the_recommended_fields(client: RecordingClient, jobs: JobPool, contract: Contract) -> None:
    recommended = set(contract.schema("Video")["x-recommended"])
    job = jobs["plain"]
    for what, exchange in (("a create", job.created), ("retrieving a job", client.get(job.path))):
        absent = sorted(recommended - exchange.object.keys()) if exchange.is_ok else []
        if absent:
            raise violated(f"the Video that {what} returns has no {', '.join(absent)}", exchange)


@checks("VID-RETRIEVE-008")
def test_concurrent_retrieves_each_return_their_job(
    client: RecordingClient, jobs: JobPool, concurrent_creates: list[ConcurrentCreate]
) -> None:
    ids = [jobs["plain"].id, concurrent_creates[0].id]

    wanted = [ids[number % 2] for number in range(CLIENTS)]
    responses = concurrently([partial(client.get, video_path(video_id)) for video_id in wanted])
    for video_id, exchange in zip(wanted, responses, strict=True):
        not_busy(exchange)
        what = f"retrieving {video_id}, among {CLIENTS} concurrent requests,"
        if expect(exchange, 200, what).object.get("id") != video_id:
            raise violated(f"{what} returns {shown(exchange.object.get('id'))}", exchange)


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
