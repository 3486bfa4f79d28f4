"""Judge how a command starts jobs, sends requests again, and polls. Pure."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from .._core.exchange import json_object
from .._core.operations import ENDED
from .._core.outcomes import NotReachedError, ViolationError
from .command_run import NEW_STATUS, asked, askers, by_ask, prompt_of, too_early
from .rule import GAVE_UP, need, rule

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .command_run import CommandRun

_TOLERANCE: Final = 0.9
"""The part of a pause that a client must wait: clocks are coarse, and sleeps end a little early."""

_READS_AFTER_END: Final = 2
"""How often an application may read a job that has ended, one time after the other, beside the poll that told it."""

LOSING: Final = (
    "ambiguous-create",
    "failing-create",
    "create-502",
    "create-503",
    "create-504",
    "stalled-create",
    "ambiguous-remix",
    "failing-remix",
)
"""The scenarios in which a job is started, and the command is not told."""

BUSY: Final = ("retry-after", "retry-after-date", "busy-reads", "busy-writes")
"""The scenarios in which requests are refused with Retry-After."""


# ---------------------------------------------------------------- creates
@rule("CLI-CREATE-001", *LOSING)
def starts_no_lost_job_again(run: CommandRun) -> str | None:
    """Look for starts that are sent again after one whose response was lost."""
    lost = [each for each in run.started() if each.number in run.lost]
    need(lost, f"{'remix' if 'remix' in run.scenario else 'create'} that was carried out")
    repeats: list[Exchange] = []
    for first in lost:
        key = first.request_header("idempotency-key")
        later = [each for each in run.of(str(first.operation)) if each.number > first.number]
        # Another seed, or another field of the client's own, does not make it another video.
        for each in [each for each in later if each.path == first.path and prompt_of(each) == prompt_of(first)]:
            again = each.request_header("idempotency-key")
            if key is None or again != key:
                which = "an Idempotency-Key that the first did not have" if key is None else "another Idempotency-Key"
                how = "without an Idempotency-Key" if again is None else f"under {which}"
                raise ViolationError(f"{first.summary}: it had started a job, and was sent again {how}", first, each)
            repeats.append(each)
    return "sent again with its Idempotency-Key" if repeats else GAVE_UP if run.has_given_up else None


@rule("CLI-CREATE-002")
def starts_one_job(run: CommandRun) -> None:
    """Look for a start that was sent after one which asks for the same had been accepted."""
    accepted = run.accepted()
    need(accepted, "create that was accepted")
    for group in by_ask(accepted):
        first, *others = group
        again = [each for each in others if first.is_before(each) and each.object.get("id") != first.object.get("id")]
        if again:
            raise ViolationError(
                f"{first.method} {first.path} was accepted, and sent again: it started {len(again) + 1} jobs",
                first,
                again[0],
            )


# ---------------------------------------------------------------- requests that are sent again
@rule("CLI-RETRY-001", *BUSY)
def waits_for_retry_after(run: CommandRun) -> str | None:
    """Compare the time of each request that is sent again with Retry-After."""
    refused = [each for each in run.exchanges if each.header("retry-after") is not None]
    need(refused, "request that was refused")
    has_waited = True
    for group in by_ask(list(run.exchanges)):
        pauses = {each.number: _pause(each) for each in group if each.header("retry-after") is not None}
        shortened = {number: pause * _TOLERANCE for number, pause in pauses.items()}
        for each, later, after in too_early(group, shortened) if pauses else ():
            if each.number in pauses:
                raise ViolationError(
                    f"{each.summary} with Retry-After {each.header('retry-after')} "
                    f"({pauses[each.number]:.2f} s) was sent again after {after:.2f} s",
                    each,
                    later,
                )
        has_waited = has_waited and (not pauses or group[-1].number not in pauses)
    if has_waited:
        return None
    if run.is_done:
        raise NotReachedError("the command did not send again what was refused, and reported success", *refused[-1:])
    if run.exit_code is None:
        raise NotReachedError("the command did not send again what was refused, nor end", *refused[-1:])
    return GAVE_UP


def _pause(exchange: Exchange) -> float:
    """Return the seconds that Retry-After requests, as a number or as a date (RFC 9110, 10.2.3)."""
    value = exchange.header("retry-after") or "0"
    return float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - exchange.at


# ---------------------------------------------------------------- polls
@rule("CLI-POLL-001", "slow", "slower")
def polls_no_faster_than_the_hint(run: CommandRun) -> None:
    """Compare the time of each poll with the hint of the response that it goes on from."""
    seen = False
    for polls in run.polls().values():
        hints = {each.number: _hint(each) for each in polls if each.header("openai-poll-after-ms") is not None}
        seen = seen or (bool(hints) and polls[-1].number not in hints) or len(hints) > 1
        shortened = {number: hint * _TOLERANCE for number, hint in hints.items()}
        for each, later, after in too_early(polls, shortened):
            if each.number in hints:
                raise ViolationError(
                    f"a poll was sent {after * 1000:.0f} ms after a response with openai-poll-after-ms "
                    f"{each.header('openai-poll-after-ms')}",
                    each,
                    later,
                )
    if not seen:
        raise NotReachedError("the command did not poll a running job twice")


def _hint(exchange: Exchange) -> float:
    return int(exchange.header("openai-poll-after-ms") or "0") / 1000


@rule("CLI-POLL-002", "unknown-status")
def polls_on(run: CommandRun) -> None:
    """Look for jobs that were abandoned when their status was unknown."""
    unknown = [each for each in run.of("retrieve_video") if each.is_ok and each.object.get("status") == NEW_STATUS]
    need(unknown, "poll")
    for each in unknown:
        later = [poll for poll in run.polls()[each.ids["video_id"]] if poll.number > each.number]
        if not later:
            raise ViolationError(
                f"the command took the unknown status {NEW_STATUS!r} for the end of the job, and stopped polling", each
            )


@rule("CLI-POLL-003")
def ends_with_the_job(run: CommandRun) -> None:
    """Count the polls of a job that has ended, where nothing else was sent in between."""
    has_ended = False
    for video_id, polls in run.polls().items():
        most = askers(polls) + _READS_AFTER_END
        ended: list[Exchange] = []
        for each in run.exchanges:
            is_poll = each.operation == "retrieve_video" and each.ids.get("video_id") == video_id
            if is_poll and each.is_ok and each.object.get("status") in ENDED:
                ended.append(each)
            elif each.operation is not None and each.operation != "retrieve_video":
                ended = []
            has_ended = has_ended or bool(ended)
            if len(ended) > most:
                raise ViolationError(f"a job was polled {len(ended) - 1} times after it had ended", *ended[-2:])
    if not has_ended:
        raise NotReachedError("the command polled no job until it ended")


@rule("CLI-POLL-004", "server-error", "busy-poll")
def keeps_the_id(run: CommandRun) -> str | None:
    """Look at what the command does after a poll that failed."""
    failed = [each for each in run.of("retrieve_video") if each.number in run.changed and (each.status or 0) >= 400]  # noqa: PLR2004 - HTTP's own
    need(failed, "poll")
    first = failed[0]
    for later in run.started():
        before = [each for each in run.started() if each.number < first.number]
        if later.number > first.number and asked(later) in [asked(each) for each in before]:
            raise ViolationError(
                "a poll failed, and the command started the same job again instead of polling on", first, later
            )
    known = run.polls()[first.ids["video_id"]]
    if any(each.is_ok and each.number > first.number for each in known):
        return None
    if run.is_done:
        raise ViolationError(
            "a poll failed, and the command reported success without knowing what became of the job", first
        )
    if run.exit_code is None:
        raise NotReachedError("a poll failed, and the command neither polled on nor ended", first)
    return GAVE_UP


@rule("CLI-POLL-005", "failed-job")
def tells_a_failed_job(run: CommandRun) -> None:
    """Look at how the command ends when its job fails."""
    failed = [
        (exchange, video)
        for video_id in run.wanted_ids()
        for exchange, video in run.seen(video_id)
        if video.get("status") == "failed"
    ]
    need([exchange for exchange, _ in failed], "poll of the job that failed")
    if run.is_done:
        exchange, video = failed[-1]
        reason = json_object(video.get("error")).get("code")
        raise ViolationError(f"the job failed ({reason}), and the command reported success", exchange)


@rule("CLI-POLL-006")
def polls_until_the_end(run: CommandRun) -> None:
    """Look for jobs whose end the command has not seen, and which it took for done."""
    wanted = run.wanted_ids()
    need([each for each in run.accepted() if each.object.get("id") in wanted], "create that was accepted")
    if any(video.get("status") in ENDED for video_id in wanted for _, video in run.seen(video_id)):
        return
    for video_id in wanted:
        exchange, video = run.seen(video_id)[-1]
        has_failed = any(not each.is_ok for each in run.polls().get(video_id, [])[-1:])
        if has_failed or video.get("status") in {*ENDED, NEW_STATUS}:
            continue
        downloads = [each for each in run.of("download_video_content") if each.ids.get("video_id") == video_id]
        if downloads or run.is_done:
            raise ViolationError(
                f"the job was {video.get('status')!r} when its status was last read, and the command went on as if it "
                "had ended",
                exchange,
                *downloads[:1],
            )
