"""`client.videos`: what takes several requests, blocking: waiting for jobs, and downloading to a path."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx

from openvideos_raw.models.video import Video

from . import _operations as operations
from ._calls import Extras
from ._drivers.part_file import PartFile
from ._flows.downloading import downloading
from ._flows.polling import Pace, creating_and_polling, polling
from ._flows.wait_many import DEFAULT_CONCURRENCY, PAGE_SIZE, checked_concurrency, checked_ids, waiting
from ._pages import SyncConversationCursorPage, Walk, page_call
from ._responses import HttpxBinaryResponseContent
from ._session import SyncSession
from ._types import (
    NOT_GIVEN,
    FileTypes,
    ImageReference,
    NotGiven,
    Omit,
    VideoModel,
    VideoSeconds,
    VideoSize,
    VideoVariant,
    omit,
)

PAGE: type[SyncConversationCursorPage[Video]] = SyncConversationCursorPage


class VideoWaits:
    """The methods of `client.videos` that take several requests."""

    def __init__(self, session: SyncSession) -> None:
        """Belong to a client, by its session."""
        self._session = session

    def poll(
        self,
        video_id: str,
        *,
        poll_interval_ms: int | Omit = omit,
        poll_timeout_ms: int | Omit = omit,
        raise_on_failure: bool = False,
        on_update: Callable[[Video], Any] | None = None,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Wait until a job has ended, and return it, its status "completed" or "failed".

        Args:
            video_id: The id of the job.
            poll_interval_ms: Milliseconds between two reads; else as the server says, else 1000.
            poll_timeout_ms: Milliseconds to wait in all, an hour if it is left out.
            raise_on_failure: Raise VideoFailedError if the job failed.
            on_update: Called with the Video whenever it has changed.

        Raises:
            PollTimeoutError: If the job has not ended in time. It goes on at the server.
            VideoFailedError: If the job failed, with raise_on_failure.

        Every exception that leaves this method has the last Video as `.video`.

        """
        pace = Pace.of(poll_interval_ms=poll_interval_ms, poll_timeout_ms=poll_timeout_ms)
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        flow = polling(
            operations.retrieve(self._session.settings, extras, video_id=video_id),
            self._session.retries,
            pace,
            video_id=video_id,
            raise_on_failure=raise_on_failure,
            on_update=on_update,
        )
        return self._session.driver.run(flow)

    def create_and_poll(
        self,
        *,
        prompt: str,
        input_reference: FileTypes | ImageReference | Omit = omit,
        model: VideoModel | Omit = omit,
        seconds: VideoSeconds | Omit = omit,
        size: VideoSize | Omit = omit,
        poll_interval_ms: int | Omit = omit,
        poll_timeout_ms: int | Omit = omit,
        raise_on_failure: bool = False,
        on_update: Callable[[Video], Any] | None = None,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Start a job, wait until it has ended, and return it, its status "completed" or "failed".

        The arguments are those of `create` and `poll`. `extra_body` goes with the creation, headers and query with
        every request. From the moment that the job has an id, every exception has it as `.video_id` and `.video`.
        """
        pace = Pace.of(poll_interval_ms=poll_interval_ms, poll_timeout_ms=poll_timeout_ms)
        settings = self._session.settings
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        create = operations.create(
            settings,
            extras,
            prompt=prompt,
            input_reference=input_reference,
            model=model,
            seconds=seconds,
            size=size,
        )
        flow = creating_and_polling(
            create,
            lambda video_id: operations.retrieve(settings, extras.for_reads(), video_id=video_id),
            self._session.retries,
            pace,
            raise_on_failure=raise_on_failure,
            on_update=on_update,
        )
        with create.closing():
            return self._session.driver.run(flow)

    def wait_many(
        self,
        ids: Iterable[str],
        *,
        poll_interval_ms: int | Omit = omit,
        poll_timeout_ms: int | Omit = omit,
        raise_on_failure: bool = False,
        max_concurrency: int = DEFAULT_CONCURRENCY,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Iterator[Video]:
        """Wait for many jobs and yield each as it ends.

        One page of the list tells of up to a hundred jobs, so that thousands of jobs take few requests; what the
        pages do not show is read singly, at most `max_concurrency` at once.

        Raises:
            PollTimeoutError: If some have not ended in time; its `pending` names them.
            NotFoundError: If the server knows one of the ids not at all; its `video_id` names it.
            VideoFailedError: If one failed, with raise_on_failure.

        """
        pace = Pace.of(poll_interval_ms=poll_interval_ms, poll_timeout_ms=poll_timeout_ms)
        settings, wanted = self._session.settings, checked_ids(ids)
        extras = Extras(extra_headers, extra_query, None, timeout)
        flow = waiting(
            wanted,
            lambda video_id: operations.retrieve(settings, extras, video_id=video_id),
            lambda walk: page_call(PAGE, walk),
            Walk(self._session, operations.ListOptions(limit=PAGE_SIZE), extras),
            self._session.retries,
            pace,
            raise_on_failure=raise_on_failure,
            concurrency=checked_concurrency(max_concurrency),
        )
        return self._session.driver.iterate(flow)

    def download(
        self,
        video_id: str,
        to: str | os.PathLike[str],
        *,
        variant: VideoVariant | Omit = omit,
        on_progress: Callable[[int, int | None], Any] | None = None,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Path:
        """Download a file of a completed video to a path, in little memory, and return the path.

        The path holds the whole file or what it held before: the bytes go to a part file beside it, which is checked,
        synced and renamed. After a break the download goes on where it broke off. The job is never touched.

        Args:
            video_id: The id of the video.
            to: The file to write.
            variant: "video" (MP4), "thumbnail" (WebP) or "spritesheet" (JPEG).
            on_progress: Called with the bytes received and the bytes expected (None if unknown).

        Raises:
            DownloadError: If the file does not arrive whole, or cannot be written.

        """
        extras = Extras(extra_headers, extra_query, None, timeout)
        call = operations.download(
            self._session.settings, extras, video_id=video_id, variant=variant, parse=HttpxBinaryResponseContent
        )
        return self._session.driver.run(downloading(call, self._session.retries, PartFile(to), on_progress))
