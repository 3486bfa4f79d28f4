"""Decide how to download a complete file: when to continue, when to start again, and when to give up. Pure.

After an interruption, the rest is requested with Range and If-Range (RFC 9110, 13.1.5 and 14), so that bytes of two
different files are never mixed. If a response does not continue the bytes at hand, the download starts again. A failed
download does not change the job.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import httpx
from attrs import define, evolve, field, frozen

from .._calls import Call
from .._errors import APIConnectionError, APIError, DownloadError, OpenVideosError
from .._parsing.media import BEGINNING, Boxes, WantedFile
from .._status import is_completed, is_known
from .effects import Close, Do, Flow, Notify, Save, Send, Sleep
from .retrying import Retries, backoff, failure, is_success, is_transient, pause_before_repeat

if TYPE_CHECKING:
    from openvideos_raw.models.video import Video

logger = logging.getLogger("openvideos")

Progress: TypeAlias = Callable[[int, int | None], Any]

_FILE_STATUSES: Final = frozenset({HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION, HTTPStatus.PARTIAL_CONTENT})
"""The statuses of success whose body is the file, or a part of it; a 202, for example, has no file yet."""
_LENGTH: Final = re.compile(r"\d{1,19}", re.ASCII)
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)


Problem: TypeAlias = httpx.Response | APIConnectionError | str
"""Why an attempt did not complete the file: an error response, a connection error, or a sentence."""


class Sink(Protocol):
    """The destination of the bytes: a part file, or a test's substitute. `size` is the number of bytes written."""

    size: int

    def open(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def restart(self) -> None: ...
    def commit(self) -> Path: ...
    def discard(self) -> None: ...


@frozen
class BodyPart:
    """The part of the file that a response's body contains, according to its headers."""

    start: int
    """The position in the file, in bytes, at which the body begins."""
    total: int | None
    """The length of the whole file in bytes; None if the server does not give it."""
    validator: str | None
    """The strong ETag with which the rest can be requested; None if there is none."""
    encoded: bool
    """Whether the body has a content encoding, so that its lengths are not those of the file."""


def described_body(response: httpx.Response) -> BodyPart | None:
    """Return the part of the file that a response's body contains; None if its headers are inconsistent."""
    headers = response.headers
    encoded = headers.get("content-encoding", "").lower() not in {"identity", ""}
    etag = headers.get("etag")
    # A weak validator does not promise the same bytes (RFC 9110, 8.8.1).
    validator = etag if etag and etag.startswith('"') and not encoded else None
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
        if match is None or encoded:
            return None
        start, end = int(match[1]), int(match[2])
        total = None if match[3] == "*" else int(match[3])
        if end < start or (total is not None and end >= total):
            return None
        if start == 0 and total is None:
            return None  # the end of the file is unknown, so the download could not tell whether it is complete
        return BodyPart(start, total, validator, encoded)
    length = _LENGTH.fullmatch(headers.get("content-length", ""))
    return BodyPart(0, int(length[0]) if length and not encoded else None, validator, encoded)


@define
class _State:
    """The state of a download, over all its attempts. `furthest` is the largest number of bytes so far."""

    validator: str | None = None
    total: int | None = None
    furthest: int = 0
    failures: int = 0
    boxes: Boxes = field(factory=Boxes)


def continues_download(body: BodyPart, have: int, before: _State) -> bool:
    """Return whether a partial response continues the `have` bytes at hand, in the same file, whose length is known.

    A part must repeat the ETag (RFC 9110, 15.3.7); otherwise, a server that ignores If-Range would not be noticed.
    """
    totals = {body.total, before.total} - {None}
    same = body.validator is not None and body.validator == before.validator
    return body.start == have and same and len(totals) == 1


def downloading(
    call: Call[Any], read: Call[Video], retries: Retries, sink: Sink, on_progress: Progress | None = None
) -> Flow[Path]:
    """Download a file into a sink, and return its path. `read` reads the job, should the file be in doubt.

    Raises:
        APIStatusError: A response has an error status that is not retried (404, 409, 410 …), or was retried too often.
        DownloadError: The file did not arrive completely, or what arrived is not the file.
    """
    try:
        yield Do(sink.open)
        state = yield from _fetch(call, retries, sink, on_progress)
        if state.boxes.lacks_end:
            yield from _check_completed(read, sink)
        path: Path = yield Do(sink.commit)
    except OpenVideosError as error:
        error.about(call.video_id)
        raise
    else:
        return path
    finally:
        # This runs also after Ctrl-C or a cancellation, when the flow can yield no effects. It is quick, and after a
        # commit it does nothing.
        sink.discard()


def _check_completed(read: Call[Video], sink: Sink) -> Flow[None]:
    """Check that a job is not known to be unfinished, since some servers send the part that they have (FastVideo).

    A file that ends as it should is not worth a request, and a job that cannot be read is not known to be unfinished.

    Raises:
        DownloadError: The job is not completed.
    """
    outcome: httpx.Response | APIConnectionError = yield Send(read)
    try:
        video = read.parse(outcome) if isinstance(outcome, httpx.Response) and is_success(read, outcome) else None
    except APIError:
        return
    if video is None or is_completed(video.status) or not is_known(video.status):
        return
    error = DownloadError(
        f"The video {read.video_id} is {video.status!r}, and the {sink.size} bytes that the server sent are not its "
        "whole file. Nothing was left at the target; poll the video until it is completed, and download it then.",
        video=video,
    )
    error.bytes_received = sink.size
    raise error


def _fetch(call: Call[Any], retries: Retries, sink: Sink, on_progress: Progress | None) -> Flow[_State]:
    """Write the complete file into the sink, in as many attempts as the retry rule allows."""
    state = _State()
    while True:
        problem = yield from _attempt(call, sink, state, on_progress)
        if problem is None:
            return state
        if sink.size > state.furthest:
            # An attempt that made progress resets the count: a long download may be interrupted more often.
            state.furthest, state.failures = sink.size, 0
        state.failures += 1
        pause: float | None
        if isinstance(problem, str):
            pause = backoff(state.failures, retries.clocks.random())
        else:
            pause = pause_before_repeat(problem, state.failures, retries.clocks)
            if not is_transient(problem, conflict_may_pass=call.conflict_may_pass):
                pause = None
        if pause is None or state.failures > retries.limit:
            raise _final_error(call, problem, sink, state)
        logger.info("%s: broke off at %d bytes; the next attempt in %.2f s", call.operation, sink.size, pause)
        yield Sleep(pause)


def _attempt(call: Call[Any], sink: Sink, state: _State, on_progress: Progress | None) -> Flow[Problem | None]:
    """Request once the bytes that the sink lacks; return None if the file is complete, else the problem."""
    validator = state.validator if sink.size else None
    if validator is not None:
        call = evolve(call, headers={**call.headers, "Range": f"bytes={sink.size}-", "If-Range": validator})
    outcome: httpx.Response | APIConnectionError = yield Send(call, stream=True)
    if isinstance(outcome, APIConnectionError):
        return outcome
    if validator is not None and outcome.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        state.validator = None
        return "the server has fewer bytes than arrived before"
    if not outcome.is_success:
        return outcome
    if outcome.status_code not in _FILE_STATUSES:
        yield Close(outcome)
        return f"the server returned {outcome.status_code} without a file"
    return (yield from _receive(WantedFile.of(call.video_id, call.query), outcome, sink, state, on_progress))


def _receive(
    wanted: WantedFile, response: httpx.Response, sink: Sink, state: _State, on_progress: Progress | None
) -> Flow[Problem | None]:
    """Save a response's body; return None if the file is complete, else the problem.

    Raises:
        DownloadError: The body cannot be the file.
    """
    body = described_body(response)
    if body is None or (body.start > 0 and not continues_download(body, sink.size, state)):
        yield Close(response)
        state.validator = None
        return "the response is not the part that was requested"
    if not wanted.may_be(response):
        beginning: httpx.Response | APIConnectionError = yield Close(response, BEGINNING)
        if isinstance(beginning, APIConnectionError):
            return beginning
        raise wanted.refusal(beginning)
    if body.start == 0:
        if sink.size:
            yield from _restart(sink, response, on_progress, body.total)
        state.validator, state.total, state.boxes = body.validator, body.total, Boxes()
    state.total = body.total if state.total is None else state.total
    total = state.total

    def write(data: bytes) -> None:
        sink.write(data)
        state.boxes.feed(data)

    def report() -> Any:
        return None if on_progress is None else on_progress(sink.size, total)

    broken: APIConnectionError | None = yield Save(response, write, report)
    if body.encoded or (total is not None and sink.size > total):
        state.validator = None
    return _problem_after(sink.size, total, broken)


def _problem_after(size: int, total: int | None, broken: APIConnectionError | None) -> Problem | None:
    """Return why a file of this size is not complete after a body that may have broken off; None if it is."""
    if not size and not total:
        return broken or "the server sent a file of 0 bytes"
    if size == total:
        return None  # also if the connection breaks after the last byte
    if broken is not None or total is None:
        return broken
    return f"{size} bytes arrived, and the server said {total}"


def _restart(sink: Sink, response: httpx.Response, on_progress: Progress | None, total: int | None) -> Flow[None]:
    """Discard the bytes in the sink, and report that; if it fails, close the response that was to replace them."""
    try:
        yield Do(sink.restart)
        if on_progress is not None:
            yield Notify(on_progress, (0, total))
    except GeneratorExit:
        raise
    except BaseException:
        yield Close(response)
        raise


def _final_error(call: Call[Any], problem: Problem, sink: Sink, state: _State) -> APIError | DownloadError:
    """Return the error to raise: that of the response or connection, or DownloadError for an incomplete file."""
    if isinstance(problem, httpx.Response) or (isinstance(problem, APIConnectionError) and not state.furthest):
        return failure(call, problem)
    of = f" of {state.total}" if state.total is not None else ""
    why = problem.message if isinstance(problem, APIConnectionError) else f"{problem}."
    error = DownloadError(
        f"The download of {call.video_id} broke off at {sink.size}{of} bytes: {why} Nothing was left at the target; "
        "the video is untouched, so download it again.",
        video_id=call.video_id,
    )
    error.bytes_received, error.bytes_expected = sink.size, state.total
    if isinstance(problem, APIConnectionError):
        error.__cause__ = problem
    return error
