"""Judge what was said of each job over its life, in every response and every list of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.exchange import json_object
from .._core.operations import RUNNING
from .._judging.assertions import shown
from .rule import rule
from .traffic import JobSnapshot, amount, date_of, in_order, number, same_value, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import Traffic

_ENDED: Final = frozenset({"completed", "failed"})
_LAST: Final = 2
_RANKS: Final = {**dict.fromkeys(RUNNING, 1), "queued": 0, **dict.fromkeys(_ENDED, _LAST)}
_CONSTANT: Final = ("created_at", "model", "prompt", "size", "seconds", "remixed_from_video_id")
_FINAL: Final = ("completed_at", "error")
"""What stays what it is once a job has ended. expires_at may be put off, and url may be signed anew."""

_NEWS: Final = ("status", "progress", *_FINAL, *_CONSTANT)

_NEAR: Final = 15 * 60.0
"""How far a time may be from now, in seconds: clocks differ, but zones are half an hour apart at the least."""
_DAY: Final = 24 * 60 * 60.0
"""How far without a Date header: the suite's own clock may be the wrong one."""
_MILLISECONDS: Final = 1e12
"""Seconds of the year 33658: such a time is none in seconds."""


def _lives(traffic: Traffic) -> Iterator[tuple[str, list[JobSnapshot]]]:
    """Go through the jobs: what responses about each alone said of it, and apart from that what lists did."""
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
    """Compare each status with the one that the job had ended with before."""
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


@rule("VID-LIFE-002", "a running job is not queued again", needs="a job that is read again after it was in progress")
def running_jobs_are_not_queued_again(traffic: Traffic, tally: Tally) -> None:
    """Look for a job that is queued after it was in progress."""
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
    """Compare each progress with the highest before."""
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


@rule("VID-LIFE-004", "a completed job has a progress of 100", needs="a completed job whose progress is told")
def completed_jobs_are_whole(traffic: Traffic, tally: Tally) -> None:
    """Look at the progress of each completed job that tells one."""
    for video_id, snapshot in _snapshots(traffic):
        if snapshot.status == "completed" and snapshot.video.get("progress") is not None:
            tally.judged()
            if _progress(snapshot) != 100:  # noqa: PLR2004 - percent
                message = f"the job {video_id} is completed, and its progress is {shown(snapshot.video['progress'])}"
                tally.found(f"{message}, not 100", snapshot.exchange, once=video_id)


@rule("VID-LIFE-005", "what a job is does not change", needs="a job that is told of twice")
def jobs_stay_what_they_are(traffic: Traffic, tally: Tally) -> None:
    """Compare what is constant in a job with what was first said of it; a value may follow on null, not null on it."""
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


@rule("VID-LIFE-006", "completed_at is null until the end", needs="a job that is told of before its end")
def running_jobs_have_no_end(traffic: Traffic, tally: Tally) -> None:
    """Look at completed_at of each job that goes on."""
    for video_id, snapshot in _snapshots(traffic):
        status, end = snapshot.status, snapshot.video.get("completed_at")
        if status in RUNNING:
            tally.judged()
            if end is not None:
                message = f"the job {video_id} is {status}, and its completed_at is {shown(end)}, not null"
                tally.found(message, snapshot.exchange, once=video_id)


@rule("VID-LIFE-007", "completed_at is set once a job has ended", needs="a job that has ended")
def ended_jobs_have_an_end(traffic: Traffic, tally: Tally) -> None:
    """Look at completed_at of each job that has ended."""
    for video_id, snapshot in _snapshots(traffic):
        if snapshot.status in _ENDED:
            tally.judged()
            if snapshot.video.get("completed_at") is None:
                message = f"the job {video_id} is {snapshot.status}, and has no completed_at"
                tally.found(message, snapshot.exchange, once=video_id)


@rule("VID-LIFE-008", "a job ends once, and after it was created", needs="a job that says when it ended")
def ends_are_after_creation_and_stay(traffic: Traffic, tally: Tally) -> None:
    """Compare each completed_at with created_at, and with the one that was told before."""
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
    """Compare the times of the jobs of this run with the time of the response that tells them."""
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


def _far_off(field: str, value: int, created: Exchange, told: Exchange) -> str:
    """Return how a time is none of now, if so. The end of a job is between its begin and the response that tells it."""
    if value > _MILLISECONDS:
        return "which is in the year 33658 or later: are these milliseconds?"
    if field == "expires_at":
        return ""  # any time to come is right
    begin, end = (told, told) if field == "completed_at" else (created, created)
    worst = 0.0
    for offset, tolerance in _clocks(told if field == "completed_at" else created):
        latest = end.at + offset
        earliest = begin.at - (begin.ended - begin.began) + offset
        ahead = value - latest
        behind = 0.0 if field == "completed_at" else earliest - value  # one before created_at is another rule's
        if ahead <= tolerance and behind <= tolerance:
            return ""
        worst = ahead if ahead > tolerance else -behind
    return f"which is {abs(worst) / 3600:.1f} h {'ahead of' if worst > 0 else 'behind'} the time of the response"


def _clocks(exchange: Exchange) -> list[tuple[float, float]]:
    """Return the clocks that a time may be of: how far each is ahead of the suite's, and how far a time may be off."""
    date = date_of(exchange)
    return [(0.0, _DAY)] if date is None else [(0.0, _NEAR), (date - exchange.at, _NEAR)]


@rule("VID-LIFE-010", "only failed jobs have an error", needs="a job that has not failed")
def only_failed_jobs_have_errors(traffic: Traffic, tally: Tally) -> None:
    """Look at the error of each job that has not failed."""
    for video_id, snapshot in _snapshots(traffic):
        status, error = snapshot.status, snapshot.video.get("error")
        if status in RUNNING or status == "completed":
            tally.judged()
            if error is not None:
                message = f"the job {video_id} is {status}, and its error is {shown(error)}, not null"
                tally.found(message, snapshot.exchange, once=video_id)


@rule("VID-LIFE-011", "a failed job says why", needs="a job that has failed")
def failed_jobs_say_why(traffic: Traffic, tally: Tally) -> None:
    """Look at the error of each job that has failed."""
    for video_id, snapshot in _snapshots(traffic):
        if snapshot.status == "failed":
            tally.judged()
            if not json_object(snapshot.video.get("error")):
                message = f"the job {video_id} has failed, and its error is {shown(snapshot.video.get('error'))}"
                tally.found(message, snapshot.exchange, once=video_id)


@rule("VID-LIFE-012", "files do not expire before the job has ended", needs="an ended job that says when it expires")
def files_are_there_until_they_expire(traffic: Traffic, tally: Tally) -> None:
    """Compare expires_at with the end of the job, and with what its content was answered until then."""
    for video_id, snapshot in _snapshots(traffic):
        expires = whole(snapshot.video.get("expires_at"))
        if snapshot.status not in _ENDED or expires is None:
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
    """Return what promised that this content would be there: a completed job, and a time that has not come."""
    video_id = content.ids["video_id"]
    variants = traffic.parameters(content).get("variant", ["video"])
    if content.failure or not content.has_key or variants != ["video"] or traffic.may_be_gone(video_id, content):
        return None
    told = (*traffic.single.get(video_id, ()), *traffic.listed.get(video_id, ()))
    before = [each for each in told if each.exchange.is_before(content) and each.status == "completed"]
    if not before:
        return None
    last = max(before, key=lambda each: each.exchange.ended)
    expires = whole(last.video.get("expires_at"))
    date = date_of(content)
    now, margin = (content.at, _DAY) if date is None else (date, 5.0)
    return last if expires is not None and expires > now + margin else None


@rule("VID-LIFE-013", "retrieve and list say the same", needs="a job that was both retrieved and listed")
def lists_say_the_same(traffic: Traffic, tally: Tally) -> None:
    """Compare what lists say of a job with what responses about it alone do, before and after."""
    for video_id, listed in traffic.listed.items():
        single = traffic.single.get(video_id)
        if single is None:
            continue
        tally.judged()
        _values_agree(video_id, single, listed, tally)
        _news_agree(video_id, [*single, *listed], tally)


def _values_agree(video_id: str, single: list[JobSnapshot], listed: list[JobSnapshot], tally: Tally) -> None:
    for field in (*_CONSTANT, "completed_at"):
        known = [each for each in single if each.video.get(field) is not None]
        for snapshot in listed:
            value = snapshot.video.get(field)
            if value is None or not known or any(same_value(field, value, each.video[field]) for each in known):
                continue
            message = f"{field} of the job {video_id} is {shown(value)} in a list, and {shown(known[0].video[field])}"
            tally.found(f"{message} when it is retrieved", known[0].exchange, snapshot.exchange, once=video_id)


def _news_agree(video_id: str, told: list[JobSnapshot], tally: Tally) -> None:
    """Look for news that one way of asking had told, and the other did not know later."""
    newest: dict[bool, dict[str, JobSnapshot]] = {True: {}, False: {}}
    for before, snapshot in in_order(told):
        for each in before:
            _note(newest[each.is_listed], each)
        known = newest[not snapshot.is_listed]
        for field in _NEWS:
            other = known.get(field)
            if other is not None and _is_old_news(field, other, snapshot):
                known_by, told_by = other.exchange.operation, snapshot.exchange.operation
                message = f"{known_by} said that {field} of the job {video_id} is {shown(other.video[field])}"
                later = f"{message}, and {told_by} said later that it is {shown(snapshot.video.get(field))}"
                tally.found(later, other.exchange, snapshot.exchange, once=video_id)
                break


def _note(newest: dict[str, JobSnapshot], snapshot: JobSnapshot) -> None:
    video = snapshot.video
    for field in _CONSTANT:
        if video.get(field) is not None:
            newest.setdefault(field, snapshot)
    if snapshot.status in _ENDED:
        for field in _FINAL:
            if video.get(field) is not None:
                newest.setdefault(field, snapshot)
    if _rank(snapshot) is not None and (
        "status" not in newest or (_rank(snapshot) or 0) > (_rank(newest["status"]) or 0)
    ):
        newest["status"] = snapshot
    if _progress(snapshot) is not None and ("progress" not in newest or _high(snapshot) > _high(newest["progress"])):
        newest["progress"] = snapshot


def _is_old_news(field: str, known: JobSnapshot, snapshot: JobSnapshot) -> bool:
    if field == "status":
        rank, before = _rank(snapshot), _RANKS[known.status]
        return rank is not None and (rank < before or (before == _LAST and snapshot.status != known.status))
    if field == "progress":
        return (_progress(snapshot) or 0.0) < _high(known) if _progress(snapshot) is not None else False
    return snapshot.video.get(field) is None


@rule("VID-LIFE-015", "seconds and duration agree", needs="a job that tells both")
def seconds_and_duration_agree(traffic: Traffic, tally: Tally) -> None:
    """Compare the two; a whole number may be rounded."""
    for video_id, snapshot in _snapshots(traffic):
        seconds, duration = number(snapshot.video.get("seconds")), whole(snapshot.video.get("duration"))
        if seconds is None or duration is None:
            continue
        tally.judged()
        if abs(seconds - duration) >= (1.0 if seconds % 1 else 0.5):
            message = f"the job {video_id} has seconds {snapshot.video['seconds']!r} and duration {duration}"
            tally.found(message, snapshot.exchange, once=video_id)
