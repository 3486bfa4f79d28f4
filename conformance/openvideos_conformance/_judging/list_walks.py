"""Judge walks over the pages of the list. Pure: pages in, flaws out.

Other people may create and delete videos while a walk goes on. So what must be met, and in which order, is judged by
the run's own videos alone: those that it has created and not tried to delete.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .._core.exchange import Exchange, json_array, json_object
from .._core.outcomes import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class End(Enum):
    """Why a walk ended."""

    LAST_PAGE = "a page said that it is the last"
    ENOUGH = "all videos that were wanted were met"
    BOUND = "it took too many pages"
    REPEATED = "a cursor came again"
    BROKEN = "a response was no page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Pages, each asked for with the last id of the one before. Without a `limit`, the server's default was taken."""

    pages: tuple[Exchange, ...]
    end: End
    limit: int | None = None
    order: str | None = None
    after: str | None = None
    """The cursor with which it began."""
    recheck: tuple[Exchange, ...] = field(default=())
    """The last two pages once more, if the last one was empty."""

    @property
    def name(self) -> str:
        """The walk, as a message names it."""
        asked = {"limit": self.limit, "order": self.order, "after": self.after}
        told = "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)
        return f"the walk over /videos?{told}" if told else "the walk over /videos"

    @property
    def videos(self) -> list[dict[str, Any]]:
        """All videos that were met, in their order."""
        return [video for page in self.pages for video in videos_on(page)]

    @property
    def ids(self) -> list[str]:
        """The ids of all videos that were met, in their order."""
        return [id_ for page in self.pages for id_ in ids_on(page)]

    def own(self, own: Iterable[str]) -> list[str]:
        """Return those ids that are the run's own, in their order."""
        kept = set(own)
        return [id_ for id_ in self.ids if id_ in kept]

    def is_whole(self, own: Iterable[str]) -> bool:
        """Tell whether each of the run's own videos was met exactly once."""
        return sorted(self.own(own)) == sorted(own)


def videos_on(page: Exchange) -> list[dict[str, Any]]:
    """Return the videos of a page."""
    return [json_object(item) for item in json_array(page.object.get("data")) if json_object(item)]


def ids_on(page: Exchange) -> list[str]:
    """Return the ids of the videos of a page."""
    return [video["id"] for video in videos_on(page) if isinstance(video.get("id"), str)]


def not_met_once(walk: Walk, own: Sequence[str]) -> Finding | None:
    """Say which of the run's own videos a walk did not meet exactly once, or that it never ends."""
    if walk.end is End.REPEATED:
        return Finding(
            f"{walk.name} goes in circles: page {len(walk.pages)} ends with the cursor of an earlier one, "
            f"{walk.pages[-1].object.get('last_id')!r}",
            walk.pages[-2:],
        )
    met: dict[str, Exchange] = {}
    for page in walk.pages:
        for video_id in ids_on(page):
            if video_id in met and video_id in own:
                return Finding(f"{walk.name} meets {video_id} twice", (met[video_id], page))
            met[video_id] = page
    missed = [video_id for video_id in own if video_id not in met]
    if missed and walk.end is End.LAST_PAGE:
        return Finding(
            f"{walk.name} misses {len(missed)} of the {len(own)} videos that this run has created and not deleted, "
            f"such as {missed[0]}",
            _around(walk, missed[0], own),
        )
    return None


def wrong_end(walk: Walk, behind: Sequence[str]) -> Finding | None:
    """Say where `has_more` is wrong; `behind` are the run's own videos in the order of the walk."""
    if walk.end is End.LAST_PAGE and walk.pages:
        met = walk.own(behind)
        missed = behind[behind.index(met[-1]) + 1 :] if met else list(behind)
        if missed:
            return Finding(
                f"{walk.name} ends with has_more false on page {len(walk.pages)}, and {len(missed)} videos are behind "
                f"it, such as {missed[0]}",
                walk.pages[-1:],
            )
    if len(walk.recheck) == 2:  # noqa: PLR2004 - the page before, and the empty one
        before, empty = walk.recheck
        if before.object.get("has_more") is True and empty.is_ok and not ids_on(empty):
            return Finding(f"{walk.name}: has_more is true on a page that nothing is behind", (before, empty))
    return None


def too_long(walk: Walk, default: int | None) -> Finding | None:
    """Say which page holds more videos than it may; without a limit and a default, any number."""
    limit = default if walk.limit is None else walk.limit
    if limit is None:
        return None
    for page in walk.pages:
        count = len(json_array(page.object.get("data")))
        if count > limit:
            asked = f"limit={limit}" if walk.limit is not None else f"no limit, which means {limit},"
            return Finding(f"a page with {asked} holds {count} videos", (page,))
    return None


def short_page(walk: Walk, default: int | None) -> Finding | None:
    """Say which page is not full although there are videos after it; without a limit and a default, none is."""
    limit = default if walk.limit is None else walk.limit
    if limit is None:
        return None
    for page in walk.pages:
        count = len(json_array(page.object.get("data")))
        if page.object.get("has_more") is True and 0 < count < limit:
            return Finding(f"a page with limit={limit} holds {count} videos, and there are more behind it", (page,))
    return None


def wrong_ends(page: Exchange) -> Finding | None:
    """Say whether first_id and last_id are not those of the page's first and last video."""
    ids = ids_on(page)
    for name, expected in (("first_id", ids[0] if ids else None), ("last_id", ids[-1] if ids else None)):
        seen = page.object.get(name)
        if seen != expected:
            return Finding(f"the {name} of a page of {len(ids)} videos is {seen!r}, not {expected!r}", (page,))
    return None


def wrong_times(walk: Walk, *, is_ascending: bool) -> Finding | None:
    """Say which video comes before another that should come before it, by created_at."""
    timed = [(video, page) for page in walk.pages for video in videos_on(page) if type(video.get("created_at")) is int]
    for (one, first), (other, second) in pairwise(timed):
        early, late = one["created_at"], other["created_at"]
        if (early > late) if is_ascending else (early < late):
            expected = "oldest" if is_ascending else "newest"
            return Finding(
                f"{walk.name} should come {expected} first: {one.get('id')!r}, created at {early}, comes before "
                f"{other.get('id')!r}, created at {late}",
                (first,) if first is second else (first, second),
            )
    return None


def moments(walk: Walk, own: Iterable[str]) -> int:
    """Return at how many different seconds the run's own videos were created."""
    kept = set(own)
    return len({video.get("created_at") for video in walk.videos if video.get("id") in kept})


def wrong_start(page: Exchange, cursor: str, order: Sequence[str], own: Iterable[str]) -> Finding | None:
    """Say whether a page does not start right behind its cursor; `order` are all ids in the order of the list.

    Only what the run itself has created is sure to be still there, and what is not in `order` is somebody's new video.
    """
    if cursor not in order or order.index(cursor) + 1 == len(order):
        return None
    expected = order[order.index(cursor) + 1]
    ids = [id_ for id_ in ids_on(page) if id_ in order]
    if expected not in own or (ids and ids[0] == expected):
        return None
    seen = f"starts with {ids[0]!r}" if ids else "holds none of this run's videos"
    return Finding(f"the page after {cursor!r} {seen}, not with {expected!r}", (page,))


def _around(walk: Walk, missed: str, own: Sequence[str]) -> tuple[Exchange, ...]:
    """Return the pages between which a video is missing."""
    place = list(own).index(missed)
    near = set(own[max(0, place - 1) : place + 2])
    pages = [page for page in walk.pages if near & set(ids_on(page))]
    return tuple(pages[:2] or walk.pages[-1:])
