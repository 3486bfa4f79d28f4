"""Check the webhook events that the server delivers at the end of jobs."""

from __future__ import annotations

from .._core.outcomes import Finding, NotReachedError
from .._judging.assertions import shown, violated
from .._judging.webhook_events import Delivery, misfit, shapeless, too_early, unsigned
from .._pytest.marker import Phase, checks
from .._server.jobs import Job, JobPool
from .._server.recording_client import RecordingClient
from .._server.webhook_receiver import WebhookReceiver

EVENT_WITHIN = 30.0
"""How many seconds after a job's end its event may arrive."""


def _report(flaw: Finding | None) -> None:
    if flaw is not None:
        raise violated(flaw.message, *flaw.exchanges)


def _patience(client: RecordingClient, since: float, seconds: float) -> float:
    """Return how many seconds are left until `seconds` after a time of the run.

    The deadline does not end them: it is how long the operator waits for videos, and no promise of the server.
    """
    return since + seconds - client.now()


def _end(job: Job) -> float:
    """Return when a job was first known to have ended."""
    return (job.last or job.created).ended


def _expect_event(client: RecordingClient, receiver: WebhookReceiver, job: Job, kind: str) -> Delivery:
    """Expect an event of this type about a job that has ended, and return its delivery."""
    delivery = receiver.wait_for(lambda each: each.video_id == job.id, _patience(client, _end(job), EVENT_WITHIN))
    for each in receiver.deliveries:
        _report(shapeless(each) or (misfit(each) if each.type == kind else None))
    last = [job.last] if job.last else []
    if delivery is None:
        waited = client.now() - _end(job)
        raise violated(
            f"no event was delivered for {job.id}, which ended as {shown(job.status)} {waited:.0f} s ago", *last
        )
    if delivery.type != kind:
        raise violated(
            f"{job.id} ended as {shown(job.status)}, but its event is {shown(delivery.type)}", delivery.exchange, *last
        )
    return delivery


def _arrived(client: RecordingClient, receiver: WebhookReceiver, job: Job) -> tuple[Delivery, ...]:
    """Wait for an event about a job that has ended, and return all deliveries.

    Raises:
        NotReachedError: No event was delivered.

    """
    receiver.wait_for(lambda each: each.video_id == job.id, _patience(client, _end(job), EVENT_WITHIN))
    if not receiver.deliveries:
        raise NotReachedError("no event was delivered")
    return receiver.deliveries


@checks("VID-HOOK-001", phase=Phase.LATE)
def test_a_completed_job_has_an_event(client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver) -> None:
    _expect_event(client, receiver, jobs.completed(), "video.completed")


@checks("VID-HOOK-002", phase=Phase.LATE, jobs=("failing",), capability="failing")
def test_a_failed_job_has_an_event(client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver) -> None:
    job = jobs.ended("failing")
    if job.status != "failed":
        raise NotReachedError(f"the job that should fail is {shown(job.status)}")
    _expect_event(client, receiver, job, "video.failed")


@checks("VID-HOOK-003", phase=Phase.LATE)
def test_events_are_signed(client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver) -> None:
    _report(unsigned(_arrived(client, receiver, jobs.completed())))


@checks("VID-HOOK-004", phase=Phase.LATE)
def test_a_refused_event_is_delivered_again(client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver) -> None:
    refused = _arrived(client, receiver, jobs.completed())[0]
    if refused.id is None:
        raise violated("an event was delivered without a webhook-id", refused.exchange)
    patience = _patience(client, refused.at, client.target.webhook_patience)
    again = receiver.wait_for(lambda each: each is not refused and _is_about(each, refused), patience)
    if again is None:
        waited = client.now() - refused.at
        raise violated(
            f"an event whose delivery returned {refused.response_status} was not delivered again in {waited:.0f} s",
            refused.exchange,
        )
    if again.id != refused.id:
        raise violated(
            f"an event was delivered again under the webhook-id {shown(again.id)}, and first under {refused.id!r}",
            refused.exchange,
            again.exchange,
        )


@checks("VID-HOOK-005", phase=Phase.LATE)
def test_no_event_is_delivered_before_the_end(
    client: RecordingClient, jobs: JobPool, receiver: WebhookReceiver
) -> None:
    flaw, judged = too_early(_arrived(client, receiver, jobs.completed()), client.history)
    _report(flaw)
    if not judged:
        raise NotReachedError("no job was retrieved after its event")


def _is_about(one: Delivery, other: Delivery) -> bool:
    return one.id == other.id or (one.video_id == other.video_id and one.type == other.type)
