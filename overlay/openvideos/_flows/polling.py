"""Decide how to poll a job: how long to wait between polls, and when to stop. Pure.

The poll interval is the caller's, else `openai-poll-after-ms` of the latest response, else its Retry-After, else a
second. The deadline uses the monotonic clock, so that a change of the wall clock does not change the wait.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import httpx
from attrs import define, frozen

from .. import _status
from .._calls import Call
from .._errors import APIConnectionError, InvalidArgumentError, OpenVideosError, PollTimeoutError, VideoFailedError
from .._types import Omit, given
from .effects import CarriedError, Flow, Notify, Send, Sleep
from .hints import LONGEST_HINT_S, poll_after, retry_after
from .retrying import SHORTEST_ATTEMPT_S, Clocks, Retries, backoff, calling, failure, is_success, is_transient

if TYPE_CHECKING:
    from collections.abc import Generator

    from openvideos_raw.models.video import Video

DEFAULT_INTERVAL_S: Final = 1.0
DEFAULT_TIMEOUT_S: Final = 3600.0
FAILURES_PER_RETRY: Final = 5

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
            InvalidArgumentError: An argument is not a finite number of milliseconds, zero or more.
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
        or not math.isfinite(milliseconds)
        or milliseconds < 0
    ):
        raise InvalidArgumentError(f"{name} is {milliseconds!r}; it must be a number of milliseconds, zero or more.")
    return milliseconds / 1000


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
        inner = error.inner if isinstance(error, CarriedError) else error
        if latest.video is not None and getattr(inner, "video", None) is None:
            note = f"openvideos: the job {latest.video.id} was last {latest.video.status!r}; it goes on at the server."
            with suppress(AttributeError):  # some exceptions, such as frozen ones, refuse attributes
                inner.add_note(note)
                inner.video = latest.video  # type: ignore[attr-defined]
        raise


def next_poll_pause(headers: httpx.Headers, poll_settings: PollSettings, *, now: float) -> float:
    """Return the poll interval after a response with these headers, in seconds; `now` is the wall clock's time."""
    if poll_settings.interval is not None:
        return poll_settings.interval
    hint = poll_after(headers)
    if hint is None:
        hint = retry_after(headers, now=now)
    return hint if hint is not None and 0 < hint <= LONGEST_HINT_S else DEFAULT_INTERVAL_S


def with_requested_id(video: Video, video_id: str) -> Video:
    """Set a job's id to the one that was requested; the server's id is kept as `video["server_id"]`.

    Some gateways send another id in later responses, but accept only the first id in requests.
    """
    if video.id != video_id:
        video.additional_properties["server_id"] = video.id
        video.id = video_id
    return video


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


def poll_timeout_error(latest: LatestJob, seconds: float) -> PollTimeoutError:
    """Build the error for a job that did not end within this many seconds."""
    state = "was not read" if latest.video is None else f"is {latest.video.status!r}"
    return PollTimeoutError(
        f"The video {latest.video_id} {state} after {seconds:g} s. It goes on at the server: poll it again, "
        "or pass a larger poll_timeout_ms."
    )


def polling(
    call: Call[Video],
    retries: Retries,
    poll_settings: PollSettings,
    *,
    video_id: str,
    raise_on_failure: bool = False,
    on_update: Callable[[Video], Any] | None = None,
) -> Flow[Video]:
    """Poll a job until it ends, and return it. Every exception carries the last Video.

    Raises:
        PollTimeoutError: The job did not end before the deadline.
        APIError: Too many polls failed in a row; this is the last failure.
        VideoFailedError: The job failed, and `raise_on_failure` is true.
    """
    latest = LatestJob(video_id)
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
            video = yield from _reading(read(video.id), retries, poll_settings, latest, on_update)
        return ended_job(with_contract_status(video), raise_on_failure=raise_on_failure)


def _reading(
    call: Call[Video],
    retries: Retries,
    poll_settings: PollSettings,
    latest: LatestJob,
    on_update: Callable[[Video], Any] | None,
) -> Flow[Video]:
    """Poll a job until it ends, and return it as the server sent it; keep `latest` up to date."""
    clocks = retries.clocks
    deadline = clocks.monotonic() + poll_settings.timeout
    failures, unknown, last_chance = 0, set[str](), False
    while True:
        within = max(deadline - clocks.monotonic(), SHORTEST_ATTEMPT_S)
        outcome: httpx.Response | APIConnectionError = yield Send(call, within=within)
        if isinstance(outcome, httpx.Response) and is_success(call, outcome):
            failures = 0
            video = with_requested_id(call.parse(outcome), latest.video_id)
            before, latest.video = latest.video, video
            if on_update is not None and video != before:
                yield Notify(on_update, (video,))
            if _status.is_terminal(video.status):
                return video
            if not _status.is_known(video.status) and video.status not in unknown:
                unknown.add(video.status)
                logger.warning("video %s: the status %r is unknown; polling goes on", video.id, video.status)
            pause = next_poll_pause(outcome.headers, poll_settings, now=clocks.wall())
        else:
            failures += 1
            # Polls are retried more often than other calls, so that a restart of the server does not lose the job.
            if failures > FAILURES_PER_RETRY * retries.limit or not is_transient(outcome):
                raise failure(call, outcome)
            pause = pause_after_failure(outcome, failures, clocks)
        left = deadline - clocks.monotonic()
        if last_chance or left <= 0:
            raise poll_timeout_error(latest, poll_settings.timeout)
        # A wait that would end after the deadline ends at it, and the job is polled once more, since it may have ended.
        last_chance = pause >= left
        yield Sleep(min(pause, left))


def pause_after_failure(outcome: httpx.Response | APIConnectionError, failures: int, clocks: Clocks) -> float:
    """Return how long to wait after a failed poll, in seconds: as the server says, else longer after each failure."""
    hint = retry_after(outcome.headers, now=clocks.wall()) if isinstance(outcome, httpx.Response) else None
    return hint if hint is not None and hint <= LONGEST_HINT_S else backoff(failures, clocks.random())
