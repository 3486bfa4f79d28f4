"""Check walks over all pages of the list. These checks run late, when there are many videos.

The rules of the same requirements judge each page by itself, also in a list that is too long to be walked over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .._core.outcomes import Finding, NotReachedError
from .._core.own_jobs import present_ids
from .._history.list_rules import MANY
from .._judging.assertions import BAD_INPUT, accepted, expect_response, violated
from .._judging.list_walks import (
    End,
    Walk,
    ids_on,
    moments,
    not_met_once,
    until_its_end,
    wrong_end,
    wrong_start,
    wrong_times,
)
from .._probes.deletions import Deletion
from .._probes.list_walks import Walks
from .._pytest.marker import Phase, checks
from .._server.recording_client import RecordingClient

FEWEST = 2
"""How many videos are needed so that one follows another."""


REFUSED = BAD_INPUT | {404, 410}
"""The statuses that refuse a cursor."""


def _report(flaws: Iterable[Finding | None]) -> None:
    for flaw in flaws:
        if flaw is not None:
            raise violated(flaw.message, *flaw.exchanges)


def _wrong_ends(walks: Walks) -> Iterator[tuple[Walk, list[str], Finding | None]]:
    """Yield each walk, with the order of the run's own videos, and with a finding if its has_more is wrong.

    Videos of one second have an order of their own in each direction.
    """
    for direction in ((*walks.newest_first, walks.by_default), walks.oldest_first):
        longest = max(direction, key=lambda each: len(set(each.own(walks.own))))
        expected = list(dict.fromkeys(longest.own(walks.own)))
        for each in direction:
            yield each, expected, wrong_end(each, expected)


@checks("VID-LIST-004", phase=Phase.LATE, jobs=MANY)
def test_a_walk_meets_each_video_once(walks: Walks) -> None:
    # What follows the page on which has_more is wrong is judged by another requirement.
    early = {id(walk): until_its_end(walk, order) for walk, order, flaw in _wrong_ends(walks) if flaw is not None}
    judged = [each for each in walks.all if each.end not in {End.BROKEN, End.BOUND}]
    _report(not_met_once(each, early.get(id(each), walks.own)) for each in judged)
    if not judged:
        raise NotReachedError("no walk over the pages ended", *walks.reference.pages[-1:])


@checks("VID-LIST-005", phase=Phase.LATE, jobs=MANY)
def test_has_more_is_true_until_the_last_page(walks: Walks) -> None:
    _report(flaw for _, _, flaw in _wrong_ends(walks))


@checks("VID-LIST-006", phase=Phase.LATE, jobs=MANY)
def test_the_newest_come_first(walks: Walks) -> None:
    _report(wrong_times(each, is_ascending=False) for each in (*walks.newest_first, walks.by_default))
    if moments(walks.reference, walks.own) < 2:  # noqa: PLR2004 - videos of one second have no order
        raise NotReachedError("all videos of this run were created in the same second")


@checks("VID-LIST-007", phase=Phase.LATE, jobs=MANY)
def test_the_oldest_come_first_with_asc(walks: Walks) -> None:
    _report(wrong_times(each, is_ascending=True) for each in walks.oldest_first)
    if max(moments(each, walks.own) for each in walks.oldest_first) < 2:  # noqa: PLR2004 - videos of one second have no order
        raise NotReachedError("no walk with order=asc found videos of this run that were created in two seconds")


@checks("VID-LIST-008", phase=Phase.LATE, jobs=MANY)
def test_a_page_starts_right_after_its_cursor(client: RecordingClient, walks: Walks) -> None:
    order = list(dict.fromkeys(walks.reference.ids))
    rising = max(walks.oldest_first, key=lambda each: len(set(each.own(walks.own))))
    if len(set(walks.reference.own(walks.own))) < FEWEST:
        raise NotReachedError(
            "no walk found enough videos of this run to use one as a cursor", *walks.reference.pages[-1:]
        )
    for direction, ids in (("desc", order), ("asc", list(dict.fromkeys(rising.ids)))):
        own = [video_id for video_id in ids if video_id in walks.own]
        for cursor in (own[0], own[len(own) // 2], own[-2]) if len(own) >= FEWEST else ():
            query = {"after": cursor, "limit": 2, "order": direction}
            page = accepted(client.get("/videos", query=query), "a page after a video")
            _report([wrong_start(page, cursor, ids, walks.own)])
    for each in walks.newest_first:
        for before, page in zip(each.pages, each.pages[1:], strict=False):
            _report([wrong_start(page, str(before.object.get("last_id")), order, walks.own)])


@checks("VID-LIST-010", phase=Phase.LATE, jobs=MANY, capability="delete")
def test_a_deleted_video_is_still_a_cursor(client: RecordingClient, deletion: Deletion) -> None:
    if not deletion.deleted.is_ok or not deletion.page_before.is_ok:
        raise NotReachedError(
            "the job was not deleted, or was refused as a cursor before that", deletion.page_before, deletion.deleted
        )
    page = deletion.page_after
    if expect_response(page).status in REFUSED:
        return  # its walk ends with an error, and not as if there were no more
    accepted(page, "a page after a video that was deleted")
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
            deletion.deleted,
            page,
        )


@checks("VID-LIST-015", phase=Phase.LATE, jobs=MANY)
def test_two_walks_have_the_same_order(walks: Walks) -> None:
    pairs = 0
    for direction in (walks.newest_first, walks.oldest_first):
        whole = [each for each in direction if each.is_whole(walks.own)]
        pairs += max(0, len(whole) - 1)
        for each in whole[1:]:
            if each.own(walks.own) != whole[0].own(walks.own):
                raise violated(
                    f"{each.name} does not have the same order as {whole[0].name}",
                    whole[0].pages[0],
                    each.pages[0],
                )
    if not pairs:
        raise NotReachedError("fewer than two walks found each video once")
