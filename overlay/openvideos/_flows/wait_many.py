"""Decide how to wait for thousands of jobs with few requests. Pure.

One request for a page of the list returns up to a hundred jobs. So each round walks the list, newest first, as long as
that takes fewer requests than reading the jobs one by one, and then reads the jobs that were not on those pages. Old
jobs may stand behind any number of newer ones, so a walk that finds nothing takes turns with single reads.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

import httpx
from attrs import define, field

from openvideos_raw.models.video import Video

from .. import _status
from .._calls import Call
from .._errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideosError,
    PaginationError,
    PermissionDeniedError,
    PollTimeoutError,
    RateLimitError,
    repr_of,
)
from .._operations import id_of_video
from .._parsing.responses import secrets_of
from .effects import Emit, Flow, Gather, Notify, Sleep
from .paging import ConversationPage, Walk
from .polling import (
    DEFAULT_INTERVAL_S,
    Deadline,
    Failures,
    LatestJob,
    PollSettings,
    attaching_job,
    ended_job,
    has_transient_cause,
    last_failure,
    next_poll_pause,
    pause_after_failure,
    with_contract_status,
    with_requested_id,
)
from .retrying import SHORTEST_ATTEMPT_S, Retries, sending

PAGE_SIZE: Final = 100
LIST_CHANCES: Final = 3
BARREN_PAGES: Final = 5
"""After how many pages in a row without a pending job a walk lets single reads go first."""
LARGEST_BATCH: Final = 8
"""How many jobs are read, for each that is read at once, before those that have ended are emitted."""
DEFAULT_CONCURRENCY: Final = 8

logger = logging.getLogger("openvideos")


@define
class _Wait:
    """What a wait for several jobs asks, and its state."""

    read: Callable[[str], Call[Video]]
    list_page: Callable[[Walk], Call[ConversationPage[Video]]]
    first: Walk
    retries: Retries
    deadline: Deadline
    concurrency: int
    raise_on_failure: bool
    on_update: Callable[[Video], Any] | None
    on_not_found: Callable[[NotFoundError], Any] | None
    pending: dict[str, Video | None]
    """The jobs that have not ended, in the caller's order, each with its latest snapshot."""
    changed: deque[Video] = field(factory=deque["Video"])
    """The snapshots that `on_update` is still to be called with."""
    ended: deque[Video] = field(factory=deque["Video"])
    """The jobs that have ended but were not emitted yet."""
    problems: list[tuple[str | None, OpenVideosError]] = field(factory=list[tuple["str | None", OpenVideosError]])
    """The errors of this round, each with the id of its job; None for the list."""
    failures: dict[str | None, Failures] = field(factory=dict["str | None", Failures])
    """What failed in the latest rounds, by the same ids."""
    missing: dict[str, NotFoundError] = field(factory=dict[str, NotFoundError])
    """The pending jobs that the server does not have, which `on_not_found` is still to be called with."""
    list_is_given_up: bool = False
    """Whether the list does not work, so that the jobs are read one by one."""
    list_failures: int = 0
    """The number of rounds in a row in which the list failed."""
    pages_needed: int = 0
    """The number of pages that the last walk read before it stopped."""
    pages_worth: int = 0
    """The number of the last page of that walk that showed a pending job."""
    headers: httpx.Headers = field(factory=httpx.Headers)
    """The headers of the latest response, which may advise a poll interval."""

    @property
    def not_emitted(self) -> tuple[str, ...]:
        """The ids of the jobs that were not emitted."""
        return (*(video.id for video in self.ended), *self.pending)

    @property
    def is_too_late(self) -> bool:
        """Whether the deadline has passed, so that a long round sends no more requests."""
        return self.deadline.left < -SHORTEST_ATTEMPT_S

    def update(self, video_id: str, video: Video, secrets: tuple[str, ...]) -> None:
        """Store the latest snapshot of a pending job."""
        before = self.pending[video_id]
        with_requested_id(video, LatestJob(video_id, before), secrets)
        self.failures.pop(video_id, None)
        if self.on_update is not None and video != before:
            self.changed.append(video)
        if _status.is_terminal(video.status):
            del self.pending[video_id]
            self.ended.append(with_contract_status(video))
        else:
            self.pending[video_id] = video

    def emit_ended(self) -> Flow[None]:
        """Emit the jobs that have ended, after the calls of `on_update`.

        Raises:
            VideoFailedError: A job failed, and `raise_on_failure` is true.
        """
        while self.on_update is not None and self.changed:
            yield from self.deadline.hand_over(Notify(self.on_update, (self.changed.popleft(),)))
        while self.ended:
            video = ended_job(self.ended.popleft(), raise_on_failure=self.raise_on_failure)
            yield from self.deadline.hand_over(Emit(video))

    def bear_problems(self) -> None:
        """Count what failed in this round, and note the jobs that are missing, if there is a callback for them.

        Raises:
            OpenVideosError: The list or a job cannot be read, and the next round would fail alike.
        """
        for video_id, error in self.problems:
            failures = self.failures.setdefault(video_id, Failures())
            try:
                failures.bear(error, self.retries, seen=video_id is not None and self.pending[video_id] is not None)
            except NotFoundError as missing:
                if self.on_not_found is None or video_id is None:
                    raise
                self.missing[video_id] = missing
        self.problems = [(video_id, error) for video_id, error in self.problems if video_id not in self.missing]

    def leave_out_missing(self) -> Flow[None]:
        """Call `on_not_found` with the jobs that are missing, which are pending no more."""
        while self.on_not_found is not None and self.missing:
            video_id = next(iter(self.missing))
            del self.pending[video_id]
            yield from self.deadline.hand_over(Notify(self.on_not_found, (self.missing.pop(video_id),)))


def checked_jobs(ids: Iterable[str | Video]) -> dict[str, Video | None]:
    """Return the ids in their order, each once, with the snapshots that the caller has.

    Raises:
        InvalidArgumentError: `ids` is a single text or Video or nothing to iterate, or has an item that is no id.
    """
    if isinstance(ids, (str, bytes)):
        raise InvalidArgumentError("ids is a single text; pass a list of ids.")
    if isinstance(ids, Video) or not hasattr(ids, "__iter__"):
        raise InvalidArgumentError(f"ids is of the type {type(ids).__name__}; pass a list of ids.")
    return {id_of_video(each): each if isinstance(each, Video) else None for each in ids}


def checked_concurrency(value: object) -> int:
    """Return the limit of concurrent requests.

    Raises:
        InvalidArgumentError: The value is not an integer above zero.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgumentError(f"max_concurrency is {repr_of(value)}; it must be an integer above zero.")
    return value


def waiting(
    jobs: Mapping[str, Video | None],
    read: Callable[[str], Call[Video]],
    list_page: Callable[[Walk], Call[Any]],
    first: Walk,
    retries: Retries,
    poll_settings: PollSettings,
    *,
    raise_on_failure: bool = False,
    on_update: Callable[[Video], Any] | None = None,
    on_not_found: Callable[[NotFoundError], Any] | None = None,
    concurrency: int = DEFAULT_CONCURRENCY,
) -> Flow[None]:
    """Emit each of the jobs as it ends. The `pending` of every exception has the ids of the jobs that were not emitted.

    Raises:
        PollTimeoutError: Some jobs did not end before the deadline.
        APIError: A job cannot be read; the exception carries its id.
        VideoFailedError: A job failed, and `raise_on_failure` is true.
    """
    deadline = Deadline.after(poll_settings.timeout, retries.clocks)
    wait = _Wait(
        read,
        list_page,
        first,
        retries,
        deadline,
        concurrency,
        raise_on_failure,
        on_update,
        on_not_found,
        pending=dict(jobs),
    )
    try:
        yield from _rounds(wait, poll_settings)
    except OpenVideosError as error:
        error.pending = wait.not_emitted
        raise


def _rounds(wait: _Wait, poll_settings: PollSettings) -> Flow[None]:
    """Poll the jobs in rounds until all have ended."""
    last_chance = False
    while wait.pending:
        wait.problems.clear()
        callers = wait.deadline.callers
        yield from _one_round(wait)
        wait.bear_problems()
        yield from wait.leave_out_missing()
        if not wait.pending:
            return
        pause = _pause(wait, poll_settings)
        left = wait.deadline.left
        # While the caller's code ran, jobs may have ended: they are read once more before they are given up.
        if (last_chance or left <= 0) and wait.deadline.callers - callers <= pause:
            problem = wait.problems[0][1] if wait.problems else None
            raise _timed_out(wait, poll_settings, problem) from problem
        last_chance = pause >= left
        yield Sleep(min(pause, max(left, 0.0)))


def _pause(wait: _Wait, poll_settings: PollSettings) -> float:
    """Return how long to wait before the next round, in seconds."""
    clocks = wait.retries.clocks
    if not wait.problems:
        return next_poll_pause(wait.headers, poll_settings, now=clocks.wall())
    pause = DEFAULT_INTERVAL_S
    for video_id, error in wait.problems:
        response = error.response if isinstance(error, APIError) else None
        headers = httpx.Headers() if response is None else response.headers
        pause = max(pause, pause_after_failure(headers, wait.failures[video_id].count, clocks))
    return pause


def _one_round(wait: _Wait) -> Flow[None]:
    """Read every pending job once, from the list or by itself, and emit those that have ended."""
    unseen = dict.fromkeys(wait.pending)
    if not wait.list_is_given_up and list_is_cheaper(len(unseen), wait.pages_needed):
        problem = yield from _walk(wait, unseen)
        if problem is not None and not _may_read_singly(wait, problem):
            wait.problems.append((None, problem))
            return
    yield from _read_singly(wait, unseen, len(unseen))


def _may_read_singly(wait: _Wait, error: APIError | PaginationError) -> bool:
    """Return whether the jobs can be read without the list, which has failed; some errors are not about it at all."""
    if isinstance(error, (AuthenticationError, PermissionDeniedError, RateLimitError)):
        return False
    if isinstance(error, APIConnectionError) and (error.never_sent or not isinstance(error, APITimeoutError)):
        return False
    wait.list_failures += 1
    is_for_good = isinstance(error, APIStatusError) and (
        error.status_code == HTTPStatus.NOT_IMPLEMENTED or not has_transient_cause(error)
    )
    if is_for_good or isinstance(error, PaginationError) or wait.list_failures >= LIST_CHANCES:
        # Some servers have no list, or a broken one. Reading a single job always works.
        logger.info("wait_many: the list cannot be used (%s); reading each video by itself", type(error).__name__)
        wait.list_is_given_up = True
        return True
    return not isinstance(error, APIStatusError)


def list_is_cheaper(jobs: int, pages: int) -> bool:
    """Return whether reading this many pages takes fewer requests than reading this many jobs one by one."""
    return jobs > max(pages, 1)


def _walk(wait: _Wait, unseen: dict[str, None]) -> Flow[APIError | PaginationError | None]:
    """Read jobs from the list, page by page, as long as the next page may save requests; return what it fails with."""
    walk, pages, worth, barren, turn = wait.first, 0, 0, 0, BARREN_PAGES * wait.concurrency
    wanted, half_time = frozenset(unseen), wait.deadline.left / 2
    while unseen and not wait.is_too_late:
        call = wait.list_page(walk)
        try:
            response = yield from sending(call, wait.retries, deadline=wait.deadline.at)
            page = call.parse(response)
        except (APIError, PaginationError) as error:
            return error
        wait.headers = response.headers
        pages += 1
        before, secrets = len(unseen), secrets_of(response)
        for video in page.data:
            if video.id in unseen:
                del unseen[video.id]
                wait.update(video.id, video, secrets)
        # A job that was read by itself a moment ago shows all the same where the jobs are.
        barren, worth = (barren + 1, worth) if wanted.isdisjoint(video.id for video in page.data) else (0, pages)
        wait.pages_needed = pages
        yield from wait.emit_ended()
        # A page without pending jobs costs one request, as much as reading one job. So the walk stops after as many
        # such pages in a row as there are jobs left to read.
        if not page.has_next_page() or not list_is_cheaper(len(unseen), barren):
            break
        # A page takes as long as `concurrency` single reads, so one that shows fewer jobs is a loss of time; the second
        # half of the time is not for such pages.
        if before - len(unseen) < wait.concurrency and wait.deadline.left < half_time:
            break
        if barren >= BARREN_PAGES and pages > wait.pages_worth:
            # Single reads go first, for longer each time, so that the walk costs few requests if it never finds a job.
            yield from _read_singly(wait, unseen, turn)
            barren, turn = 0, 2 * turn
        walk = walk.after(page)
    wait.pages_worth = worth
    wait.list_failures = 0
    wait.failures.pop(None, None)
    return None


def _read_singly(wait: _Wait, unseen: dict[str, None], most: int) -> Flow[None]:
    """Read up to `most` of these jobs by themselves, and emit those that have ended, batch by batch."""
    ids, size = list(islice(unseen, most)), wait.concurrency
    while ids and not wait.is_too_late:
        batch, ids = ids[:size], ids[size:]
        results = yield Gather([_read_one(wait, video_id) for video_id in batch], wait.concurrency)
        errors = [(i, result) for i, result in zip(batch, results, strict=True) if isinstance(result, OpenVideosError)]
        wait.problems += errors
        for video_id in batch:
            del unseen[video_id]
        yield from wait.emit_ended()
        # The first jobs are emitted soon, and later batches leave few of the concurrent requests idle.
        size = min(2 * size, LARGEST_BATCH * wait.concurrency)


def _read_one(wait: _Wait, video_id: str) -> Flow[None]:
    """Read one job by itself."""
    if wait.is_too_late:
        return
    call = wait.read(video_id)
    with attaching_job(LatestJob(video_id=video_id, video=wait.pending.get(video_id))):
        response = yield from sending(call, wait.retries, deadline=wait.deadline.at)
        wait.update(video_id, call.parse(response), secrets_of(response))
        wait.headers = response.headers


def _timed_out(wait: _Wait, poll_settings: PollSettings, problem: OpenVideosError | None) -> PollTimeoutError:
    pending = tuple(wait.pending)
    within = f"did not end within {poll_settings.timeout:g} s"
    what = f"{len(pending)} of the videos {within}, the first {pending[0]}. They go on at the server: "
    what += "wait for `.pending` again, or pass a larger poll_timeout_ms."
    if len(pending) == 1:
        what = f"The video {pending[0]} {within}. It goes on at the server: "
        what += "poll it again, or pass a larger poll_timeout_ms."
    return PollTimeoutError(
        f"{what}{last_failure(problem)}",
        video=wait.pending[pending[0]],
        video_id=pending[0],
    )
