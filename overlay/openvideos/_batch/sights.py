"""Compare the jobs that a server lists with a row whose create is in doubt. Pure."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .placing import Sight

if TYPE_CHECKING:
    from .. import Video

CUTS: Final = re.compile(r"…|\.{3}|\[[^\]]*\]")
"""What stands for a part that a server leaves out of a prompt: dots, or a word in brackets."""


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
    return is_like(sent["prompt"], video.prompt or "")


def is_like(sent: str, told: str) -> bool:
    """Return whether a prompt that a server tells may be one that was sent: changed, cut, or with a part left out."""
    ours, theirs = _plain(sent), _plain(told)
    if theirs in ours or ours in theirs:
        return True
    # Where letters beyond ASCII are lost, the others are left.
    if ours.encode("ascii", "ignore") == theirs.encode("ascii", "ignore") != b"":
        return True
    pieces, end = CUTS.split(told), 0
    for piece in map(_plain, pieces):
        found = ours.find(piece, end)
        if found < 0:
            return False
        end = found + len(piece)
    return len(pieces) > 1


def _plain(prompt: str) -> str:
    """Return a prompt without what servers change: its letters and digits alone, of one kind and case."""
    plain = unicodedata.normalize("NFKC", html.unescape(prompt)).casefold()
    return "".join(each for each in plain if each.isalnum())
