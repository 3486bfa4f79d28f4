"""Walk over the pages of the list in several ways. `_judging/list_walks.py` judges the walks."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._core.outcomes import NotReachedError
from .._core.own_jobs import present_ids
from .._judging.list_walks import End, Walk, before_all, ids_on, moments
from .._server.pages import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._server.recording_client import RecordingClient

_SMALL: Final = (1, 2, 3, 7)
"""Limits of the pages: 1, which divides every number of videos, and some that divide few."""

_MOST_PAGES: Final = 30
"""How many of the largest pages are read at most to find the run's own videos, which are the newest."""

_SLACK: Final = 10
FEW: Final = 3
"""How many jobs may be started so that there are more videos than a page holds by default."""

_MARGIN: Final = 0.05
"""How many seconds after a new second another job is created, since clocks differ slightly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walks:
    """All walks of a run; meanwhile, the run itself does not change the list."""

    own: tuple[str, ...]
    """The ids of the run's own videos."""
    newest_first: tuple[Walk, ...]
    by_default: Walk
    oldest_first: tuple[Walk, ...]

    @property
    def all(self) -> tuple[Walk, ...]:
        """Every walk."""
        return (*self.newest_first, self.by_default, *self.oldest_first)

    @property
    def reference(self) -> Walk:
        """The walk with the largest pages, newest first."""
        return self.newest_first[0]


def walk_all_ways(client: RecordingClient, create: Callable[[], Exchange]) -> Walks:
    """Walk newest first, oldest first and without an order, with several limits; return the walks.

    `create` starts another job. It is called if all jobs were created in the same second, so that they have no order,
    or if a few more are needed to fill a page of the default limit.

    An account may have too many videos to read all. The run's own videos are the newest. So a walk with newest first
    stops after the last of them, and one with oldest first starts at them.

    Raises:
        NotReachedError: The run has created too few videos, or they are too deep in the list.

    """
    own, reference = _reference(client)
    limits = [*(each for each in _SMALL if each < largest(client.contract)), largest(client.contract)]
    page = client.contract.parameter("list_videos", "limit").get("default")
    missing = 0 if page is None else page + 1 - len(reference.ids)
    is_one_moment = moments(reference, own) == 1
    if is_one_moment:
        time.sleep(1.0 - time.time() % 1.0 + _MARGIN)
    if is_one_moment or 0 < missing <= FEW:
        with contextlib.suppress(
            NotReachedError
        ):  # without these jobs, only the order and the default cannot be judged
            for _ in range(missing if 0 < missing <= FEW else 1):
                create()
        own, reference = _reference(client)
    if reference.end is End.BOUND:
        raise NotReachedError(
            f"{len(reference.pages)} pages of {limits[-1]} videos did not contain all videos that this run has created",
            reference.pages[-1],
        )
    most = len(reference.ids)
    start = before_all(reference, own)

    def bound(limit: int) -> int:
        return 2 * most // limit + _SLACK

    return Walks(
        own=own,
        newest_first=(
            reference,
            *(walk(client, limit=limit, order="desc", wanted=own, most=bound(limit)) for limit in limits),
        ),
        by_default=walk(client, wanted=own, most=bound(1)),
        oldest_first=tuple(walk(client, limit=limit, order="asc", after=start, most=bound(limit)) for limit in limits),
    )


def largest(contract: Contract) -> int:
    """Return how many videos a page may hold at most."""
    return int(contract.parameter("list_videos", "limit")["maximum"])


def next_page(client: RecordingClient, page: Exchange) -> Exchange:
    """Request the videos after a page, as many as fit on one page.

    Raises:
        NotReachedError: The page names no cursor.

    """
    cursor = page.object.get("last_id")
    if not isinstance(cursor, str) or not cursor:
        raise NotReachedError(f"a page names no last_id to go on from: {page.summary}", page)
    return client.get("/videos", query={"after": cursor, "limit": largest(client.contract)})


def past_the_end(client: RecordingClient, walks: Walks) -> Exchange:
    """Request the page after the last video of a walk from the oldest to the newest.

    Raises:
        NotReachedError: No such walk found all videos.

    """
    whole = [each for each in walks.oldest_first if each.end is End.LAST_PAGE and each.is_whole(walks.own)]
    if not whole:
        raise NotReachedError("no walk with order=asc found the last video, after which nothing comes")
    return client.get("/videos", query={"after": whole[-1].ids[-1], "order": "asc"})


def list_after_deletion(client: RecordingClient) -> list[Exchange]:
    """List the run's videos from both ends, and return the pages: a video that was deleted may reappear."""
    newest = walk(client, limit=largest(client.contract), order="desc", wanted=present_ids(client.history))
    start = newest.ids[-1] if newest.end is End.ENOUGH else None
    oldest = walk(client, limit=largest(client.contract), order="asc", after=start)
    return [*newest.pages, *oldest.pages]


def _reference(client: RecordingClient) -> tuple[tuple[str, ...], Walk]:
    """Return the ids of the run's own videos, and a walk that should find them on the fewest pages.

    Raises:
        NotReachedError: The run has created too few videos.

    """
    own = tuple(present_ids(client.history))
    if len(own) < 3:  # noqa: PLR2004 - fewer have no order
        raise NotReachedError(f"this run has {len(own)} videos in the list; a walk needs 3")
    return own, walk(client, limit=largest(client.contract), order="desc", wanted=own, most=_MOST_PAGES)


def walk(
    client: RecordingClient,
    *,
    limit: int | None = None,
    order: str | None = None,
    after: str | None = None,
    wanted: Collection[str] = (),
    most: int = _MOST_PAGES,
) -> Walk:
    """Follow `last_id` while `has_more`, up to `most` pages or past the last `wanted` video; return the walk.

    A walk also ends when its pages have MOST_BYTES, since all of it is in memory while it is judged.
    """
    query: dict[str, Any] = {} if limit is None else {"limit": limit}
    query |= {} if order is None else {"order": order}
    pages: list[Exchange] = []
    missing, cursors, cursor = set(wanted), set[str](), after
    end = End.BOUND
    while len(pages) < most and sum(page.length for page in pages) < MOST_BYTES:
        was_enough = bool(wanted) and not missing
        page = client.get("/videos", query=query | ({} if cursor is None else {"after": cursor}))
        pages.append(page)
        missing -= set(ids_on(page))
        last = page.object.get("last_id")
        if not page.is_ok or not isinstance(page.object.get("data"), list):
            end = End.BROKEN
        elif page.object.get("has_more") is False:
            end = End.LAST_PAGE
        elif page.object.get("has_more") is not True or not isinstance(last, str):
            end = End.BROKEN  # it does not fit its schema, which another requirement says
        elif last in cursors or last == cursor:
            end = End.REPEATED
        elif was_enough:
            end = End.ENOUGH
        else:
            cursors.add(last)
            cursor = last
            continue
        break
    recheck: tuple[Exchange, ...] = ()
    if len(pages) > 1 and not ids_on(pages[-1]) and pages[-1].is_ok:
        # Somebody may have deleted the videos after the page before, so both pages are requested again.
        recheck = client.get("/videos", query=pages[-2].query), client.get("/videos", query=pages[-1].query)
    return Walk(pages=tuple(pages), end=end, limit=limit, order=order, after=after, recheck=recheck)
