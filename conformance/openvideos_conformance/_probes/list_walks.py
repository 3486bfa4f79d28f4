"""Walk over the pages of the list in several ways. What the walks mean is decided in `_judging/list_walks.py`."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._core.outcomes import NotReachedError
from .._core.own_jobs import present_ids
from .._judging.list_walks import End, Walk, ids_on, moments

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._server.recording_client import RecordingClient

_SMALL: Final = (1, 2, 3, 7)
"""Sizes of pages: one that divides every number, and some that divide few."""

_MOST_PAGES: Final = 30
"""How many of the largest pages are read until the run's own videos, the newest ones, must have been met."""

_SLACK: Final = 10
_FEW: Final = 3
"""How many jobs may be started to have more videos than a page holds by default."""

_MARGIN: Final = 0.05
"""How long behind the turn of a second another job is created, for clocks that do not quite agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walks:
    """All walks of a run, over a list that the run itself left alone in the meantime."""

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
        """The walk with the fewest pages, newest first."""
        return self.newest_first[0]


def walk_all_ways(client: RecordingClient, create: Callable[[], Exchange]) -> Walks:
    """Walk newest first, oldest first and by default, with pages of several sizes.

    `create` starts another job: for a server on which all were created in one second, which have no order, and where
    few are missing until there are more than a page holds by default.

    An account may hold more videos than anybody wants to read. The run's own are the newest, so a walk in that order
    ends behind the last of them, and one in the other order begins before the first of them.

    Raises:
        NotReachedError: The run has created too few videos, or they lie too deep in the list.

    """
    own, reference = _reference(client)
    limits = [*(each for each in _SMALL if each < largest(client.contract)), largest(client.contract)]
    page = client.contract.parameter("list_videos", "limit").get("default")
    missing = 0 if page is None else page + 1 - len(reference.ids)
    is_one_moment = moments(reference, own) == 1
    if is_one_moment:
        time.sleep(1.0 - time.time() % 1.0 + _MARGIN)
    if is_one_moment or 0 < missing <= _FEW:
        with contextlib.suppress(NotReachedError):  # without them, all but the order and the default can be judged
            for _ in range(missing if 0 < missing <= _FEW else 1):
                create()
        own, reference = _reference(client)
    if reference.end is End.BOUND:
        raise NotReachedError(
            f"{_MOST_PAGES} pages of {limits[-1]} videos did not hold all that this run has created",
            reference.pages[-1],
        )
    met = reference.ids
    most = len(met)
    oldest = max((met.index(video_id) for video_id in own if video_id in met), default=-1)
    start = met[oldest + 1] if oldest + 1 < len(met) else None

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
    """Return how many videos a page may hold at the most."""
    return int(contract.parameter("list_videos", "limit")["maximum"])


def _reference(client: RecordingClient) -> tuple[tuple[str, ...], Walk]:
    """Return the run's own videos, and a walk that should meet them on the fewest pages."""
    own = tuple(present_ids(client.history))
    if len(own) < 3:  # noqa: PLR2004 - fewer make no order
        raise NotReachedError(f"this run has {len(own)} videos of its own in the list; a walk needs 3")
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
    """Follow `last_id` while `has_more`, up to `most` pages, or to the page after the last of the `wanted` videos."""
    query: dict[str, Any] = {} if limit is None else {"limit": limit}
    query |= {} if order is None else {"order": order}
    pages: list[Exchange] = []
    missing, cursors, cursor = set(wanted), set[str](), after
    end = End.BOUND
    while len(pages) < most:
        was_enough = bool(wanted) and not missing
        page = client.get("/videos", query=query | ({} if cursor is None else {"after": cursor}))
        pages.append(page)
        missing -= set(ids_on(page))
        last = page.object.get("last_id")
        if not page.is_ok or not isinstance(page.object.get("data"), list):
            end = End.BROKEN
        elif page.object.get("has_more") is not True:
            end = End.LAST_PAGE
        elif not isinstance(last, str):
            end = End.BROKEN
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
        # Somebody may have deleted what was behind the page before, so both are requested once more.
        recheck = client.get("/videos", query=pages[-2].query), client.get("/videos", query=pages[-1].query)
    return Walk(pages=tuple(pages), end=end, limit=limit, order=order, after=after, recheck=recheck)
