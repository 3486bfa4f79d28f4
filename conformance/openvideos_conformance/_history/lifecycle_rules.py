"""Judge the snapshots of each job over its life, in all responses of a run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.exchange import date_of, json_object
from .._core.operations import ENDED, RUNNING
from .._judging.assertions import shown
from .rule import rule
from .traffic import JobSnapshot, amount, in_order, number, same_value, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import Traffic

LAST: Final = 2
RANKS: Final = {**dict.fromkeys(RUNNING, 1), "queued": 0, **dict.fromkeys(ENDED, LAST)}
CONSTANT: Final = ("created_at", "model", "prompt", "size", "seconds", "remixed_from_video_id")
"""The fields that do not change from their first values."""

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


def rank_of(snapshot: JobSnapshot) -> int | None:
    return RANKS.get(snapshot.status)


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
            end = end or next((each for each in before if rank_of(each) == LAST), None)
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
            running = running or next((each for each in before if rank_of(each) == 1), None)
            if running is None or rank_of(snapshot) is None:
                continue
            tally.judged()
            if rank_of(snapshot) == 0:
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
                if progress_of(each) is not None and (highest is None or (progress_of(each) or 0) > high(highest)):
                    highest = each
            progress = progress_of(snapshot)
            if highest is None or progress is None:
                continue
            tally.judged()
            if progress < high(highest):
                tally.found(
                    f"the progress of the job {video_id} was {high(highest):g}, and was {progress:g} later",
                    highest.exchange,
                    snapshot.exchange,
                    once=video_id,
                )


def progress_of(snapshot: JobSnapshot) -> float | None:
    return amount(snapshot.video.get("progress"))


def high(snapshot: JobSnapshot) -> float:
    return progress_of(snapshot) or 0.0


@rule("VID-LIFE-004", "a completed job has a progress of 100", needs="a completed job that has progress")
def completed_jobs_are_whole(traffic: Traffic, tally: Tally) -> None:
    """Judge the progress of completed jobs."""
    for video_id, snapshot in _snapshots(traffic):
        if snapshot.status == "completed" and snapshot.video.get("progress") is not None:
            tally.judged()
            if progress_of(snapshot) != 100:  # noqa: PLR2004 - percent
                message = f"the job {video_id} is completed, and its progress is {shown(snapshot.video['progress'])}"
                tally.found(f"{message}, not 100", snapshot.exchange, once=video_id)


@rule("VID-LIFE-005", "constant fields of a job do not change", needs="two snapshots of a job")
def jobs_stay_what_they_are(traffic: Traffic, tally: Tally) -> None:
    """Compare the constant fields of a job with their first values; null may become a value, but not the reverse."""
    for video_id, life in _lives(traffic):
        for field in CONSTANT:
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


@rule("VID-LIFE-009", "times are Unix seconds of now", needs="a job whose times are whole numbers")
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


@rule(
    "VID-LIFE-011",
    "a failed job says why",
    needs="a job that has failed",
    probes=("failed_content",),
    jobs=("failing",),
)
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
    downloads = traffic.of("download_video_content")
    # A file that is never there breaks another requirement, or is a variant that is not offered.
    served = {_variant(traffic, each) for each in downloads if each.is_ok}
    for content in downloads:
        promise = _promise(traffic, content)
        # One that came late was not there as soon as its job was completed.
        is_video = [each for each in downloads if each.is_ok and _variant(traffic, each) in {"", "video"}]
        of_file = [each for each in is_video if each.path == content.path]
        came_late = bool(of_file) and not any(each.is_before(content) for each in of_file)
        if promise is not None and _variant(traffic, content) in served and not came_late:
            tally.judged()
            if content.status in {404, 410}:
                expires = promise.video["expires_at"]
                message = f"the content of a completed job that expires at {expires} returned {content.status}"
                tally.found(message, promise.exchange, content)


def _variant(traffic: Traffic, content: Exchange) -> str:
    return "".join(traffic.parameters(content).get("variant", ()))


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
