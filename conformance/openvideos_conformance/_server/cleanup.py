"""Delete the jobs that a run has started. Jobs that cannot be deleted are reported, because they cost money."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from .._core.operations import video_path
from .._core.own_jobs import undeleted_ids

if TYPE_CHECKING:
    from .recording_client import RecordingClient

_ROUNDS: Final = 5
_PAUSE: Final = 1.0


def clean_up(client: RecordingClient) -> list[str]:
    """Delete each job of the run that still exists; return the ids of those that could not be deleted."""
    left = undeleted_ids(client.history)
    for turn in range(_ROUNDS):
        busy: list[str] = []
        for index, video_id in enumerate(left):
            exchange = client.delete(video_path(video_id), layer="cleanup")
            if exchange.status is None or exchange.status in {405, 501}:
                return [*busy, *left[index:]]
            if not exchange.is_ok and exchange.status not in {404, 410}:
                busy.append(video_id)
        if not busy or turn == _ROUNDS - 1:
            return busy
        left = busy
        time.sleep(_PAUSE)
    return left
