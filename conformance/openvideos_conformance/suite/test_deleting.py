"""What deleting a job is answered, and what is gone then: that job everywhere, and no other."""

from __future__ import annotations

from collections.abc import Sequence

from .._core.exchange import Exchange
from .._core.outcomes import NotReachedError
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import DELETED, expect, fits, shown, violated
from .._probes.creates import Deletion, Race, Take, not_busy, path_of
from .._probes.unfinished_job import Unfinished
from .._pytest.marker import Phase, checks
from .._server.jobs import JobPool
from .._server.recording_client import Wire

WHOLE_OR_PART = frozenset({200, 206})


def _are_untouched(others: Sequence[tuple[Exchange, Exchange]], deleted: str) -> None:
    """Expect that what was there before a deletion is there behind it."""
    present = [(before, after) for before, after in others if before.status in WHOLE_OR_PART]
    for before, after in present:
        what = f"{before.method} {before.path}, of another job than the one that was deleted, {deleted},"
        # The answer of a server that knows no ranges is cut, which is no fault.
        if after.status not in WHOLE_OR_PART:
            message = f"{what} was answered {before.status} before, and is answered {after.status} now"
            raise violated(message, before, after)
        if before.operation == "retrieve_video" and after.object.get("id") != before.object.get("id"):
            message = f"{what} is answered with the id {shown(after.object.get('id'))}"
            raise violated(message, before, after)
    if not present:
        message = "no other job was there"
        raise NotReachedError(message)


def _confirmed(deletion: Deletion) -> Deletion:
    """Return a deletion that was confirmed; without that, nothing can be said of what is gone."""
    if not deletion.deleted.is_ok:
        message = f"the job was not deleted: {deletion.deleted.told}"
        raise NotReachedError(message, deletion.deleted)
    return deletion


@checks("VID-DELETE-001", phase=Phase.LATE, jobs=("doomed",))
def test_deleting_a_job_that_has_ended_is_confirmed(deletion: Deletion) -> None:
    fits(deletion.deleted, DELETED, "deleting a job that has ended")


@checks("VID-DELETE-002", phase=Phase.LATE, jobs=("doomed",))
def test_the_confirmation_names_the_id(deletion: Deletion) -> None:
    seen = _confirmed(deletion).deleted.object.get("id")
    if seen != deletion.job.id:
        message = f"deleting {deletion.job.id} is confirmed for the id {shown(seen)}"
        raise violated(message, deletion.deleted)


@checks("VID-DELETE-003", phase=Phase.LATE, jobs=("doomed",))
def test_a_deleted_id_is_unknown(deletion: Deletion) -> None:
    _confirmed(deletion)
    expect(deletion.retrieved, 404, "retrieving a job that was deleted")
    expect(deletion.content, 404, "the content of a job that was deleted")
    expect(deletion.again, 404, "deleting a job a second time")


@checks("VID-DELETE-003", phase=Phase.LATE, jobs=("doomed",), capability="remix")
def test_a_deleted_id_is_unknown_to_remix(wire: Wire, deletion: Deletion) -> None:
    path = _confirmed(deletion).job.path
    expect(wire.post(f"{path}/remix", json={"prompt": "Once more"}), 404, "remixing a job that was deleted")


@checks("VID-DELETE-005")
def test_deleting_an_id_that_was_never_given_out_is_refused(wire: Wire, jobs: JobPool) -> None:
    unknown = unknown_like(jobs["plain"].id)
    expect(wire.delete(path_of(unknown)), 404, "deleting an id that was never given out")


@checks("VID-DELETE-006")
def test_deleting_a_running_job_ends_it_or_is_refused(unfinished: Unfinished) -> None:
    status = unfinished.retrieved.object.get("status")
    what = f"deleting a job that is {status}"
    if expect(unfinished.deleted, {200, 409}, what).status == 200:  # noqa: PLR2004 - HTTP's own
        fits(unfinished.deleted, DELETED, what)
        expect(unfinished.after, 404, f"retrieving a job that was deleted while it was {status}")


@checks("VID-DELETE-006", phase=Phase.LATE)
def test_a_job_that_was_deleted_while_it_ran_stays_away(wire: Wire, unfinished: Unfinished) -> None:
    if not unfinished.deleted.is_ok:
        message = "the server did not delete the running job"
        raise NotReachedError(message, unfinished.deleted)
    expect(wire.get(path_of(unfinished.id)), 404, "retrieving, later, a job that was deleted while it ran")


@checks("VID-DELETE-007", phase=Phase.LATE, jobs=("doomed",))
def test_deleting_a_job_touches_no_other(deletion: Deletion) -> None:
    _are_untouched(_confirmed(deletion).others, deletion.job.id)


@checks("VID-DELETE-007", phase=Phase.LATE)
def test_deleting_a_job_does_not_touch_one_of_the_same_prompt(at_once: list[Take], race: Race) -> None:
    if not any(exchange.is_ok for exchange in race.deletions):
        message = "no deletion was confirmed"
        raise NotReachedError(message, *race.deletions)
    _are_untouched(race.others, at_once[-1].id)


@checks("VID-DELETE-008", phase=Phase.LATE)
def test_of_deletions_at_once_one_is_confirmed(race: Race) -> None:
    confirmed = [exchange for exchange in race.deletions if exchange.is_ok]
    if len(confirmed) > 1:
        message = f"{len(confirmed)} of {len(race.deletions)} deletions of one job at the same moment were confirmed"
        raise violated(message, *confirmed)
    for exchange in race.deletions:
        expect(
            not_busy(exchange),
            {200, 404, 409},
            f"deleting a job that is deleted by {len(race.deletions)} clients at once",
        )
    if not confirmed:
        if all(exchange.status == 409 for exchange in race.deletions):  # noqa: PLR2004 - HTTP's own
            message = "the server refused to delete the job, which may be running"
            raise NotReachedError(message, *race.deletions)
        message = f"none of {len(race.deletions)} deletions of one job at the same moment was confirmed"
        raise violated(message, *race.deletions)
