"""A read is repeated with patience, and a job that costs money is never started twice."""

from __future__ import annotations

import io
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    OpenVideosError,
    RateLimitError,
    Video,
)
from openvideos._calls import Call, Extras
from openvideos._flows.effects import Send
from openvideos._flows.hints import LONGEST_RETRY_PAUSE_S, retry_after
from openvideos._flows.retrying import (
    SHORTEST_ATTEMPT_S,
    backoff,
    calling,
    is_transient,
    may_repeat,
    sending,
)
from openvideos._operations import create, delete, download, remix
from openvideos._types import omit

from .world import (
    AMBIGUOUS,
    FLOWS,
    NEVER_SENT,
    PERMANENT,
    SETTINGS,
    WALL,
    Outcome,
    Reply,
    World,
    connection_errors,
    create_call,
    failing_statuses,
    failures,
    hint_headers,
    read_call,
    refusal,
    refusals,
    scripted,
    translated,
    video_answer,
    video_json,
)

replies = failures(refusals | connection_errors | st.builds(video_answer, st.just("queued")))
scripts = st.lists(replies, min_size=1, max_size=12)
limits = st.integers(0, 5)
POSTS: dict[str, Call[Any]] = {
    "create": create_call(),
    "remix": remix(SETTINGS, Extras(), video_id="video_1", prompt="x"),
}
READS: dict[str, Call[Any]] = {
    "retrieve": read_call(),
    "delete": delete(SETTINGS, Extras(), video_id="video_1"),
}
WAY_BEYOND = str(LONGEST_RETRY_PAUSE_S + 1)


def outcome_of(world: World, call: Call[Any], **options: Any) -> httpx.Response | OpenVideosError:
    """Send a call in a world, and return the response or the error."""
    try:
        return world.run(sending(call, world.retries(**options)))
    except OpenVideosError as error:
        return error


def never_accepted(outcome: httpx.Response | APIConnectionError) -> bool:
    """Tell, from the words of DESIGN alone, whether a POST provably was not accepted.

    The connection was never made, or 429, or 503 with Retry-After.
    """
    if isinstance(outcome, APIConnectionError):
        return isinstance(outcome.__cause__, NEVER_SENT)
    hinted = "retry-after" in outcome.headers or "retry-after-ms" in outcome.headers
    return outcome.status_code == 429 or (outcome.status_code == 503 and hinted)


class TestJobsThatCostMoney:
    """A POST that starts a billable job is retried only when it provably was not accepted (DESIGN: Retry)."""

    @FLOWS
    @given(script=scripts, limit=limits, which=st.sampled_from(sorted(POSTS)))
    def test_no_billable_post_is_sent_twice_after_it_may_have_been_accepted(
        self, script: Sequence[Reply], limit: int, which: str
    ) -> None:
        world = World(scripted(*script))
        outcome_of(world, POSTS[which], limit=limit)
        for sent in world.sent[:-1]:
            assert never_accepted(sent.outcome)

    @pytest.mark.parametrize("kind", AMBIGUOUS)
    def test_an_exchange_that_broke_off_is_not_repeated(self, kind: type[httpx.HTTPError]) -> None:
        world = World(scripted(kind("broke"), video_answer("queued")))
        with pytest.raises(APIConnectionError) as caught:
            world.run(sending(create_call(), world.retries()))
        assert 1 == len(world.sent)
        assert caught.value is world.sent[0].outcome

    @pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 520, 529])
    def test_a_status_that_leaves_it_open_is_not_repeated(self, status: int) -> None:
        for headers in ({}, {"x-should-retry": "true"}):
            world = World(scripted(refusal(status, headers), video_answer("queued")))
            with pytest.raises(APIStatusError):
                world.run(sending(create_call(), world.retries()))
            assert 1 == len(world.sent)

    @pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
    def test_a_connection_that_was_never_made_is_tried_again(self, kind: type[httpx.HTTPError]) -> None:
        world = World(scripted(kind("refused"), video_answer("queued")))
        assert "video_1" == world.run(calling(create_call(), world.retries())).id
        assert 2 == len(world.sent)

    @pytest.mark.parametrize(
        ("status", "headers"),
        [(429, {}), (429, {"retry-after": "1"}), (503, {"retry-after": "1"}), (503, {"retry-after-ms": "1000"})],
    )
    def test_a_server_that_says_later_is_requested_again(self, status: int, headers: dict[str, str]) -> None:
        world = World(scripted(refusal(status, headers), video_answer("queued")))
        world.run(sending(create_call(), world.retries()))
        assert 2 == len(world.sent)

    @given(
        status=st.sampled_from([429, 500, 502, 503, 504, 599]),
        headers=st.fixed_dictionaries(
            {},
            optional={
                "retry-after": st.sampled_from(["0", "600", "Fri, 01 Jan 2100 00:00:00 GMT", "soon"]),
                "retry-after-ms": st.just("600000"),
                "x-should-retry": st.sampled_from(["true", "false"]),
            },
        ),
        limit=st.integers(0, 2),
    )
    @FLOWS
    def test_the_error_says_what_the_rule_says(self, status: int, headers: dict[str, str], limit: int) -> None:
        """The last response of a create says whether there may be a job, and when the server can be asked again."""
        response = refusal(status, headers)
        world = World(scripted(*[response] * 3))
        with pytest.raises(APIStatusError) as raised:
            world.run(sending(create_call(), world.retries(limit)))
        message = raised.value.message
        is_refused = never_accepted(response) and (status == 429 or headers.get("x-should-retry") != "false")
        assert is_refused == ("may have started" not in message)
        assert ("retry-after" in headers or "retry-after-ms" in headers) == ("asks for a pause (Retry-After" in message)
        assert "retry-after-ms" in headers or headers.get("retry-after", "") in message

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_server_that_says_not_to_retry_is_obeyed(self, status: int) -> None:
        headers = {"retry-after": "1", "x-should-retry": "false"}
        world = World(scripted(refusal(status, headers), video_answer("queued")))
        with pytest.raises(APIStatusError):
            world.run(sending(create_call(), world.retries()))
        assert 1 == len(world.sent)

    def test_an_address_that_no_request_can_go_to_is_not_tried_again(self) -> None:
        world = World(scripted(httpx.UnsupportedProtocol("gopher")))
        for call in (create_call(), read_call()):
            with pytest.raises(APIConnectionError):
                world.run(sending(call, world.retries()))
        assert 2 == len(world.sent)

    @FLOWS
    @given(script=scripts, limit=limits)
    def test_whoever_says_that_keys_are_honoured_has_posts_repeated_like_reads(
        self, script: Sequence[Reply], limit: int
    ) -> None:
        """Unless the caller declares that the server honours Idempotency-Key."""
        posts, reads = World(scripted(*script)), World(scripted(*script))
        posted = outcome_of(posts, create_call(), limit=limit, idempotent_posts=True)
        read = outcome_of(reads, attrs.evolve(read_call(), accepts_error_status=None), limit=limit)
        assert type(read) is type(posted)
        assert reads.slept == posts.slept
        assert len(reads.sent) == len(posts.sent)


class TestTheKey:
    """One key per call, the same on every attempt (openapi.yaml, IdempotencyKey)."""

    @FLOWS
    @given(script=scripts, limit=limits, own=st.none() | st.sampled_from(["Idempotency-Key", "idempotency-key"]))
    def test_every_attempt_has_the_same_key_the_callers_own_if_given(
        self, script: Sequence[Reply], limit: int, own: str | None
    ) -> None:
        world = World(scripted(*script))
        call = create_call(headers=None if own is None else {own: "mine"})
        outcome_of(world, call, limit=limit, idempotent_posts=True)
        keys = [sent.request.headers.get_list("idempotency-key") for sent in world.sent]
        assert [keys[0]] * len(keys) == keys
        assert 1 == len(keys[0])
        if own is not None:
            assert ["mine"] == keys[0]
        else:
            assert len(keys[0][0]) >= 32

    def test_every_call_has_another_key(self) -> None:
        keys = {create_call().headers["Idempotency-Key"] for _ in range(100)}
        assert 100 == len(keys)

    def test_reads_have_none(self) -> None:
        for call in READS.values():
            assert "idempotency-key" not in {name.lower() for name in call.headers}


class TestReads:
    """Reads are tried again after connection errors, timeouts, 408, 409, 429 and 5xx."""

    @pytest.mark.parametrize("which", READS)
    @pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 520, 529, 599])
    def test_on_these_statuses(self, which: str, status: int) -> None:
        world = World(scripted(refusal(status), refusal(status), video_answer("queued")))
        assert 200 == world.run(sending(READS[which], world.retries())).status_code
        assert 3 == len(world.sent)

    @pytest.mark.parametrize("which", READS)
    @pytest.mark.parametrize("kind", [kind for kind in (*NEVER_SENT, *AMBIGUOUS) if kind not in PERMANENT])
    def test_on_these_breaks(self, which: str, kind: type[httpx.HTTPError]) -> None:
        world = World(scripted(kind("broke"), kind("broke"), video_answer("queued")))
        assert 200 == world.run(sending(READS[which], world.retries())).status_code
        assert 3 == len(world.sent)

    @pytest.mark.parametrize("status", [300, 304, 400, 401, 402, 403, 404, 405, 410, 413, 415, 416, 418, 422, 425, 499])
    def test_on_no_other_status(self, status: int) -> None:
        world = World(scripted(refusal(status, {"retry-after": "1"}), video_answer("queued")))
        with pytest.raises(APIStatusError):
            world.run(sending(read_call(), world.retries()))
        assert 1 == len(world.sent)

    @pytest.mark.parametrize("kind", PERMANENT)
    def test_on_no_break_that_would_come_again(self, kind: type[httpx.HTTPError]) -> None:
        world = World(scripted(kind("always"), video_answer("queued")))
        with pytest.raises(APIConnectionError):
            world.run(sending(read_call(), world.retries()))
        assert 1 == len(world.sent)

    @FLOWS
    @given(script=st.lists(failures(), min_size=1, max_size=12), limit=limits)
    def test_at_most_max_retries_times(self, script: Sequence[Reply], limit: int) -> None:
        world = World(scripted(*script))
        error = outcome_of(world, read_call(), limit=limit)
        assert isinstance(error, APIError)
        assert len(world.sent) <= limit + 1
        assert len(world.slept) == len(world.sent) - 1
        last = world.sent[-1].outcome
        transient = is_transient(last)
        hint = retry_after(last.headers, now=world.wall) if isinstance(last, httpx.Response) else None
        ended_early = not transient or (hint is not None and hint > LONGEST_RETRY_PAUSE_S)
        assert ended_early or limit + 1 == len(world.sent)

    def test_no_retries_is_one_attempt(self) -> None:
        world = World(scripted(refusal(500)))
        with pytest.raises(InternalServerError):
            world.run(sending(read_call(), world.retries(0)))
        assert 1 == len(world.sent)

    def test_a_failed_job_after_a_500_is_an_response(self) -> None:
        """Retrieving a failed job is an HTTP 500 whose body is the video (vLLM-Omni 0.30)."""
        response = httpx.Response(500, json=video_json("failed"))
        world = World(scripted(response))
        assert "failed" == world.run(calling(read_call(), world.retries())).status
        assert 1 == len(world.sent)

    def test_the_conflict_of_an_unfinished_video_is_a_state(self) -> None:
        """409: content of an unfinished job. It takes longer than a retry waits, unless the server says how long."""
        call = download(SETTINGS, Extras(), video_id="video_1", variant=omit, parse=lambda response: response)
        assert not is_transient(refusal(409), conflict_may_pass=call.conflict_may_pass)
        assert is_transient(refusal(409, {"retry-after": "5"}), conflict_may_pass=call.conflict_may_pass)
        assert is_transient(refusal(429), conflict_may_pass=call.conflict_may_pass)
        assert is_transient(refusal(409))
        world = World(scripted(refusal(409)))
        with pytest.raises(ConflictError):
            world.run(sending(call, world.retries()))
        assert 1 == len(world.sent)


class TestShouldRetry:
    """`x-should-retry` overrules the status of a read, both ways; other words in it are nothing."""

    @FLOWS
    @given(status=failing_statuses)
    def test_both_ways(self, status: int) -> None:
        assert is_transient(refusal(status, {"x-should-retry": "true"}))
        assert not is_transient(refusal(status, {"x-should-retry": "false"}))
        plain = is_transient(refusal(status))
        for word in ("", "True", "yes", "1", "maybe"):
            assert plain == is_transient(refusal(status, {"x-should-retry": word}))


class TestBodies:
    """A body that cannot be rewound is not resent."""

    @FLOWS
    @given(outcome=refusals | connection_errors, idempotent=st.booleans())
    @example(outcome=httpx.ConnectError("refused"), idempotent=True)
    @example(outcome=refusal(429), idempotent=False)
    def test_it_is_sent_once(self, outcome: Outcome, idempotent: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        class Pipe(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def seekable(self) -> bool:
                return False

        pipe = io.BufferedReader(Pipe())
        call = create(SETTINGS, Extras(), prompt="x", input_reference=pipe, model=omit, seconds=omit, size=omit)
        assert not call.rewindable
        world = World(scripted(outcome))
        outcome_of(world, call, limit=5, idempotent_posts=idempotent)
        assert 1 == len(world.sent)

    def test_one_that_can_be_rewound_is_sent_again(self) -> None:
        call = create(SETTINGS, Extras(), prompt="x", input_reference=b"bytes", model=omit, seconds=omit, size=omit)
        world = World(scripted(refusal(429), video_answer("queued")))
        world.run(sending(call, world.retries()))
        assert 2 == len(world.sent)


class TestPauses:
    """`retry-after-ms`, Retry-After (seconds or date), else 0.5 s doubling to 8 s with jitter."""

    @FLOWS
    @given(
        statuses=st.lists(st.sampled_from([408, 429, 500, 503]), min_size=1, max_size=12),
        headers=hint_headers,
        chance=st.floats(0, 1, exclude_max=True),
    )
    def test_never_sooner_than_the_server_asks(
        self, statuses: list[int], headers: dict[str, str], chance: float
    ) -> None:
        world = World(scripted(*(refusal(status, headers) for status in statuses)), chance=chance)
        outcome_of(world, attrs.evolve(read_call(), accepts_error_status=None), limit=len(statuses))
        wall = WALL
        for pause in world.slept:
            hint = retry_after(httpx.Headers(headers), now=wall)
            assert hint is None or pause >= hint
            wall += pause

    @FLOWS
    @given(
        outcomes=st.lists(st.sampled_from([408, 500, 503]).map(refusal) | connection_errors, min_size=1, max_size=15),
        chance=st.floats(0, 1, exclude_max=True),
    )
    def test_pauses_without_a_hint_stay_within_bounds(self, outcomes: list[Outcome], chance: float) -> None:
        world = World(scripted(*outcomes), chance=chance)
        outcome_of(world, read_call(), limit=len(outcomes))
        assert all(0.375 <= pause <= 8 for pause in world.slept)
        assert [backoff(number, chance) for number in range(1, len(world.slept) + 1)] == world.slept

    @pytest.mark.parametrize(
        ("failures", "pause"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (10**9, 8.0)]
    )
    def test_the_pause_doubles_to_a_bound(self, failures: int, pause: float) -> None:
        assert pause == backoff(failures, 0.0)
        assert pause * 0.75 == backoff(failures, 1.0)
        assert pause * 0.875 == backoff(failures, 0.5)

    def test_a_hint_takes_the_place_of_the_pause(self) -> None:
        hints = [("retry-after", "0"), ("retry-after", "3"), ("retry-after-ms", "40"), ("retry-after", "60")]
        world = World(scripted(*(refusal(503, {name: text}) for name, text in hints), video_answer("queued")))
        world.run(sending(read_call(), world.retries(9)))
        assert [0.0, 3.0, 0.04, LONGEST_RETRY_PAUSE_S] == world.slept

    def test_a_date_is_reckoned_from_the_wall_clock(self) -> None:
        at = formatdate(WALL + 20, usegmt=True)
        world = World(scripted(Reply(refusal(503, {"retry-after": at}), takes=5), video_answer("queued")))
        world.run(sending(read_call(), world.retries()))
        assert [15.0] == world.slept

    @pytest.mark.parametrize("call", [*READS.values(), *POSTS.values()], ids=str)
    def test_a_hint_beyond_the_cap_ends_it(self, call: Call[Any]) -> None:
        world = World(scripted(refusal(429, {"retry-after": WAY_BEYOND}), video_answer("queued")))
        with pytest.raises(RateLimitError):
            world.run(sending(call, world.retries()))
        assert [] == world.slept
        assert 1 == len(world.sent)


class TestTheDeadline:
    """`deadline` is on the monotonic clock: no attempt gets more time than is left, and no pause goes beyond it."""

    @FLOWS
    @given(script=scripts, limit=st.integers(0, 50), left=st.floats(-5, 200), chance=st.floats(0, 1))
    def test_the_sum_of_waits_never_passes_the_deadline_by_more_than_one_step(
        self, script: Sequence[Reply], limit: int, left: float, chance: float
    ) -> None:
        world = World(scripted(*script), chance=chance)
        deadline = world.now + left
        try:
            world.run(sending(read_call(), world.retries(limit), deadline=deadline))
        except APIError as error:
            assert failed_like(world.sent[-1].outcome, error)  # noqa: PT017 - either end is right
        assert world.elapsed <= max(left, 0) + SHORTEST_ATTEMPT_S + 1e-6
        for sent in world.sent:
            assert sent.within is not None
            assert sent.within >= SHORTEST_ATTEMPT_S

    def test_each_attempt_gets_what_is_left(self) -> None:
        slow = Reply(refusal(500), takes=3)
        world = World(scripted(slow, slow, video_answer("queued")))
        world.run(sending(read_call(), world.retries(), deadline=world.now + 10))
        assert [10.0, 6.5, 2.5] == [sent.within for sent in world.sent]

    def test_a_pause_that_would_reach_the_deadline_is_not_begun(self) -> None:
        for left, attempts in ((0.5, 1), (0.51, 2)):
            world = World(scripted(refusal(500)))
            with pytest.raises(InternalServerError):
                world.run(sending(read_call(), world.retries(), deadline=world.now + left))
            assert attempts == len(world.sent)

    def test_without_one_only_the_calls_own_timeout_bounds_an_attempt(self) -> None:
        world = World(scripted(video_answer("queued")))
        world.run(sending(read_call(), world.retries()))
        assert [None] == [sent.within for sent in world.sent]
        assert [False] == [effect.stream for effect in world.effects if isinstance(effect, Send)]

    def test_a_stream_is_requested_as_such(self) -> None:
        flow = sending(read_call(), World(scripted(refusal(500))).retries(), stream=True)
        assert Send(read_call(), stream=True).stream == next(flow).stream  # type: ignore[union-attr]

    def test_a_call_passes_its_deadline_on(self) -> None:
        world = World(scripted(video_answer("queued")))
        world.run(calling(read_call(), world.retries(), deadline=world.now + 7))
        assert [7.0] == [sent.within for sent in world.sent]


def failed_like(outcome: httpx.Response | APIConnectionError, error: APIError) -> bool:
    """Return whether an error is the one that an outcome means."""
    if isinstance(outcome, APIConnectionError):
        return error is outcome
    return isinstance(error, APIStatusError) and error.status_code == outcome.status_code


CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    410: "GoneError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}


class TestTheErrorRaised:
    """It is the last failure, its class told by the status, and it knows which job it is about."""

    @FLOWS
    @given(script=st.lists(failures(), min_size=1, max_size=8), limit=limits)
    def test_it_is_the_last_failure(self, script: Sequence[Reply], limit: int) -> None:
        world = World(scripted(*script))
        error = outcome_of(world, attrs.evolve(read_call(), accepts_error_status=None), limit=limit)
        assert isinstance(error, APIError)
        assert failed_like(world.sent[-1].outcome, error)
        assert "video_1" == error.video_id

    @FLOWS
    @given(status=st.integers(300, 999), script=st.lists(refusals, max_size=3))
    def test_its_class_is_chosen_by_the_status(self, status: int, script: list[httpx.Response]) -> None:
        world = World(scripted(refusal(status)))
        error = outcome_of(world, attrs.evolve(read_call(), accepts_error_status=None), limit=0)
        expected = CLASSES.get(status, "InternalServerError" if status >= 500 else "APIStatusError")
        assert expected == type(error).__name__

    @pytest.mark.parametrize("kind", [*NEVER_SENT, *AMBIGUOUS])
    def test_a_break_differs_from_a_timeout(self, kind: type[httpx.HTTPError]) -> None:
        error = translated(kind("x"), read_call())
        assert issubclass(kind, httpx.TimeoutException) == isinstance(error, APITimeoutError)
        assert issubclass(kind, NEVER_SENT) == error.never_sent
        assert not error.never_sent or may_repeat(read_call(), error, idempotent_posts=False) == (kind not in PERMANENT)

    def test_these_are_typed(self) -> None:
        for status, expected in ((400, BadRequestError), (404, NotFoundError), (429, RateLimitError)):
            world = World(scripted(refusal(status)))
            with pytest.raises(expected):
                world.run(calling(read_call(), world.retries(0)))

    def test_what_an_response_means_is_returned(self) -> None:
        world = World(scripted(video_answer("queued", progress=3)))
        video = world.run(calling(read_call(), world.retries()))
        assert isinstance(video, Video)
        assert 3 == video.progress


class TestTheLog:
    """Retries are logged at INFO."""

    def test_each_repeat_is_one_line(self, caplog: pytest.LogCaptureFixture) -> None:
        world = World(scripted(refusal(500), httpx.ReadError("x"), video_answer("queued")))
        with caplog.at_level("INFO", "openvideos"):
            world.run(sending(read_call(), world.retries()))
        assert [
            "retrieve_video: attempt 1 failed (InternalServerError); the next in 0.50 s",
            "retrieve_video: attempt 2 failed (APIConnectionError); the next in 1.00 s",
        ] == caplog.messages
