"""A poll waits as the server says, ends at its deadline, and never loses the job that it waits for."""

from __future__ import annotations

import logging
import math
import pickle
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from email.utils import formatdate
from fractions import Fraction
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    InternalServerError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideosError,
    PollTimeoutError,
    RateLimitError,
    Video,
    VideoFailedError,
)
from openvideos._flows.effects import Notify, Send, Sleep
from openvideos._flows.polling import (
    DEFAULT_TIMEOUT_S,
    DOUBTS_PER_RETRY,
    FAILURES_PER_RETRY,
    LONGEST_WAIT_MS,
    LatestJob,
    PollSettings,
    attaching_job,
    creating_and_polling,
    polling,
)
from openvideos._flows.retrying import SHORTEST_ATTEMPT_S
from openvideos._status import is_terminal
from openvideos._types import omit

from .world import (
    FLOWS,
    KEY,
    WALL,
    Outcome,
    Reply,
    Server,
    World,
    connection_errors,
    copied,
    create_call,
    durations,
    hint_headers,
    read_call,
    refusal,
    refusals,
    scripted,
    thrown_anywhere,
    video_answer,
    video_json,
)

RUNNING = ["queued", "in_progress", "processing", "pending", "NOT_START"]
COMPLETED = ["completed", "complete", "succeeded", "success", "done", "finished", "SUCCESS"]
FAILED = [
    *("failed", "failure", "error", "cancelled", "canceled", "expired", "aborted", "deleted", "rejected", "timeout"),
    "Failed",
]
AS_THE_SERVER_SAYS = PollSettings(interval=None, timeout=DEFAULT_TIMEOUT_S)

running = st.builds(
    lambda status, headers, progress: video_answer(status, headers=headers, progress=progress),
    st.sampled_from(RUNNING),
    hint_headers,
    st.none() | st.integers(0, 3),
)
ended = st.sampled_from([*COMPLETED, *FAILED]).map(video_answer)
garbage = st.sampled_from(
    [httpx.Response(200, content=b"<html>"), httpx.Response(200, json=[]), httpx.Response(200, json={"id": "video_1"})]
)
anything = st.builds(Reply, running | ended | garbage | refusals | connection_errors, durations)
scripts = st.lists(anything, min_size=1, max_size=15)
paces = st.builds(PollSettings, interval=st.none() | st.floats(0.01, 50), timeout=st.floats(0, 500))


def poll(world: World, pace: PollSettings = AS_THE_SERVER_SAYS, *, limit: int = 2, **options: Any) -> Video:
    """Poll the job video_1 in a world."""
    return world.run(polling(read_call(), world.retries(limit), pace, video_id="video_1", **options))


def seen_videos(world: World) -> list[dict[str, Any]]:
    """Return the videos that the server showed, as it sent them, in their order."""
    responses = (sent.outcome for sent in world.sent)
    return [
        response.json()
        for response in responses
        if isinstance(response, httpx.Response) and response.is_success and is_video(response)
    ]


def is_video(response: httpx.Response) -> bool:
    """Return whether a response is a whole video."""
    return b'"created_at"' in response.content


def as_seen(video: Video) -> dict[str, Any]:
    """Return a video as the server sent it, before the SDK put its words and id into those of the contract."""
    data = video.to_dict()
    data["status"] = data.pop("server_status", data["status"])
    data["id"] = data.pop("server_id", data["id"])
    return {key: value for key, value in data.items() if value is not None}


def same(shown: dict[str, Any], video: Video) -> bool:
    """Return whether a video is what the server showed."""
    return as_seen(video) == {key: value for key, value in shown.items() if value is not None}


class TestTheInterval:
    """The caller's poll_interval_ms, else the latest openai-poll-after-ms, else Retry-After, else 1000 ms."""

    @pytest.mark.parametrize(
        ("interval", "headers", "pause"),
        [
            (None, {}, 1.0),
            (None, {"openai-poll-after-ms": "2500"}, 2.5),
            (None, {"openai-poll-after-ms": "2500", "retry-after": "7"}, 2.5),
            (None, {"retry-after": "7"}, 7.0),
            (None, {"retry-after-ms": "700"}, 0.7),
            (None, {"retry-after-ms": "700", "retry-after": "7"}, 0.7),
            (None, {"retry-after": formatdate(WALL + 9, usegmt=True)}, 9.0),
            (0.25, {"openai-poll-after-ms": "2500", "retry-after": "7"}, 0.25),
            (60.0, {"openai-poll-after-ms": "2500"}, 60.0),
            (0.0, {}, 0.0),
            (None, {"openai-poll-after-ms": "3600000"}, 3600.0),
            (None, {"retry-after": "3600"}, 3600.0),
        ],
    )
    def test_sources_in_their_order(self, interval: float | None, headers: dict[str, str], pause: float) -> None:
        world = World(scripted(video_answer("queued", headers=headers), video_answer("completed")))
        poll(world, PollSettings(interval, timeout=10_000))
        assert [pause] == world.slept

    @pytest.mark.parametrize(
        ("headers", "pause"),
        [
            ({"openai-poll-after-ms": "-1"}, 1.0),
            ({"openai-poll-after-ms": "0"}, 1.0),
            ({"openai-poll-after-ms": "soon"}, 1.0),
            ({"openai-poll-after-ms": "3600001"}, 1.0),
            ({"openai-poll-after-ms": "soon", "retry-after": "7"}, 7.0),
            ({"retry-after": "0"}, 1.0),
            ({"retry-after": "-7"}, 1.0),
            ({"retry-after": "3601"}, 1.0),
            ({"retry-after": formatdate(WALL - 9, usegmt=True)}, 1.0),
            ({"retry-after": formatdate(WALL + 9_999, usegmt=True)}, 1.0),
        ],
    )
    def test_nonsense_is_ignored(self, headers: dict[str, str], pause: float) -> None:
        world = World(scripted(video_answer("queued", headers=headers), video_answer("completed")))
        poll(world)
        assert [pause] == world.slept

    @FLOWS
    @given(hints=st.lists(st.none() | st.integers(1, 100_000), max_size=10))
    @example(hints=[5000, 100, 20000])
    def test_hints_are_read_again_on_every_response(self, hints: list[int | None]) -> None:
        responses = [
            video_answer("queued", headers={} if ms is None else {"openai-poll-after-ms": str(ms)}) for ms in hints
        ]
        world = World(scripted(*responses, video_answer("completed")))
        poll(world)
        assert [1.0 if ms is None else ms / 1000 for ms in hints] == world.slept


class TestThePace:
    """Milliseconds of the caller's, finite and zero or more; a finite deadline, an hour unless told otherwise."""

    def test_defaults(self) -> None:
        assert PollSettings(interval=None, timeout=3600.0) == PollSettings.of(
            poll_interval_ms=omit, poll_timeout_ms=omit
        )
        assert PollSettings(None, 3600.0) == PollSettings.of(poll_interval_ms=None, poll_timeout_ms=None)

    @pytest.mark.parametrize("ms", [0, 1, 1500, 0.5, 10**12])
    def test_milliseconds(self, ms: float) -> None:
        assert PollSettings(ms / 1000, 3600.0) == PollSettings.of(poll_interval_ms=ms, poll_timeout_ms=omit)
        assert PollSettings(None, ms / 1000) == PollSettings.of(poll_interval_ms=omit, poll_timeout_ms=ms)

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            *((number, repr(number)) for number in (-1, -0.001, math.nan, math.inf, -math.inf, 1e300, 10**12 + 1)),
            (10**400, "a huge number"),
            pytest.param(-(10**5000), "a huge number", id="of 5000 digits"),
            *((value, repr(value)) for value in (True, "5", [5], Decimal(5), Fraction(5), timedelta(seconds=5))),
        ],
    )
    def test_nonsense_is_refused_and_named(self, value: Any, shown: str) -> None:
        problem = (
            f"{shown}; it must be a number of milliseconds, an int or a float, from zero to 1000000000000."
            " Pass a timedelta as delta / timedelta(milliseconds=1)."
        )
        with pytest.raises(InvalidArgumentError) as caught:
            PollSettings.of(poll_interval_ms=value, poll_timeout_ms=omit)
        assert f"poll_interval_ms is {problem}" == str(caught.value)
        with pytest.raises(InvalidArgumentError) as caught:
            PollSettings.of(poll_interval_ms=omit, poll_timeout_ms=value)
        assert f"poll_timeout_ms is {problem}" == str(caught.value)

    def test_the_way_out_that_the_message_names(self) -> None:
        ms = timedelta(seconds=5) / timedelta(milliseconds=1)
        assert PollSettings(5.0, 5.0) == PollSettings.of(poll_interval_ms=ms, poll_timeout_ms=ms)

    @FLOWS
    @given(value=st.integers() | st.floats() | st.decimals() | st.timedeltas() | st.booleans() | st.text())
    @example(value=LONGEST_WAIT_MS)
    def test_whatever_is_taken_can_be_waited(self, value: Any) -> None:
        try:
            settings = PollSettings.of(poll_interval_ms=value, poll_timeout_ms=value)
        except InvalidArgumentError:
            return
        assert isinstance(value, (int, float))
        assert settings.interval == settings.timeout
        assert 0 <= settings.timeout < threading.TIMEOUT_MAX


class TestTheDeadline:
    """Finite deadline on the monotonic clock: PollTimeoutError. It also clamps the request's timeout."""

    @FLOWS
    @given(script=scripts, pace=paces, limit=st.integers(0, 50), chance=st.floats(0, 1))
    def test_the_sum_of_waits_never_passes_the_deadline_by_more_than_one_step(
        self, script: Sequence[Reply], pace: PollSettings, limit: int, chance: float
    ) -> None:
        world = World(scripted(*script), chance=chance)
        try:
            poll(world, pace, limit=limit)
        except OpenVideosError as error:
            # Nothing ends a poll at the deadline's cost but the deadline.
            assert not isinstance(error, PollTimeoutError) or world.elapsed >= pace.timeout - 1e-6  # noqa: PT017 - either end is right
        assert world.elapsed <= pace.timeout + SHORTEST_ATTEMPT_S + 1e-6
        assert sum(world.slept) <= pace.timeout + 1e-6

    @FLOWS
    @given(script=scripts, pace=paces)
    def test_every_request_gets_what_is_left_and_no_more(self, script: Sequence[Reply], pace: PollSettings) -> None:
        world = World(scripted(*script))
        started: list[float] = []

        def server(send: Send) -> Reply | Outcome:
            started.append(world.elapsed)
            return inner(send)

        inner, world.server = world.server, server
        with_errors(lambda: poll(world, pace))
        for sent, at in zip(world.sent, started, strict=True):
            assert sent.within == pytest.approx(max(pace.timeout - at, SHORTEST_ATTEMPT_S))

    @FLOWS
    @given(jumps=st.lists(st.floats(-1e8, 1e8), min_size=1, max_size=30), timeout=st.integers(1, 25))
    def test_a_jump_of_the_wall_clock_changes_nothing(self, jumps: list[float], timeout: int) -> None:
        def server(send: Send) -> Outcome:
            world.wall += jumps[len(world.sent) % len(jumps)]
            return video_answer("queued")

        world = World(server)
        with pytest.raises(PollTimeoutError):
            poll(world, PollSettings(None, timeout))
        assert [1.0] * timeout == world.slept
        assert timeout == world.elapsed

    def test_a_job_that_is_ready_at_the_deadline_is_returned(self) -> None:
        """A wait that would end after the deadline ends at it, and the job is read once more: it may be ready."""
        world = World(scripted(video_answer("queued"), video_answer("completed")))
        assert "completed" == poll(world, PollSettings(interval=60, timeout=10)).status
        assert [10.0] == world.slept

    def test_it_is_read_once_more_and_not_twice(self) -> None:
        world = World(scripted(video_answer("queued", headers={"openai-poll-after-ms": "9000"})))
        with pytest.raises(PollTimeoutError):
            poll(world, PollSettings(interval=None, timeout=10))
        assert [9.0, 1.0] == world.slept
        assert [10.0, 1.0, 1.0] == [sent.within for sent in world.sent]

    def test_a_pause_that_ends_at_the_deadline_is_the_last(self) -> None:
        world = World(scripted(video_answer("queued")))
        with pytest.raises(PollTimeoutError):
            poll(world, PollSettings(interval=5, timeout=10))
        assert [5.0, 5.0] == world.slept

    @pytest.mark.parametrize("interval", [5.0, 7.0])
    def test_a_sleep_that_ends_too_early_brings_no_second_last_look(self, interval: float) -> None:
        world = World(scripted(video_answer("queued")), early=0.001)
        with pytest.raises(PollTimeoutError):
            poll(world, PollSettings(interval, timeout=5))
        assert ([5.0], 2) == (world.slept, len(world.sent))

    def test_no_time_at_all_is_one_look(self) -> None:
        for status in ("queued", "completed"):
            world = World(scripted(video_answer(status)))
            outcome = with_errors(partial(poll, world, PollSettings(interval=None, timeout=0)))
            assert (status == "completed") == isinstance(outcome, Video)
            assert [] == world.slept
            assert [SHORTEST_ATTEMPT_S] == [sent.within for sent in world.sent]

    def test_an_response_that_takes_all_the_time_is_the_last(self) -> None:
        world = World(scripted(Reply(video_answer("queued"), takes=10)))
        with pytest.raises(PollTimeoutError):
            poll(world, PollSettings(interval=None, timeout=10))
        assert 1 == len(world.sent)

    @pytest.mark.parametrize("handling", [1.0, 5.0, 1000.0])
    def test_it_stands_off_while_the_callers_code_runs(self, handling: float) -> None:
        """A job that ended while a slow `on_update` ran is returned, however long that took."""
        world = World(lambda send: video_answer("completed" if world.elapsed >= handling else "queued"))
        video = poll(world, PollSettings(interval=3, timeout=5), on_update=lambda video: world.advance(handling))
        assert "completed" == video.status
        assert [3.0] == world.slept

    def test_it_stands_off_for_nothing_else(self) -> None:
        world = World(scripted(*(Reply(video_answer("queued", progress=step), takes=1.0) for step in range(50))))
        with pytest.raises(PollTimeoutError):
            poll(world, PollSettings(interval=1, timeout=20), on_update=lambda video: world.advance(7.0))
        updates = sum(isinstance(effect, Notify) for effect in world.effects)
        # Ten rounds of two seconds, and a last look, which takes a second.
        assert (21.0, 11) == (world.elapsed - 7.0 * updates, len(world.sent))

    def test_the_error_says_what_to_do(self) -> None:
        world = World(scripted(video_answer("in_progress")))
        with pytest.raises(PollTimeoutError) as caught:
            poll(world, PollSettings(interval=None, timeout=2.5))
        assert (
            "The video video_1 is 'in_progress' after 2.5 s. It goes on at the server: poll it again, "
            "or pass a larger poll_timeout_ms."
        ) == str(caught.value)
        assert ("video_1", "in_progress") == (caught.value.video_id, caught.value.video and caught.value.video.status)

    def test_the_error_says_that_nothing_was_read(self) -> None:
        world = World(scripted(Reply(refusal(503), takes=10)))
        with pytest.raises(PollTimeoutError, match="The video video_1 was not read after 3 s") as caught:
            poll(world, PollSettings(interval=None, timeout=3))
        assert ("video_1", None) == (caught.value.video_id, caught.value.video)

    def test_the_error_says_why_the_last_poll_failed(self) -> None:
        world = World(scripted(video_answer("queued"), httpx.Response(200, content=b"<html>")))
        with pytest.raises(PollTimeoutError) as caught:
            poll(world, PollSettings(interval=None, timeout=3))
        assert isinstance(caught.value.__cause__, APIResponseValidationError)
        assert str(caught.value).endswith(f"poll_timeout_ms. The last poll failed: {caught.value.__cause__}")
        world = World(scripted(refusal(503), video_answer("queued")))
        with pytest.raises(PollTimeoutError, match=r"poll_timeout_ms\.$") as caught:
            poll(world, PollSettings(interval=None, timeout=3))
        assert caught.value.__cause__ is None


def with_errors(run: Callable[[], Any]) -> Any:
    """Return a result or the SDK's error, for what is asked of both."""
    try:
        return run()
    except OpenVideosError as error:
        return error


class TestTheEnd:
    """Returns the terminal Video, failed ones too; raise_on_failure=True raises VideoFailedError."""

    @pytest.mark.parametrize("word", COMPLETED)
    @pytest.mark.parametrize("raising", [True, False])
    def test_completed(self, word: str, raising: bool) -> None:  # noqa: FBT001 - a parameter of the test
        video = poll(World(scripted(video_answer("queued"), video_answer(word))), raise_on_failure=raising)
        assert "completed" == video.status
        assert word == video.additional_properties.get("server_status", "completed")
        assert (word == "completed") == ("server_status" not in video.additional_properties)

    @pytest.mark.parametrize("word", FAILED)
    def test_failed(self, word: str) -> None:
        video = poll(World(scripted(video_answer("queued"), video_answer(word))))
        assert "failed" == video.status
        assert word == video.additional_properties.get("server_status", "failed")
        with pytest.raises(VideoFailedError) as caught:
            poll(World(scripted(video_answer(word))), raise_on_failure=True)
        assert ("video_1", "failed") == (caught.value.video.id, caught.value.video.status)

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            ({"code": "nsfw", "message": "no"}, "nsfw: no"),
            ({"code": "nsfw", "message": ""}, "nsfw"),
            ({"code": "X", "message": "no X"}, "X: no X"),
            ({"message": "no"}, "no"),
            ("no", "no"),
            (None, "the server gives no reason"),
        ],
    )
    def test_the_error_gives_the_reason(self, error: Any, reason: str) -> None:
        with pytest.raises(VideoFailedError) as caught:
            poll(World(scripted(video_answer("failed", error=error))), raise_on_failure=True)
        assert f"The video video_1 failed ({reason})." == str(caught.value)

    def test_another_id_is_kept_beside_the_one_that_was_requested(self) -> None:
        """The id that retrieve returns differs from the id that create returned (LiteLLM)."""
        world = World(scripted(video_answer("queued", "other"), video_answer("completed", "other")))
        video = poll(world)
        assert ("video_1", "other") == (video.id, video["server_id"])
        assert "server_id" not in poll(World(scripted(video_answer("completed")))).additional_properties

    def test_another_id_is_logged_once_for_each(self, caplog: pytest.LogCaptureFixture) -> None:
        """It may be another job's. The log has no secret, no line break, and no more than a line of it."""
        ids = ["other", "other", "video_1", f"{KEY}\nlong" + "g" * 1000, "other"]
        world = World(scripted(*(video_answer("queued", video_id) for video_id in ids), video_answer("done")))
        with caplog.at_level(logging.WARNING, "openvideos"):
            poll(world)
        long = "[redacted]\\nlong" + "g" * 185
        assert [
            "video video_1: the server calls it 'other'",
            f"video video_1: the server calls it '{long}'",
            "video video_1: the server calls it 'other'",
        ] == caplog.messages

    def test_errors_name_the_id_that_was_requested(self) -> None:
        """It goes on at the server: poll `.video_id` again. The server may know only the id that it gave."""
        for script in ([video_answer("queued", "other")], [video_answer("queued", "other"), refusal(404)]):
            with pytest.raises(OpenVideosError) as caught:
                poll(World(scripted(*script)), PollSettings(interval=None, timeout=5))
            assert caught.value.video is not None
            assert ("video_1", "video_1") == (caught.value.video_id, caught.value.video.id)

    def test_a_failed_job_after_a_500_ends_it(self) -> None:
        world = World(scripted(httpx.Response(500, json=video_json("failed"))))
        assert "failed" == poll(world).status
        assert 1 == len(world.sent)


class TestUnknownWords:
    """Unknown status: keep polling, log once."""

    def test_each_is_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        words = ["pending", "NOT_START", "pending", "queued", "NOT_START", "baking"]
        world = World(scripted(*map(video_answer, words), video_answer("completed")))
        with caplog.at_level(logging.WARNING, "openvideos"):
            assert "completed" == poll(world).status
        assert [
            f"video video_1: the status {word!r} is unknown; polling goes on"
            for word in ("pending", "NOT_START", "baking")
        ] == caplog.messages
        assert 7 == len(world.sent)

    def test_no_secret_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "openvideos"):
            poll(World(scripted(video_answer(f"for {KEY}"), video_answer("completed"))))
        assert ["video video_1: the status 'for [redacted]' is unknown; polling goes on"] == caplog.messages

    @FLOWS
    @given(words=st.lists(st.text(), max_size=10))
    def test_a_poll_goes_on_at_any(self, words: list[str]) -> None:
        assume(not any(is_terminal(word) for word in words))
        world = World(scripted(*map(video_answer, words), video_answer("done")))
        assert "completed" == poll(world).status
        assert len(words) + 1 == len(world.sent)


class TestUpdates:
    """`on_update` is called on each change."""

    @FLOWS
    @given(responses=st.lists(running | st.builds(refusal, st.just(503)), max_size=10))
    def test_exactly_on_each_change(self, responses: list[httpx.Response]) -> None:
        reported: list[dict[str, Any]] = []
        world = World(scripted(*responses, video_answer("completed")))
        with_errors(lambda: poll(world, on_update=lambda video: reported.append(as_seen(video)), limit=20))
        shown = [{key: value for key, value in video.items() if value is not None} for video in seen_videos(world)]
        assert [video for before, video in zip([None, *shown], shown, strict=False) if video != before] == reported

    def test_progress_alone_is_a_change(self) -> None:
        reported: list[int | None] = []
        steps = [0, 0, 50, 50, 50, 100]
        world = World(scripted(*(video_answer("in_progress", progress=step) for step in steps), video_answer("done")))
        poll(world, on_update=lambda video: reported.append(video.progress))
        assert [0, 50, 100, None] == reported

    def test_none_is_reported_without_a_callback(self) -> None:
        world = World(scripted(video_answer("queued"), video_answer("completed")))
        poll(world)
        assert [] == [effect for effect in world.effects if isinstance(effect, Notify)]


class TestFailuresOnTheWay:
    """A budget of consecutive transient failures; a success resets it."""

    @pytest.mark.parametrize("outcome", [refusal(500), refusal(429), refusal(408), httpx.ReadError("x")], ids=repr)
    @pytest.mark.parametrize("limit", [0, 1, 2, 5])
    def test_so_many_in_a_row_and_no_more(self, outcome: Outcome, limit: int) -> None:
        budget = FAILURES_PER_RETRY * limit
        enough = World(scripted(*[outcome] * budget, video_answer("completed")))
        assert "completed" == poll(enough, limit=limit).status
        too_many = World(scripted(*[outcome] * (budget + 1), video_answer("completed")))
        with pytest.raises((InternalServerError, RateLimitError, APIConnectionError, OpenVideosError)) as caught:
            poll(too_many, limit=limit)
        assert budget + 1 == len(too_many.sent)
        assert not isinstance(caught.value, PollTimeoutError)
        assert "video_1" == caught.value.video_id

    def test_a_success_resets_them(self) -> None:
        row: list[Outcome] = [*[refusal(500)] * 10, video_answer("queued")]
        world = World(scripted(*row * 5, video_answer("completed")))
        assert "completed" == poll(world).status

    def test_pauses_grow_unless_the_server_says_how_long(self) -> None:
        outcomes: list[Outcome] = [
            refusal(503),
            httpx.ReadError("x"),
            *(refusal(503, {"retry-after": text}) for text in ("100", "0", "3600", "3601")),
            video_answer("queued"),
            refusal(503),
            video_answer("completed"),
        ]
        world = World(scripted(*outcomes))
        poll(world, PollSettings(interval=None, timeout=100_000))
        assert [0.5, 1.0, 100.0, 0.0, 3600.0, 8.0, 1.0, 0.5] == world.slept

    def test_a_date_after_a_failure_is_reckoned_from_the_wall_clock(self) -> None:
        at = formatdate(WALL + 30, usegmt=True)
        world = World(scripted(refusal(503, {"retry-after": at}), video_answer("completed")))
        poll(world)
        assert [30.0] == world.slept

    def test_a_callers_interval_is_not_for_failures(self) -> None:
        world = World(scripted(refusal(503, {"openai-poll-after-ms": "9"}), video_answer("completed")), chance=1.0)
        poll(world, PollSettings(interval=7, timeout=100))
        assert [0.375] == world.slept

    @pytest.mark.parametrize("status", [400, 401, 403, 405, 410, 422])
    def test_others_end_it_at_once(self, status: int) -> None:
        world = World(scripted(video_answer("queued"), refusal(status), video_answer("completed")))
        with pytest.raises(APIStatusError) as caught:
            poll(world)
        assert (status, 2) == (caught.value.status_code, len(world.sent))
        assert caught.value.video is not None
        assert "queued" == caught.value.video.status
        assert not hasattr(caught.value, "__notes__")

    def test_a_failure_after_the_job_was_seen_running_is_no_end(self) -> None:
        world = World(scripted(video_answer("queued"), refusal(500), video_answer("completed")))
        reported: list[str] = []
        poll(world, on_update=lambda video: reported.append(video.status))
        assert ["queued", "completed"] == reported


class TestDoubts:
    """A gateway's own page and a 404 for a job that is known may pass: a few in a row are borne, and counted."""

    PAGE = httpx.Response(200, headers={"content-type": "text/html"}, content=b"<html>Be back soon</html>")

    @pytest.mark.parametrize("outcome", [PAGE, httpx.Response(200, json={"id": "video_1"}), refusal(404)], ids=repr)
    @pytest.mark.parametrize("limit", [0, 1, 2, 5])
    def test_so_many_in_a_row_and_no_more(self, outcome: httpx.Response, limit: int) -> None:
        budget = DOUBTS_PER_RETRY * limit
        enough = World(scripted(video_answer("queued"), *[outcome] * budget, video_answer("completed")))
        assert "completed" == poll(enough, limit=limit).status
        too_many = World(scripted(video_answer("queued"), *[outcome] * (budget + 1), video_answer("completed")))
        with pytest.raises(NotFoundError if outcome.status_code == 404 else APIResponseValidationError) as caught:
            poll(too_many, limit=limit)
        assert 1 + budget + 1 == len(too_many.sent)
        assert caught.value.video is not None
        assert ("video_1", "queued") == (caught.value.video_id, caught.value.video.status)
        notes = [f"openvideos: {budget + 1} polls in a row have failed; this is the last failure."] if limit else []
        assert notes == getattr(caught.value, "__notes__", [])

    def test_the_note_is_pickled(self) -> None:
        with pytest.raises(APIResponseValidationError) as caught:
            poll(World(scripted(self.PAGE)))
        assert caught.value.__notes__ == pickle.loads(pickle.dumps(caught.value)).__notes__

    def test_a_success_resets_them(self) -> None:
        row: list[Outcome] = [*[self.PAGE, refusal(404)] * 2, video_answer("queued")]
        world = World(scripted(video_answer("queued"), *row * 5, video_answer("completed")))
        assert "completed" == poll(world).status

    def test_they_count_beside_other_failures(self) -> None:
        """A server that starts again may give 502s first and a page then."""
        world = World(scripted(*[refusal(502)] * 6, *[self.PAGE] * 4, video_answer("completed")))
        assert "completed" == poll(world).status
        world = World(scripted(*[refusal(502)] * 7, *[self.PAGE] * 3, refusal(502), video_answer("completed")))
        with pytest.raises(InternalServerError) as caught:
            poll(world)
        assert ["openvideos: 11 polls in a row have failed; this is the last failure."] == caught.value.__notes__

    def test_a_404_at_the_first_poll_of_a_callers_id_ends_it_at_once(self) -> None:
        world = World(scripted(refusal(404), video_answer("completed")))
        with pytest.raises(NotFoundError) as caught:
            poll(world)
        assert (1, []) == (len(world.sent), getattr(caught.value, "__notes__", []))

    def test_pauses_grow_unless_the_server_says_how_long(self) -> None:
        page = httpx.Response(200, headers={"retry-after": "7"}, content=b"<html>")
        world = World(scripted(video_answer("queued"), self.PAGE, refusal(404), page, video_answer("completed")))
        poll(world)
        assert [1.0, 0.5, 1.0, 7.0] == world.slept


class Unforeseen(Exception):  # noqa: N818 - a caller's own
    """What a callback raises."""


class Frozen(Exception):  # noqa: N818 - a caller's own
    """An exception that takes no attribute but what Python itself sets, as frozen ones of attrs do."""

    taken = frozenset({"__cause__", "__context__", "__traceback__", "__notes__"})

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.taken:
            raise AttributeError(name)
        super().__setattr__(name, value)


class Solid(Frozen):
    """One that takes no note either, as those of attrs before 24.1."""

    taken = Frozen.taken - {"__notes__"}


class TestNothingIsLost:
    """Any exception out of poll or create_and_poll carries the last known Video, so a billed job is never lost."""

    @FLOWS
    @given(script=scripts, pace=paces, raising=st.booleans())
    def test_typed_ones(self, script: Sequence[Reply], pace: PollSettings, raising: bool) -> None:  # noqa: FBT001 - generated
        world = World(scripted(*script))
        outcome = with_errors(lambda: poll(world, pace, raise_on_failure=raising))
        shown = seen_videos(world)
        if shown:
            video = outcome if isinstance(outcome, Video) else outcome.video
            assert same(shown[-1], video)
        else:
            assert outcome.video is None
        assert "video_1" == (outcome.id if isinstance(outcome, Video) else outcome.video_id)

    def test_a_callbacks_own(self) -> None:
        def explode(video: Video) -> None:
            raise Unforeseen

        with pytest.raises(Unforeseen) as caught:
            poll(World(scripted(video_answer("queued"))), on_update=explode)
        assert "queued" == caught.value.video.status  # type: ignore[attr-defined]
        assert ["openvideos: the job video_1 was last 'queued'; it goes on at the server."] == caught.value.__notes__

    def test_one_that_takes_no_attribute_is_still_itself(self) -> None:
        def explode(video: Video) -> None:
            raise Frozen

        with pytest.raises(Frozen) as caught:
            poll(World(scripted(video_answer("queued"))), on_update=explode)
        assert 1 == len(caught.value.__notes__)

    def test_so_is_one_that_takes_no_note_either(self) -> None:
        def explode(video: Video) -> None:
            raise Solid

        with pytest.raises(Solid):
            poll(World(scripted(video_answer("queued"))), on_update=explode)

    def test_one_that_has_a_video_of_its_own_keeps_it(self) -> None:
        own = Unforeseen()
        own.video = "mine"  # type: ignore[attr-defined]

        def explode(video: Video) -> None:
            raise own

        with pytest.raises(Unforeseen) as caught:
            poll(World(scripted(video_answer("queued"))), on_update=explode)
        assert ("mine", False) == (caught.value.video, hasattr(caught.value, "__notes__"))  # type: ignore[attr-defined]

    def test_nothing_is_added_where_nothing_is_known(self) -> None:
        with pytest.raises(Unforeseen) as caught, attaching_job(LatestJob("video_7")):
            raise Unforeseen
        assert not hasattr(caught.value, "video")
        with pytest.raises(OpenVideosError) as named, attaching_job(LatestJob("video_7")):
            raise OpenVideosError("x")
        assert "video_7" == named.value.video_id

    def test_an_error_that_knows_its_job_keeps_it(self) -> None:
        with pytest.raises(OpenVideosError) as caught, attaching_job(LatestJob("video_7")):
            raise OpenVideosError("x", video_id="video_8")
        assert "video_8" == caught.value.video_id

    def test_leaving_a_poll_is_no_failure(self) -> None:
        flow = polling(read_call(), World(scripted(video_answer("queued"))).retries(), AS_THE_SERVER_SAYS, video_id="v")
        next(flow)
        flow.close()

    def test_ctrl_c_at_any_point_of_a_poll(self) -> None:
        script = [video_answer("queued"), refusal(503), video_answer("in_progress", progress=5), video_answer("done")]

        def make(throw: tuple[int, BaseException] | None) -> tuple[World, Callable[[], Any]]:
            world = World(scripted(*script), throw=throw)
            return world, lambda: poll(world, on_update=lambda video: None)

        interrupted = 0
        for world, error in thrown_anywhere(make):
            assert isinstance(error, KeyboardInterrupt)
            shown = seen_videos(world)
            assert bool(shown) == hasattr(error, "video")
            assert not shown or same(shown[-1], error.video)  # type: ignore[attr-defined]
            interrupted += 1
        assert interrupted >= 8


class TestCreateAndPoll:
    """create_and_poll never loses an id: from the moment that the job has one, every exception carries it."""

    @staticmethod
    def flow(world: World, pace: PollSettings = AS_THE_SERVER_SAYS, **options: Any) -> Any:
        options = {"raise_on_failure": False, "on_update": None, **options}
        return creating_and_polling(create_call(), read_call, world.retries(), pace, **options)

    @FLOWS
    @given(script=scripts, pace=paces, status=st.sampled_from([*RUNNING, *COMPLETED, *FAILED]), raising=st.booleans())
    def test_no_id_is_ever_lost(
        self,
        script: Sequence[Reply],
        pace: PollSettings,
        status: str,
        raising: bool,  # noqa: FBT001 - generated
    ) -> None:
        world = World(by_method(video_answer(status), scripted(*script)))
        outcome = with_errors(lambda: world.run(self.flow(world, pace, raise_on_failure=raising)))
        video = outcome if isinstance(outcome, Video) else outcome.video
        assert "video_1" == video.id
        assert same(seen_videos(world)[-1], video)
        assert 1 == sum(sent.call.is_post for sent in world.sent)

    def test_ctrl_c_at_any_point(self) -> None:
        reads = scripted_copies(
            video_answer("queued"), refusal(503), video_answer("queued", progress=5), video_answer("done")
        )

        def make(throw: tuple[int, BaseException] | None) -> tuple[World, Callable[[], Any]]:
            world = World(by_method(video_answer("queued"), reads()), throw=throw)
            return world, lambda: world.run(self.flow(world, on_update=lambda video: None))

        for world, error in thrown_anywhere(make):
            assert isinstance(error, KeyboardInterrupt)
            shown = seen_videos(world)
            # Only while the creation itself is under way is there no id.
            assert bool(shown) == (len(world.effects) > 1)
            assert not shown or same(shown[-1], error.video)  # type: ignore[attr-defined]

    @pytest.mark.parametrize("status", [*COMPLETED, *FAILED])
    def test_a_job_that_is_born_ended_is_not_read(self, status: str) -> None:
        reported: list[str] = []
        world = World(scripted(video_answer(status)))
        video = world.run(self.flow(world, on_update=lambda video: reported.append(video.status)))
        assert ("completed" if status in COMPLETED else "failed") == video.status
        assert ([status], 1) == (reported, len(world.sent))

    def test_a_job_that_is_born_failed_raises_if_requested(self) -> None:
        world = World(scripted(video_answer("failed")))
        with pytest.raises(VideoFailedError):
            world.run(self.flow(world, raise_on_failure=True))
        assert 1 == len(world.sent)

    def test_the_first_read_is_an_update_only_if_something_changed(self) -> None:
        reported: list[str] = []
        world = World(scripted(video_answer("queued"), video_answer("queued"), video_answer("completed")))
        world.run(self.flow(world, on_update=lambda video: reported.append(video.status)))
        assert ["queued", "completed"] == reported

    def test_the_id_of_the_creation_is_the_one_that_is_polled_and_returned(self) -> None:
        world = World(scripted(video_answer("queued", "given"), video_answer("queued", "x"), video_answer("done", "x")))
        video = world.run(self.flow(world))
        assert ["/v1/videos", "/v1/videos/given", "/v1/videos/given"] == [sent.request.url.path for sent in world.sent]
        assert ("given", "x") == (video.id, video["server_id"])

    def test_a_server_may_find_its_new_job_late(self) -> None:
        world = World(scripted(video_answer("queued"), *[refusal(404)] * 4, video_answer("completed")))
        assert "completed" == world.run(self.flow(world)).status
        world = World(scripted(video_answer("queued"), refusal(404)))
        with pytest.raises(NotFoundError) as caught:
            world.run(self.flow(world))
        assert (6, "queued") == (len(world.sent), caught.value.video and caught.value.video.status)
        assert ["openvideos: 5 polls in a row have failed; this is the last failure."] == caught.value.__notes__

    def test_options_reach_the_poll(self) -> None:
        world = World(scripted(video_answer("queued"), video_answer("failed")))
        with pytest.raises(VideoFailedError):
            world.run(self.flow(world, PollSettings(interval=3, timeout=9), raise_on_failure=True))
        world = World(scripted(video_answer("queued"), refusal(503), video_answer("queued")))
        with pytest.raises(PollTimeoutError):
            world.run(self.flow(world, PollSettings(interval=3, timeout=9)))
        assert [0.5, 3.0, 3.0, 2.5] == world.slept
        assert 9.5 >= sum(effect.seconds for effect in world.effects if isinstance(effect, Sleep))

    def test_a_failed_creation_says_so(self) -> None:
        world = World(scripted(refusal(500)))
        with pytest.raises(InternalServerError):
            world.run(self.flow(world))
        assert 1 == len(world.sent)


def by_method(created: httpx.Response, reads: Server) -> Server:
    """Return a server that responds so to the create, and to reads as the other one does."""

    def server(send: Send) -> Reply | Outcome:
        return copied(created) if send.call.is_post else reads(send)

    return server


def scripted_copies(*replies: Outcome) -> Callable[[], Server]:
    """Return how the same script is begun again."""
    return lambda: scripted(*replies)
