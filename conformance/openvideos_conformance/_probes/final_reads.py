"""Read each job of a run again at its end: what a job keeps for ever shows only in responses after it has ended."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from .._core.operations import video_path
from .._core.outcomes import OutcomeError
from .._core.own_jobs import undeleted_ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core.exchange import Exchange
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_READS: Final = 3
"""How often an ended job is read: some servers tell the right status once, and another after that."""
_APART: Final = 1.1
"""How long after a job was first seen ended it is read again, in seconds: a time that moves does so each second."""


def read_jobs_again(client: RecordingClient, jobs: JobPool) -> None:
    """Read the status of each job that is still there, several times if it was seen to end, and the list once.

    Where no other check has downloaded a file, as in a run of one requirement, a byte of one is.
    """
    with contextlib.suppress(OutcomeError):  # else the rules judge what there is
        job = jobs.completed()
        if not any(each.operation == "download_video_content" and each.is_ok for each in client.history):
            client.get(f"{job.path}/content", headers={"range": "bytes=0-0"}, layer="closing")
    ended = _ended(client.history)
    if ended:
        time.sleep(max(0.0, min(_APART, max(ended.values()) + _APART - client.now())))
    for video_id in undeleted_ids(client.history):
        for _ in range(_READS if video_id in ended else 1):
            client.get(video_path(video_id), layer="closing")
    client.get("/videos", layer="closing")


def _ended(history: Iterable[Exchange]) -> dict[str, float]:
    """Return when each job was first seen ended."""
    seen: dict[str, float] = {}
    for exchange in history:
        if exchange.operation == "retrieve_video" and exchange.object.get("completed_at") is not None:
            seen.setdefault(exchange.ids["video_id"], exchange.ended)
    return seen
