"""Judge walks over the pages of the list. Pure.

Other clients may create and delete videos during a walk. So only the run's own videos, which it has created and not
tried to delete, are judged: whether the walk finds them, and in which order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .._core.exchange import Exchange, json_array, json_object
from .._core.flaws import shown
from .._core.outcomes import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class End(Enum):
    """Why a walk ended."""

    LAST_PAGE = "a page has has_more false"
    ENOUGH = "all wanted videos were found"
    BOUND = "the limit of pages, or of their bytes, was reached"
    REPEATED = "a cursor repeated"
    BROKEN = "a response was not a page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Pages, each requested with the last id of the one before. Without a `limit`, the server used its default."""

    pages: tuple[Exchange, ...]
    end: End
    limit: int | None = None
    order: str | None = None
    after: str | None = None
    """The cursor of the first request."""
    recheck: tuple[Exchange, ...] = field(default=())
    """The last two pages, requested again because the last one was empty."""

    @property
    def name(self) -> str:
        """The name of the walk in messages."""
        query = {"limit": self.limit, "order": self.order, "after": self.after}
        text = "&".join(f"{name}={value}" for name, value in query.items() if value is not None)
        return f"the walk over /videos?{text}" if text else "the walk over /videos"

    @property
    def videos(self) -> list[dict[str, Any]]:
        """All videos on the pages, in order."""
        return [video for page in self.pages for video in videos_on(page)]

    @property
    def ids(self) -> list[str]:
        """The ids of all videos on the pages, in order."""
        return [id_ for page in self.pages for id_ in ids_on(page)]

    def own(self, own: Iterable[str]) -> list[str]:
        """Return the ids on the pages that are among the run's own, in order."""
        kept = set(own)
        return [id_ for id_ in self.ids if id_ in kept]

    def is_whole(self, own: Iterable[str]) -> bool:
        """Tell whether each of the run's own videos is on exactly one page, once."""
        return sorted(self.own(own)) == sorted(own)


def videos_on(page: Exchange) -> list[dict[str, Any]]:
    """Return the videos of a page."""
    return [json_object(item) for item in json_array(page.object.get("data")) if json_object(item)]


def ids_on(page: Exchange) -> list[str]:
    """Return the ids of the videos of a page."""
    return [video["id"] for video in videos_on(page) if isinstance(video.get("id"), str)]


def not_met_once(walk: Walk, own: Sequence[str]) -> Finding | None:
    """Return a finding if a walk does not find each of the run's own videos exactly once, or never ends."""
    if walk.end is End.REPEATED:
        return Finding(
            f"{walk.name} is a loop: page {len(walk.pages)} ends with the cursor of an earlier one, "
            f"{shown(walk.pages[-1].object.get('last_id'))}",
            walk.pages[-2:],
        )
    met: dict[str, Exchange] = {}
    for page in walk.pages:
        for video_id in ids_on(page):
            if video_id in met and video_id in own:
                return Finding(f"{walk.name} finds {video_id} twice", (met[video_id], page))
            met[video_id] = page
    missed = [video_id for video_id in own if video_id not in met]
    if missed and walk.end is End.LAST_PAGE:
        return Finding(
            f"{walk.name} misses {len(missed)} of the {len(own)} videos that this run has created and not deleted, "
            f"such as {missed[0]}",
            _around(walk, missed[0], own),
        )
    return None


def until_its_end(walk: Walk, own: Sequence[str]) -> Sequence[str]:
    """Return those of the run's own videos, in the order of the walk, that come no later than its last one."""
    met = walk.own(own)
    return own[: own.index(met[-1]) + 1] if met else own[:0]


def wrong_end(walk: Walk, own: Sequence[str]) -> Finding | None:
    """Return a finding if `has_more` is wrong. `own` are the run's own videos in the order of the walk."""
    if walk.end is End.LAST_PAGE and walk.pages:
        met = walk.own(own)
        rest = own[len(until_its_end(walk, own)) :]
        missed = [video_id for video_id in rest if video_id not in met]
        if missed:
            return Finding(
                f"{walk.name} ends with has_more false on page {len(walk.pages)}, and {len(missed)} videos follow, "
                f"such as {missed[0]}",
                walk.pages[-1:],
            )
    if len(walk.recheck) == 2:  # noqa: PLR2004 - the page before, and the empty one
        before, empty = walk.recheck
        if before.object.get("has_more") is True and empty.is_ok and not ids_on(empty):
            return Finding(f"{walk.name}: has_more is true on the last page", (before, empty))
    return None


def wrong_times(walk: Walk, *, is_ascending: bool) -> Finding | None:
    """Return a finding if two videos are in the wrong order, by created_at."""
    timed = [(video, page) for page in walk.pages for video in videos_on(page) if type(video.get("created_at")) is int]
    for (one, first), (other, second) in pairwise(timed):
        early, late = one["created_at"], other["created_at"]
        if (early > late) if is_ascending else (early < late):
            expected = "oldest" if is_ascending else "newest"
            return Finding(
                f"{walk.name} should come {expected} first: {shown(one.get('id'))}, created at {early}, comes before "
                f"{shown(other.get('id'))}, created at {late}",
                (first,) if first is second else (first, second),
            )
    return None


def moments(walk: Walk, own: Iterable[str]) -> int:
    """Return in how many different seconds the run's own videos were created."""
    kept = set(own)
    return len({video.get("created_at") for video in walk.videos if video.get("id") in kept})


def before_all(walk: Walk, own: Iterable[str]) -> str | None:
    """Return the newest video of a walk that is older than each of the run's own; None without one.

    One of the same second may come behind them in a walk the other way.
    """
    kept = set(own)
    times = {video.get("id"): video.get("created_at") for video in walk.videos}
    oldest = min((time for video_id, time in times.items() if video_id in kept and type(time) is int), default=None)
    if oldest is None:
        return None
    older = (video_id for video_id, time in times.items() if type(time) is int and time < oldest)
    return next((video_id for video_id in older if isinstance(video_id, str)), None)


def wrong_start(page: Exchange, cursor: str, order: Sequence[str], own: Iterable[str]) -> Finding | None:
    """Return a finding if a page does not start right after its cursor. `order` are all ids in the order of the list.

    Only the run's own videos are sure to exist still. An id that is not in `order` is a new video of somebody else.
    """
    if cursor not in order or order.index(cursor) + 1 == len(order):
        return None
    expected = order[order.index(cursor) + 1]
    ids = [id_ for id_ in ids_on(page) if id_ in order]
    if expected not in own or (ids and ids[0] == expected):
        return None
    seen = f"starts with {ids[0]!r}" if ids else "contains none of this run's videos"
    return Finding(f"the page after {cursor!r} {seen}, not with {expected!r}", (page,))


def _around(walk: Walk, missed: str, own: Sequence[str]) -> tuple[Exchange, ...]:
    """Return the pages between which a missing video should be."""
    place = list(own).index(missed)
    near = set(own[max(0, place - 1) : place + 2])
    pages = [page for page in walk.pages if near & set(ids_on(page))]
    return tuple(pages[:2] or walk.pages[-1:])
