"""Check that a deletion is confirmed, and deletes its job everywhere, and no other job."""

from __future__ import annotations

from collections.abc import Sequence

from .._core.exchange import Exchange
from .._core.operations import video_path
from .._core.outcomes import NotReachedError
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import accepted, expect, expect_response, shown, violated
from .._probes.creates import ConcurrentCreate, not_busy
from .._probes.deletions import ConcurrentDeletions, Deletion
from .._probes.unfinished_job import UnfinishedJob
from .._pytest.marker import Phase, checks
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient

WHOLE_OR_PART = frozenset({200, 206})


def _are_untouched(others: Sequence[tuple[Exchange, Exchange]], deleted: str) -> None:
    """Expect that what existed before the deletion of another job exists after it."""
    present = [(before, after) for before, after in others if before.status in WHOLE_OR_PART]
    for before, after in present:
        what = f"{before.method} {before.path}, of another job than the one that was deleted, {deleted},"
        # A download of a server without ranges is cut by the suite, which is not a fault.
        if after.status not in WHOLE_OR_PART:
            raise violated(f"{what} returned {before.status} before, and now returns {after.status}", before, after)
    if not present:
        raise NotReachedError("no other job existed")


def _confirmed(deletion: Deletion) -> Deletion:
    """Return a deletion that was confirmed.

    Raises:
        NotReachedError: The deletion was not confirmed.

    """
    if not deletion.deleted.is_ok:
        raise NotReachedError(f"the job was not deleted: {deletion.deleted.summary}", deletion.deleted)
    return deletion


@checks("VID-DELETE-001", phase=Phase.LATE, jobs=("doomed",))
def test_deleting_a_job_that_has_ended_is_confirmed(deletion: Deletion) -> None:
    # The rule of this requirement judges the confirmation.
    accepted(deletion.deleted, "deleting a job that has ended")


@checks("VID-DELETE-003", phase=Phase.LATE, jobs=("doomed",))
def test_a_deleted_id_is_unknown(deletion: Deletion) -> None:
    _confirmed(deletion)
    expect(deletion.retrieved, 404, "retrieving a job that was deleted")
    expect(deletion.content, 404, "the content of a job that was deleted")
    expect(deletion.again, 404, "deleting a job a second time")


@checks("VID-DELETE-003", phase=Phase.LATE, jobs=("doomed",), capability="remix")
def test_a_deleted_id_is_unknown_to_remix(client: RecordingClient, deletion: Deletion) -> None:
    path = _confirmed(deletion).job.path
    expect(client.post(f"{path}/remix", json={"prompt": "Once more"}), 404, "remixing a job that was deleted")


@checks("VID-DELETE-005")
def test_deleting_an_unknown_id_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    unknown = unknown_like(jobs["plain"].id)
    expect(client.delete(video_path(unknown)), 404, "deleting an unknown id")


@checks("VID-DELETE-006", phase=Phase.LATE, jobs=("doomed",))
def test_deleting_a_running_job_ends_it_or_is_refused(unfinished: UnfinishedJob, deletion: Deletion) -> None:
    _confirmed(deletion)
    status = shown(unfinished.retrieved.object.get("status"))
    what = f"deleting a job that is {status}"
    if expect(unfinished.deleted, {200, 409}, what).is_ok:
        expect(unfinished.after, 404, f"retrieving a job that was deleted while it was {status}")


@checks("VID-DELETE-006", phase=Phase.LATE)
def test_a_job_that_was_deleted_while_it_ran_stays_deleted(client: RecordingClient, unfinished: UnfinishedJob) -> None:
    if not unfinished.deleted.is_ok:
        raise NotReachedError("the server did not delete the running job", unfinished.deleted)
    expect(client.get(video_path(unfinished.id)), 404, "retrieving, later, a job that was deleted while it ran")


@checks("VID-DELETE-007", phase=Phase.LATE, jobs=("doomed",))
def test_deleting_a_job_does_not_change_others(deletion: Deletion) -> None:
    _are_untouched(_confirmed(deletion).others, deletion.job.id)


@checks("VID-DELETE-007", phase=Phase.LATE)
def test_deleting_a_job_does_not_change_one_of_the_same_prompt(
    concurrent_creates: list[ConcurrentCreate], concurrent_deletions: ConcurrentDeletions
) -> None:
    if not any(exchange.is_ok for exchange in concurrent_deletions.deletions):
        raise NotReachedError("no deletion was confirmed", *concurrent_deletions.deletions)
    _are_untouched(concurrent_deletions.others, concurrent_creates[-1].id)


@checks("VID-DELETE-008", phase=Phase.LATE)
def test_of_concurrent_deletions_one_is_confirmed(concurrent_deletions: ConcurrentDeletions) -> None:
    deletions = concurrent_deletions.deletions
    confirmed = [exchange for exchange in deletions if exchange.is_ok]
    if len(confirmed) > 1:
        raise violated(
            f"{len(confirmed)} of {len(deletions)} concurrent deletions of one job were confirmed",
            *confirmed,
        )
    for exchange in deletions:
        expect_response(not_busy(exchange))
    if not confirmed:
        if all(exchange.status not in {200, 404} for exchange in deletions):
            raise NotReachedError("the server refused to delete the job, which may be running", *deletions)
        raise violated(
            f"none of {len(deletions)} concurrent deletions of one job was confirmed",
            *deletions,
        )
