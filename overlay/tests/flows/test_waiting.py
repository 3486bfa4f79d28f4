"""Thousands of jobs are waited for with few requests, and each is handed out once or named in the exception."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import cached_property, partial
from typing import Any

import httpx
import pytest
from attrs import define, field, frozen
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    APIResponseValidationError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideosError,
    PermissionDeniedError,
    PollTimeoutError,
    RateLimitError,
    SyncConversationCursorPage,
    Video,
    VideoFailedError,
)
from openvideos._calls import Extras
from openvideos._drivers.transport import SyncTransport
from openvideos._flows.effects import Gather, Send
from openvideos._flows.paging import Shared, Walk, page_call
from openvideos._flows.polling import DEFAULT_INTERVAL_S, DOUBTS_PER_RETRY, FAILURES_PER_RETRY, PollSettings
from openvideos._flows.retrying import SHORTEST_ATTEMPT_S
from openvideos._flows.wait_many import (
    LIST_CHANCES,
    PAGE_SIZE,
    checked_concurrency,
    checked_jobs,
    list_is_cheaper,
    waiting,
)
from openvideos._operations import ListOptions
from openvideos._session import SyncSession

from .world import (
    FLOWS,
    SETTINGS,
    START,
    WALL,
    Outcome,
    Reply,
    World,
    connection_errors,
    copied,
    hint_headers,
    read_call,
    refusal,
    refusals,
    video_json,
)

MAKE_PAGE = partial(SyncConversationCursorPage[Video], session=Shared(SyncSession.of(SETTINGS, SyncTransport())))
FIRST = Walk(ListOptions(limit=PAGE_SIZE), Extras())
AN_HOUR = PollSettings(interval=None, timeout=3600.0)
COMPLETED = ["completed", "succeeded"]
FAILED = ["failed", "cancelled"]


@frozen
class Job:
    """When a job ends (seconds from the start), with which word, and when it is deleted."""

    ends: float
    word: str = "completed"
    deleted: float = math.inf


@define(slots=False)
class Farm:
    """A server of jobs, whose list may be right, wrong or missing."""

    jobs: dict[str, Job]
    """The jobs, the newest first."""
    listing: Callable[[Farm, Send], Outcome] | None = None
    """The response instead of the list."""
    hidden: frozenset[str] = frozenset()
    """The jobs that the list lacks."""
    largest_page: int = PAGE_SIZE
    latency: float = 0.01
    faults: Mapping[int, Outcome] = field(factory=dict[int, Outcome])
    """What comes instead of the response to a request, by its number."""
    headers: dict[str, str] = field(factory=dict[str, str])
    server_ids: bool = False
    """Whether a single read returns another id than was requested."""
    world: World = field(init=False)
    requests: int = 0

    def __attrs_post_init__(self) -> None:
        self.world = World(self, most_steps=400_000)

    def __call__(self, send: Send) -> Reply | Outcome:
        self.requests += 1
        fault = self.faults.get(self.requests)
        if fault is not None:
            reply = copied(fault)
            assert not isinstance(reply, Reply)
            return Reply(reply, self.latency)
        if send.call.operation == "list_videos":
            return Reply(self.listed(send) if self.listing is None else self.listing(self, send), self.latency)
        return Reply(self.read(str(send.call.video_id)), self.latency)

    def shown(self, video_id: str) -> dict[str, Any]:
        """Return a job as it is now."""
        job = self.jobs.get(video_id, Job(0))
        return video_json(job.word if self.world.elapsed >= job.ends else "in_progress", video_id)

    def there(self) -> list[str]:
        """Return the ids of the jobs that were not deleted."""
        return [video_id for video_id, job in self.jobs.items() if self.world.elapsed < job.deleted]

    def read(self, video_id: str) -> httpx.Response:
        """Answer a retrieve."""
        if video_id not in self.jobs or self.world.elapsed >= self.jobs[video_id].deleted:
            return refusal(404)
        video = self.shown(video_id)
        if self.server_ids:
            video["id"] = f"server-{video_id}"
        return httpx.Response(200, headers=self.headers, content=json.dumps(video).encode())

    def listed(self, send: Send) -> httpx.Response:
        """Answer a list."""
        query = send.call.query or {}
        known = [video_id for video_id in self.there() if video_id not in self.hidden]
        after = query.get("after")
        begin = 0
        if after is not None:
            if after not in known:
                return refusal(400)
            begin = known.index(after) + 1
        page = known[begin : begin + min(query["limit"], self.largest_page)]
        return self.page(page, has_more=begin + len(page) < len(known))

    def page(self, ids: list[str], *, has_more: bool) -> httpx.Response:
        """Return a page of jobs."""
        body = {
            "object": "list",
            "data": [self.shown(video_id) for video_id in ids],
            "has_more": has_more,
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
        }
        return httpx.Response(200, headers=self.headers, content=json.dumps(body).encode())

    def wait(
        self, ids: list[str] | None = None, pace: PollSettings = AN_HOUR, *, limit: int = 2, **options: Any
    ) -> list[str]:
        """Wait for jobs, all if none are named, and return the ids in the order in which they came."""
        wanted = checked_jobs(list(self.jobs) if ids is None else ids)
        flow = waiting(
            wanted,
            read_call,
            partial(page_call, MAKE_PAGE, SETTINGS),
            FIRST,
            self.world.retries(limit),
            pace,
            **options,
        )
        self.world.run(flow)
        return self.emitted

    @cached_property
    def place(self) -> dict[str, int]:
        """The place of each job in the list."""
        return {video_id: number for number, video_id in enumerate(self.jobs)}

    @property
    def emitted(self) -> list[str]:
        """The ids of the jobs that were handed out."""
        return [video.id for video in self.world.emitted]

    def count(self, operation: str) -> int:
        """Return how many requests of a kind there were."""
        return sum(sent.call.operation == operation for sent in self.world.sent)


def add_id(told: list[str], error: NotFoundError) -> None:
    """Note whose job was not found."""
    assert error.video_id is not None
    told.append(error.video_id)


def repeating(farm: Farm, send: Send) -> Outcome:
    """List as a server does that ignores `after`."""
    return farm.page(farm.there()[: farm.largest_page], has_more=True)


def behind(newer: int, gap: int = 0) -> Callable[[Farm, Send], Outcome]:
    """List so many newer videos of others before the jobs, and so many between two of them."""

    def listing(farm: Farm, send: Send) -> Outcome:
        query, ours = send.call.query or {}, list(farm.jobs)
        kind, _, number = str(query.get("after", "other_-1")).rpartition("_")
        begin = int(number) + 1 if kind == "other" else newer + farm.place[query["after"]] * (gap + 1) + 1
        last = newer + len(ours) * (gap + 1) - gap
        end = min(begin + query["limit"], last)
        places = [divmod(at - newer, gap + 1) for at in range(begin, end)]
        ids = [
            f"other_{begin + index}" if job < 0 or between else ours[job] for index, (job, between) in enumerate(places)
        ]
        return farm.page(ids, has_more=end < last)

    return listing


def hanging(farm: Farm, send: Send) -> Outcome:
    """List so slowly that no response ever comes."""
    return httpx.ReadTimeout("too slow")


def no_cursor(farm: Farm, send: Send) -> Outcome:
    """List as a server does that says that there is more, and gives no way to it."""
    return httpx.Response(200, content=b'{"data": [], "has_more": true}')


def refusing(status: int) -> Callable[[Farm, Send], Outcome]:
    """List as a server does that has no list."""
    return lambda farm, send: refusal(status)


def no_list(farm: Farm, send: Send) -> Outcome:
    """List as a server does that returns its web site."""
    return httpx.Response(200, content=b"<html>")


BROKEN_LISTS = {
    "ignores after": repeating,
    "gives no cursor": no_cursor,
    "is a web site": no_list,
    **{f"answers {status}": refusing(status) for status in (400, 404, 405, 410, 422, 501)},
}

names = st.integers(0, 25).map("video_{}".format)
jobs = st.builds(
    Job,
    ends=st.floats(0, 120),
    word=st.sampled_from([*COMPLETED, *FAILED]),
    deleted=st.just(math.inf) | st.floats(0, 120),
)
farms = st.builds(
    Farm,
    jobs=st.dictionaries(names, jobs, max_size=26),
    listing=st.none() | st.sampled_from([*BROKEN_LISTS.values(), refusing(500), refusing(503), refusing(429)]),
    hidden=st.frozensets(names),
    largest_page=st.integers(1, 10),
    latency=st.floats(0.01, 5),
    faults=st.dictionaries(st.integers(1, 60), refusals | connection_errors, max_size=6),
    headers=hint_headers,
    server_ids=st.booleans(),
)
paces = st.builds(PollSettings, interval=st.none() | st.floats(0.5, 50), timeout=st.floats(0, 300))


class TestAnyServer:
    """Lists that lack jobs, repeat pages or do not exist; jobs deleted on the way; faults; ids twice."""

    @FLOWS
    @given(
        farm=farms,
        wanted=st.lists(names, max_size=30),
        pace=paces,
        limit=st.integers(0, 5),
        raising=st.booleans(),
        told=st.none() | st.builds(list[str]),
        concurrency=st.integers(1, 9),
    )
    def test_every_id_is_handed_out_once_or_told_or_named_in_the_exception(
        self,
        farm: Farm,
        wanted: list[str],
        pace: PollSettings,
        limit: int,
        raising: bool,  # noqa: FBT001 - generated
        told: list[str] | None,
        concurrency: int,
    ) -> None:
        named = list[str]()
        tell = None if told is None else partial(add_id, told)
        try:
            farm.wait(wanted, pace, limit=limit, raise_on_failure=raising, on_not_found=tell, concurrency=concurrency)
        except OpenVideosError as error:
            assert told is None or not isinstance(error, NotFoundError)  # noqa: PT017 - either end is right
            named = [*error.pending, *([error.video.id] if isinstance(error, VideoFailedError) else [])]
            if isinstance(error, (PollTimeoutError, NotFoundError)):
                assert error.video_id in error.pending  # noqa: PT017 - either end is right
        assert sorted(set(wanted)) == sorted([*farm.emitted, *(told or []), *named])
        # The same deadline rules: what is begun in time may end a step later.
        assert farm.world.elapsed <= pace.timeout + 2 * SHORTEST_ATTEMPT_S + 1e-6
        assert farm.world.most_at_once <= concurrency
        for video in farm.world.emitted:
            assert video.status in ({"completed"} if raising else {"completed", "failed"})

    @FLOWS
    @given(farm=farms, wanted=st.lists(names, max_size=30))
    def test_what_is_handed_out_has_ended(self, farm: Farm, wanted: list[str]) -> None:
        with contextlib.suppress(OpenVideosError):
            farm.wait(wanted)
        for video in farm.world.emitted:
            job = farm.jobs[video.id]
            assert job.ends <= farm.world.elapsed
            assert job.word == video.additional_properties.get("server_status", video.status)

    @FLOWS
    @given(farm=farms, wanted=st.lists(names, max_size=30))
    def test_each_change_is_reported_once_and_before_its_job_is_handed_out(self, farm: Farm, wanted: list[str]) -> None:
        reported = list[tuple[str, str]]()

        def on_update(video: Video) -> None:
            assert video.id not in farm.emitted
            reported.append((video.id, video.status))

        with contextlib.suppress(OpenVideosError):
            farm.wait(wanted, on_update=on_update)
        assert len(set(reported)) == len(reported)
        assert {video.id for video in farm.world.emitted} == {
            video_id for video_id, status in reported if status in {"completed", "failed"}
        }

    def test_what_the_caller_has_seen_is_not_reported(self) -> None:
        farm = Farm({"video_0": Job(2)})
        seen = Video.from_dict(farm.shown("video_0"))
        reported = list[str]()
        flow = waiting(
            checked_jobs([seen]),
            read_call,
            partial(page_call, MAKE_PAGE, SETTINGS),
            FIRST,
            farm.world.retries(2),
            AN_HOUR,
            on_update=lambda video: reported.append(video.status),
        )
        farm.world.run(flow)
        assert ["completed"] == reported

    @FLOWS
    @given(
        ends=st.lists(st.floats(0, 20), min_size=1, max_size=26),
        hidden=st.frozensets(names),
        largest_page=st.integers(1, 10),
        listing=st.sampled_from([None, *BROKEN_LISTS.values()]),
    )
    def test_a_server_that_keeps_its_jobs_gives_them_all(
        self, ends: list[float], hidden: frozenset[str], largest_page: int, listing: Any
    ) -> None:
        jobs = {f"video_{number}": Job(at) for number, at in enumerate(ends)}
        farm = Farm(jobs, hidden=hidden, largest_page=largest_page, listing=listing)
        assert sorted(jobs) == sorted(farm.wait())
        # The last is handed out within a round of its end.
        assert farm.world.elapsed <= max(ends) + DEFAULT_INTERVAL_S + 60 * farm.latency
        # Looking at the list never costs much more than it can save.
        singly = sum(math.ceil(at) + 2 for at in ends)
        assert farm.requests <= 2 * singly + 2


class TestFewRequests:
    """`wait_many` of thousands of jobs: at most 1/50 of the requests of as many polls."""

    @pytest.mark.parametrize("number", [2_000, pytest.param(10_000, marks=pytest.mark.release)])
    @pytest.mark.parametrize("order", ["as they were made", "the last first", "at random"])
    def test_far_fewer_than_single_reads(self, order: str, number: int) -> None:
        interval, longest = 10.0, 60.0
        times = [longest * index / number for index in range(number)]  # the first is the newest
        if order == "as they were made":
            times.reverse()
        elif order == "at random":
            random.Random(7).shuffle(times)  # noqa: S311 - no secret
        farm = Farm({f"video_{index}": Job(at) for index, at in enumerate(times)}, latency=0.0)
        assert number == len(set(farm.wait(pace=PollSettings(interval=interval, timeout=3600))))
        singly = sum(math.ceil(at / interval) + 1 for at in times)
        assert farm.requests <= singly / 50

    def test_jobs_among_many_of_others(self) -> None:
        """Walk the list for as long as that is cheaper than reading the jobs one by one."""
        wanted = [f"video_{index}" for index in range(0, 3000, 300)]
        farm = Farm({f"video_{index}": Job(50) for index in range(3000)})
        assert wanted == sorted(farm.wait(wanted), key=wanted.index)
        rounds = farm.count("retrieve_video") / len(wanted)
        # The first round finds out what the list costs, at most all of it; from then on, reading is cheaper.
        assert farm.count("list_videos") <= 3000 / PAGE_SIZE
        assert rounds <= 50

    def test_a_page_for_a_hundred(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(250)})
        assert 250 == len(farm.wait())
        assert (3, 0) == (farm.count("list_videos"), farm.count("retrieve_video"))

    def test_no_further_page_than_is_needed(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(1000)})
        assert 150 == len(farm.wait([f"video_{index}" for index in range(150)]))
        assert (2, 0) == (farm.count("list_videos"), farm.count("retrieve_video"))

    def test_one_job_is_read_by_itself(self) -> None:
        farm = Farm({"video_1": Job(2)})
        assert ["video_1"] == farm.wait()
        assert (0, 3) == (farm.count("list_videos"), farm.count("retrieve_video"))

    def test_two_jobs_are_a_page(self) -> None:
        farm = Farm({"video_1": Job(0), "video_2": Job(0)})
        assert ["video_1", "video_2"] == farm.wait()
        assert (1, 0) == (farm.count("list_videos"), farm.count("retrieve_video"))

    def test_pages_are_given_up_when_they_show_nothing(self) -> None:
        """No more pages with nothing on them in a row than jobs are unseen."""
        farm = Farm({f"video_{index}": Job(0) for index in range(1000)}, largest_page=10)
        farm.wait([f"video_{index}" for index in range(997, 1000)])
        assert (3, 3) == (farm.count("list_videos"), farm.count("retrieve_video"))

    def test_a_page_that_shows_one_renews_the_hope(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(60)}, largest_page=10)
        farm.wait(["video_11", "video_31", "video_51"])
        # 0 shows nothing, 1 shows one, 2 nothing, 3 one; then one is left, and a page costs as much as reading it.
        assert (4, 1) == (farm.count("list_videos"), farm.count("retrieve_video"))

    def test_later_rounds_know_what_the_list_costs(self) -> None:
        farm = Farm({f"video_{index}": Job(0 if index < 10 else 2) for index in range(60)}, largest_page=10)
        farm.wait([f"video_{index}" for index in range(5, 50, 10)])
        # Four pages show four; then one is left, and read. One has ended: to read four costs no more than four pages.
        expected = ["list_videos"] * 4 + ["retrieve_video"] * (1 + 4 + 4)
        assert expected == [sent.call.operation for sent in farm.world.sent]

    @pytest.mark.parametrize(("jobs", "pages", "pays"), [(1, 0, False), (2, 0, True), (2, 1, True), (2, 2, False)])
    def test_when_pages_pay(self, jobs: int, pages: int, pays: bool) -> None:  # noqa: FBT001 - a parameter
        assert pays == list_is_cheaper(jobs, pages)


class TestOldJobs:
    """Jobs behind any number of newer videos: a walk that finds none takes turns with single reads."""

    def test_behind_a_million(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(1000)}, listing=behind(1_000_000), latency=0.023)
        assert 1000 == len(set(farm.wait(pace=PollSettings(interval=None, timeout=10))))
        assert (25, 1000) == (farm.count("list_videos"), farm.count("retrieve_video"))
        assert 0.2 > farm.world.emitted_at[0]
        assert (25 + 1000 / 8) * farm.latency == pytest.approx(farm.world.elapsed)

    def test_behind_some_the_list_still_pays(self) -> None:
        farm = Farm({f"video_{index}": Job(2) for index in range(1000)}, listing=behind(2000), latency=0.0)
        assert 1000 == len(farm.wait())
        # Until it has found the jobs behind 20 pages, it has read 40, 80 and 160 of them for each 5 pages.
        assert 40 + 80 + 160 + 320 == farm.count("retrieve_video")
        assert 3 * 30 == farm.count("list_videos")

    @FLOWS
    @given(
        number=st.integers(1, 300),
        newer=st.integers(0, 3000) | st.just(1_000_000),
        gap=st.integers(0, 250),
        concurrency=st.integers(1, 20),
    )
    @example(number=300, newer=0, gap=99, concurrency=8)
    @example(number=300, newer=1_000_000, gap=0, concurrency=8)
    def test_twice_the_time_of_single_reads_is_always_enough(
        self, number: int, newer: int, gap: int, concurrency: int
    ) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(number)}, listing=behind(newer, gap), latency=0.1)
        singly = (math.ceil(number / concurrency) + 1) * farm.latency
        assert number == len(farm.wait(pace=PollSettings(None, 2 * singly), concurrency=concurrency))
        assert 1 == max(
            Counter(sent.call.video_id for sent in farm.world.sent if sent.call.video_id).values(), default=1
        )
        assert farm.requests <= 2 * number + 1


class TestTheTimeUntilTheFirst:
    """A job is emitted as soon as it was read, not at the end of its round."""

    def test_page_by_page(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(250)}, latency=1.0)
        farm.wait()
        assert [1.0] * 100 + [2.0] * 100 + [3.0] * 50 == farm.world.emitted_at

    def test_batch_by_batch(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(184)}, listing=refusing(404), latency=1.0)
        farm.wait()
        # The batches grow, so that few of the concurrent requests idle: 1, 2, 4, 8 and 8 reads for each of them.
        times = {2.0: 8, 4.0: 16, 8.0: 32, 16.0: 64, 24.0: 64}
        assert list(Counter(times).elements()) == farm.world.emitted_at

    def test_what_the_caller_throws_at_an_item_is_the_callers(self) -> None:
        """It is not taken for a failure of the list, whose page has just been read."""
        own = RateLimitError("mine", response=refusal(429))
        farm = Farm({"video_1": Job(0), "video_2": Job(0)})
        farm.world.throw = (1, own)
        with pytest.raises(RateLimitError) as caught:
            farm.wait()
        assert (own, ("video_2",), 1) == (caught.value, caught.value.pending, farm.requests)


class TestTheCallersTime:
    """What the caller does between two items takes nothing from the time of the other jobs."""

    @FLOWS
    @given(
        ends=st.lists(st.floats(0, 60), min_size=1, max_size=20),
        handling=st.floats(0, 600),
        listing=st.sampled_from([None, refusing(404), behind(700, 3)]),
        concurrency=st.integers(1, 9),
    )
    def test_a_job_that_has_ended_is_handed_out_however_slow_the_caller_is(
        self, ends: list[float], handling: float, listing: Any, concurrency: int
    ) -> None:
        farm = Farm({f"video_{index}": Job(at) for index, at in enumerate(ends)}, listing=listing)
        farm.world.handling = handling
        try:
            farm.wait(pace=PollSettings(None, 30), concurrency=concurrency)
        except PollTimeoutError as error:
            # They were still running at a look that began once the time was over.
            late = farm.world.elapsed - 2 * SHORTEST_ATTEMPT_S
            assert all(farm.jobs[video_id].ends > late for video_id in error.pending)  # noqa: PT017 - either end is right
        assert farm.world.elapsed - handling * len(farm.emitted) <= 30 + (len(ends) + 1) * 2 * SHORTEST_ATTEMPT_S

    def test_downloads_as_they_come(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(20)}, listing=refusing(404))
        farm.world.handling = 60.0
        assert 20 == len(farm.wait(pace=PollSettings(None, 10)))

    @pytest.mark.parametrize("interval", [0.0, 10.0])
    def test_jobs_that_end_after_the_last_look_are_looked_at_once_more(self, interval: float) -> None:
        farm = Farm({"video_1": Job(9.5), "video_2": Job(30)}, latency=0.1)
        farm.world.handling = 60.0
        assert ["video_1", "video_2"] == farm.wait(pace=PollSettings(interval, 10))

    def test_and_those_that_do_not_are_given_up(self) -> None:
        farm = Farm({"video_1": Job(9.5), "video_2": Job(math.inf)}, latency=0.0)
        farm.world.handling = 60.0
        with pytest.raises(PollTimeoutError) as caught:
            farm.wait(pace=PollSettings(10, 10))
        # At the start, at the deadline, and after the caller has handled the other.
        assert (3, ("video_2",)) == (farm.requests, caught.value.pending)

    def test_a_caller_who_is_quick_gets_no_second_last_look(self) -> None:
        farm = Farm({"video_1": Job(9.5), "video_2": Job(math.inf)}, latency=0.0)
        farm.world.handling = 1.0
        with pytest.raises(PollTimeoutError):
            farm.wait(pace=PollSettings(10, 10))
        assert 2 == farm.requests


class TestLists:
    """Some servers have no list, or a broken one. Single reads always work."""

    @pytest.mark.parametrize("which", BROKEN_LISTS)
    def test_a_useless_list_is_not_requested_again(self, which: str, caplog: pytest.LogCaptureFixture) -> None:
        farm = Farm({f"video_{index}": Job(5) for index in range(20)}, listing=BROKEN_LISTS[which], largest_page=4)
        with caplog.at_level(logging.INFO, "openvideos"):
            assert 20 == len(farm.wait())
        assert 1 <= farm.count("list_videos") <= 2 + farm.world.retries().limit
        assert 1 == sum("reading each video by itself" in message for message in caplog.messages)

    def test_jobs_that_a_broken_list_showed_are_not_read_again(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(20)}, listing=repeating, largest_page=4)
        assert 20 == len(farm.wait())
        assert 16 == farm.count("retrieve_video")

    def test_a_list_that_fails_for_good_is_given_up(self, caplog: pytest.LogCaptureFixture) -> None:
        """A server without a database returns a 500 for every list (LiteLLM)."""
        farm = Farm({f"video_{index}": Job(5) for index in range(20)}, listing=refusing(500))
        with caplog.at_level(logging.INFO, "openvideos"):
            assert 20 == len(farm.wait())
        assert 3 * LIST_CHANCES == farm.count("list_videos")
        assert (
            "wait_many: the list cannot be used (InternalServerError); reading each video by itself" in caplog.messages
        )

    def test_a_list_that_fails_for_a_while_is_requested_again(self) -> None:
        farm = Farm(
            {f"video_{index}": Job(30) for index in range(20)},
            faults={number: refusal(500) for number in (*range(1, 7), *range(9, 15), *range(20, 26))},
        )
        assert 20 == len(farm.wait())
        assert 0 == farm.count("retrieve_video")

    def test_a_list_that_hangs_does_not_keep_jobs_from_being_read(self) -> None:
        farm = Farm({f"video_{index}": Job(5) for index in range(20)}, listing=hanging)
        assert 20 == len(farm.wait())
        assert 3 * LIST_CHANCES == farm.count("list_videos")
        assert ["list_videos"] * 3 + ["retrieve_video"] * 20 == [sent.call.operation for sent in farm.world.sent][:23]

    def test_a_page_that_is_no_list_is_borne(self) -> None:
        """A gateway may show its own page for a while."""
        page = httpx.Response(200, content=b"<html>")
        farm = Farm({f"video_{index}": Job(30) for index in range(20)}, faults={1: page, 22: page, 44: page})
        assert 20 == len(farm.wait())
        operations = [sent.call.operation for sent in farm.world.sent]
        assert (["list_videos"], ["retrieve_video"] * 20) == (operations[:1], operations[1:21])
        # The list is tried again each time, and works but for the three times.
        assert 3 * 20 == farm.count("retrieve_video")

    @pytest.mark.parametrize("error", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.ReadError("x")])
    def test_a_server_that_is_not_there_is_not_asked_for_each_job(self, error: Exception) -> None:
        farm = Farm({f"video_{index}": Job(5) for index in range(20)}, faults=dict.fromkeys(range(1, 99), error))
        with pytest.raises(APIConnectionError):
            farm.wait()
        assert 0 == farm.count("retrieve_video")

    def test_a_list_that_asks_for_patience_gets_it(self) -> None:
        """Never sooner than the server asks."""
        farm = Farm({"video_1": Job(0), "video_2": Job(0)}, faults={1: refusal(429, {"retry-after": "300"})})
        assert 2 == len(farm.wait())
        assert [300.0] == farm.world.slept
        farm = Farm({"video_1": Job(0), "video_2": Job(0)}, faults={1: refusal(429, {"retry-after": "61"})})
        farm.wait(limit=1)
        assert (0, [61.0]) == (farm.count("retrieve_video"), farm.world.slept)

    @pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (403, PermissionDeniedError)])
    def test_a_list_that_refuses_the_key_ends_it(self, status: int, kind: type[OpenVideosError]) -> None:
        farm = Farm({"video_1": Job(0), "video_2": Job(0)}, listing=refusing(status))
        with pytest.raises(kind) as caught:
            farm.wait()
        assert (1, ("video_1", "video_2")) == (farm.requests, caught.value.pending)

    def test_a_list_that_only_wants_peace_never_counts_as_broken(self) -> None:
        farm = Farm({"video_1": Job(0), "video_2": Job(0)}, listing=refusing(429))
        with pytest.raises(RateLimitError):
            farm.wait()
        assert 0 == farm.count("retrieve_video")

    def test_a_list_that_works_between_has_all_its_chances_again(self) -> None:
        faults = {number: refusal(429) for number in (*range(1, 25), *range(26, 50))}  # eight rounds of three, twice
        farm = Farm({"video_1": Job(90), "video_2": Job(90)}, faults=faults)
        assert 2 == len(farm.wait())
        assert 50 <= farm.requests

    def test_what_the_list_lacks_is_read(self) -> None:
        farm = Farm({f"video_{index}": Job(0) for index in range(9)}, hidden=frozenset({"video_3", "video_5"}))
        assert 9 == len(farm.wait())
        assert (1, 2) == (farm.count("list_videos"), farm.count("retrieve_video"))

    def test_a_list_that_lacks_some_is_used_again(self) -> None:
        farm = Farm({f"video_{index}": Job(2) for index in range(9)}, hidden=frozenset({"video_3", "video_5"}))
        assert 9 == len(farm.wait())
        assert (3, 6) == (farm.count("list_videos"), farm.count("retrieve_video"))

    def test_words_and_ids_are_the_contracts(self) -> None:
        farm = Farm({"video_1": Job(0, "succeeded"), "video_2": Job(0, "cancelled")})
        farm.wait()
        assert [("completed", "succeeded"), ("failed", "cancelled")] == [
            (video.status, video["server_status"]) for video in farm.world.emitted
        ]
        farm = Farm({"video_1": Job(0)}, server_ids=True)
        assert ["video_1"] == farm.wait()
        assert "server-video_1" == farm.world.emitted[0]["server_id"]

    def test_another_id_is_logged_once_for_a_job(self, caplog: pytest.LogCaptureFixture) -> None:
        farm = Farm({"video_1": Job(5), "video_2": Job(5)}, server_ids=True, listing=refusing(404))
        with caplog.at_level(logging.WARNING, "openvideos"):
            farm.wait()
        assert [f"video video_{n}: the server calls it 'server-video_{n}'" for n in (1, 2)] == caplog.messages


class TestPauses:
    """The same interval sources: the caller's, else the latest response's hints, else a second."""

    @pytest.mark.parametrize("number", [1, 5])
    @pytest.mark.parametrize(
        ("headers", "interval", "pause"),
        [({}, None, 1.0), ({"openai-poll-after-ms": "2500"}, None, 2.5), ({"retry-after": "7"}, 3.0, 3.0)],
    )
    def test_between_rounds(self, number: int, headers: dict[str, str], interval: float | None, pause: float) -> None:
        farm = Farm({f"video_{index}": Job(1.5) for index in range(number)}, headers=headers, latency=0.0)
        farm.wait(pace=PollSettings(interval, 3600))
        assert [pause] * math.ceil(1.5 / pause) == farm.world.slept

    def test_a_date_is_reckoned_from_the_wall_clock(self) -> None:
        farm = Farm({"video_1": Job(5)}, headers={"retry-after": formatdate(WALL + 30, usegmt=True)}, latency=0.0)
        farm.wait()
        assert [30.0] == farm.world.slept

    def test_after_a_round_that_failed(self) -> None:
        faults: dict[int, Outcome] = dict.fromkeys(range(1, 10), httpx.ReadError("x"))
        farm = Farm({"video_1": Job(0)}, faults=faults)
        farm.wait(limit=2)
        # Within a round 0.5 and 1; between rounds a second or more.
        assert [0.5, 1.0, 1.0, 0.5, 1.0, 1.0, 0.5, 1.0, 2.0] == farm.world.slept

    def test_none_when_all_have_ended(self) -> None:
        farm = Farm({"video_1": Job(0)})
        farm.wait()
        assert [] == farm.world.slept


class TestFailures:
    """The exception names the job, and what has ended is handed out before anything is raised."""

    def test_a_job_that_was_deleted(self) -> None:
        farm = Farm({"video_1": Job(0), "video_2": Job(9, deleted=5), "video_3": Job(99), "video_4": Job(0)})
        with pytest.raises(NotFoundError) as caught:
            farm.wait()
        assert ["video_1", "video_4"] == farm.emitted
        assert ("video_2", ("video_2", "video_3")) == (caught.value.video_id, caught.value.pending)
        assert caught.value.video is not None
        assert "in_progress" == caught.value.video.status

    def test_a_job_that_never_was(self) -> None:
        farm = Farm({"video_1": Job(0), "video_3": Job(0)})
        with pytest.raises(NotFoundError) as caught:
            farm.wait(["video_1", "video_2", "video_3"])
        assert (["video_1", "video_3"], "video_2") == (farm.emitted, caught.value.video_id)
        assert ("video_2",) == caught.value.pending

    def test_jobs_that_are_not_there_stop_no_others_if_they_are_told(self) -> None:
        told = list[str]()
        jobs = {"video_1": Job(9), "video_3": Job(20, deleted=12), "video_5": Job(30)}
        farm = Farm(jobs, latency=0.0)
        farm.wait([f"video_{number}" for number in range(1, 7)], on_not_found=partial(add_id, told))
        assert ["video_1", "video_5"] == farm.emitted
        # Those that never were are told after the first round, and asked for no more; a 404 of one that was seen is
        # borne for a while.
        assert ["video_2", "video_4", "video_6", "video_3"] == told
        reads = Counter(str(sent.call.video_id) for sent in farm.world.sent if sent.call.operation == "retrieve_video")
        assert [1, 1, 1] == [reads[video_id] for video_id in told[:3]]
        assert 2 * DOUBTS_PER_RETRY + 1 == reads["video_3"]

    def test_none_of_many_is_there(self) -> None:
        """As when a server kept its jobs in memory, and was started anew: each is asked for once."""
        told, farm = list[str](), Farm({})
        ids = [f"video_{number}" for number in range(500)]
        assert [] == farm.wait(ids, on_not_found=partial(add_id, told))
        assert (ids, 500) == (told, farm.count("retrieve_video"))
        assert [] == farm.world.slept

    def test_the_pause_is_that_of_the_jobs_that_are_there(self) -> None:
        farm = Farm({"video_1": Job(60)}, headers={"openai-poll-after-ms": "30000"}, latency=0.0)
        farm.wait(["video_1", "video_2"], on_not_found=lambda _: None)
        assert [30.0, 30.0] == farm.world.slept

    def test_a_job_that_is_not_there_is_no_reason_that_others_are_late(self) -> None:
        told, farm = list[str](), Farm({"video_1": Job(99)})
        with pytest.raises(PollTimeoutError) as caught:
            farm.wait(
                ["video_1", "video_2"], PollSettings(interval=None, timeout=0), on_not_found=partial(add_id, told)
            )
        assert (["video_2"], ("video_1",), None) == (told, caught.value.pending, caught.value.__cause__)

    def test_what_was_not_told_is_pending(self) -> None:
        faults: dict[int, Outcome] = {2: refusal(404), 3: refusal(403)}
        told, farm = list[str](), Farm({"video_1": Job(9), "video_2": Job(9)}, faults=faults, listing=refusing(404))
        with pytest.raises(PermissionDeniedError) as caught:
            farm.wait(on_not_found=partial(add_id, told))
        assert ([], ("video_1", "video_2")) == (told, caught.value.pending)

    def test_the_time_of_the_callback_is_the_callers(self) -> None:
        farm = Farm({"video_1": Job(9)}, latency=0.0)
        farm.wait(["video_1", "video_2"], PollSettings(1, 10), on_not_found=lambda _: farm.world.advance(600))
        assert ["video_1"] == farm.emitted

    def test_a_job_that_failed_if_requested(self) -> None:
        farm = Farm({"video_1": Job(0), "video_2": Job(0, "cancelled"), "video_3": Job(0), "video_4": Job(9)})
        with pytest.raises(VideoFailedError) as caught:
            farm.wait(raise_on_failure=True)
        assert (["video_1"], "video_2") == (farm.emitted, caught.value.video_id)
        assert ("video_3", "video_4") == caught.value.pending

    @pytest.mark.parametrize("limit", [0, 1, 2])
    def test_responses_that_are_no_video(self, limit: int) -> None:
        page, budget = httpx.Response(200, content=b"<html>"), DOUBTS_PER_RETRY * limit
        farm = Farm({"video_1": Job(0)}, faults=dict.fromkeys(range(1, budget + 1), page))
        assert ["video_1"] == farm.wait(limit=limit)
        farm = Farm({"video_1": Job(0)}, faults=dict.fromkeys(range(1, 99), page))
        with pytest.raises(APIResponseValidationError) as caught:
            farm.wait(limit=limit)
        assert ("video_1", ("video_1",), budget + 1) == (caught.value.video_id, caught.value.pending, farm.requests)
        notes = [f"openvideos: {budget + 1} polls in a row have failed; this is the last failure."] if limit else []
        assert notes == getattr(caught.value, "__notes__", [])

    def test_a_job_that_is_not_found_for_a_while_though_it_was_seen(self) -> None:
        farm = Farm({"video_1": Job(9)}, faults=dict.fromkeys(range(2, 6), refusal(404)))
        assert ["video_1"] == farm.wait()

    def test_failures_of_one_job_are_not_those_of_another(self) -> None:
        """With thousands of jobs, some read fails in each round."""
        page = httpx.Response(200, content=b"<html>")
        faults = {20 * number + number % 20 + 2: page for number in range(15)}
        farm = Farm({f"video_{index}": Job(30) for index in range(20)}, listing=refusing(404), faults=faults)
        assert 20 == len(farm.wait())
        assert 15 < farm.count("retrieve_video") / 20

    def test_the_worst_failure_of_a_round_decides(self) -> None:
        """A job that may be found again does not hide one that never was, nor a pause that the server asks for."""
        faults: dict[int, Outcome] = {4: refusal(404), 5: refusal(403)}
        farm = Farm({"video_1": Job(9), "video_2": Job(9)}, faults=faults, listing=refusing(404))
        with pytest.raises(PermissionDeniedError) as caught:
            farm.wait()
        assert ("video_2", 5) == (caught.value.video_id, farm.requests)
        faults = {4: refusal(404), 5: refusal(429, {"retry-after": "70"})}
        farm = Farm({"video_1": Job(9), "video_2": Job(9)}, faults=faults, listing=refusing(404))
        farm.wait(limit=1)
        assert 70.0 == farm.world.slept[1]

    def test_a_refusal(self) -> None:
        farm = Farm({"video_1": Job(0)}, faults={1: refusal(400)})
        with pytest.raises(BadRequestError):
            farm.wait()
        assert 1 == farm.requests

    @pytest.mark.parametrize("outcome", [refusal(500), httpx.ReadError("x"), refusal(408)], ids=repr)
    @pytest.mark.parametrize("limit", [0, 1, 2])
    def test_so_many_rounds_may_fail_in_a_row(self, outcome: Outcome, limit: int) -> None:
        rounds, attempts = FAILURES_PER_RETRY * limit, limit + 1
        farm = Farm({"video_1": Job(0)}, faults=dict.fromkeys(range(1, rounds * attempts + 1), outcome))
        assert ["video_1"] == farm.wait(limit=limit)
        farm = Farm({"video_1": Job(0)}, faults=dict.fromkeys(range(1, 999), outcome))
        with pytest.raises((InternalServerError, APIConnectionError, OpenVideosError)) as caught:
            farm.wait(limit=limit)
        assert (rounds + 1) * attempts == farm.requests
        assert not isinstance(caught.value, PollTimeoutError)

    def test_a_round_that_succeeds_resets_them(self) -> None:
        faults: dict[int, Outcome] = {}
        for begin in (1, 32, 63):
            faults.update(dict.fromkeys(range(begin, begin + 30), refusal(500)))
        farm = Farm({"video_1": Job(400)}, faults=faults)
        assert ["video_1"] == farm.wait()


class TestTheDeadline:
    """The same deadline rules: monotonic, finite, one last look, PollTimeoutError that names all that is left."""

    def test_names_all_that_is_left(self) -> None:
        farm = Farm({"video_1": Job(99), "video_2": Job(1), "video_3": Job(99)})
        with pytest.raises(PollTimeoutError) as caught:
            farm.wait(pace=PollSettings(interval=None, timeout=10))
        assert ("video_1", ("video_1", "video_3")) == (caught.value.video_id, caught.value.pending)
        assert (
            "2 of the videos did not end within 10 s, the first video_1. They go on at the server: wait for `.pending` "
            "again, or pass a larger poll_timeout_ms."
        ) == str(caught.value)
        assert caught.value.video is not None
        assert "in_progress" == caught.value.video.status

    def test_names_the_one_that_is_left(self) -> None:
        with pytest.raises(PollTimeoutError) as caught:
            Farm({"video_1": Job(99), "video_2": Job(1)}).wait(pace=PollSettings(interval=None, timeout=10))
        assert (
            "The video video_1 did not end within 10 s. It goes on at the server: poll it again, or pass a larger "
            "poll_timeout_ms."
        ) == str(caught.value)

    def test_says_why_the_last_poll_failed(self) -> None:
        farm = Farm({"video_1": Job(99), "video_2": Job(99)}, faults=dict.fromkeys(range(2, 99), refusal(503)))
        with pytest.raises(PollTimeoutError) as caught:
            farm.wait(pace=PollSettings(interval=None, timeout=10))
        assert isinstance(caught.value.__cause__, InternalServerError)
        assert str(caught.value).endswith(f"poll_timeout_ms. The last poll failed: {caught.value.__cause__}")

    def test_a_last_look_at_the_deadline(self) -> None:
        farm = Farm({"video_1": Job(9.9), "video_2": Job(9.9)}, latency=0.0)
        assert 2 == len(farm.wait(pace=PollSettings(interval=60, timeout=10)))
        assert [10.0] == farm.world.slept

    def test_and_no_second_one(self) -> None:
        farm = Farm({"video_1": Job(99), "video_2": Job(99)}, latency=0.0)
        with pytest.raises(PollTimeoutError):
            farm.wait(pace=PollSettings(interval=5, timeout=10))
        assert ([5.0, 5.0], 3) == (farm.world.slept, farm.requests)

    @pytest.mark.parametrize("interval", [10.0, 60.0])
    def test_a_sleep_that_ends_too_early_brings_no_second_last_look(self, interval: float) -> None:
        farm = Farm({"video_1": Job(99), "video_2": Job(99)}, latency=0.0)
        farm.world.early = 0.001
        with pytest.raises(PollTimeoutError):
            farm.wait(pace=PollSettings(interval, timeout=10))
        assert ([10.0], 2) == (farm.world.slept, farm.requests)

    def test_a_round_that_takes_all_the_time_is_the_last(self) -> None:
        farm = Farm({"video_1": Job(99), "video_2": Job(99)}, latency=10.0)
        with pytest.raises(PollTimeoutError):
            farm.wait(pace=PollSettings(interval=None, timeout=10))
        assert ([], 1) == (farm.world.slept, farm.requests)

    def test_no_time_at_all_is_one_look(self) -> None:
        farm = Farm({"video_1": Job(0), "video_2": Job(9)})
        with pytest.raises(PollTimeoutError) as caught:
            farm.wait(pace=PollSettings(interval=None, timeout=0))
        assert (["video_1"], ("video_2",), 1) == (farm.emitted, caught.value.pending, farm.requests)

    @pytest.mark.parametrize("listing", [None, refusing(404)])
    def test_a_round_of_thousands_does_not_draw_it_out(self, listing: Any) -> None:
        farm = Farm({f"video_{index}": Job(99) for index in range(3000)}, listing=listing, latency=0.5)
        with pytest.raises(PollTimeoutError) as caught:
            farm.wait(pace=PollSettings(interval=None, timeout=3))
        assert farm.world.elapsed <= 3 + 2 * SHORTEST_ATTEMPT_S
        assert 3000 == len(caught.value.pending)

    def test_requests_are_begun_until_one_step_after_it(self) -> None:
        """The last look begins at the deadline; it is not cut off before it has begun."""
        farm = Farm({"video_1": Job(2.5), "video_2": Job(2.5), "video_3": Job(2.5)}, listing=refusing(404), latency=0.5)
        assert 3 == len(farm.wait(pace=PollSettings(interval=60, timeout=3), concurrency=1))
        assert START + 4.5 == farm.world.now

    def test_each_request_gets_what_is_left(self) -> None:
        farm = Farm({"video_1": Job(2), "video_2": Job(2)}, hidden=frozenset({"video_2"}), latency=1.0)
        farm.wait(pace=PollSettings(interval=None, timeout=100))
        assert [100.0, 99.0] == [sent.within for sent in farm.world.sent[:2]]


class TestConcurrency:
    """Bounded concurrency."""

    @FLOWS
    @given(limit=st.integers(1, 20), number=st.integers(1, 40))
    @example(limit=8, number=40)
    def test_the_bound_is_kept_and_used(self, limit: int, number: int) -> None:
        farm = Farm({f"video_{index}": Job(3) for index in range(number)}, listing=refusing(404), latency=0.5)
        assert number == len(farm.wait(concurrency=limit))
        assert min(limit, number) == farm.world.most_at_once
        assert all(limit == effect.limit for effect in farm.world.effects if isinstance(effect, Gather))

    @pytest.mark.parametrize("value", [1, 8, 1000])
    def test_a_number_above_zero(self, value: int) -> None:
        assert value == checked_concurrency(value)

    @pytest.mark.parametrize("value", [0, -1, 1.5, True, "8", None])
    def test_nothing_else(self, value: Any) -> None:
        with pytest.raises(InvalidArgumentError, match=r"max_concurrency is .*; it must be an integer above zero\.$"):
            checked_concurrency(value)


class TestIds:
    """Each id once, in the caller's order; any iterable but a text."""

    def test_each_once(self) -> None:
        assert ["b", "a", "c"] == list(checked_jobs(iter(["b", "a", "b", "c", "a"])))
        farm = Farm({"video_1": Job(0), "video_2": Job(0)})
        assert ["video_2", "video_1"] == sorted(farm.wait(["video_2", "video_1", "video_2"]), reverse=True)

    @pytest.mark.parametrize("value", ["video_1", b"video_1"])
    def test_no_text(self, value: Any) -> None:
        with pytest.raises(InvalidArgumentError, match=r"^ids is a single text; pass a list of ids\.$"):
            checked_jobs(value)

    def test_none_is_no_request(self) -> None:
        farm = Farm({"video_1": Job(0)})
        assert [] == farm.wait([])
        assert 0 == farm.requests
