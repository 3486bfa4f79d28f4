"""Compare the jobs that a server lists with a row whose create is in doubt. Pure."""

from __future__ import annotations

import unicodedata
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
    has_lookalikes: bool = False,
) -> Sight:
    """Return what a list, the oldest job first, shows of the job of a row that sends this.

    `claimed` has the jobs that rows have, each with its prompt if it is of this batch. With `has_lookalikes`, another
    row in doubt has the same prompt and sends something else, which the list does not show: whose job it is, is open.
    """
    free = [video for video in jobs if video.id not in claimed]
    candidates = [video.id for video in free if video.prompt == sent["prompt"] and _fits(sent, video)]
    if has_lookalikes:
        candidates = []
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
    told, asked = _plain(video.prompt or ""), _plain(sent["prompt"])
    return told in asked or asked in told


def _plain(prompt: str) -> str:
    """Return a prompt without what servers change: the case, white space, kinds of letters, and signs of a cut."""
    return " ".join(unicodedata.normalize("NFKC", prompt).casefold().rstrip(".… ").split())
