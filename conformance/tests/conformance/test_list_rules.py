"""Test the rules for lists: violations, and what concurrent clients may cause."""

from __future__ import annotations

from typing import Any

import pytest

from .histories import NOW, Log, breaks, broken, judged, keeps, page, video


def _aged(*ages: int) -> list[dict[str, object]]:
    """Return videos that are so many seconds old."""
    return [video(f"video_{index}", created_at=NOW - age, completed_at=None) for index, age in enumerate(ages)]


def test_a_page_fits() -> None:
    for wrong in (
        {key: value for key, value in page().items() if key != "has_more"},
        page(video(model=None)),
        page(*[video(f"video_{index}") for index in range(101)]),
        {**page(), "data": {}},
    ):
        log = Log()
        log.listed(returned=wrong)
        assert "does not fit VideoList" in judged("VID-LIST-001", log).findings[0].message
    log = Log()
    log.listed(returned=[video()])
    assert "the body is not a JSON object" in breaks(log, "VID-LIST-001").message
    log = Log()
    log.listed(status=206)
    breaks(log, "VID-LIST-001", "VID-ERROR-009")
    log = Log()
    log.listed(returned={**page(video(extra=[1])), "extra": None})
    keeps(log, "VID-LIST-001")


def test_the_flaw_of_a_video_names_its_place() -> None:
    log = Log()
    log.listed(video("video_0"), video("video_1", model=5))
    assert "data[1].model is 5, not a text" in breaks(log, "VID-LIST-001").message


@pytest.mark.parametrize(
    ("query", "count"), [({"limit": 2}, 3), ({}, 21), ({"limit": 100}, 101), ({"order": "asc"}, 21)]
)
def test_a_page_keeps_to_its_limit(query: dict[str, object], count: int) -> None:
    log = Log()
    log.listed(*[video(f"video_{index}") for index in range(count)], query=query)
    limit = query.get("limit", 20)
    assert judged("VID-LIST-002", log).findings[0].message.endswith(f"holds {count} videos, more than {limit}")


@pytest.mark.parametrize(
    "query", [[("limit", 1), ("limit", 5)], {"limit": "1.5"}, {"limit": "x"}, {"limit": "9" * 5000}]
)
def test_an_unclear_limit_is_not_judged(query: object) -> None:
    log = Log()
    log.listed(video("video_1"), video("video_2"), query=query)
    assert "VID-LIST-002" not in broken(log)
    assert 0 == judged("VID-LIST-002", log).instances


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"last_id": "video_0"}, "has last_id 'video_0'; the last of its videos is 'video_1'"),
        ({"first_id": "video_1"}, "has first_id 'video_1'; the first of its videos is 'video_0'"),
        ({"last_id": None}, "has last_id null"),
    ],
)
def test_cursors_are_those_of_the_page(wrong: dict[str, Any], expected: str) -> None:
    log = Log()
    log.listed(returned=page(video("video_0"), video("video_1"), **wrong))
    assert expected in breaks(log, "VID-LIST-003").message


def test_cursors_of_an_empty_page_are_null() -> None:
    log = Log()
    log.listed(returned=page(first_id=""))
    assert breaks(log, "VID-LIST-003").message.endswith("has first_id ''; the page is empty")
    log = Log()
    log.listed()
    keeps(log, "VID-LIST-003")


def test_a_walk_does_not_meet_a_video_twice() -> None:
    log = Log()
    log.listed(*_aged(1, 2, 2), query={"limit": 3}, has_more=True)
    log.listed(*_aged(1, 2, 2)[1:2], video("video_9", created_at=NOW - 9), query={"after": "video_2"})
    assert "holds video_1, which was on the page before" in breaks(log, "VID-LIST-004").message


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_walk_does_not_skip_a_job(order: str) -> None:
    log = Log()
    log.created()
    first, last = video("video_8", created_at=NOW + 60), video("video_9", created_at=NOW - 60)
    if order == "asc":
        first, last = last, first
    log.listed(first, query={"limit": 1, "order": order}, has_more=True)
    page = log.listed(last, query={"after": first["id"], "order": order})
    finding = breaks(log, "VID-LIST-004")
    assert "skips the job video_1, which comes between its cursor and its last video" in finding.message
    assert finding.exchanges[-1] is page


def test_walks_may_meet_what_others_did() -> None:
    log = Log()
    log.listed(*_aged(1, 2), query={"limit": 2}, has_more=True)
    log.listed(video("video_6", created_at=NOW - 8), query={"order": "asc", "after": "video_7"})
    log.listed(video("video_5", created_at=NOW - 2), query={"after": "video_1"})
    log.listed(*_aged(1, 2), query={"limit": 2}, has_more=True)
    keeps(log, "VID-LIST-004")


def test_a_page_does_not_hide_an_older_job() -> None:
    log = Log()
    log.created()
    log.listed(video("video_2", created_at=NOW + 5), query={"limit": 1})
    assert "has has_more false; the job video_1 is older" in breaks(log, "VID-LIST-005").message
    log = Log()
    log.created()
    log.listed(video("video_2", created_at=NOW + 5), query={"limit": 1}, has_more=True)
    keeps(log, "VID-LIST-005")


def test_a_job_that_is_lost_is_not_missing_from_a_list() -> None:
    log = Log()
    log.created()
    log.listed(video("video_2", created_at=NOW + 5), query={"limit": 1})
    log.add("GET", "/videos/video_1", 404, json={}, ids={"video_id": "video_1"}, operation="retrieve_video")
    assert "VID-LIST-005" not in broken(log)


def test_a_page_does_not_hide_the_next_one() -> None:
    log = Log()
    log.listed(*_aged(1, 2), query={"limit": 2})
    log.listed(video("video_9", created_at=NOW - 9), query={"after": "video_1"})
    finding = breaks(log, "VID-LIST-005")
    assert "video_1 as `after` gives more" in finding.message
    assert 2 == len(finding.exchanges)


def test_the_last_page_may_be_the_last() -> None:
    log = Log()
    log.created()
    log.created("video_3")
    log.deleted("video_1")
    log.listed(video("video_3"), video("video_2", created_at=NOW - 5))
    log.listed(query={"after": "video_2"})
    log.listed(video("video_3"), video("video_4", created_at=NOW + 9), query={"after": "video_2", "order": "asc"})
    keeps(log)


def test_the_newest_come_first() -> None:
    log = Log()
    log.listed(*_aged(1, 3, 2))
    assert (
        "GET /videos -> 200: the video at 2 is 1 s newer than the one before it" == breaks(log, "VID-LIST-006").message
    )
    log = Log()
    log.listed(*_aged(9, 5), query={"order": "desc"})
    breaks(log, "VID-LIST-006")


def test_the_oldest_come_first_with_asc() -> None:
    log = Log()
    log.listed(*_aged(3, 2, 9), query={"order": "asc"})
    assert "the video at 2 is 7 s older than the one before it" in breaks(log, "VID-LIST-007").message


def test_orders_that_are_right_or_say_nothing() -> None:
    log = Log()
    log.listed(*_aged(1, 1, 3, 3, 9))
    log.listed(*_aged(9, 3, 3, 1)[:0], query={"order": "asc"})
    log.listed(*_aged(2, 2)[:2], query={"order": "asc", "limit": 2})
    keeps_order = Log()
    keeps_order.listed(*_aged(1, 1, 3, 3, 9))
    keeps(keeps_order, "VID-LIST-006")
    tied = Log()
    tied.listed(*_aged(2, 2, 2))
    assert 0 == judged("VID-LIST-006", tied).instances
    twice = Log()
    twice.listed(*_aged(9, 5), query=[("order", "asc"), ("order", "desc")])
    keeps(twice)


def test_a_page_does_not_hold_its_cursor() -> None:
    log = Log()
    log.listed(*_aged(1, 2), has_more=True, query={"limit": 2})
    log.listed(*_aged(0, 2)[1:], query={"after": "video_1"})
    assert "holds the video that `after` names, at 0" in breaks(log, "VID-LIST-008").message


def test_a_page_does_not_begin_before_its_cursor() -> None:
    log = Log()
    log.listed(*_aged(1, 2, 3))
    log.listed(*_aged(1), query={"after": "video_2", "limit": 1})
    assert (
        "begins with a video that is 2 s newer than its cursor" in breaks(log, "VID-LIST-008", "VID-LIST-004").message
    )
    log = Log()
    log.listed(*_aged(1, 2, 3))
    log.listed(*_aged(3, 3, 3)[2:], query={"after": "video_1", "order": "asc"})
    assert "1 s older" in breaks(log, "VID-LIST-008").message


def test_pages_after_their_cursor_are_right() -> None:
    log = Log()
    log.listed(*_aged(1, 2, 2), query={"limit": 3}, has_more=True)
    log.listed(
        *[video("video_7", created_at=NOW - 2), video("video_8", created_at=NOW - 5)], query={"after": "video_2"}
    )
    log.listed(video("video_8", created_at=NOW - 5), query={"after": "never seen"})
    keeps(log, "VID-LIST-008")


def test_a_new_job_is_listed_immediately() -> None:
    log = Log()
    log.created()
    page = log.listed(video("video_9", created_at=NOW - 60))
    finding = breaks(log, "VID-LIST-011")
    assert "the job video_1 was created, and is not in a list that was requested later" == finding.message
    assert finding.exchanges[-1] is page
    log = Log()
    log.created()
    log.listed()
    breaks(log, "VID-LIST-011")


def test_a_new_job_may_be_missing_for_a_reason() -> None:
    log = Log()
    log.created(began=1, ended=3)
    log.listed(began=2, ended=4)
    log.listed(query={"after": "video_9"})
    log.listed(query={"order": "asc", "limit": 1}, has_more=False)
    log.listed(has_key=False)
    log.listed(video("video_8", created_at=NOW + 1), query={"limit": 1}, has_more=True)
    log.listed(query={"limit": "0"}, has_more=True)
    log.deleted()
    log.listed()
    keeps(log)


def test_a_page_is_full() -> None:
    after = {"limit": 3, "after": _aged(1, 2)[-1]["id"]}
    log = Log()
    log.listed(*_aged(1, 2), has_more=True, query={"limit": 3})
    log.listed(video("video_9", created_at=NOW - 9), query=after)
    assert "holds 2 videos, fewer than 3, with has_more true" in breaks(log, "VID-LIST-014").message
    log = Log()
    log.listed(*_aged(1, 2), has_more=True, query={"limit": 2})
    log.listed(video("video_9", created_at=NOW - 9), query={**after, "limit": 2})
    log.listed(*_aged(1, 2))
    keeps(log, "VID-LIST-014")


def test_a_page_that_no_video_follows_need_not_be_full() -> None:
    """That its has_more is true is another requirement."""
    log = Log()
    log.listed(*_aged(1, 2), has_more=True, query={"limit": 3})
    log.listed(query={"limit": 3, "after": _aged(1, 2)[-1]["id"]})
    keeps(log)


def test_a_video_of_the_second_of_the_last_one_may_be_new() -> None:
    """Videos of one second have an order of the server's own, so a new one may come behind the others."""
    log = Log()
    log.listed(*_aged(1, 2), query={"limit": 2})
    log.listed(video("video_9", created_at=_aged(1, 2)[-1]["created_at"]), query={"after": _aged(1, 2)[-1]["id"]})
    keeps(log)
