"""Judge what a command did in a scenario. Pure: each rule reads one command run, and raises the outcome."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.exchange import json_array, json_object
from .._core.operations import CREATING, ENDED
from .._core.outcomes import NotReachedError, ViolationError
from .command_run import legality, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._core.exchange import Exchange
    from .command_run import CommandRun

FILE: Final = "video.mp4"
"""The name of the file that a command downloads."""
PARSED: Final = "video.json"
"""The name of the file with the finished video as JSON, as the client gives it to the application."""
MOST_REPEATS: Final = 3
"""How many requests for one page are allowed where cursors repeat; more are a loop."""
MOST_LATE_POLLS: Final = 5
"""How many polls of a job are allowed after a response said that it has ended."""
_TOLERANCE: Final = 0.9
"""The part of a pause that a client must wait: clocks are coarse, and sleeps end a little early."""
_CALM: Final = ("plain", "slow", "missing-keys", "unknown-fields", "huge-list")
"""The scenarios in which a client must succeed."""


@dataclass(frozen=True)
class ClientRule:
    """A rule, the requirement that it judges, and the scenarios that exercise it; an empty tuple means all."""

    requirement: str
    judge: Callable[[CommandRun], None]
    scenarios: tuple[str, ...] = ()


RULES: Final[list[ClientRule]] = []
"""All rules, in the order of the catalogue."""


def _rule(requirement: str, *scenarios: str) -> Callable[[Callable[[CommandRun], None]], Callable[[CommandRun], None]]:
    def register(judge: Callable[[CommandRun], None]) -> Callable[[CommandRun], None]:
        RULES.append(ClientRule(requirement, judge, scenarios))
        return judge

    return register


def _need(exchanges: list[Exchange], what: str) -> None:
    if not exchanges:
        raise NotReachedError(f"the command sent no {what}")


# ---------------------------------------------------------------- requests
@_rule("CLI-REQUEST-001")
def _means_an_operation(run: CommandRun) -> None:
    _need([*run.exchanges], "request")
    for each in run.exchanges:
        if each.operation is None:
            raise ViolationError(f"{each.summary}: the contract has no such operation", each)


@_rule("CLI-REQUEST-002")
def _is_valid(run: CommandRun) -> None:
    known = [each for each in run.exchanges if each.operation is not None]
    _need(known, "request that the contract knows")
    for each in known:
        flaws = legality(each).flaws
        if flaws:
            raise ViolationError(f"{each.summary}: the contract forbids the request: {'; '.join(flaws)}", each)


@_rule("CLI-REQUEST-003")
def _carries_what_was_requested(run: CommandRun) -> None:
    prompt = run.wanted.get("prompt")
    creates = run.of("create_video")
    _need(creates, "create")
    matching = [each for each in creates if legality(each).fields.get("prompt") == prompt]
    if not matching:
        raise ViolationError("no create has the prompt that the client was told to request", creates[0])
    for each in matching:
        fields = legality(each).fields
        for name, value in run.wanted.items():
            if str(fields.get(name)) != value:
                raise ViolationError(
                    f"the create has {name} {fields.get(name, 'left out')!r}, not {value!r}, as the client was told",
                    each,
                )


@_rule("CLI-AUTH-001")
def _has_the_key(run: CommandRun) -> None:
    _need([*run.exchanges], "request")
    for each in run.exchanges:
        scheme, _, key = (each.request_header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or key.strip() != run.key:
            sent = f"with the scheme {scheme}, or with another key" if scheme else "without Authorization"
            raise ViolationError(f"{each.summary} was sent {sent}; the API takes the key as Bearer", each)


@_rule("CLI-AUTH-002", "redirect")
def _keeps_the_key(run: CommandRun) -> None:
    if not run.foreign:
        raise NotReachedError("the command did not follow the redirect")
    for each in run.foreign:
        places = [name for name, value in each.request_headers if run.key in value]
        if places or run.key in each.target or run.key.encode() in each.request_body:
            raise ViolationError(
                f"{each.summary} went to another origin with the key in {', '.join(places) or 'the request'}", each
            )


# ---------------------------------------------------------------- creates
@_rule("CLI-CREATE-001", "ambiguous-create", "failing-create")
def _starts_no_job_twice(run: CommandRun) -> None:
    unclear = [each for each in run.started() if each.number in run.broken]
    _need(unclear, "create")
    for first in unclear:
        prompt, key = legality(first).fields.get("prompt"), first.request_header("idempotency-key")
        for later in run.of(str(first.operation)):
            if later.number <= first.number or legality(later).fields.get("prompt") != prompt:
                continue
            again = later.request_header("idempotency-key")
            if key is None or again != key:
                how = "without an Idempotency-Key" if again is None else "under another Idempotency-Key"
                raise ViolationError(
                    f"the create was carried out ({first.summary}), and was sent again {how}", first, later
                )


@_rule("CLI-CREATE-002", *_CALM)
def _starts_one_job(run: CommandRun) -> None:
    creates = [each for each in run.of("create_video") if each.is_ok and each.number not in run.broken]
    counted: Counter[object] = Counter()
    _need(creates, "create that was accepted")
    for each in creates:
        counted[legality(each).fields.get("prompt")] += 1
        key = each.request_header("idempotency-key")
        if counted[legality(each).fields.get("prompt")] > 1 and key is None:
            raise ViolationError(
                "an accepted create was sent again, and started a second job with the same prompt", each
            )


@_rule("CLI-RETRY-001", "retry-after", "retry-after-date")
def _waits_for_retry_after(run: CommandRun) -> None:
    refused = [each for each in run.exchanges if each.header("retry-after") is not None]
    _need(refused, "request that was refused")
    for each in refused:
        pause = _pause(each)
        for later in run.of(str(each.operation)):
            if later.began > each.ended and later.ids == each.ids and later.began - each.ended < pause * _TOLERANCE:
                raise ViolationError(
                    f"{each.summary} with Retry-After {each.header('retry-after')} ({pause:.2f} s) "
                    f"was sent again after {later.began - each.ended:.2f} s",
                    each,
                    later,
                )


def _pause(exchange: Exchange) -> float:
    """Return the seconds that Retry-After requests, as a number or as a date (RFC 9110, 10.2.3)."""
    value = exchange.header("retry-after") or "0"
    return float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - exchange.at


# ---------------------------------------------------------------- polls
@_rule("CLI-POLL-001")
def _polls_no_faster_than_the_hint(run: CommandRun) -> None:
    seen = False
    for polls in run.polls().values():
        for each, later in pairs(polls):
            hint = each.header("openai-poll-after-ms")
            if hint is None:
                continue
            seen = True
            pause, passed = int(hint) / 1000, later.began - each.ended
            if passed < pause * _TOLERANCE:
                raise ViolationError(
                    f"a poll was sent {passed * 1000:.0f} ms after a response with openai-poll-after-ms {hint}",
                    each,
                    later,
                )
    if not seen:
        raise NotReachedError("the command did not poll a running job")


@_rule("CLI-POLL-002", "unknown-status")
def _polls_on(run: CommandRun) -> None:
    unknown = [each for each in run.of("retrieve_video") if each.object.get("status") == "finalizing"]
    _need(unknown, "poll")
    for each in unknown:
        later = [poll for poll in run.polls()[each.ids["video_id"]] if poll.number > each.number]
        if not later:
            raise ViolationError(
                "the command took the unknown status 'finalizing' for the end of the job, and stopped polling", each
            )


@_rule("CLI-POLL-003")
def _ends_with_the_job(run: CommandRun) -> None:
    has_ended = False
    for polls in run.polls().values():
        ended = [each for each in polls if each.is_ok and each.object.get("status") in ENDED]
        has_ended = has_ended or bool(ended)
        if len(ended) > MOST_LATE_POLLS:
            raise ViolationError(f"a job was polled {len(ended) - 1} times after it had ended", *ended[-2:])
    if not has_ended:
        raise NotReachedError("the command polled no job until it ended")


@_rule("CLI-POLL-004", "server-error")
def _keeps_the_id(run: CommandRun) -> None:
    failed = [each for each in run.of("retrieve_video") if each.number in run.broken]
    _need(failed, "poll")
    first = failed[0]
    for later in run.started():
        before = [each for each in run.started() if each.number < first.number]
        if later.number > first.number and _body_of(later) in [_body_of(each) for each in before]:
            raise ViolationError(
                "a poll failed, and the command started the same job again instead of polling on", first, later
            )
    known = run.polls()[first.ids["video_id"]]
    if run.is_done and not any(each.is_ok for each in known):
        raise ViolationError(
            "a poll failed, and the command reported success without knowing what became of the job", first
        )


# ---------------------------------------------------------------- pages
@_rule("CLI-LIST-001", *_CALM)
def _goes_on_behind_the_last(run: CommandRun) -> None:
    pages = [each for each in run.of("list_videos") if each.is_ok]
    _need([each for each in pages if _after(each)], "request for a second page")
    for index, each in enumerate(pages):
        after = _after(each)
        if after is None:
            continue
        known = {last for page in pages[:index] if (last := _last(page))}
        if after not in known:
            raise ViolationError(
                f"a page after {after!r} was requested, which is not the last video of any earlier page",
                *pages[max(index - 1, 0) : index + 1],
            )
        if any(_after(page) == after and page.query == each.query for page in pages[:index]):
            raise ViolationError(f"the page after {after!r} was requested again, although it had been returned", each)


@_rule("CLI-LIST-002", "plain", "huge-list")
def _walks_to_the_end(run: CommandRun) -> None:
    pages = [each for each in run.of("list_videos") if each.is_ok]
    if not any(each.object.get("has_more") is True for each in pages):
        raise NotReachedError("the command requested no list of more than one page")
    if pages[-1].object.get("has_more") is True:
        raise ViolationError(
            f"the command stopped after {len(pages)} pages, although the last of them has has_more true", pages[-1]
        )


@_rule("CLI-LIST-003", "duplicate-cursor")
def _walks_in_no_circle(run: CommandRun) -> None:
    cursors = Counter(_after(each) for each in run.of("list_videos") if _after(each))
    if not cursors:
        _need(run.of("list_videos"), "request for a list")
        return
    cursor, times = cursors.most_common(1)[0]
    if times > MOST_REPEATS:
        raise ViolationError(
            f"the cursor {cursor!r} repeated, and the command requested the page after it {times} times",
            run.of("list_videos")[-1],
        )


# ---------------------------------------------------------------- responses
@_rule("CLI-READ-001")
def _gives_every_field(run: CommandRun) -> None:
    text = run.files.get(PARSED)
    if text is None:
        raise NotReachedError(f"the command wrote no {PARSED}")
    given = _object(text)
    responses = [each for each in run.exchanges if each.is_ok and _is_of(each, given)]
    if not responses:
        raise ViolationError(f"{PARSED} holds no video of a response to the command")
    # It is not known which response the file was made of, so it is compared with the one that it fits best.
    best = min(reversed(responses), key=lambda each: len(_lost(each.object, given)))
    lost = _lost(best.object, given)
    if lost:
        raise ViolationError(f"{PARSED} lacks {', '.join(lost)} of the response, or has other values", best)


# ---------------------------------------------------------------- content
@_rule("CLI-CONTENT-001")
def _reports_a_broken_file(run: CommandRun) -> None:
    _need(run.of("download_video_content"), "download")
    kept = run.files.get(FILE)
    if run.is_done and kept != run.media:
        size = "no file" if kept is None else f"{len(kept)} bytes"
        whole = 0 if run.media is None else len(run.media)
        raise ViolationError(
            f"the command reported success with {size} of {whole} bytes in {FILE}",
            *run.of("download_video_content")[-1:],
        )


@_rule("CLI-CONTENT-002", "truncated-download", "lasting-truncation")
def _leaves_no_part(run: CommandRun) -> None:
    cut = [each for each in run.of("download_video_content") if each.number in run.broken]
    _need(cut, "download that broke off")
    kept = run.files.get(FILE)
    if kept is not None and kept != run.media:
        raise ViolationError(f"the command left a part of the file, {len(kept)} bytes, as {FILE}", cut[-1])


# ---------------------------------------------------------------- the run
@_rule("CLI-RUN-001", *_CALM)
def _does_its_work(run: CommandRun) -> None:
    _need([*run.exchanges], "request")
    if run.exit_code not in {0, None}:
        raise ViolationError(
            f"nothing went wrong, but the command ended with exit code {run.exit_code}: {run.output_tail}",
            *run.exchanges[-1:],
        )


@_rule("CLI-RUN-002")
def _ends(run: CommandRun) -> None:
    _need([*run.exchanges], "request")
    if run.exit_code is None:
        raise ViolationError(
            f"the command did not end in time; it had sent {len(run.exchanges)} requests",
            *run.exchanges[-1:],
        )


def verdicts(run: CommandRun) -> Iterator[tuple[ClientRule, Exception | None]]:
    """Judge a command run by every rule of its scenario; yield each rule with what it raised, or None."""
    for rule in RULES:
        if rule.scenarios and run.scenario not in rule.scenarios:
            continue
        try:
            rule.judge(run)
        except Exception as problem:  # noqa: BLE001 - the caller tells outcomes from errors
            yield rule, problem
        else:
            yield rule, None


def _body_of(exchange: Exchange) -> tuple[object, ...]:
    return exchange.path, legality(exchange).fields.get("prompt")


def _object(text: bytes) -> dict[str, Any]:
    try:
        return json_object(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _is_of(exchange: Exchange, video: dict[str, Any]) -> bool:
    return exchange.operation in {*CREATING, "retrieve_video"} and exchange.object.get("id", "") == video.get("id")


def _lost(response: dict[str, Any], given: dict[str, Any]) -> list[str]:
    # In a field of the contract, null means the same as absence; in other fields it may mean something.
    known = contract().schema("Video")["properties"]
    kept = {name: value for name, value in response.items() if value is not None or name not in known}
    return [name for name, value in kept.items() if name not in given or given[name] != value]


def _after(exchange: Exchange) -> str | None:
    after = legality(exchange).fields.get("after")
    return after if isinstance(after, str) and after else None


def _last(page: Exchange) -> str | None:
    data = json_array(page.object.get("data"))
    value = json_object(data[-1]).get("id") if data else None
    return value if isinstance(value, str) else None
