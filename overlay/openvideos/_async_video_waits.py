"""`client.videos`: what takes several requests, asynchronous: waiting for jobs, and downloading to a path."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable
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
from ._pages import AsyncConversationCursorPage, Walk, page_call
from ._responses import HttpxBinaryResponseContent
from ._session import AsyncSession
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

PAGE: type[AsyncConversationCursorPage[Video]] = AsyncConversationCursorPage


class AsyncVideoWaits:
    """The methods of `client.videos` that take several requests."""

    def __init__(self, session: AsyncSession) -> None:
        """Belong to a client, by its session."""
        self._session = session

    async def poll(
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
        """Wait until a job has ended, and return it, its status "completed" or "failed". See Videos."""
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
        return await self._session.driver.run(flow)

    async def create_and_poll(
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
        """Start a job, wait until it has ended, and return it, its status "completed" or "failed". See Videos."""
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
            return await self._session.driver.run(flow)

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
    ) -> AsyncIterator[Video]:
        """Wait for many jobs and yield each as it ends. See Videos."""
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

    async def download(
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
        """Download a file of a completed video to a path, in little memory, and return the path. See Videos."""
        extras = Extras(extra_headers, extra_query, None, timeout)
        call = operations.download(
            self._session.settings, extras, video_id=video_id, variant=variant, parse=HttpxBinaryResponseContent
        )
        return await self._session.driver.run(downloading(call, self._session.retries, PartFile(to), on_progress))
