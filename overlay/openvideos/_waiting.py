"""Decide how thousands of jobs are waited for with few requests. Pure.

A page of the list tells of up to a hundred jobs for one request. So each round walks the list, newest first, for as
long as that is cheaper than reading the jobs one by one, and reads singly what the pages did not show.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import httpx
from attrs import define, field

from . import _status
from ._calls import Call
from ._effects import Emit, Flow, Gather, Sleep
from ._errors import (
    APIError,
    APIResponseValidationError,
    APIStatusError,
    AuthenticationError,
    InternalServerError,
    InvalidArgumentError,
    OpenVideosError,
    PaginationError,
    PermissionDeniedError,
    PollTimeoutError,
    RateLimitError,
)
from ._pages import ConversationPage, Walk
from ._polling import DEFAULT_INTERVAL_S, FAILURES_PER_RETRY, Known, Pace, carrying, finished, in_contract, next_pause
from ._retrying import Retries, backoff, sending

if TYPE_CHECKING:
    from openvideos_raw.models.video import Video

PAGE_SIZE: Final = 100
DEFAULT_CONCURRENCY: Final = 8

logger = logging.getLogger("openvideos")


@define
class _Wait:
    """What is known of the jobs that are waited for."""

    pending: dict[str, Video | None]
    """The jobs that have not ended, in the caller's order, each with the last that is known of it."""
    lists_work: bool = True
    pages_needed: int = 0
    """How many pages the last walk took until it had shown every pending job, or ended."""
    headers: httpx.Headers = field(factory=httpx.Headers)
    """The headers of the latest answer, for its hints."""
    ended: list[Video] = field(factory=list["Video"])

    def learn(self, video_id: str, video: Video) -> None:
        """Take in what an answer says of a pending job."""
        if _status.is_terminal(video.status):
            del self.pending[video_id]
            self.ended.append(in_contract(video, video_id))
        else:
            self.pending[video_id] = video


def checked_ids(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids, each once, in their order."""
    if isinstance(ids, (str, bytes)):
        raise InvalidArgumentError("ids is one text; pass a list of ids.")
    return tuple(dict.fromkeys(ids))


def checked_concurrency(value: object) -> int:
    """Return how many requests may be made at once.

    Raises InvalidArgumentError unless it is an integer above zero.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgumentError(f"max_concurrency is {value!r}; it must be an integer above zero.")
    return value


def waiting(
    ids: tuple[str, ...],
    read: Callable[[str], Call[Video]],
    list_page: Callable[[Walk], Call[ConversationPage[Video]]],
    first: Walk,
    retries: Retries,
    pace: Pace,
    *,
    raise_on_failure: bool = False,
    concurrency: int = DEFAULT_CONCURRENCY,
) -> Flow[None]:
    """Emit each of the jobs as it ends.

    Raises PollTimeoutError, whose `pending` names the jobs that had not ended, at the deadline; and the failure of a
    job that cannot be read, carrying its id.
    """
    wait = _Wait(pending=dict.fromkeys(ids))
    clocks = retries.clocks
    deadline = clocks.monotonic() + pace.timeout
    failures, last_chance = 0, False
    while wait.pending:
        try:
            yield from _one_round(wait, read, list_page, first, retries, deadline, concurrency)
            failures, pause = 0, next_pause(wait.headers, pace, now=clocks.wall())
        except APIError as error:
            failures += 1
            if failures > FAILURES_PER_RETRY * retries.limit or not _may_pass(error):
                raise
            pause = max(backoff(failures, clocks.random()), DEFAULT_INTERVAL_S)
        ended, wait.ended = wait.ended, []
        for video in ended:
            yield Emit(finished(video, raise_on_failure=raise_on_failure))
        if not wait.pending:
            return
        left = deadline - clocks.monotonic()
        if last_chance or left <= 0:
            raise _timed_out(wait, pace)
        last_chance = pause >= left
        yield Sleep(min(pause, left))


def _one_round(
    wait: _Wait,
    read: Callable[[str], Call[Video]],
    list_page: Callable[[Walk], Call[ConversationPage[Video]]],
    first: Walk,
    retries: Retries,
    deadline: float,
    concurrency: int,
) -> Flow[None]:
    """Learn once of every pending job."""
    unseen = set(wait.pending)
    if wait.lists_work and pages_pay(len(unseen), wait.pages_needed):
        try:
            yield from _walk(wait, unseen, list_page, first, retries, deadline)
        except (APIStatusError, APIResponseValidationError, PaginationError) as error:
            if isinstance(error, APIStatusError) and _may_pass(error):
                raise
            if isinstance(error, (AuthenticationError, PermissionDeniedError)):
                raise
            # Some servers have no list, or a broken one. Single reads always work.
            logger.info("wait_many: the list cannot be used (%s); reading each video by itself", type(error).__name__)
            wait.lists_work = False
    singles = [video_id for video_id in wait.pending if video_id in unseen]
    if singles:
        results = yield Gather([_reading(wait, video_id, read, retries, deadline) for video_id in singles], concurrency)
        for result in results:
            if isinstance(result, OpenVideosError):
                raise result


def pages_pay(jobs: int, pages: int) -> bool:
    """Tell whether a walk of so many pages costs fewer requests than reading so many jobs one by one."""
    return jobs > max(pages, 1)


def _walk(
    wait: _Wait,
    unseen: set[str],
    list_page: Callable[[Walk], Call[ConversationPage[Video]]],
    first: Walk,
    retries: Retries,
    deadline: float,
) -> Flow[None]:
    """Learn from the list, page by page, for as long as the next page may pay."""
    walk, pages, barren = first, 0, 0
    while True:
        call = list_page(walk)
        response = yield from sending(call, retries, deadline=deadline)
        page = call.parse(response)
        wait.headers = response.headers
        pages += 1
        shown = 0
        for video in page.data:
            if video.id in unseen:
                unseen.discard(video.id)
                shown += 1
                wait.learn(video.id, video)
        wait.pages_needed = pages
        # Pages with nothing on them cost as much as they could have saved: no more of them in a row than jobs are
        # unseen.
        barren = 0 if shown else barren + 1
        if not unseen or not page.has_next_page() or not pages_pay(len(unseen), barren):
            return
        walk = page.following()


def _reading(
    wait: _Wait, video_id: str, read: Callable[[str], Call[Video]], retries: Retries, deadline: float
) -> Flow[None]:
    """Learn of one job by reading it."""
    call = read(video_id)
    with carrying(Known(video_id=video_id, video=wait.pending.get(video_id))):
        response = yield from sending(call, retries, deadline=deadline)
        wait.learn(video_id, call.parse(response))
        wait.headers = response.headers


def _may_pass(error: APIError) -> bool:
    """Tell whether the next round may succeed where this one failed."""
    return not isinstance(error, APIStatusError) or isinstance(error, (InternalServerError, RateLimitError))


def _timed_out(wait: _Wait, pace: Pace) -> PollTimeoutError:
    pending = tuple(wait.pending)
    error = PollTimeoutError(
        f"{len(pending)} of the videos did not end within {pace.timeout:g} s, the first {pending[0]}. They go on"
        " at the server: wait for `.pending` again, or pass a larger poll_timeout_ms.",
        video=wait.pending[pending[0]],
        video_id=pending[0],
    )
    error.pending = pending
    return error
