"""Decide how thousands of jobs are waited for with few requests. Pure.

A page of the list tells of up to a hundred jobs for one request. So each round walks the list, newest first, for as
long as that is cheaper than reading the jobs one by one, and reads singly what the pages did not show.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx
from attrs import define, field

from .. import _status
from .._calls import Call
from .._errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    AuthenticationError,
    InvalidArgumentError,
    OpenVideosError,
    PaginationError,
    PermissionDeniedError,
    PollTimeoutError,
    RateLimitError,
)
from .effects import Emit, Flow, Gather, Sleep
from .paging import P, Walk
from .polling import (
    DEFAULT_INTERVAL_S,
    FAILURES_PER_RETRY,
    Known,
    Pace,
    carrying,
    finished,
    in_contract,
    next_pause,
    pause_after_failure,
    under_id,
)
from .retrying import SHORTEST_ATTEMPT_S, Retries, is_transient, sending

if TYPE_CHECKING:
    from openvideos_raw.models.video import Video

PAGE_SIZE: Final = 100
LIST_CHANCES: Final = 3
DEFAULT_CONCURRENCY: Final = 8

logger = logging.getLogger("openvideos")


@define
class _Wait:
    """What is known of the jobs that are waited for."""

    pending: dict[str, Video | None]
    """The jobs that have not ended, in the caller's order, each with the last that is known of it."""
    ended: deque[Video] = field(factory=deque["Video"])
    """The jobs that have ended and were not handed out yet."""
    list_is_useless: bool = False
    """Whether the list was tried and given up."""
    list_failures: int = 0
    """How many rounds in a row the list has failed."""
    pages_needed: int = 0
    """How many pages the last walk took until it had shown every pending job, or ended."""
    headers: httpx.Headers = field(factory=httpx.Headers)
    """The headers of the latest answer, for its hints."""

    @property
    def kept(self) -> tuple[str, ...]:
        """The jobs that were not handed out."""
        return (*(video.id for video in self.ended), *self.pending)

    def learn(self, video_id: str, video: Video) -> None:
        """Take in what an answer says of a pending job."""
        under_id(video, video_id)
        if _status.is_terminal(video.status):
            del self.pending[video_id]
            self.ended.append(in_contract(video))
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
    list_page: Callable[[Walk], Call[P]],
    first: Walk,
    retries: Retries,
    pace: Pace,
    *,
    raise_on_failure: bool = False,
    concurrency: int = DEFAULT_CONCURRENCY,
) -> Flow[None]:
    """Emit each of the jobs as it ends.

    Raises PollTimeoutError at the deadline, and the failure of a job that cannot be read, carrying its id. The
    `pending` of every exception names the jobs that were not handed out.
    """
    wait = _Wait(pending=dict.fromkeys(ids))
    try:
        yield from _rounds(wait, read, list_page, first, retries, pace, raise_on_failure, concurrency)
    except OpenVideosError as error:
        error.pending = wait.kept
        raise


def _rounds(
    wait: _Wait,
    read: Callable[[str], Call[Video]],
    list_page: Callable[[Walk], Call[P]],
    first: Walk,
    retries: Retries,
    pace: Pace,
    raise_on_failure: bool,  # noqa: FBT001 - as `waiting` has it
    concurrency: int,
) -> Flow[None]:
    """Look at the jobs again and again until all have ended."""
    clocks = retries.clocks
    deadline = clocks.monotonic() + pace.timeout
    failures, last_chance = 0, False
    while wait.pending:
        problem: APIError | None = None
        try:
            yield from _one_round(wait, read, list_page, first, retries, deadline, concurrency)
        except APIError as error:
            problem = error
        # What has ended is handed out before anything is raised.
        while wait.ended:
            yield Emit(finished(wait.ended.popleft(), raise_on_failure=raise_on_failure))
        if problem is None:
            failures, pause = 0, next_pause(wait.headers, pace, now=clocks.wall())
        else:
            failures += 1
            outcome = _outcome(problem)
            if outcome is None or failures > FAILURES_PER_RETRY * retries.limit:
                raise problem
            pause = max(pause_after_failure(outcome, failures, clocks), DEFAULT_INTERVAL_S)
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
    list_page: Callable[[Walk], Call[P]],
    first: Walk,
    retries: Retries,
    deadline: float,
    concurrency: int,
) -> Flow[None]:
    """Learn once of every pending job."""
    unseen = set(wait.pending)
    if not wait.list_is_useless and pages_pay(len(unseen), wait.pages_needed):
        try:
            yield from _walk(wait, unseen, list_page, first, retries, deadline)
            wait.list_failures = 0
        except (APIStatusError, APIResponseValidationError, PaginationError) as error:
            wait.list_failures += 1
            if _list_may_recover(error, wait.list_failures):
                raise
            # Some servers have no list, or a broken one. Single reads always work.
            logger.info("wait_many: the list cannot be used (%s); reading each video by itself", type(error).__name__)
            wait.list_is_useless = True
    singles = [video_id for video_id in wait.pending if video_id in unseen]
    if singles:
        results = yield Gather([_reading(wait, video_id, read, retries, deadline) for video_id in singles], concurrency)
        for result in results:
            if isinstance(result, OpenVideosError):
                raise result


def _list_may_recover(error: OpenVideosError, failures: int) -> bool:
    """Tell whether the list is worth another round, or the error is not about the list at all."""
    if isinstance(error, (AuthenticationError, PermissionDeniedError, RateLimitError)):
        return True
    if not isinstance(error, APIStatusError) or error.status_code == HTTPStatus.NOT_IMPLEMENTED:
        return False
    return _outcome(error) is not None and failures < LIST_CHANCES


def pages_pay(jobs: int, pages: int) -> bool:
    """Tell whether a walk of so many pages costs fewer requests than reading so many jobs one by one."""
    return jobs > max(pages, 1)


def _walk(
    wait: _Wait,
    unseen: set[str],
    list_page: Callable[[Walk], Call[P]],
    first: Walk,
    retries: Retries,
    deadline: float,
) -> Flow[None]:
    """Learn from the list, page by page, for as long as the next page may pay."""
    walk, pages, barren = first, 0, 0
    while not _too_late(retries, deadline):
        call = list_page(walk)
        response = yield from sending(call, retries, deadline=deadline)
        page = call.parse(response)
        wait.headers = response.headers
        pages += 1
        before = len(unseen)
        for video in page.data:
            if video.id in unseen:
                unseen.discard(video.id)
                wait.learn(video.id, video)
        wait.pages_needed = pages
        # Pages with nothing on them cost as much as they could have saved: no more of them in a row than jobs are
        # unseen.
        barren = 0 if len(unseen) < before else barren + 1
        if not page.has_next_page() or not pages_pay(len(unseen), barren):
            return
        walk = walk.after(page)


def _reading(
    wait: _Wait, video_id: str, read: Callable[[str], Call[Video]], retries: Retries, deadline: float
) -> Flow[None]:
    """Learn of one job by reading it."""
    if _too_late(retries, deadline):
        return
    call = read(video_id)
    with carrying(Known(video_id=video_id, video=wait.pending.get(video_id))):
        response = yield from sending(call, retries, deadline=deadline)
        wait.learn(video_id, call.parse(response))
        wait.headers = response.headers


def _too_late(retries: Retries, deadline: float) -> bool:
    """Tell whether no further request is begun: a round of thousands may not draw the wait out."""
    return retries.clocks.monotonic() > deadline + SHORTEST_ATTEMPT_S


def _outcome(error: APIError) -> httpx.Response | APIConnectionError | None:
    """Return what a request came to that failed; None if the next round would fail alike."""
    outcome = error.response if isinstance(error, APIStatusError) else error
    if not isinstance(outcome, (httpx.Response, APIConnectionError)):
        return None
    return outcome if is_transient(outcome) else None


def _timed_out(wait: _Wait, pace: Pace) -> PollTimeoutError:
    pending = tuple(wait.pending)
    return PollTimeoutError(
        f"{len(pending)} of the videos did not end within {pace.timeout:g} s, the first {pending[0]}. They go on"
        " at the server: wait for `.pending` again, or pass a larger poll_timeout_ms.",
        video=wait.pending[pending[0]],
        video_id=pending[0],
    )
