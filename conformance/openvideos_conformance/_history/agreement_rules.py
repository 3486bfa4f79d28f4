"""Judge whether lists and the responses about one job agree on it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.operations import ENDED
from .._judging.assertions import shown
from .lifecycle_rules import CONSTANT, LAST, RANKS, high, progress_of, rank_of
from .rule import rule
from .traffic import in_order, same_value

if TYPE_CHECKING:
    from .rule import Tally
    from .traffic import JobSnapshot, Traffic

_FINAL: Final = ("completed_at", "error")
"""The fields that do not change after a job has ended. expires_at may be postponed, and url may be signed anew."""

_REQUIRED: Final = ("created_at", "model", "status")

_UPDATED: Final = ("status", "progress", *_FINAL, *CONSTANT)


@rule("VID-LIFE-013", "retrieve and list agree", needs="a job that was both retrieved and listed")
def lists_say_the_same(traffic: Traffic, tally: Tally) -> None:
    """Compare the snapshots of a job in lists with those in responses about this job, in both directions."""
    for video_id, listed in traffic.listed.items():
        single = traffic.single.get(video_id)
        if single is None:
            continue
        tally.judged()
        unsteady = _unsteady(single) | _unsteady(listed)
        _values_agree(video_id, single, listed, unsteady, tally)
        _updates_agree(video_id, [*single, *listed], unsteady, tally)


def _unsteady(snapshots: list[JobSnapshot]) -> set[str]:
    """Return the fields that contradict themselves, which other requirements judge."""
    newest: dict[str, JobSnapshot] = {}
    found: set[str] = set()
    for before, snapshot in in_order(snapshots):
        for each in before:
            _note(newest, each)
        found |= {field for field in _UPDATED if field in newest and _is_outdated(field, newest[field], snapshot)}
        for field in (*CONSTANT, *_FINAL):
            value, first = snapshot.video.get(field), newest.get(field)
            if first is not None and value is not None and not same_value(field, value, first.video[field]):
                found.add(field)
    return found


def _values_agree(
    video_id: str, single: list[JobSnapshot], listed: list[JobSnapshot], unsteady: set[str], tally: Tally
) -> None:
    for field in (*CONSTANT, "completed_at"):
        if field in unsteady:
            continue
        known = [each for each in single if each.video.get(field) is not None]
        for snapshot in listed:
            value = snapshot.video.get(field)
            if value is None or not known or any(same_value(field, value, each.video[field]) for each in known):
                continue
            message = f"{field} of the job {video_id} is {shown(value)} in a list, and {shown(known[0].video[field])}"
            tally.found(f"{message} when it is retrieved", known[0].exchange, snapshot.exchange, once=video_id)


def _updates_agree(video_id: str, snapshots: list[JobSnapshot], unsteady: set[str], tally: Tally) -> None:
    """Find values that lists returned and a later retrieve did not, or the reverse."""
    newest: dict[bool, dict[str, JobSnapshot]] = {True: {}, False: {}}
    for before, snapshot in in_order(snapshots):
        for each in before:
            _note(newest[each.is_listed], each)
        known = newest[not snapshot.is_listed]
        for field in (each for each in _UPDATED if each not in unsteady):
            other = known.get(field)
            if other is not None and _is_outdated(field, other, snapshot):
                known_by, later_by = other.exchange.operation, snapshot.exchange.operation
                message = f"{known_by} returned {field} {shown(other.video[field])} for the job {video_id}"
                later = f"{message}, and {later_by} returned {shown(snapshot.video.get(field))} later"
                tally.found(later, other.exchange, snapshot.exchange, once=video_id)
                break


def _note(newest: dict[str, JobSnapshot], snapshot: JobSnapshot) -> None:
    video = snapshot.video
    for field in CONSTANT:
        if video.get(field) is not None:
            newest.setdefault(field, snapshot)
    if snapshot.status in ENDED:
        for field in _FINAL:
            if video.get(field) is not None:
                newest.setdefault(field, snapshot)
    if rank_of(snapshot) is not None and (
        "status" not in newest or (rank_of(snapshot) or 0) > (rank_of(newest["status"]) or 0)
    ):
        newest["status"] = snapshot
    if progress_of(snapshot) is not None and ("progress" not in newest or high(snapshot) > high(newest["progress"])):
        newest["progress"] = snapshot


def _is_outdated(field: str, known: JobSnapshot, snapshot: JobSnapshot) -> bool:
    if field in _REQUIRED and field not in snapshot.video:
        return False  # a Video without it does not fit the schema, which another requirement says
    if field == "status":
        rank, before = rank_of(snapshot), RANKS[known.status]
        return rank is not None and (rank < before or (before == LAST and snapshot.status != known.status))
    if field == "progress":
        return (progress_of(snapshot) or 0.0) < high(known) if progress_of(snapshot) is not None else False
    return snapshot.video.get(field) is None
