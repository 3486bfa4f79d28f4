"""What the server under test tells of the ends of jobs, to the address that the operator has pointed it at."""

from __future__ import annotations

from .._core.outcomes import Finding, NotReachedError
from .._judging.assertions import violated
from .._judging.webhook_events import Delivery, misfit, shapeless, too_early, unsigned
from .._pytest.marker import Phase, checks
from .._server.jobs import Job, JobPool
from .._server.recording_client import RecordingClient
from .._server.webhook_receiver import WebhookReceiver

EVENT_WITHIN = 30.0
"""How long after a job's end its event may take, in seconds."""


def _report(flaw: Finding | None) -> None:
    if flaw is not None:
        raise violated(flaw.message, *flaw.exchanges)


def _patience(client: RecordingClient, since: float, seconds: float) -> float:
    """Return how long to wait on for what should come so soon after a moment of the run."""
    return min(since + seconds, client.target.deadline) - client.now()


def _end(job: Job) -> float:
    """Return when a job was seen to have ended."""
    return (job.last or job.created).ended


def _is_told(client: RecordingClient, receiver: WebhookReceiver, job: Job, kind: str) -> Delivery:
    """Expect an event of this kind about a job that has ended."""
    delivery = receiver.wait_for(lambda each: each.video_id == job.id, _patience(client, _end(job), EVENT_WITHIN))
    for each in receiver.deliveries:
        _report(shapeless(each) or (misfit(each) if each.type == kind else None))
    last = [job.last] if job.last else []
    if delivery is None:
        waited = client.now() - _end(job)
        raise violated(f"no event came about {job.id}, which has ended as {job.status!r} {waited:.0f} s ago", *last)
    if delivery.type != kind:
        raise violated(
            f"{job.id} has ended as {job.status!r}, and was told as {delivery.type!r}", delivery.exchange, *last
        )
    return delivery


def _arrived(client: RecordingClient, receiver: WebhookReceiver, job: Job) -> tuple[Delivery, ...]:
    """Return what was delivered once a job has ended; without anything, nothing can be said of it."""
    receiver.wait_for(lambda each: each.video_id == job.id, _patience(client, _end(job), EVENT_WITHIN))
    if not receiver.deliveries:
        raise NotReachedError("no event was delivered")
    return receiver.deliveries


@checks("VID-HOOK-001", phase=Phase.LATE)
def test_a_completed_job_is_told(client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver) -> None:
    _is_told(client, receiver, jobs.completed(), "video.completed")


@checks("VID-HOOK-002", phase=Phase.LATE, jobs=("failing",), capability="failing")
def test_a_failed_job_is_told(client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver) -> None:
    job = jobs.ended("failing")
    if job.status != "failed":
        raise NotReachedError(f"the job that should fail is {job.status!r}")
    _is_told(client, receiver, job, "video.failed")


@checks("VID-HOOK-003", phase=Phase.LATE)
def test_events_are_signed(client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver) -> None:
    _report(unsigned(_arrived(client, receiver, jobs.completed())))


@checks("VID-HOOK-004", phase=Phase.LATE)
def test_an_event_that_was_refused_comes_again(
    client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver
) -> None:
    refused = _arrived(client, receiver, jobs.completed())[0]
    if refused.id is None:
        raise violated("an event was delivered without a webhook-id", refused.exchange)
    patience = _patience(client, refused.at, client.target.webhook_patience)
    again = receiver.wait_for(lambda each: each is not refused and _is_about(each, refused), patience)
    if again is None:
        waited = client.now() - refused.at
        raise violated(
            f"an event that returned {refused.response_status} was not delivered again in {waited:.0f} s",
            refused.exchange,
        )
    if again.id != refused.id:
        raise violated(
            f"an event was delivered again under the webhook-id {again.id!r}, and first under {refused.id!r}",
            refused.exchange,
            again.exchange,
        )


@checks("VID-HOOK-005", phase=Phase.LATE)
def test_no_event_comes_before_the_end(client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver) -> None:
    flaw, judged = too_early(_arrived(client, receiver, jobs.completed()), client.history)
    _report(flaw)
    if not judged:
        raise NotReachedError("no job was requested behind its event")


def _is_about(one: Delivery, other: Delivery) -> bool:
    return one.id == other.id or (one.video_id == other.video_id and one.type == other.type)
