"""Decide how long to wait for a job and when it has ended. The only place where that is decided. Pure.

Interval: the caller's, else `openai-poll-after-ms` of the latest answer, else its Retry-After, else a second. The
deadline is on the monotonic clock, so that a change of the wall clock neither cuts a wait short nor draws it out.
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
from .._types import Omit
from .effects import CarriedError, Flow, Send, Sleep, Tell
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
class Pace:
    """How a caller wants to wait: seconds between two reads (None: as the server says), and in all."""

    interval: float | None
    timeout: float

    @classmethod
    def of(cls, *, poll_interval_ms: float | Omit, poll_timeout_ms: float | Omit) -> Pace:
        """Return the pace that a caller's arguments mean.

        Raises InvalidArgumentError unless they are finite numbers of milliseconds, zero or more.
        """
        return cls(
            interval=None if isinstance(poll_interval_ms, Omit) else _seconds("poll_interval_ms", poll_interval_ms),
            timeout=DEFAULT_TIMEOUT_S
            if isinstance(poll_timeout_ms, Omit)
            else _seconds("poll_timeout_ms", poll_timeout_ms),
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
class Known:
    """What is known of a job so far. Whatever leaves a wait for it carries this."""

    video_id: str
    video: Video | None = None


@contextmanager
def carrying(known: Known) -> Generator[None]:
    """Give every exception that passes what is known of the job, so that a job that was paid for is never lost."""
    try:
        yield
    except OpenVideosError as error:
        error.about(known.video_id, known.video)
        raise
    except BaseException as error:
        # A callback's exception, a cancellation, Ctrl-C: not ours, but the job behind it is the caller's money.
        inner = error.inner if isinstance(error, CarriedError) else error
        if known.video is not None and getattr(inner, "video", None) is None:
            note = f"openvideos: the job {known.video.id} was last {known.video.status!r}; it goes on at the server."
            with suppress(AttributeError):  # an exception may refuse attributes, such as a frozen one
                inner.add_note(note)
                inner.video = known.video  # type: ignore[attr-defined]
        raise


def next_pause(headers: httpx.Headers, pace: Pace, *, now: float) -> float:
    """Return how long to wait after an answer with these headers, in seconds; `now` is the wall clock's time."""
    if pace.interval is not None:
        return pace.interval
    hint = poll_after(headers)
    if hint is None:
        hint = retry_after(headers, now=now)
    return hint if hint is not None and 0 < hint <= LONGEST_HINT_S else DEFAULT_INTERVAL_S


def under_id(video: Video, video_id: str) -> Video:
    """Return a job under the id that it is asked for by; the server's own stays readable as `video["server_id"]`.

    Some gateways answer with another id than they gave, and know only the first one everywhere.
    """
    if video.id != video_id:
        video.additional_properties["server_id"] = video.id
        video.id = video_id
    return video


def in_contract(video: Video) -> Video:
    """Return a job that ended in the contract's words; the server's own stays readable as `video["server_status"]`."""
    status = _status.in_contract(video.status)
    if status != video.status:
        video.additional_properties["server_status"] = video.status
        video.status = status
    return video


def finished(video: Video, *, raise_on_failure: bool) -> Video:
    """Return a job that ended.

    Raises VideoFailedError if it failed and the caller asked for that.
    """
    if raise_on_failure and _status.is_failed(video.status):
        reason = (
            f"{video.error.code}: {video.error.message}".strip(": ") if video.error else "the server gives no reason"
        )
        raise VideoFailedError(f"The video {video.id} failed ({reason}).", video=video)
    return video


def timed_out(known: Known, seconds: float) -> PollTimeoutError:
    """Return the error for a job that did not end in time."""
    state = "was not read" if known.video is None else f"is {known.video.status!r}"
    return PollTimeoutError(
        f"The video {known.video_id} {state} after {seconds:g} s. It goes on at the server: poll it again, "
        "or pass a larger poll_timeout_ms."
    )


def polling(
    call: Call[Video],
    retries: Retries,
    pace: Pace,
    *,
    video_id: str,
    raise_on_failure: bool = False,
    on_update: Callable[[Video], Any] | None = None,
) -> Flow[Video]:
    """Read a job until it ends, and return it.

    Raises PollTimeoutError at the deadline, and the last failure when reads fail too often in a row; the exception
    carries the last Video.
    """
    known = Known(video_id)
    with carrying(known):
        video = yield from _reading(call, retries, pace, known, on_update)
        return finished(in_contract(video), raise_on_failure=raise_on_failure)


def creating_and_polling(
    create: Call[Video],
    read: Callable[[str], Call[Video]],
    retries: Retries,
    pace: Pace,
    *,
    raise_on_failure: bool,
    on_update: Callable[[Video], Any] | None,
) -> Flow[Video]:
    """Start a job and read it until it ends. From the moment that it has an id, every exception carries it."""
    video: Video = yield from calling(create, retries)
    known = Known(video.id, video)
    with carrying(known):
        if on_update is not None:
            yield Tell(on_update, (video,))
        if not _status.is_terminal(video.status):
            video = yield from _reading(read(video.id), retries, pace, known, on_update)
        return finished(in_contract(video), raise_on_failure=raise_on_failure)


def _reading(
    call: Call[Video], retries: Retries, pace: Pace, known: Known, on_update: Callable[[Video], Any] | None
) -> Flow[Video]:
    """Read a job until it ends, and return it as the server sent it; `known` is kept up to date."""
    clocks = retries.clocks
    deadline = clocks.monotonic() + pace.timeout
    failures, unknown, last_chance = 0, set[str](), False
    while True:
        within = max(deadline - clocks.monotonic(), SHORTEST_ATTEMPT_S)
        outcome: httpx.Response | APIConnectionError = yield Send(call, within=within)
        if isinstance(outcome, httpx.Response) and is_success(call, outcome):
            failures = 0
            video = under_id(call.parse(outcome), known.video_id)
            before, known.video = known.video, video
            if on_update is not None and video != before:
                yield Tell(on_update, (video,))
            if _status.is_terminal(video.status):
                return video
            if not _status.is_known(video.status) and video.status not in unknown:
                unknown.add(video.status)
                logger.warning("video %s: the status %r is unknown; polling goes on", video.id, video.status)
            pause = next_pause(outcome.headers, pace, now=clocks.wall())
        else:
            failures += 1
            # Reads may fail so often in a row: a server that restarts is no reason to give a job up.
            if failures > FAILURES_PER_RETRY * retries.limit or not is_transient(outcome):
                raise failure(call, outcome)
            pause = pause_after_failure(outcome, failures, clocks)
        left = deadline - clocks.monotonic()
        if last_chance or left <= 0:
            raise timed_out(known, pace.timeout)
        # A wait that would end behind the deadline ends at it, and the job is read once more: it may be ready.
        last_chance = pause >= left
        yield Sleep(min(pause, left))


def pause_after_failure(outcome: httpx.Response | APIConnectionError, failures: int, clocks: Clocks) -> float:
    """Return how long to wait after a read that failed, in seconds: as the server says, else longer and longer."""
    hint = retry_after(outcome.headers, now=clocks.wall()) if isinstance(outcome, httpx.Response) else None
    return hint if hint is not None and hint <= LONGEST_HINT_S else backoff(failures, clocks.random())
