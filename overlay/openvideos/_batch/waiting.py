"""Wait for the jobs of all rows together: one walk of the list tells of a hundred of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

from attrs import define, field

from .. import APIConnectionError, APIError, AuthenticationError, OpenVideosError, PollTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .. import AsyncOpenVideos, Video

LONGEST_PAUSE_S: Final = 60.0
LONGEST_SPAN_S: Final = 120.0
MOST_HEARD: Final = 1000
"""How many ids are kept that no row waits for yet: a webhook may be faster than the answer to the create."""
MOST_AT_ONCE: Final = 8
ENDED: Final = frozenset({"completed", "failed"})


@define
class Waiting:
    """Waits for jobs; one may join at any time."""

    client: AsyncOpenVideos
    interval: float
    """Seconds between two rounds."""
    on_trouble: Callable[[str | None], None]
    """Called with what keeps the jobs from being read, and with None once they are read again."""
    _jobs: dict[str, asyncio.Future[Video]] = field(factory=dict["str", "asyncio.Future[Video]"])
    _task: asyncio.Task[None] | None = None
    _heard: deque[str] = field(factory=lambda: deque[str](maxlen=MOST_HEARD))
    _looks: dict[str, asyncio.Task[None]] = field(factory=dict["str", "asyncio.Task[None]"])
    _slots: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    _span: float = 0.0
    """For how many seconds a round goes on: longer where the server is slow, since that limits each request, too."""

    async def ended(self, video_id: str) -> Video:
        """Return a job once it has ended, completed or failed.

        Raises:
            APIError: The server does not know the job, or its answer cannot be read.
        """
        if video_id not in self._jobs:
            self._jobs[video_id] = asyncio.get_running_loop().create_future()
            if video_id in self._heard:
                self.hear([video_id])
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._wait())
        return await self._jobs[video_id]

    def hear(self, ids: Iterable[str]) -> None:
        """Read these jobs at once, which have ended, as webhooks tell. What none of them tells is read in its turn."""
        for video_id in ids:
            if video_id not in self._jobs:
                self._heard.append(video_id)
            elif video_id not in self._looks:
                self._looks[video_id] = asyncio.create_task(self._look(video_id))

    async def _look(self, video_id: str) -> None:
        try:
            # Whoever sends webhooks may be wrong, or anybody: what counts is what the server says.
            with suppress(OpenVideosError):
                async with self._slots:
                    video = await self.client.videos.retrieve(video_id)
                if video.status in ENDED:
                    self._settle(video)
        finally:
            del self._looks[video_id]

    def _settle(self, video: Video) -> None:
        waiting = self._jobs.pop(video.id, None)
        if waiting is not None:
            waiting.set_result(video)

    async def _wait(self) -> None:
        pause = self.interval
        while self._jobs:
            try:
                await self._round()
            except OpenVideosError as error:
                if isinstance(error, PollTimeoutError) and error.__cause__ is None:
                    self.on_trouble(None)
                    pause = self._span = self.interval
                elif not self._is_about_one(error):
                    cause = error.__cause__  # what kept it from reading them until the round was over
                    self.on_trouble(cause.message if isinstance(cause, OpenVideosError) else error.message)
                    pause = min(2 * pause, LONGEST_PAUSE_S)
                    self._span = min(2 * self._span, LONGEST_SPAN_S)
            await asyncio.sleep(pause)

    async def _round(self) -> None:
        """Read all jobs, and once more after an interval; those that join meanwhile are in the next round."""
        self._span = max(self._span, self.interval)
        rounds = self.client.videos.wait_many(
            [*self._jobs], poll_timeout_ms=self._span * 1000, poll_interval_ms=self.interval * 1000
        )
        async with aclosing(rounds):
            async for video in rounds:
                self.on_trouble(None)
                self._settle(video)

    def _is_about_one(self, error: OpenVideosError) -> bool:
        """Return whether an error tells of one job alone, whose row gets it."""
        if isinstance(error, (APIConnectionError, AuthenticationError)) or not isinstance(error, APIError):
            return False
        if error.video_id not in self._jobs or (error.response is not None and error.response.status_code >= 500):  # noqa: PLR2004 - RFC 9110, 15.6
            return False
        self._jobs.pop(error.video_id).set_exception(error)
        return True
