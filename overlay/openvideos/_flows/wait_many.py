"""Decide how to wait for thousands of jobs with few requests. Pure.

One request for a page of the list returns up to a hundred jobs. So each round walks the list, newest first, as long as
that takes fewer requests than reading the jobs one by one, and then reads the jobs that were not on those pages.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Final

import httpx
from attrs import define, field

from openvideos_raw.models.video import Video

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
from .._operations import id_of_video
from .effects import Emit, Flow, Gather, Sleep
from .paging import P, Walk
from .polling import (
    DEFAULT_INTERVAL_S,
    FAILURES_PER_RETRY,
    LatestJob,
    PollSettings,
    attaching_job,
    ended_job,
    next_poll_pause,
    pause_after_failure,
    with_contract_status,
    with_requested_id,
)
from .retrying import SHORTEST_ATTEMPT_S, Retries, is_transient, sending

PAGE_SIZE: Final = 100
LIST_CHANCES: Final = 3
DEFAULT_CONCURRENCY: Final = 8

logger = logging.getLogger("openvideos")


@define
class _Wait:
    """The state of a wait for several jobs."""

    pending: dict[str, Video | None]
    """The jobs that have not ended, in the caller's order, each with its latest snapshot."""
    ended: deque[Video] = field(factory=deque["Video"])
    """The jobs that have ended but were not emitted yet."""
    list_is_given_up: bool = False
    """Whether the list does not work, so that the jobs are read one by one."""
    list_failures: int = 0
    """The number of rounds in a row in which the list failed."""
    pages_needed: int = 0
    """The number of pages that the last walk read before it stopped."""
    headers: httpx.Headers = field(factory=httpx.Headers)
    """The headers of the latest response, which may advise a poll interval."""

    @property
    def not_emitted(self) -> tuple[str, ...]:
        """The ids of the jobs that were not emitted."""
        return (*(video.id for video in self.ended), *self.pending)

    def update(self, video_id: str, video: Video) -> None:
        """Store the latest snapshot of a pending job."""
        with_requested_id(video, video_id)
        if _status.is_terminal(video.status):
            del self.pending[video_id]
            self.ended.append(with_contract_status(video))
        else:
            self.pending[video_id] = video


def checked_ids(ids: Iterable[str | Video]) -> tuple[str, ...]:
    """Return the ids in their order, each once.

    Raises:
        InvalidArgumentError: `ids` is a single text or Video or nothing to iterate, or has an item that is no id.
    """
    if isinstance(ids, (str, bytes)):
        raise InvalidArgumentError("ids is a single text; pass a list of ids.")
    if isinstance(ids, Video) or not hasattr(ids, "__iter__"):
        raise InvalidArgumentError(f"ids is of the type {type(ids).__name__}; pass a list of ids.")
    return tuple(dict.fromkeys(id_of_video(each) for each in ids))


def checked_concurrency(value: object) -> int:
    """Return the limit of concurrent requests.

    Raises:
        InvalidArgumentError: The value is not an integer above zero.
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
    poll_settings: PollSettings,
    *,
    raise_on_failure: bool = False,
    concurrency: int = DEFAULT_CONCURRENCY,
) -> Flow[None]:
    """Emit each of the jobs as it ends. The `pending` of every exception has the ids of the jobs that were not emitted.

    Raises:
        PollTimeoutError: Some jobs did not end before the deadline.
        APIError: A job cannot be read; the exception carries its id.
        VideoFailedError: A job failed, and `raise_on_failure` is true.
    """
    wait = _Wait(pending=dict.fromkeys(ids))
    try:
        yield from _rounds(wait, read, list_page, first, retries, poll_settings, raise_on_failure, concurrency)
    except OpenVideosError as error:
        error.pending = wait.not_emitted
        raise


def _rounds(
    wait: _Wait,
    read: Callable[[str], Call[Video]],
    list_page: Callable[[Walk], Call[P]],
    first: Walk,
    retries: Retries,
    poll_settings: PollSettings,
    raise_on_failure: bool,  # noqa: FBT001 - passed on by `waiting`
    concurrency: int,
) -> Flow[None]:
    """Poll the jobs in rounds until all have ended."""
    clocks = retries.clocks
    deadline = clocks.monotonic() + poll_settings.timeout
    failures, last_chance = 0, False
    while wait.pending:
        problem: APIError | None = None
        try:
            yield from _one_round(wait, read, list_page, first, retries, deadline, concurrency)
        except APIError as error:
            problem = error
        # Jobs that have ended are emitted before anything is raised.
        while wait.ended:
            yield Emit(ended_job(wait.ended.popleft(), raise_on_failure=raise_on_failure))
        if problem is None:
            failures, pause = 0, next_poll_pause(wait.headers, poll_settings, now=clocks.wall())
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
            raise _timed_out(wait, poll_settings)
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
    """Read every pending job once, from the list or by itself."""
    unseen = set(wait.pending)
    if not wait.list_is_given_up and list_is_cheaper(len(unseen), wait.pages_needed):
        try:
            yield from _read_pages(wait, unseen, list_page, first, retries, deadline)
            wait.list_failures = 0
        except (APIStatusError, APIResponseValidationError, PaginationError) as error:
            wait.list_failures += 1
            if _list_may_recover(error, wait.list_failures):
                raise
            # Some servers have no list, or a broken one. Reading a single job always works.
            logger.info("wait_many: the list cannot be used (%s); reading each video by itself", type(error).__name__)
            wait.list_is_given_up = True
    singles = [video_id for video_id in wait.pending if video_id in unseen]
    if singles:
        results = yield Gather(
            [_read_one(wait, video_id, read, retries, deadline) for video_id in singles], concurrency
        )
        for result in results:
            if isinstance(result, OpenVideosError):
                raise result


def _list_may_recover(error: OpenVideosError, failures: int) -> bool:
    """Return whether to try the list again in the next round; some errors are not about the list at all."""
    if isinstance(error, (AuthenticationError, PermissionDeniedError, RateLimitError)):
        return True
    if not isinstance(error, APIStatusError) or error.status_code == HTTPStatus.NOT_IMPLEMENTED:
        return False
    return _outcome(error) is not None and failures < LIST_CHANCES


def list_is_cheaper(jobs: int, pages: int) -> bool:
    """Return whether reading this many pages takes fewer requests than reading this many jobs one by one."""
    return jobs > max(pages, 1)


def _read_pages(
    wait: _Wait,
    unseen: set[str],
    list_page: Callable[[Walk], Call[P]],
    first: Walk,
    retries: Retries,
    deadline: float,
) -> Flow[None]:
    """Read jobs from the list, page by page, as long as the next page may save requests."""
    walk, pages, pages_without_news = first, 0, 0
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
                wait.update(video.id, video)
        wait.pages_needed = pages
        # A page without pending jobs costs one request, as much as reading one job. So the walk stops after as many
        # such pages in a row as there are jobs left to read.
        pages_without_news = 0 if len(unseen) < before else pages_without_news + 1
        if not page.has_next_page() or not list_is_cheaper(len(unseen), pages_without_news):
            return
        walk = walk.after(page)


def _read_one(
    wait: _Wait, video_id: str, read: Callable[[str], Call[Video]], retries: Retries, deadline: float
) -> Flow[None]:
    """Read one job by itself."""
    if _too_late(retries, deadline):
        return
    call = read(video_id)
    with attaching_job(LatestJob(video_id=video_id, video=wait.pending.get(video_id))):
        response = yield from sending(call, retries, deadline=deadline)
        wait.update(video_id, call.parse(response))
        wait.headers = response.headers


def _too_late(retries: Retries, deadline: float) -> bool:
    """Return whether the deadline has passed, so that a long round sends no more requests."""
    return retries.clocks.monotonic() > deadline + SHORTEST_ATTEMPT_S


def _outcome(error: APIError) -> httpx.Response | APIConnectionError | None:
    """Return the outcome of a failed request; None if the next round would fail in the same way."""
    outcome = error.response if isinstance(error, APIStatusError) else error
    if not isinstance(outcome, (httpx.Response, APIConnectionError)):
        return None
    return outcome if is_transient(outcome) else None


def _timed_out(wait: _Wait, poll_settings: PollSettings) -> PollTimeoutError:
    pending = tuple(wait.pending)
    return PollTimeoutError(
        f"{len(pending)} of the videos did not end within {poll_settings.timeout:g} s, the first {pending[0]}. They go"
        " on at the server: wait for `.pending` again, or pass a larger poll_timeout_ms.",
        video=wait.pending[pending[0]],
        video_id=pending[0],
    )
