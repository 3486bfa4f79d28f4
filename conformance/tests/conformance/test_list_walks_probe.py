"""The walks over the list: which there are, when another job is created for them, and where each one ends."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.outcomes import NotReachedError
from openvideos_conformance._history.registry import Traffic
from openvideos_conformance._judging.list_walks import End
from openvideos_conformance._probes.list_walks import Walks, largest, past_the_end, walk, walk_all_ways
from openvideos_conformance._server.recording_client import RecordingClient
from openvideos_conformance.suite import test_walking

from .histories import CALM, broken
from .synthetic_server import Answer, SyntheticServer, client_of, refusal


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take no time to sleep, and keep how long it would have been."""
    seconds: list[float] = []
    monkeypatch.setattr("openvideos_conformance._probes.list_walks.time.sleep", seconds.append)
    return seconds


def creates(client: RecordingClient, server: SyntheticServer, number: int, *, apart: int = 1) -> None:
    """Create so many of the run's own jobs, with some seconds between two of them."""
    for _ in range(number):
        assert client.post("/videos", form={"prompt": "x"}).is_ok
        server.now += apart


def walked(server: SyntheticServer, own: int, *, apart: int = 1, others: int = 0, newer: int = 0) -> Walks:
    """Walk over a list that has the run's own jobs, and older and newer ones of somebody else."""
    with client_of(server, max_videos=200) as client:
        for _ in range(others):
            server.add()
        server.now += 1
        creates(client, server, own, apart=apart)
        for _ in range(newer):
            server.add()

        def create() -> Exchange:
            server.now += 1
            return client.post("/videos", form={"prompt": "another"})

        return walk_all_ways(client, create)


def test_every_size_of_page_is_walked_both_ways() -> None:
    walks = walked(SyntheticServer(), 25)
    sizes = [1, 2, 3, 7, 100]
    assert [100, *sizes] == [each.limit for each in walks.newest_first]
    assert sizes == [each.limit for each in walks.oldest_first]
    assert walks.by_default.limit is None
    assert 25 == len(walks.own)
    assert walks.reference is walks.newest_first[0]
    assert all(each.is_whole(walks.own) for each in walks.all)
    for each in walks.all:
        assert {End.LAST_PAGE} == {each.end}
        assert [*walks.own][:: 1 if each.order == "asc" else -1] == each.ids


@pytest.mark.parametrize(("others", "newer"), [(300, 0), (0, 40), (300, 40)])
def test_a_walk_ends_behind_the_own_jobs_and_the_other_way_begins_before_them(others: int, newer: int) -> None:
    walks = walked(SyntheticServer(), 21, others=others, newer=newer)
    assert all(each.is_whole(walks.own) for each in walks.all)
    longest = max(len(each.pages) for each in walks.newest_first)
    assert longest <= 21 + newer + 2, "it does not go through what others have"
    assert (others > 0) == (walks.oldest_first[0].after is not None)


class Tied(SyntheticServer):
    """A server that orders the videos of one second in a way of its own in each direction, and always alike."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def _list(self, query: httpx.QueryParams) -> httpx.Response:
        is_rising = query.get("order") == "asc"

        def place(job: dict[str, Any]) -> tuple[int, int]:
            rank = random.Random(f"{self.seed} {is_rising} {job['id']}").random()  # noqa: S311 - an order, no secret
            return (1 if is_rising else -1) * job["created_at"], int(rank * 1_000_000)

        jobs, self.jobs = self.jobs, {each["id"]: each for each in sorted(self.jobs.values(), key=place)}
        try:
            return super()._list(query.set("order", "asc"))  # as they stand
        finally:
            self.jobs = jobs


@settings(CALM, max_examples=settings().max_examples // 2)
@given(seed=st.integers(0, 1 << 32), own=st.integers(4, 12), others=st.integers(0, 3), apart=st.integers(0, 1))
def test_no_walk_over_ties_is_a_violation(seed: int, own: int, others: int, apart: int) -> None:
    """The contract promises an order by `created_at`, and a stable one each way; nothing more."""
    server = Tied(seed)
    with client_of(server, max_videos=200) as client:
        for _ in range(others):
            server.add()
        creates(client, server, own, apart=apart)

        def create() -> Exchange:
            server.now += 1
            return client.post("/videos", form={"prompt": "another"})

        walks = walk_all_ways(client, create)
        assert all(each.is_whole(walks.own) for each in walks.all)
        assert [] == past_the_end(client, walks).object["data"]
        test_walking.test_a_walk_meets_each_video_once(walks)
        test_walking.test_has_more_is_true_until_the_last_page(walks)
        test_walking.test_the_newest_come_first(walks)
        test_walking.test_the_oldest_come_first_with_asc(walks)
        test_walking.test_a_page_starts_right_after_its_cursor(client, walks)
        test_walking.test_two_walks_have_the_same_order(walks)
        assert {} == {name: found for name, found in broken(Traffic(client.history)).items() if "LIST" in name}


def test_jobs_of_one_second_have_no_order_so_one_is_created_in_another(slept: list[float]) -> None:
    server = SyntheticServer()
    walks = walked(server, 30, apart=0)
    assert 31 == len(walks.own)
    (pause,) = slept
    assert 0 < pause <= 1.05


@pytest.mark.parametrize(("own", "created"), [(18, 3), (19, 2), (20, 1), (21, 0), (17, 0), (3, 0)])
def test_a_few_are_created_to_have_more_than_one_page_by_default(own: int, created: int, slept: list[float]) -> None:
    walks = walked(SyntheticServer(), own)
    assert own + created == len(walks.own)
    assert [] == slept


def test_creates_that_are_refused_leave_the_rest_to_be_judged() -> None:
    def create() -> Exchange:
        raise NotReachedError("the limit is reached")

    server = SyntheticServer()
    with client_of(server) as client:
        creates(client, server, 20)
        assert 20 == len(walk_all_ways(client, create).own)


@pytest.mark.parametrize("own", [0, 1, 2])
def test_fewer_than_three_make_no_order(own: int) -> None:
    with pytest.raises(NotReachedError, match=f"this run has {own} videos"):
        walked(SyntheticServer(), own)


def test_jobs_too_deep_in_the_list_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvideos_conformance._probes.list_walks._MOST_PAGES", 2)
    assert walked(SyntheticServer(), 3, newer=190)
    with pytest.raises(NotReachedError, match="2 pages of 100 videos"):
        walked(SyntheticServer(), 3, newer=200)


def changed(**fields: object) -> Answer:
    """Return what changes these fields of each page."""

    def wrong(request: httpx.Request) -> httpx.Response | None:
        if request.method != "GET":
            return None
        return httpx.Response(200, json={**RIGHT._right(request).json(), **fields})

    return wrong


def _endless(request: httpx.Request) -> httpx.Response:
    after = int(request.url.params.get("after", "0"))
    return httpx.Response(200, json={"data": [], "has_more": True, "last_id": str(after + 1)})


RIGHT = SyntheticServer()
"""What the wrong servers have in their lists."""
for _ in range(9):
    RIGHT.add()

ENDS: dict[str, tuple[Answer, End, int]] = {
    "right": (changed(), End.LAST_PAGE, 5),
    "one cursor for ever": (changed(last_id="video_8", has_more=True), End.REPEATED, 2),
    "no cursor": (changed(last_id=None), End.BROKEN, 1),
    "no word on more": (changed(has_more=None), End.BROKEN, 1),
    "no list": (changed(data=None), End.BROKEN, 1),
    "an error": (lambda _: refusal(500), End.BROKEN, 1),
    "no JSON": (lambda _: httpx.Response(200, text="<html>"), End.BROKEN, 1),
    "never an end": (_endless, End.BOUND, 7),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_walk_ends_for_a_reason(name: str) -> None:
    answer, end, pages = ENDS[name]
    with client_of(SyntheticServer(answer)) as client:
        found = walk(client, limit=2, most=7)
    assert (end, pages) == (found.end, len(found.pages))


def test_a_walk_ends_when_its_pages_are_as_long_as_what_is_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SyntheticServer()
    with client_of(server, max_videos=200) as client:
        creates(client, server, 9)
        length = client.get("/videos", query={"limit": 1}).length
        monkeypatch.setattr("openvideos_conformance._probes.list_walks.MOST_BYTES", 3 * length)
        found = walk(client, limit=1)
    assert (3, End.BOUND) == (len(found.pages), found.end)


def test_a_walk_goes_one_page_further_than_what_is_wanted() -> None:
    with client_of(SyntheticServer(changed())) as client:
        found = walk(client, limit=2, wanted=["video_8"])
    assert (End.ENOUGH, ["video_9", "video_8", "video_7", "video_6"]) == (found.end, found.ids)


def test_an_empty_last_page_is_asked_for_again_with_the_one_before() -> None:
    def wrong(request: httpx.Request) -> httpx.Response | None:
        page = RIGHT._right(request).json()
        return httpx.Response(200, json={**page, "has_more": bool(page["data"])})

    with client_of(SyntheticServer(wrong)) as client:
        found = walk(client, limit=5)
    assert [5, 4, 0] == [len(each.object["data"]) for each in found.pages]
    assert [each.query for each in found.pages[-2:]] == [each.query for each in found.recheck]


def test_the_largest_page_is_the_contracts() -> None:
    with client_of(SyntheticServer()) as client:
        assert 100 == largest(client.contract)
