"""Decide how a file is fetched whole: when to go on, when to begin anew, when to give up. Pure.

After a break the rest is asked for with Range and If-Range (RFC 9110, 13.1.5 and 14), so that bytes of two different
files never meet in one. An answer that does not continue what is there makes it begin anew. A failed download never
touches the job.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import httpx
from attrs import define, evolve, frozen

from .._calls import Call
from .._errors import APIConnectionError, APIError, DownloadError
from .effects import Close, Do, Flow, Save, Send, Sleep
from .retrying import Retries, backoff, failure, is_transient, pause_before_repeat

logger = logging.getLogger("openvideos")

Progress: TypeAlias = Callable[[int, int | None], Any]

_WITH_A_FILE: Final = frozenset({HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION, HTTPStatus.PARTIAL_CONTENT})
"""The successes whose body is the file, or a part of it. A 202, say, tells that there is none yet."""
_LENGTH: Final = re.compile(r"\d{1,19}", re.ASCII)
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)


Problem: TypeAlias = httpx.Response | APIConnectionError | str
"""Why an attempt did not bring the whole file: the answer that refuses it, what cut it off, or a sentence."""


class Sink(Protocol):
    """Where the bytes go: a part file, or a test's stand-in."""

    size: int

    def open(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def restart(self) -> None: ...
    def commit(self) -> Path: ...
    def discard(self) -> None: ...


@frozen
class Body:
    """What the headers of a good answer say of its body."""

    start: int
    """The position in the file at which the body begins."""
    total: int | None
    """The length of the whole file, None if the server does not say."""
    validator: str | None
    """The strong ETag by which the rest can be asked for, None if there is none."""
    encoded: bool
    """Whether the body has a content encoding, so that lengths are not those of the file."""


def describe(response: httpx.Response) -> Body | None:
    """Return what an answer's body is a part of, None when its headers make no sense."""
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
            return None  # nobody could tell whether that is all of it
        return Body(start, total, validator, encoded)
    length = _LENGTH.fullmatch(headers.get("content-length", ""))
    return Body(0, int(length[0]) if length and not encoded else None, validator, encoded)


@define
class _Progress:
    """How far a download is."""

    validator: str | None = None
    total: int | None = None
    furthest: int = 0
    failures: int = 0


def continues(body: Body, have: int, before: _Progress) -> bool:
    """Tell whether a partial answer goes on exactly where the bytes at hand end, in the same file, whose end is known.

    A part must repeat the ETag (RFC 9110, 15.3.7). Without it, a server that ignores If-Range would go unnoticed.
    """
    totals = {body.total, before.total} - {None}
    same = body.validator is not None and body.validator == before.validator
    return body.start == have and same and len(totals) == 1


def downloading(call: Call[Any], retries: Retries, sink: Sink, on_progress: Progress | None = None) -> Flow[Path]:
    """Fetch a file into a sink and return its path.

    Raises the typed error of an answer that ends it (404, 409, 410 …), and DownloadError when the file does not
    arrive whole.
    """
    try:
        yield Do(sink.open)
        yield from _fetching(call, retries, sink, on_progress)
        path: Path = yield Do(sink.commit)
        return path
    finally:
        # Also after Ctrl-C or a cancellation, when nothing can be yielded any more. It is quick, and harmless after a
        # commit.
        sink.discard()


def _fetching(call: Call[Any], retries: Retries, sink: Sink, on_progress: Progress | None) -> Flow[None]:
    """Bring the whole file into the sink, in as many attempts as it takes and the retry rule allows."""
    state = _Progress()
    while True:
        problem = yield from _attempt(call, sink, state, on_progress)
        if problem is None:
            return
        if sink.size > state.furthest:
            # What brings the file on is not counted against it: a long download may break more often than a short one.
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
            raise _final(call, problem, sink, state)
        logger.info("%s: broke off at %d bytes; the next attempt in %.2f s", call.operation, sink.size, pause)
        yield Sleep(pause)


def _attempt(call: Call[Any], sink: Sink, state: _Progress, on_progress: Progress | None) -> Flow[Problem | None]:
    """Ask once for what the sink lacks. Return None when the file is whole, else what went wrong."""
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
    if outcome.status_code not in _WITH_A_FILE:
        yield Close(outcome)
        return f"the server answered {outcome.status_code}, and no file"
    return (yield from _receive(outcome, sink, state, on_progress))


def _receive(
    response: httpx.Response, sink: Sink, state: _Progress, on_progress: Progress | None
) -> Flow[Problem | None]:
    """Save an answer's body. Return None when the file is whole, else what went wrong."""
    body = describe(response)
    if body is None or (body.start > 0 and not continues(body, sink.size, state)):
        yield Close(response)
        state.validator = None
        return "the answer is not the part that was asked for"
    if body.start == 0:
        if sink.size:
            yield from _restart(sink, response)
        state.validator, state.total = body.validator, body.total
    state.total = body.total if state.total is None else state.total
    total = state.total

    def report() -> Any:
        return None if on_progress is None else on_progress(sink.size, total)

    broken: APIConnectionError | None = yield Save(response, sink.write, report)
    if body.encoded:
        state.validator = None
    if sink.size == total:
        return None  # whatever breaks behind the last byte
    if broken is not None or total is None:
        return broken
    if sink.size > total:
        state.validator = None
    return f"{sink.size} bytes arrived, and the server said {total}"


def _restart(sink: Sink, response: httpx.Response) -> Flow[None]:
    """Drop what was written; if that fails, close the answer that was to take its place."""
    try:
        yield Do(sink.restart)
    except GeneratorExit:
        raise
    except BaseException:
        yield Close(response)
        raise


def _final(call: Call[Any], problem: Problem, sink: Sink, state: _Progress) -> APIError | DownloadError:
    """Return the error to end with: that of the answer, or DownloadError for a file that broke off."""
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
