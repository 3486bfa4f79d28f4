"""Compare the jobs that a server lists with a row whose create is in doubt. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .placing import Sight

if TYPE_CHECKING:
    from .. import Video


def sight_of(
    sent: Mapping[str, Any],
    jobs: Sequence[Video],
    claimed: Mapping[str, str | None],
    *,
    rivals: int,
    under_way: bool,
) -> Sight:
    """Return what a list, the oldest job first, shows of the job of a row that sends this.

    `claimed` has the jobs that rows have, each with its prompt if it is of this batch.
    """
    free = [video for video in jobs if video.id not in claimed]
    candidates = [video.id for video in free if video.prompt == sent["prompt"] and _fits(sent, video)]
    near = [video.id for video in free if video.id not in candidates and _may_be(sent, video)]
    witnesses = [video for video in jobs if claimed.get(video.id) is not None]
    is_proven = any(video.prompt == claimed[video.id] for video in witnesses)
    return Sight(tuple(candidates), tuple(near), rivals, under_way, is_proven)


def _fits(sent: Mapping[str, Any], video: Video) -> bool:
    """Return whether a job has the settings that were sent, as far as it tells them."""
    pairs = ((sent.get(name), getattr(video, name)) for name in ("size", "seconds", "model"))
    return all(asked is None or told in {None, asked} for asked, told in pairs)


def _may_be(sent: Mapping[str, Any], video: Video) -> bool:
    """Return whether a job's prompt is missing, or is a part of what was sent, or holds it."""
    told = video.prompt
    return not told or told in sent["prompt"] or sent["prompt"] in told
