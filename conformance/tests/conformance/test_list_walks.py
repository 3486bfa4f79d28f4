"""Test the judgement of walks, with synthetic pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.own_jobs import deleted_ids, present_ids
from openvideos_conformance._inputs.unknown_ids import neighbours_of, unknown_like
from openvideos_conformance._judging.list_walks import (
    End,
    Walk,
    before_all,
    not_met_once,
    until_its_end,
    wrong_end,
    wrong_start,
    wrong_times,
)

OWN = ("c", "b", "a")


def page(ids: str, *, more: bool = False, times: dict[str, int] | None = None, **changes: Any) -> Exchange:
    """Return a page of videos whose ids are single letters."""
    data = [{"id": id_, "created_at": (times or {}).get(id_, 7)} for id_ in ids]
    ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    body = {"object": "list", "data": data, **ends, "has_more": more, **changes}
    return exchange("GET", "/videos", "list_videos", body)


def exchange(method: str, path: str, operation: str, body: Any, *, status: int = 200, **known: Any) -> Exchange:
    """Return an exchange that returned JSON."""
    return Exchange(
        number=1,
        layer="scenario",
        began=0.0,
        ended=0.0,
        at=0.0,
        method=method,
        path=path,
        operation=operation,
        status=status,
        body=json.dumps(body).encode(),
        **known,
    )


def walk(*pages: Exchange, end: End = End.LAST_PAGE, **known: Any) -> Walk:
    """Return a walk over these pages."""
    return Walk(pages=pages, end=end, **known)


def test_a_walk_that_finds_each_video_once_has_no_flaw() -> None:
    right = walk(page("xc", more=True), page("by", more=True), page("a"), limit=2)
    assert not_met_once(right, OWN) is None
    assert wrong_end(right, OWN) is None
    assert right.is_whole(OWN)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (walk(page("cb"), limit=2), "misses 1 of the 3"),
        (walk(page("cb", more=True), page("ba"), limit=2), "finds b twice"),
        (walk(page("c", more=True), page("c", more=True), limit=1, end=End.REPEATED), "is a loop"),
    ],
    ids=["missed", "twice", "circle"],
)
def test_a_walk_that_does_not_is_reported(wrong: Walk, expected: str) -> None:
    flaw = not_met_once(wrong, OWN)
    assert flaw is not None
    assert expected in flaw.message
    assert flaw.exchanges


def test_what_others_create_and_delete_is_no_flaw() -> None:
    assert not_met_once(walk(page("xxc", more=True), page("xba")), OWN) is None


def test_a_walk_that_was_broken_off_misses_nothing() -> None:
    assert not_met_once(walk(page("c", more=True), end=End.BOUND), OWN) is None


def test_has_more_that_is_false_too_early_is_reported() -> None:
    flaw = wrong_end(walk(page("c"), limit=1), OWN)
    assert flaw is not None
    assert "2 videos follow" in flaw.message


def test_what_a_walk_misses_before_it_ends_too_early_is_told_from_what_follows() -> None:
    early = walk(page("c", more=True), page("a"), limit=1)
    own = (*OWN, "z")
    assert "1 videos follow, such as z" in str(wrong_end(early, own))
    assert OWN == until_its_end(early, own)
    assert "misses 1 of the 3" in str(not_met_once(early, until_its_end(early, own)))
    assert () == until_its_end(walk(page("x")), own)


def test_has_more_that_is_true_on_the_last_page_is_reported_if_it_is_repeated() -> None:
    full, empty = page("cba", more=True), page("")
    assert wrong_end(walk(full, empty, recheck=(full, empty)), OWN) is not None
    assert wrong_end(walk(full, empty, recheck=(page("cba"), empty)), OWN) is None
    assert wrong_end(walk(full, empty, recheck=(full, page("z"))), OWN) is None


def test_a_walk_the_other_way_begins_before_the_second_of_the_first_own_video() -> None:
    times = {"x": 9, "c": 9, "b": 8, "y": 8, "a": 8, "z": 8, "w": 7, "v": 6}
    assert "w" == before_all(walk(page("xcbyazwv", times=times)), OWN)
    assert before_all(walk(page("xcbyaz", times=times)), OWN) is None
    assert before_all(walk(page("xyzwv", times=times)), OWN) is None


def test_the_order_is_that_of_created_at() -> None:
    falling = walk(page("cb", times={"c": 9, "b": 8}), page("a", times={"a": 8}))
    assert wrong_times(falling, is_ascending=False) is None
    flaw = wrong_times(falling, is_ascending=True)
    assert flaw is not None
    assert 1 == len(flaw.exchanges)
    across = wrong_times(walk(page("c", times={"c": 7}), page("b", times={"b": 8})), is_ascending=False)
    assert across is not None
    assert 2 == len(across.exchanges)


def test_a_page_starts_right_after_its_cursor() -> None:
    order = ["c", "x", "b", "a"]
    assert wrong_start(page("ba"), "x", order, OWN) is None
    assert wrong_start(page("nba"), "x", order, OWN) is None  # somebody's new video
    assert wrong_start(page("ba"), "c", order, OWN) is None  # x is somebody's, and may be gone
    assert wrong_start(page(""), "a", order, OWN) is None
    for wrong in (page("xba"), page("a"), page("")):
        assert wrong_start(wrong, "x", order, OWN) is not None


def test_only_what_nobody_tried_to_delete_must_be_there() -> None:
    created = [exchange("POST", "/videos", "create_video", {"id": id_}) for id_ in "abc"]
    refused = exchange("DELETE", "/videos/a", "delete_video", {}, status=409, ids={"video_id": "a"})
    failed = exchange("DELETE", "/videos/b", "delete_video", {}, status=500, ids={"video_id": "b"})
    deleted = exchange("DELETE", "/videos/c", "delete_video", {}, ids={"video_id": "c"})
    history = [*created, refused, failed, deleted]
    assert ["a"] == present_ids(history)
    assert {"c"} == deleted_ids(history)


@pytest.mark.parametrize(
    "known",
    [
        "video_68d7512d07848190b3e45da0ecbebcde",
        "0b5c7a52-6d5e-4a55-9a53-2f8f6c6a7d11",
        "gen-abcdefghijklmnop:provider",
        "17",
        "v1",
        "=",
        "x" * 201,
    ],
)
def test_an_unknown_id_looks_like_a_known_one(known: str) -> None:
    unknown = unknown_like(known)
    assert unknown != known
    assert [char for char in unknown if not char.isalnum()] == [char for char in known if not char.isalnum()]
    if len(known) > 12:
        assert len(unknown) == len(known)
        assert all(one.isdecimal() == other.isdecimal() for one, other in zip(unknown, known, strict=True))


@given(number=st.integers(0, 10**11 - 1), start=st.sampled_from(["", "video_", "vid-", "job:"]))
def test_an_id_beside_that_of_a_counter_is_not_taken_for_unknown(number: int, start: str) -> None:
    assert () == neighbours_of(f"{start}{number}")


@given(st.from_regex(r"(video_)?[0-9a-f]{32}(==)?", fullmatch=True))
def test_an_id_beside_a_random_one_is_unknown(known: str) -> None:
    longer, shorter = neighbours_of(known)
    assert longer.startswith(known)
    assert known.startswith(shorter)
    assert 3 == len({known, longer, shorter})
