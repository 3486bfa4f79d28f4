"""Decide how to poll a job: how long to wait between polls, and when to stop. Pure.

The poll interval is the caller's, else `openai-poll-after-ms` of the latest response, else its Retry-After, else a
second. The deadline uses the monotonic clock, so that a change of the wall clock does not change the wait.

A failed poll ends a wait only if the next one would fail alike, or after too many in a row: a gateway may show its own
page in place of a job, and a server may not find a job that it has made or shown a moment ago.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import httpx
from attrs import define, frozen

from .. import _status
from .._calls import Call
from .._errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideosError,
    PollTimeoutError,
    VideoFailedError,
    repr_of,
)
from .._parsing.responses import secrets_of
from .._secrets import scrub
from .._types import Omit, given
from .effects import Emit, Flow, Notify, Send, Sleep
from .hints import LONGEST_POLL_PAUSE_S, poll_after, retry_after
from .retrying import SHORTEST_ATTEMPT_S, Clocks, Retries, backoff, calling, failure, is_success, is_transient

if TYPE_CHECKING:
    from collections.abc import Generator

    from openvideos_raw.models.video import Video

DEFAULT_INTERVAL_S: Final = 1.0
DEFAULT_TIMEOUT_S: Final = 3600.0
LONGEST_WAIT_MS: Final = 10**12
"""The longest poll interval and time limit, some 31 years: far below what clocks and sleeps can take."""
FAILURES_PER_RETRY: Final = 5
"""How many transient failures in a row a wait bears for each of the client's `max_retries`. They are more than those of
other calls, so that a restart of the server does not lose the job."""
DOUBTS_PER_RETRY: Final = 2
"""How many failures in a row that may be for good, such as a 404, a wait bears for each of `max_retries`."""
LONGEST_LOGGED: Final = 200

logger = logging.getLogger("openvideos")


@frozen
class PollSettings:
    """The caller's poll interval (None: as the server advises) and time limit, both in seconds."""

    interval: float | None
    timeout: float

    @classmethod
    def of(cls, *, poll_interval_ms: float | Omit | None, poll_timeout_ms: float | Omit | None) -> PollSettings:
        """Build the settings from a caller's arguments.

        Raises:
            InvalidArgumentError: An argument is not a number of milliseconds, from zero to LONGEST_WAIT_MS.
        """
        interval, timeout = given(poll_interval_ms), given(poll_timeout_ms)
        return cls(
            interval=None if interval is None else _seconds("poll_interval_ms", interval),
            timeout=DEFAULT_TIMEOUT_S if timeout is None else _seconds("poll_timeout_ms", timeout),
        )


def _seconds(name: str, milliseconds: object) -> float:
    if (
        isinstance(milliseconds, bool)
        or not isinstance(milliseconds, (int, float))
        or not 0 <= milliseconds <= LONGEST_WAIT_MS
    ):
        raise InvalidArgumentError(
            f"{name} is {repr_of(milliseconds)}; it must be a number of milliseconds, an int or a float, from zero to"
            f" {LONGEST_WAIT_MS}. Pass a timedelta as delta / timedelta(milliseconds=1)."
        )
    return milliseconds / 1000


@define
class Deadline:
    """The end of a wait on the monotonic clock, in seconds. It stands off while the caller's code runs.

    A caller who downloads each job of `wait_many` before it asks for the next would otherwise use up the time of the
    other jobs, which have ended meanwhile.
    """

    clocks: Clocks
    at: float
    callers: float = 0.0
    """How many seconds the caller's code has taken so far."""

    @classmethod
    def after(cls, seconds: float, clocks: Clocks) -> Deadline:
        """Return the deadline that is so many seconds ahead."""
        return cls(clocks, clocks.monotonic() + seconds)

    @property
    def left(self) -> float:
        """The seconds until the deadline; below zero once it has passed."""
        return self.at - self.clocks.monotonic()

    def hand_over(self, effect: Emit | Notify) -> Flow[None]:
        """Run the caller's code, and put the deadline off by the time that it takes."""
        began = self.clocks.monotonic()
        yield effect
        took = self.clocks.monotonic() - began
        self.at += took
        self.callers += took


@define
class Failures:
    """The failed polls of a job since its last snapshot."""

    count: int = 0
    doubts: int = 0
    """How many of them may be for good."""

    def bear(self, error: OpenVideosError, retries: Retries, *, seen: bool) -> None:
        """Count a failed poll; `seen` says whether the server has shown the job before.

        Raises:
            OpenVideosError: `error`: the next poll would fail alike, or too many have failed in a row, as a note says.
        """
        self.count += 1
        # At the first poll of an id that the caller brings, a 404 most likely means a wrong id or base URL, and whoever
        # waits should learn that at once: nothing is lost by it.
        doubtful = isinstance(error, APIResponseValidationError) or (seen and isinstance(error, NotFoundError))
        self.doubts += doubtful
        if doubtful:
            borne = self.doubts <= DOUBTS_PER_RETRY * retries.limit
        else:
            borne = has_transient_cause(error) and self.count <= FAILURES_PER_RETRY * retries.limit
        if not borne:
            if self.count > 1:
                error.add_note(f"openvideos: {self.count} polls in a row have failed; this is the last failure.")
            raise error


def has_transient_cause(error: OpenVideosError) -> bool:
    """Return whether an error is about a response, or a lack of one, that may not come again."""
    if isinstance(error, APIStatusError):
        return is_transient(error.response)
    return isinstance(error, APIConnectionError) and is_transient(error)


@define
class LatestJob:
    """The id and the latest snapshot of a job, which every exception during a wait for the job carries."""

    video_id: str
    video: Video | None = None


@contextmanager
def attaching_job(latest: LatestJob) -> Generator[None]:
    """Attach the job to every exception that leaves the block, so that the caller never loses a paid job."""
    try:
        yield
    except OpenVideosError as error:
        error.about(latest.video_id, latest.video)
        raise
    except BaseException as error:
        # A callback's exception, a cancellation or Ctrl-C: not the SDK's error, but the caller needs the job, too.
        if latest.video is not None and getattr(error, "video", None) is None:
            note = f"openvideos: the job {latest.video.id} was last {latest.video.status!r}; it goes on at the server."
            with suppress(AttributeError):  # some exceptions, such as frozen ones, refuse attributes
                error.add_note(note)
                error.video = latest.video  # type: ignore[attr-defined]
        raise


def next_poll_pause(headers: httpx.Headers, poll_settings: PollSettings, *, now: float) -> float:
    """Return the poll interval after a response with these headers, in seconds; `now` is the wall clock's time."""
    if poll_settings.interval is not None:
        return poll_settings.interval
    hint = poll_after(headers)
    if hint is None:
        hint = retry_after(headers, now=now)
    return hint if hint is not None and 0 < hint <= LONGEST_POLL_PAUSE_S else DEFAULT_INTERVAL_S


def with_requested_id(video: Video, latest: LatestJob, secrets: tuple[str, ...]) -> Video:
    """Set a job's id to the one that was requested; the server's id is kept as `video["server_id"]`.

    Some gateways send another id in later responses, but accept only the first id in requests. Since it may as well be
    another job, a warning is logged once for a job.
    """
    if video.id != latest.video_id:
        before = None if latest.video is None else latest.video.additional_properties.get("server_id")
        if video.id != before:
            logger.warning("video %s: the server calls it %s", latest.video_id, _loggable(video.id, secrets))
        video.additional_properties["server_id"] = video.id
        video.id = latest.video_id
    return video


def _loggable(text: str, secrets: tuple[str, ...]) -> str:
    """Return a server's text for a log line: without secrets and line breaks, and not too long."""
    return repr(scrub(text, secrets)[:LONGEST_LOGGED])


def with_contract_status(video: Video) -> Video:
    """Set an ended job's status to the contract's word; the server's word is kept as `video["server_status"]`."""
    status = _status.contract_status(video.status)
    if status != video.status:
        video.additional_properties["server_status"] = video.status
        video.status = status
    return video


def ended_job(video: Video, *, raise_on_failure: bool) -> Video:
    """Return a job that has ended.

    Raises:
        VideoFailedError: The job failed, and `raise_on_failure` is true.
    """
    if raise_on_failure and _status.is_failed(video.status):
        reason = (
            f"{video.error.code}: {video.error.message}".strip(": ") if video.error else "the server gives no reason"
        )
        raise VideoFailedError(f"The video {video.id} failed ({reason}).", video=video)
    return video


def poll_timeout_error(
    latest: LatestJob, seconds: float, problem: OpenVideosError | None, secrets: tuple[str, ...]
) -> PollTimeoutError:
    """Build the error for a job that did not end within this many seconds; `problem` is why the last poll failed."""
    state = "was not read" if latest.video is None else f"is {_loggable(latest.video.status, secrets)}"
    return PollTimeoutError(
        f"The video {latest.video_id} {state} after {seconds:g} s. It goes on at the server: poll it again, "
        f"or pass a larger poll_timeout_ms.{last_failure(problem)}"
    )


def last_failure(problem: OpenVideosError | None) -> str:
    """Return the sentence that tells why the last poll failed, if it did."""
    return "" if problem is None else f" The last poll failed: {problem.message}"


def polling(
    call: Call[Video],
    retries: Retries,
    poll_settings: PollSettings,
    *,
    video_id: str,
    video: Video | None = None,
    raise_on_failure: bool = False,
    on_update: Callable[[Video], Any] | None = None,
) -> Flow[Video]:
    """Poll a job until it ends, and return it. Every exception carries the last Video, which may be the caller's.

    Raises:
        PollTimeoutError: The job did not end before the deadline.
        APIError: Too many polls failed in a row; this is the last failure.
        VideoFailedError: The job failed, and `raise_on_failure` is true.
    """
    latest = LatestJob(video_id, video)
    with attaching_job(latest):
        video = yield from _reading(call, retries, poll_settings, latest, on_update)
        return ended_job(with_contract_status(video), raise_on_failure=raise_on_failure)


def creating_and_polling(
    create: Call[Video],
    read: Callable[[str], Call[Video]],
    retries: Retries,
    poll_settings: PollSettings,
    *,
    raise_on_failure: bool,
    on_update: Callable[[Video], Any] | None,
) -> Flow[Video]:
    """Start a job, poll it until it ends, and return it. Once the job has an id, every exception carries the job."""
    video: Video = yield from calling(create, retries)
    latest = LatestJob(video.id, video)
    with attaching_job(latest):
        if on_update is not None:
            yield Notify(on_update, (video,))
        if not _status.is_terminal(video.status):
            video = yield from _reading(read(video.id), retries, poll_settings, latest, on_update, notified=video)
        return ended_job(with_contract_status(video), raise_on_failure=raise_on_failure)


def _reading(
    call: Call[Video],
    retries: Retries,
    poll_settings: PollSettings,
    latest: LatestJob,
    on_update: Callable[[Video], Any] | None,
    notified: Video | None = None,
) -> Flow[Video]:
    """Poll a job until it ends, and return it as the server sent it; keep `latest` up to date.

    `notified` is the snapshot that `on_update` has had already.
    """
    clocks = retries.clocks
    deadline = Deadline.after(poll_settings.timeout, clocks)
    failures, unknown, last_chance = Failures(), set[str](), False
    problem: APIError | None
    while True:
        outcome: httpx.Response | APIConnectionError = yield Send(call, within=max(deadline.left, SHORTEST_ATTEMPT_S))
        headers, secrets = httpx.Headers(), tuple[str, ...]()
        if isinstance(outcome, httpx.Response):
            headers, secrets = outcome.headers, secrets_of(outcome)
        answer = _answer(call, outcome)
        if isinstance(answer, APIError):
            problem = answer
            failures.bear(problem, retries, seen=latest.video is not None)
            pause = pause_after_failure(headers, failures.count, clocks)
        else:
            problem, failures = None, Failures()
            video = with_requested_id(answer, latest, secrets)
            latest.video = video
            if on_update is not None and video != notified:
                notified = video
                yield from deadline.hand_over(Notify(on_update, (video,)))
            if _status.is_terminal(video.status):
                return video
            if not _status.is_known(video.status) and video.status not in unknown:
                unknown.add(video.status)
                word = _loggable(video.status, secrets)
                logger.warning("video %s: the status %s is unknown; polling goes on", video.id, word)
            pause = next_poll_pause(headers, poll_settings, now=clocks.wall())
        left = deadline.left
        if last_chance or left <= 0:
            raise poll_timeout_error(latest, poll_settings.timeout, problem, secrets) from problem
        # A wait that would end after the deadline ends at it, and the job is polled once more, since it may have ended.
        last_chance = pause >= left
        yield Sleep(min(pause, left))


def _answer(call: Call[Video], outcome: httpx.Response | APIConnectionError) -> Video | APIError:
    """Return what a poll has brought: the Video, or the error of a poll that failed."""
    if not (isinstance(outcome, httpx.Response) and is_success(call, outcome)):
        return failure(call, outcome)
    try:
        return call.parse(outcome)
    except APIResponseValidationError as error:
        return error


def pause_after_failure(headers: httpx.Headers, failures: int, clocks: Clocks) -> float:
    """Return how long to wait after a failed poll, in seconds: as the server says, else longer after each failure."""
    hint = retry_after(headers, now=clocks.wall())
    return hint if hint is not None and hint <= LONGEST_POLL_PAUSE_S else backoff(failures, clocks.random())
