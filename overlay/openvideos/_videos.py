"""`client.videos`: the API's operations, blocking. The methods run the flows, which make all decisions."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast

from openvideos_raw.models.character import Character
from openvideos_raw.models.model_list import ModelList
from openvideos_raw.models.video import Video
from openvideos_raw.models.video_delete_response import VideoDeleteResponse

from . import _operations as operations
from ._calls import Call, Extras
from ._drivers.part_file import PartFile
from ._errors import NotFoundError
from ._flows.downloading import downloading
from ._flows.paging import Shared, Walk, page_call
from ._flows.polling import PollSettings, creating_and_polling, polling
from ._flows.retrying import calling, sending
from ._flows.wait_many import DEFAULT_CONCURRENCY, PAGE_SIZE, checked_concurrency, checked_jobs, waiting
from ._pages import SyncConversationCursorPage
from ._raw_response import ResponseContextManager, raw, streamed
from ._responses.api_response import APIResponse
from ._responses.file_content import HttpxBinaryResponseContent
from ._session import SyncSession
from ._settings import Timeout
from ._types import (
    NOT_GIVEN,
    FileTypes,
    ImageReference,
    ListOrder,
    NotGiven,
    Omit,
    Reference,
    VideoModel,
    VideoReference,
    VideoSeconds,
    VideoSize,
    VideoVariant,
    omit,
)

T = TypeVar("T")


class Videos:
    """Create, poll, download, list, delete and remix videos.

    Every method takes `extra_headers`, `extra_query` and `extra_body`, which override what it sends, and `timeout`, the
    timeout of one request in seconds, which overrides the client's; None is no timeout. Any other argument that is None
    or `omit` is left out, and the server chooses. A Video may be passed where its id is taken.

    Raises:
        APIStatusError: Every method: the response has an error status, for which there are subclasses.
        APIConnectionError: Every method: no complete response arrived (APITimeoutError: in time).
        APIResponseValidationError: Every method: the response breaks the contract.
        InvalidArgumentError: Every method: an argument cannot be sent.
    """

    def __init__(self, session: SyncSession) -> None:
        """Use a client's session."""
        self._session = session

    @cached_property
    def with_raw_response(self) -> VideosWithRawResponse:
        """The same methods, but they return the response itself; its `parse()` returns what they return here."""
        return VideosWithRawResponse(self._session)

    @cached_property
    def with_streaming_response(self) -> VideosWithStreamingResponse:
        """The same methods as context managers that return the response, whose body is not read yet."""
        return VideosWithStreamingResponse(self._session)

    def create(
        self,
        *,
        prompt: str,
        input_reference: FileTypes | ImageReference | Omit | None = omit,
        model: VideoModel | Omit | None = omit,
        seconds: VideoSeconds | Omit | None = omit,
        size: VideoSize | Omit | None = omit,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        negative_prompt: str | Omit | None = omit,
        seed: int | Omit | None = omit,
        fps: int | Omit | None = omit,
        num_frames: int | Omit | None = omit,
        references: Sequence[Reference] | Omit | None = omit,
    ) -> Video:
        """Start a video generation job and return it, usually queued (openapi.yaml, create_video).

        A server chooses the model, the duration and the size that are left out, and the video that is returned names
        them. The request is retried only if the server provably did not accept it, so that no job is started and billed
        twice.

        Args:
            prompt: What the video shows.
            input_reference: An image with which the video starts: a file, or {"image_url": …} or {"file_id": …}.
            model: The model, such as "sora-2".
            seconds: The duration in whole seconds, such as "4".
            size: The size in pixels, such as "720x1280".
            negative_prompt: What the video shall not show.
            seed: The seed of the noise, from 0 to 2**32 - 1, for the same picture again.
            fps: The frames per second.
            num_frames: The number of frames, in place of `seconds`.
            references: Several images in place of `input_reference`, each with a role such as "first_frame",
                "last_frame" or "reference": all files, {"role": …, "image": pathlib.Path(…)}, one for each role; or
                none a file, {"role": …, "image_url": …} or {"role": …, "file_id": …}.

        The last five are of the contract's extensions "sampling" and "references", which `list_models` names if the
        server offers them; a server that does not refuses them.

        """
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(
            operations.create(
                self._session.settings,
                extras,
                prompt=prompt,
                input_reference=input_reference,
                model=model,
                seconds=seconds,
                size=size,
                negative_prompt=negative_prompt,
                seed=seed,
                fps=fps,
                num_frames=num_frames,
                references=references,
            )
        )

    def retrieve(
        self,
        video_id: str | Video,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Return a job's current state; a failed job raises no error (openapi.yaml, retrieve_video)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.retrieve(self._session.settings, extras, video_id=video_id))

    def list(
        self,
        *,
        after: str | Video | Omit | None = omit,
        limit: int | Omit | None = omit,
        order: ListOrder | Omit | None = omit,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> SyncConversationCursorPage[Video]:
        """Return one page of videos, newest first; iterating it yields all videos (openapi.yaml, list_videos).

        Args:
            after: The last video of the previous page, or its id.
            limit: The most videos on a page.
            order: "desc" for the newest first, "asc" for the oldest first.

        """
        options = operations.ListOptions.of(after=after, limit=limit, order=order)
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(self._page(Walk(options, extras)))

    def delete(
        self,
        video_id: str | Video,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> VideoDeleteResponse:
        """Delete a video and its files (openapi.yaml, delete_video)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.delete(self._session.settings, extras, video_id=video_id))

    def download_content(
        self,
        video_id: str | Video,
        *,
        variant: VideoVariant | Omit | None = omit,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> HttpxBinaryResponseContent:
        """Download a file of a completed video into memory (openapi.yaml, download_video_content).

        For a large file, `download` streams it to a path. A file whose encoding was not asked for is refused, since it
        could fill the memory.

        Args:
            video_id: The id of the video, or the Video itself.
            variant: "video" (MP4), "thumbnail" (WebP) or "spritesheet" (JPEG).

        Raises:
            DownloadError: What arrives is not the file, as its media type or its 0 bytes show.

        """
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(
            operations.download(
                self._session.settings, extras, video_id=video_id, variant=variant, parse=HttpxBinaryResponseContent
            )
        )

    def remix(
        self,
        video_id: str | Video,
        *,
        prompt: str,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Start a job that remixes a completed video: only the prompt changes (openapi.yaml, remix_video)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.remix(self._session.settings, extras, video_id=video_id, prompt=prompt))

    def edit(
        self,
        *,
        prompt: str,
        video: FileTypes | VideoReference | Video | str,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Start a job that edits a video (openapi.yaml, edit_video).

        Args:
            prompt: How the video changes.
            video: A completed video: its id, {"id": …} or the Video itself; or a file.

        """
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.edit(self._session.settings, extras, prompt=prompt, video=video))

    def extend(
        self,
        *,
        prompt: str,
        seconds: VideoSeconds,
        video: FileTypes | VideoReference | Video | str,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Start a job that continues a video (openapi.yaml, extend_video).

        Args:
            prompt: How the video continues.
            seconds: The duration to add, in whole seconds.
            video: A completed video: its id, {"id": …} or the Video itself; or a file.

        """
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(
            operations.extend(self._session.settings, extras, prompt=prompt, seconds=seconds, video=video)
        )

    def create_character(
        self,
        *,
        name: str,
        video: FileTypes,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Character:
        """Store a character that prompts can feature, from a video that shows it (openapi.yaml, create_character)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.create_character(self._session.settings, extras, name=name, video=video))

    def get_character(
        self,
        character_id: str | Character,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Character:
        """Return a stored character (openapi.yaml, retrieve_character)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.get_character(self._session.settings, extras, character_id=character_id))

    def list_models(
        self,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> ModelList:
        """Return the models of the server, and what of the contract it keeps (openapi.yaml, list_models).

        Raises:
            NotFoundError: The server does not tell what it offers, as most do not; some answer 405 or 501, which are
                other kinds of APIStatusError.
        """
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.list_models(self._session.settings, extras))

    def poll(
        self,
        video_id: str | Video,
        *,
        poll_interval_ms: float | Omit | None = omit,
        poll_timeout_ms: float | Omit | None = omit,
        raise_on_failure: bool = False,
        on_update: Callable[[Video], Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Wait until a job has ended, and return it, its status "completed" or "failed".

        Args:
            video_id: The id of the job, or its Video.
            poll_interval_ms: Milliseconds between two polls; by default as the server advises, else 1000.
            poll_timeout_ms: Milliseconds to wait in total; by default an hour.
            raise_on_failure: Raise VideoFailedError if the job failed.
            on_update: Called with the Video whenever it has changed.

        Raises:
            PollTimeoutError: The job did not end in time. It continues at the server.
            VideoFailedError: The job failed, and raise_on_failure is true.

        Every exception of this method has the latest Video as `.video`.

        """
        poll_settings = PollSettings.of(poll_interval_ms=poll_interval_ms, poll_timeout_ms=poll_timeout_ms)
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        flow = polling(
            operations.retrieve(self._session.settings, extras, video_id=video_id),
            self._session.retries,
            poll_settings,
            video_id=operations.id_of_video(video_id),
            video=video_id if isinstance(video_id, Video) else None,
            raise_on_failure=raise_on_failure,
            on_update=operations.callback("on_update", on_update),
        )
        return self._session.driver.run(flow)

    def create_and_poll(
        self,
        *,
        prompt: str,
        input_reference: FileTypes | ImageReference | Omit | None = omit,
        model: VideoModel | Omit | None = omit,
        seconds: VideoSeconds | Omit | None = omit,
        size: VideoSize | Omit | None = omit,
        poll_interval_ms: float | Omit | None = omit,
        poll_timeout_ms: float | Omit | None = omit,
        raise_on_failure: bool = False,
        on_update: Callable[[Video], Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        negative_prompt: str | Omit | None = omit,
        seed: int | Omit | None = omit,
        fps: int | Omit | None = omit,
        num_frames: int | Omit | None = omit,
        references: Sequence[Reference] | Omit | None = omit,
    ) -> Video:
        """Start a job, wait until it has ended, and return it, its status "completed" or "failed".

        The arguments are those of `create` and `poll`. `extra_body` is sent only with the create; `extra_headers` and
        `extra_query` are sent with every request. Once the job has an id, every exception has it as `.video_id` and
        `.video`.

        Raises:
            PollTimeoutError: The job did not end in time. It continues at the server.
            VideoFailedError: The job failed, and raise_on_failure is true.
        """
        poll_settings = PollSettings.of(poll_interval_ms=poll_interval_ms, poll_timeout_ms=poll_timeout_ms)
        on_update = operations.callback("on_update", on_update)
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
            negative_prompt=negative_prompt,
            seed=seed,
            fps=fps,
            num_frames=num_frames,
            references=references,
        )
        flow = creating_and_polling(
            create,
            lambda video_id: operations.retrieve(settings, extras.for_reads(), video_id=video_id),
            self._session.retries,
            poll_settings,
            raise_on_failure=raise_on_failure,
            on_update=on_update,
        )
        return self._session.driver.run(flow)

    def wait_many(
        self,
        ids: Iterable[str | Video],
        *,
        poll_interval_ms: float | Omit | None = omit,
        poll_timeout_ms: float | Omit | None = omit,
        raise_on_failure: bool = False,
        on_update: Callable[[Video], Any] | None = None,
        on_not_found: Callable[[NotFoundError], Any] | None = None,
        max_concurrency: int = DEFAULT_CONCURRENCY,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Generator[Video]:
        """Wait for many jobs, and yield each of them when it ends.

        A page of the list contains up to a hundred jobs, so that waiting for thousands of jobs takes few requests. Jobs
        that are not on the pages are read one by one, at most `max_concurrency` at once. To leave the loop early, close
        the generator, as `contextlib.closing` does.

        Args:
            ids: The ids of the jobs, or their Videos.
            poll_interval_ms: Milliseconds between two rounds; by default as the server advises, else 1000.
            poll_timeout_ms: Milliseconds to wait in total; by default an hour.
            raise_on_failure: Raise VideoFailedError if a job failed.
            on_update: Called with the Video of a job whenever it has changed.
            on_not_found: Called with the NotFoundError of a job that the server does not have, `video_id`, while the
                others are waited for. Without it, the first such error is raised.
            max_concurrency: The most requests at once.

        Raises:
            PollTimeoutError: Some jobs did not end in time; `pending` has their ids.
            NotFoundError: The server has no job with one of the ids, its `video_id`, and there is no on_not_found.
            VideoFailedError: A job failed, and raise_on_failure is true.

        """
        poll_settings = PollSettings.of(poll_interval_ms=poll_interval_ms, poll_timeout_ms=poll_timeout_ms)
        wanted = checked_jobs(ids)
        extras = Extras(extra_headers, extra_query, None, timeout)
        flow = waiting(
            wanted,
            lambda video_id: operations.retrieve(self._session.settings, extras, video_id=video_id),
            self._page,
            Walk(operations.ListOptions(limit=PAGE_SIZE), extras),
            self._session.retries,
            poll_settings,
            raise_on_failure=raise_on_failure,
            on_update=operations.callback("on_update", on_update),
            on_not_found=operations.callback("on_not_found", on_not_found),
            concurrency=checked_concurrency(max_concurrency),
        )
        return self._session.driver.iterate(flow)

    def download(
        self,
        video_id: str | Video,
        to: str | os.PathLike[str],
        *,
        variant: VideoVariant | Omit | None = omit,
        on_progress: Callable[[int, int | None], Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, object] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Path:
        """Download a file of a completed video to a path, with little memory, and return the path.

        The file is written completely or not at all: the bytes are written to a part file in the same directory, which
        is checked, synced and renamed. After an interruption, the download continues where it stopped. The job is not
        changed.

        Args:
            video_id: The id of the video, or the Video itself.
            to: The file to write.
            variant: "video" (MP4), "thumbnail" (WebP) or "spritesheet" (JPEG).
            on_progress: Called with the bytes received (0 after a restart) and expected (None if unknown).

        Raises:
            DownloadError: The file does not arrive completely, or cannot be written; what arrives is not the file, as
                its media type or its 0 bytes show; or it is an MP4 without its end, and the job is not completed.

        """
        extras = Extras(extra_headers, extra_query, None, timeout)
        call = operations.download(
            self._session.settings, extras, video_id=video_id, variant=variant, parse=HttpxBinaryResponseContent
        )
        read = operations.retrieve(self._session.settings, extras.for_reads(), video_id=video_id)
        progress = operations.callback("on_progress", on_progress)
        flow = downloading(call, read, self._session.retries, PartFile(to), progress)
        return self._session.driver.run(flow)

    def _call(self, call: Call[T]) -> T:
        """Send a call, and return its parsed response."""
        return self._session.driver.run(calling(call, self._session.retries))

    def _page(self, walk: Walk) -> Call[SyncConversationCursorPage[Video]]:
        """Build the call that fetches one page."""
        return page_call(
            partial(SyncConversationCursorPage, session=Shared(self._session)), self._session.settings, walk
        )


class _RawVideos(Videos):
    def _call(self, call: Call[T]) -> T:
        response = self._session.driver.run(sending(call, self._session.retries))
        return cast("T", APIResponse(response, call.parse))


class _StreamedVideos(Videos):
    def _call(self, call: Call[T]) -> T:
        def send() -> APIResponse[T]:
            response = self._session.driver.run(sending(call, self._session.retries, stream=True))
            return APIResponse(response, call.parse)

        return cast("T", ResponseContextManager(send))


class VideosWithRawResponse:
    """The methods of `client.videos`, each returning an APIResponse."""

    def __init__(self, session: SyncSession) -> None:
        """Use a client's session."""
        videos = _RawVideos(session)
        self.create = raw(videos.create)
        self.retrieve = raw(videos.retrieve)
        self.list = raw(videos.list)
        self.delete = raw(videos.delete)
        self.download_content = raw(videos.download_content)
        self.remix = raw(videos.remix)
        self.edit = raw(videos.edit)
        self.extend = raw(videos.extend)
        self.create_character = raw(videos.create_character)
        self.get_character = raw(videos.get_character)
        self.list_models = raw(videos.list_models)


class VideosWithStreamingResponse:
    """The methods of `client.videos`, each returning a context manager with an APIResponse, its body not read yet."""

    def __init__(self, session: SyncSession) -> None:
        """Use a client's session."""
        videos = _StreamedVideos(session)
        self.create = streamed(videos.create)
        self.retrieve = streamed(videos.retrieve)
        self.list = streamed(videos.list)
        self.delete = streamed(videos.delete)
        self.download_content = streamed(videos.download_content)
        self.remix = streamed(videos.remix)
        self.edit = streamed(videos.edit)
        self.extend = streamed(videos.extend)
        self.create_character = streamed(videos.create_character)
        self.get_character = streamed(videos.get_character)
        self.list_models = streamed(videos.list_models)
