"""Judge the snapshots of each job over its life, in all responses of a run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.exchange import json_object
from .._core.operations import ENDED, RUNNING
from .._judging.assertions import shown
from .rule import rule
from .traffic import JobSnapshot, amount, date_of, in_order, number, same_value, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import Traffic

_LAST: Final = 2
_RANKS: Final = {**dict.fromkeys(RUNNING, 1), "queued": 0, **dict.fromkeys(ENDED, _LAST)}
_CONSTANT: Final = ("created_at", "model", "prompt", "size", "seconds", "remixed_from_video_id")
_FINAL: Final = ("completed_at", "error")
"""The fields that do not change after a job has ended. expires_at may be postponed, and url may be signed anew."""

_UPDATED: Final = ("status", "progress", *_FINAL, *_CONSTANT)

_NEAR: Final = 15 * 60.0
"""How many seconds a time may differ from now: clocks differ, but time zones differ by half an hour at least."""
_DAY: Final = 24 * 60 * 60.0
"""The same without a Date header, since the clock of the suite may be wrong."""
_MILLISECONDS: Final = 1e12
"""The year 33658 in Unix seconds; a larger number is in milliseconds."""


def _lives(traffic: Traffic) -> Iterator[tuple[str, list[JobSnapshot]]]:
    """Yield the snapshots of each job: those of responses about one job, then those of lists."""
    yield from traffic.single.items()
    yield from traffic.listed.items()


def _snapshots(traffic: Traffic) -> Iterator[tuple[str, JobSnapshot]]:
    for video_id, life in _lives(traffic):
        for snapshot in life:
            yield video_id, snapshot


def _rank(snapshot: JobSnapshot) -> int | None:
    return _RANKS.get(snapshot.status)


@rule(
    "VID-LIFE-001",
    "a job that has ended keeps its status",
    needs="a job whose status is read again after it has ended",
)
def ended_jobs_keep_their_status(traffic: Traffic, tally: Tally) -> None:
    """Compare each status with the one with which the job had ended."""
    for video_id, life in _lives(traffic):
        end: JobSnapshot | None = None
        for before, snapshot in in_order(life):
            end = end or next((each for each in before if _rank(each) == _LAST), None)
            if end is None or not snapshot.status:
                continue
            tally.judged()
            if snapshot.status != end.status:
                tally.found(
                    f"the job {video_id} had ended as {end.status!r}, and was {snapshot.status!r} later",
                    end.exchange,
                    snapshot.exchange,
                    once=video_id,
                )


@rule("VID-LIFE-002", "a running job is not queued again", needs="a job that is read again after it was running")
def running_jobs_are_not_queued_again(traffic: Traffic, tally: Tally) -> None:
    """Find jobs that are queued after they were running."""
    for video_id, life in _lives(traffic):
        running: JobSnapshot | None = None
        for before, snapshot in in_order(life):
            running = running or next((each for each in before if _rank(each) == 1), None)
            if running is None or _rank(snapshot) is None:
                continue
            tally.judged()
            if _rank(snapshot) == 0:
                tally.found(
                    f"the job {video_id} was {running.status!r}, and was queued again later",
                    running.exchange,
                    snapshot.exchange,
                    once=video_id,
                )


@rule("VID-LIFE-003", "progress does not go back", needs="a job whose progress is read twice")
def progress_does_not_go_back(traffic: Traffic, tally: Tally) -> None:
    """Compare each progress with the highest one before it."""
    for video_id, life in _lives(traffic):
        highest: JobSnapshot | None = None
        for before, snapshot in in_order(life):
            for each in before:
                if _progress(each) is not None and (highest is None or (_progress(each) or 0) > _high(highest)):
                    highest = each
            progress = _progress(snapshot)
            if highest is None or progress is None:
                continue
            tally.judged()
            if progress < _high(highest):
                tally.found(
                    f"the progress of the job {video_id} was {_high(highest):g}, and was {progress:g} later",
                    highest.exchange,
                    snapshot.exchange,
                    once=video_id,
                )


def _progress(snapshot: JobSnapshot) -> float | None:
    return amount(snapshot.video.get("progress"))


def _high(snapshot: JobSnapshot) -> float:
    return _progress(snapshot) or 0.0


@rule("VID-LIFE-004", "a completed job has a progress of 100", needs="a completed job that has progress")
def completed_jobs_are_whole(traffic: Traffic, tally: Tally) -> None:
    """Judge the progress of completed jobs."""
    for video_id, snapshot in _snapshots(traffic):
        if snapshot.status == "completed" and snapshot.video.get("progress") is not None:
            tally.judged()
            if _progress(snapshot) != 100:  # noqa: PLR2004 - percent
                message = f"the job {video_id} is completed, and its progress is {shown(snapshot.video['progress'])}"
                tally.found(f"{message}, not 100", snapshot.exchange, once=video_id)


@rule("VID-LIFE-005", "constant fields of a job do not change", needs="two snapshots of a job")
def jobs_stay_what_they_are(traffic: Traffic, tally: Tally) -> None:
    """Compare the constant fields of a job with their first values; null may become a value, but not the reverse."""
    for video_id, life in _lives(traffic):
        for field in _CONSTANT:
            _compare(video_id, field, life, tally)


def _compare(video_id: str, field: str, life: Iterable[JobSnapshot], tally: Tally) -> None:
    first: JobSnapshot | None = None
    for snapshot in life:
        value = snapshot.video.get(field)
        if first is None:
            first = snapshot if value is not None else None
            continue
        is_gone = value is None and field in snapshot.video and first.exchange.is_before(snapshot.exchange)
        if value is None and not is_gone:
            continue
        tally.judged()
        if is_gone or not same_value(field, value, first.video[field]):
            tally.found(
                f"{field} of the job {video_id} was {shown(first.video[field])}, and was {shown(value)} later",
                first.exchange,
                snapshot.exchange,
                once=(video_id, field),
            )


@rule("VID-LIFE-006", "completed_at is null until the end", needs="a job that has not ended")
def running_jobs_have_no_end(traffic: Traffic, tally: Tally) -> None:
    """Judge completed_at of jobs that have not ended."""
    for video_id, snapshot in _snapshots(traffic):
        status, end = snapshot.status, snapshot.video.get("completed_at")
        if status in RUNNING:
            tally.judged()
            if end is not None:
                message = f"the job {video_id} is {status}, and its completed_at is {shown(end)}, not null"
                tally.found(message, snapshot.exchange, once=video_id)


@rule("VID-LIFE-007", "completed_at is set once a job has ended", needs="a job that has ended")
def ended_jobs_have_an_end(traffic: Traffic, tally: Tally) -> None:
    """Judge completed_at of jobs that have ended."""
    for video_id, snapshot in _snapshots(traffic):
        if snapshot.status in ENDED:
            tally.judged()
            if snapshot.video.get("completed_at") is None:
                message = f"the job {video_id} is {snapshot.status}, and has no completed_at"
                tally.found(message, snapshot.exchange, once=video_id)


@rule("VID-LIFE-008", "a job ends once, and after it was created", needs="a job with completed_at")
def ends_are_after_creation_and_stay(traffic: Traffic, tally: Tally) -> None:
    """Compare each completed_at with created_at, and with its first value."""
    for video_id, life in _lives(traffic):
        _compare(video_id, "completed_at", life, tally)
        for snapshot in life:
            begin, end = whole(snapshot.video.get("created_at")), whole(snapshot.video.get("completed_at"))
            if begin is None or end is None:
                continue
            tally.judged()
            if end < begin:
                tally.found(
                    f"the job {video_id} has completed_at {end}, which is {begin - end} s before its created_at",
                    snapshot.exchange,
                    once=video_id,
                )


@rule("VID-LIFE-009", "times are Unix seconds of now", needs="a job that was created")
def times_are_of_now(traffic: Traffic, tally: Tally) -> None:
    """Compare the times in the run's own jobs with the time of the response that contains them."""
    for start in traffic.new:
        for snapshot in traffic.single[start.id]:
            for field in ("created_at", "completed_at", "expires_at"):
                value = whole(snapshot.video.get(field))
                if value is None:
                    continue
                tally.judged()
                wrong = _far_off(field, value, start.exchange, snapshot.exchange)
                if wrong:
                    message = f"{field} of the job {start.id} is {value}, {wrong}"
                    tally.found(message, snapshot.exchange, once=field)


def _far_off(field: str, value: int, created: Exchange, returned: Exchange) -> str:
    """Return how far a time is from now, or "" if it is near. A job ends between its create and the response."""
    if value > _MILLISECONDS:
        return "which is in the year 33658 or later: are these milliseconds?"
    if field == "expires_at":
        return ""  # any future time is valid
    begin, end = (returned, returned) if field == "completed_at" else (created, created)
    worst = 0.0
    for offset, tolerance in _clocks(returned if field == "completed_at" else created):
        latest = end.at + offset
        earliest = begin.at - (begin.ended - begin.began) + offset
        ahead = value - latest
        behind = 0.0 if field == "completed_at" else earliest - value  # another rule forbids a time before created_at
        if ahead <= tolerance and behind <= tolerance:
            return ""
        worst = ahead if ahead > tolerance else -behind
    return f"which is {abs(worst) / 3600:.1f} h {'ahead of' if worst > 0 else 'behind'} the time of the response"


def _clocks(exchange: Exchange) -> list[tuple[float, float]]:
    """Return the clocks that a time may be from: the offset of each from the suite's clock, and its tolerance."""
    date = date_of(exchange)
    return [(0.0, _DAY)] if date is None else [(0.0, _NEAR), (date - exchange.at, _NEAR)]


@rule("VID-LIFE-010", "only failed jobs have an error", needs="a job that has not failed")
def only_failed_jobs_have_errors(traffic: Traffic, tally: Tally) -> None:
    """Judge the error of jobs that have not failed."""
    for video_id, snapshot in _snapshots(traffic):
        status, error = snapshot.status, snapshot.video.get("error")
        if status in RUNNING or status == "completed":
            tally.judged()
            if error is not None:
                message = f"the job {video_id} is {status}, and its error is {shown(error)}, not null"
                tally.found(message, snapshot.exchange, once=video_id)


@rule("VID-LIFE-011", "a failed job says why", needs="a job that has failed")
def failed_jobs_say_why(traffic: Traffic, tally: Tally) -> None:
    """Judge the error of failed jobs."""
    for video_id, snapshot in _snapshots(traffic):
        if snapshot.status == "failed":
            tally.judged()
            if not json_object(snapshot.video.get("error")):
                message = f"the job {video_id} has failed, and its error is {shown(snapshot.video.get('error'))}"
                tally.found(message, snapshot.exchange, once=video_id)


@rule("VID-LIFE-012", "files do not expire before the job has ended", needs="an ended job with expires_at")
def files_are_there_until_they_expire(traffic: Traffic, tally: Tally) -> None:
    """Compare expires_at with the end of the job, and with the downloads before it."""
    for video_id, snapshot in _snapshots(traffic):
        expires = whole(snapshot.video.get("expires_at"))
        if snapshot.status not in ENDED or expires is None:
            continue
        for field in ("completed_at", "created_at"):
            time = whole(snapshot.video.get(field))
            if time is None:
                continue
            tally.judged()
            if expires < time:
                message = f"the job {video_id} expires at {expires}, which is {time - expires} s before its {field}"
                tally.found(message, snapshot.exchange, once=video_id)
            break
    for content in traffic.of("download_video_content"):
        promise = _promise(traffic, content)
        if promise is not None:
            tally.judged()
            if content.status in {404, 410}:
                expires = promise.video["expires_at"]
                message = f"the content of a completed job that expires at {expires} returned {content.status}"
                tally.found(message, promise.exchange, content)


def _promise(traffic: Traffic, content: Exchange) -> JobSnapshot | None:
    """Return the snapshot which promises that this content exists: a completed job that has not expired; or None."""
    video_id = content.ids["video_id"]
    variants = traffic.parameters(content).get("variant", ["video"])
    if content.failure or not content.has_key or variants != ["video"] or traffic.may_be_gone(video_id, content):
        return None
    snapshots = (*traffic.single.get(video_id, ()), *traffic.listed.get(video_id, ()))
    before = [each for each in snapshots if each.exchange.is_before(content) and each.status == "completed"]
    if not before:
        return None
    last = max(before, key=lambda each: each.exchange.ended)
    expires = whole(last.video.get("expires_at"))
    date = date_of(content)
    now, margin = (content.at, _DAY) if date is None else (date, 5.0)
    return last if expires is not None and expires > now + margin else None


@rule("VID-LIFE-013", "retrieve and list agree", needs="a job that was both retrieved and listed")
def lists_say_the_same(traffic: Traffic, tally: Tally) -> None:
    """Compare the snapshots of a job in lists with those in responses about this job, in both directions."""
    for video_id, listed in traffic.listed.items():
        single = traffic.single.get(video_id)
        if single is None:
            continue
        tally.judged()
        _values_agree(video_id, single, listed, tally)
        _updates_agree(video_id, [*single, *listed], tally)


def _values_agree(video_id: str, single: list[JobSnapshot], listed: list[JobSnapshot], tally: Tally) -> None:
    for field in (*_CONSTANT, "completed_at"):
        known = [each for each in single if each.video.get(field) is not None]
        for snapshot in listed:
            value = snapshot.video.get(field)
            if value is None or not known or any(same_value(field, value, each.video[field]) for each in known):
                continue
            message = f"{field} of the job {video_id} is {shown(value)} in a list, and {shown(known[0].video[field])}"
            tally.found(f"{message} when it is retrieved", known[0].exchange, snapshot.exchange, once=video_id)


def _updates_agree(video_id: str, snapshots: list[JobSnapshot], tally: Tally) -> None:
    """Find values that lists returned and a later retrieve did not, or the reverse."""
    newest: dict[bool, dict[str, JobSnapshot]] = {True: {}, False: {}}
    for before, snapshot in in_order(snapshots):
        for each in before:
            _note(newest[each.is_listed], each)
        known = newest[not snapshot.is_listed]
        for field in _UPDATED:
            other = known.get(field)
            if other is not None and _is_outdated(field, other, snapshot):
                known_by, later_by = other.exchange.operation, snapshot.exchange.operation
                message = f"{known_by} returned {field} {shown(other.video[field])} for the job {video_id}"
                later = f"{message}, and {later_by} returned {shown(snapshot.video.get(field))} later"
                tally.found(later, other.exchange, snapshot.exchange, once=video_id)
                break


def _note(newest: dict[str, JobSnapshot], snapshot: JobSnapshot) -> None:
    video = snapshot.video
    for field in _CONSTANT:
        if video.get(field) is not None:
            newest.setdefault(field, snapshot)
    if snapshot.status in ENDED:
        for field in _FINAL:
            if video.get(field) is not None:
                newest.setdefault(field, snapshot)
    if _rank(snapshot) is not None and (
        "status" not in newest or (_rank(snapshot) or 0) > (_rank(newest["status"]) or 0)
    ):
        newest["status"] = snapshot
    if _progress(snapshot) is not None and ("progress" not in newest or _high(snapshot) > _high(newest["progress"])):
        newest["progress"] = snapshot


def _is_outdated(field: str, known: JobSnapshot, snapshot: JobSnapshot) -> bool:
    if field == "status":
        rank, before = _rank(snapshot), _RANKS[known.status]
        return rank is not None and (rank < before or (before == _LAST and snapshot.status != known.status))
    if field == "progress":
        return (_progress(snapshot) or 0.0) < _high(known) if _progress(snapshot) is not None else False
    return snapshot.video.get(field) is None


@rule("VID-LIFE-015", "seconds and duration agree", needs="a job with both")
def seconds_and_duration_agree(traffic: Traffic, tally: Tally) -> None:
    """Compare seconds with duration, which may be rounded to a whole number."""
    for video_id, snapshot in _snapshots(traffic):
        seconds, duration = number(snapshot.video.get("seconds")), whole(snapshot.video.get("duration"))
        if seconds is None or duration is None:
            continue
        tally.judged()
        if abs(seconds - duration) >= (1.0 if seconds % 1 else 0.5):
            message = f"the job {video_id} has seconds {snapshot.video['seconds']!r} and duration {duration}"
            tally.found(message, snapshot.exchange, once=video_id)
