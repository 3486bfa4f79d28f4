"""Read each job again at the end of the run, since some faults show only in a job that has ended."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from .._core.operations import video_path
from .._core.outcomes import OutcomeError
from .._core.own_jobs import undeleted_ids
from .._server.jobs import FOLLOWING
from .concurrently import eight_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core.exchange import Exchange
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_READS: Final = 3
"""How often an ended job is read: some servers return the right status only once."""
_APART: Final = 1.1
"""How many seconds after its end a job is read again, so that a time that changes each second shows."""


def read_jobs_again(client: RecordingClient, jobs: JobPool) -> None:
    """Read each job that still exists, several times if it has ended, and the list once.

    If no check has downloaded a file, as in a run of one requirement, one byte is downloaded.
    """
    with contextlib.suppress(OutcomeError):  # without such a job, the rules judge the other exchanges
        job = jobs.completed()
        downloads = [each for each in client.history if each.operation == "download_video_content" and each.is_ok]
        if all(each.layer == FOLLOWING for each in downloads):
            client.get(f"{job.path}/content", headers={"range": "bytes=0-0"}, layer="closing")
    ended = _ended(client.history)
    if ended:
        time.sleep(max(0.0, min(_APART, max(ended.values()) + _APART - client.now())))

    def read(video_id: str) -> None:
        for _ in range(_READS if video_id in ended else 1):
            client.get(video_path(video_id), layer="closing")

    eight_at_a_time([partial(read, video_id) for video_id in undeleted_ids(client.history)])
    client.get("/videos", layer="closing")


def _ended(history: Iterable[Exchange]) -> dict[str, float]:
    """Return when each job was first known to have ended."""
    seen: dict[str, float] = {}
    for exchange in history:
        if exchange.operation == "retrieve_video" and exchange.object.get("completed_at") is not None:
            seen.setdefault(exchange.ids["video_id"], exchange.ended)
    return seen
