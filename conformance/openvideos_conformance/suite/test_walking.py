"""Check walks over all pages of the list. These checks run late, when there are many videos."""

from __future__ import annotations

from collections.abc import Iterable

from .._core.contract import Contract
from .._core.operations import VIDEO_LIST
from .._core.outcomes import Finding, NotReachedError
from .._core.own_jobs import deleted_ids, present_ids
from .._judging.assertions import expect, fits, violated
from .._judging.list_walks import (
    End,
    ids_on,
    moments,
    not_met_once,
    short_page,
    too_long,
    wrong_end,
    wrong_ends,
    wrong_start,
    wrong_times,
)
from .._probes.deletions import Deletion
from .._probes.list_walks import Walks, largest, walk
from .._pytest.marker import Phase, checks
from .._server.recording_client import RecordingClient

MANY = ("json", "doomed", "defaults", "longest", "unknown_field")
"""The kinds of jobs that a walk needs, also in a run of a single requirement."""

FEWEST = 2
"""How many videos are needed so that one follows another."""


def _report(flaws: Iterable[Finding | None]) -> None:
    for flaw in flaws:
        if flaw is not None:
            raise violated(flaw.message, *flaw.exchanges)


def _default(contract: Contract) -> int | None:
    return contract.parameter("list_videos", "limit").get("default")


@checks("VID-LIST-001", phase=Phase.LATE, jobs=MANY)
def test_each_page_of_a_walk_fits_the_schema(walks: Walks) -> None:
    for each in walks.all:
        for page in each.pages:
            fits(page, VIDEO_LIST, f"a page of {each.name}")


@checks("VID-LIST-002", phase=Phase.LATE, jobs=MANY)
def test_no_page_holds_more_than_its_limit(walks: Walks, contract: Contract) -> None:
    _report(too_long(each, _default(contract)) for each in walks.all if each.limit is not None)


@checks("VID-LIST-002", phase=Phase.LATE, jobs=MANY)
def test_no_page_holds_more_than_the_default(walks: Walks, contract: Contract) -> None:
    default = _default(contract)
    if default is None:
        raise NotReachedError("the contract has no default limit")
    _report([too_long(walks.by_default, default)])
    if len(walks.reference.ids) <= default:
        raise NotReachedError(
            f"there are {len(walks.reference.ids)} videos, no more than a page holds by default",
            *walks.by_default.pages,
        )


@checks("VID-LIST-003", phase=Phase.LATE, jobs=MANY)
def test_a_page_names_its_first_and_last_video(walks: Walks) -> None:
    _report(wrong_ends(page) for each in walks.all for page in each.pages if each.end is not End.BROKEN or page.is_ok)


@checks("VID-LIST-003", phase=Phase.LATE, jobs=MANY)
def test_an_empty_page_has_no_first_and_last_video(client: RecordingClient, walks: Walks) -> None:
    newest = next((video_id for video_id in walks.reference.ids if video_id in walks.own), "")
    page = expect(
        client.get("/videos", query={"after": newest, "order": "asc"}),
        200,
        "the page after the newest video in ascending order",
    )
    if ids_on(page):
        raise NotReachedError("somebody else has created videos, so no page was empty", page)
    _report([wrong_ends(page)])


@checks("VID-LIST-004", phase=Phase.LATE, jobs=MANY)
def test_a_walk_meets_each_video_once(walks: Walks) -> None:
    judged = [each for each in walks.all if each.end not in {End.BROKEN, End.BOUND}]
    _report(not_met_once(each, walks.own) for each in judged)
    if not judged:
        raise NotReachedError("no walk over the pages ended", *walks.reference.pages[-1:])


@checks("VID-LIST-005", phase=Phase.LATE, jobs=MANY)
def test_has_more_is_true_until_the_last_page(walks: Walks) -> None:
    longest = max(walks.newest_first, key=lambda each: len(set(each.own(walks.own))))
    expected = list(dict.fromkeys(longest.own(walks.own)))
    _report(wrong_end(each, expected) for each in (*walks.newest_first, walks.by_default))
    _report(wrong_end(each, expected[::-1]) for each in walks.oldest_first)


@checks("VID-LIST-006", phase=Phase.LATE, jobs=MANY)
def test_the_newest_come_first(walks: Walks) -> None:
    _report(wrong_times(each, is_ascending=False) for each in (*walks.newest_first, walks.by_default))
    if moments(walks.reference, walks.own) < 2:  # noqa: PLR2004 - videos of one second have no order
        raise NotReachedError("all videos of this run were created in the same second")
    if walks.by_default.is_whole(walks.own) and walks.reference.is_whole(walks.own):
        default, desc = walks.by_default.own(walks.own), walks.reference.own(walks.own)
        if default != desc:
            raise violated(
                "a walk without order has another order than one with order=desc",
                walks.by_default.pages[0],
                walks.reference.pages[0],
            )


@checks("VID-LIST-007", phase=Phase.LATE, jobs=MANY)
def test_the_oldest_come_first_with_asc(walks: Walks) -> None:
    _report(wrong_times(each, is_ascending=True) for each in walks.oldest_first)
    expected = walks.reference.own(walks.own)[::-1]
    whole = [each for each in walks.oldest_first if each.is_whole(walks.own) and walks.reference.is_whole(walks.own)]
    for each in whole:
        if each.own(walks.own) != expected:
            raise violated(
                f"{each.name} does not have the reverse order of {walks.reference.name}",
                each.pages[0],
                walks.reference.pages[0],
            )
    if not whole and moments(walks.reference, walks.own) < 2:  # noqa: PLR2004 - videos of one second have no order
        raise NotReachedError(
            "no walk with order=asc found all videos of this run, and all were created in the same second"
        )


@checks("VID-LIST-008", phase=Phase.LATE, jobs=MANY)
def test_a_page_starts_right_after_its_cursor(client: RecordingClient, walks: Walks) -> None:
    order = list(dict.fromkeys(walks.reference.ids))
    own = [video_id for video_id in order if video_id in walks.own]
    if len(own) < FEWEST:
        raise NotReachedError(
            "no walk found enough videos of this run to use one as a cursor", *walks.reference.pages[-1:]
        )
    for cursor in (own[0], own[len(own) // 2], own[-2]):
        for direction, ids in (("desc", order), ("asc", order[::-1])):
            query = {"after": cursor, "limit": 2, "order": direction}
            page = expect(client.get("/videos", query=query), 200, "a page after a video")
            _report([wrong_start(page, cursor, ids, walks.own)])
    for each in walks.newest_first:
        for before, page in zip(each.pages, each.pages[1:], strict=False):
            _report([wrong_start(page, str(before.object.get("last_id")), order, walks.own)])


@checks("VID-LIST-010", phase=Phase.LATE, jobs=MANY)
def test_a_deleted_video_is_still_a_cursor(client: RecordingClient, deletion: Deletion) -> None:
    if not deletion.deleted.is_ok or not deletion.page_before.is_ok:
        raise NotReachedError(
            "the job was not deleted, or was refused as a cursor before that", deletion.page_before, deletion.deleted
        )
    page = expect(deletion.page_after, 200, "a page after a video that was deleted")
    own = set(present_ids(client.history))
    before = [video_id for video_id in ids_on(deletion.page_before) if video_id in own]
    after = [video_id for video_id in ids_on(page) if video_id in own]
    if not before:
        raise NotReachedError("none of the run's videos follows the deleted one", page)
    if after[:1] != before[:1]:
        seen = repr(after[0]) if after else "none of this run's videos"
        raise violated(
            f"the page after a deleted video starts with {seen}; before the deletion, it started with {before[0]!r}",
            deletion.page_before,
            page,
        )


@checks("VID-LIST-014", phase=Phase.LATE, jobs=MANY)
def test_pages_are_full(walks: Walks, contract: Contract) -> None:
    _report(short_page(each, _default(contract)) for each in walks.all)


@checks("VID-LIST-015", phase=Phase.LATE, jobs=MANY)
def test_two_walks_have_the_same_order(walks: Walks) -> None:
    whole = [each for each in walks.newest_first if each.is_whole(walks.own)]
    if len(whole) < 2:  # noqa: PLR2004 - two are compared
        raise NotReachedError("fewer than two walks found each video once")
    for each in whole[1:]:
        if each.own(walks.own) != whole[0].own(walks.own):
            raise violated(
                f"{each.name} does not have the same order as {whole[0].name}",
                whole[0].pages[0],
                each.pages[0],
            )


@checks("VID-DELETE-004", phase=Phase.LATE, jobs=("doomed",))
def test_a_deleted_video_is_in_no_list(client: RecordingClient, deletion: Deletion) -> None:
    if not deletion.deleted.is_ok:
        raise NotReachedError("the job was not deleted", deletion.deleted)
    # The list is read again now, since a deleted video may reappear.
    deleted = deleted_ids(client.history)
    newest = walk(client, limit=largest(client.contract), order="desc", wanted=present_ids(client.history))
    start = newest.ids[-1] if newest.end is End.ENOUGH else None
    oldest = walk(client, limit=largest(client.contract), order="asc", after=start)
    for each in (newest, oldest):
        for page in each.pages:
            shown = [video_id for video_id in ids_on(page) if video_id in deleted]
            if shown:
                raise violated(f"{shown[0]} was deleted, and is in the list", page)
