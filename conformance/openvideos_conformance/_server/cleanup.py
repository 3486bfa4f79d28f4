"""Delete what a run has started. A job that cannot be deleted is told, for somebody pays for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from .._core.exchange import CREATING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core.exchange import Exchange
    from .recording_client import Wire

_ROUNDS: Final = 5
_PAUSE: Final = 1.0
_BUSY: Final = 409


def clean_up(wire: Wire) -> list[str]:
    """Delete each job of the run that is still there; return the ids of those that could not be deleted."""
    left = started(wire.history)
    for turn in range(_ROUNDS):
        busy: list[str] = []
        for index, video_id in enumerate(left):
            exchange = wire.delete(f"/videos/{quote(video_id, safe='')}", layer="cleanup")
            if exchange.status is None or exchange.status in {405, 501}:
                return [*busy, *left[index:]]
            if not exchange.is_ok and exchange.status not in {404, 410}:
                busy.append(video_id)
        if not busy or turn == _ROUNDS - 1:
            return busy
        left = busy
        time.sleep(_PAUSE)
    return left


def started(history: Iterable[Exchange]) -> list[str]:
    """Return the ids of the jobs that were started and not deleted, the newest first."""
    ids: dict[str, None] = {}
    for exchange in history:
        if exchange.operation in CREATING and exchange.is_ok:
            video_id = exchange.object.get("id")
            if isinstance(video_id, str) and video_id:
                ids[video_id] = None
        elif exchange.operation == "delete_video" and exchange.is_ok:
            ids.pop(exchange.ids.get("video_id", ""), None)
    return list(ids)[::-1]
