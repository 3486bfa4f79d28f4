"""`client.videos`: what the API can do, blocking. The decisions are in the flows; these methods only name them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import httpx

from openvideos_raw.models.character import Character
from openvideos_raw.models.video import Video
from openvideos_raw.models.video_delete_response import VideoDeleteResponse

from . import _operations as operations
from ._calls import Call, Extras
from ._flows.retrying import sending
from ._pages import SyncConversationCursorPage, Walk, page_call
from ._responses import HttpxBinaryResponseContent
from ._types import (
    NOT_GIVEN,
    FileTypes,
    ImageReference,
    ListOrder,
    NotGiven,
    Omit,
    VideoModel,
    VideoReference,
    VideoSeconds,
    VideoSize,
    VideoVariant,
    omit,
)
from ._video_waits import VideoWaits

if TYPE_CHECKING:
    from ._raw_response import VideosWithRawResponse, VideosWithStreamingResponse

T = TypeVar("T")


PAGE: type[SyncConversationCursorPage[Video]] = SyncConversationCursorPage


class Videos(VideoWaits):
    """Create, poll, download, list, delete and remix videos.

    Every method takes `extra_headers`, `extra_query` and `extra_body`, which are laid over what it sends, and
    `timeout`, the timeout of one request in seconds in place of the client's. Every method raises APIStatusError (by
    status), APIConnectionError, APITimeoutError, APIResponseValidationError and InvalidArgumentError as these classes
    say.
    """

    @cached_property
    def with_raw_response(self) -> VideosWithRawResponse:
        """The same methods, returning the answer itself; its `parse()` gives what they return here."""
        from ._raw_response import VideosWithRawResponse

        return VideosWithRawResponse(self._session)

    @cached_property
    def with_streaming_response(self) -> VideosWithStreamingResponse:
        """The same methods as context managers, whose answer has its body still unread."""
        from ._raw_response import VideosWithStreamingResponse

        return VideosWithStreamingResponse(self._session)

    def create(
        self,
        *,
        prompt: str,
        input_reference: FileTypes | ImageReference | Omit = omit,
        model: VideoModel | Omit = omit,
        seconds: VideoSeconds | Omit = omit,
        size: VideoSize | Omit = omit,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Start a video generation job and return it, usually queued (openapi.yaml, create_video).

        It is sent again only when it provably was not accepted, so that no job is started and billed twice.

        Args:
            prompt: What the video shows.
            input_reference: An image that the video starts from: a file, or {"image_url": …} or {"file_id": …}.
            model: The model, such as "sora-2"; the server's default if it is left out.
            seconds: The duration in whole seconds.
            size: The size in pixels, such as "720x1280".

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
            )
        )

    def retrieve(
        self,
        video_id: str,
        *,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Return a job as it stands; a failed one is no error (openapi.yaml, retrieve_video)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.retrieve(self._session.settings, extras, video_id=video_id))

    def list(
        self,
        *,
        after: str | Omit = omit,
        limit: int | Omit = omit,
        order: ListOrder | Omit = omit,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> SyncConversationCursorPage[Video]:
        """Return one page of videos, newest first; iterating it walks on over all pages (openapi.yaml, list_videos).

        Args:
            after: The id of the last video of the page before.
            limit: How many videos a page holds at the most.
            order: "desc" for the newest first, "asc" for the oldest first.

        """
        options = operations.ListOptions.of(after=after, limit=limit, order=order)
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(page_call(PAGE, Walk(self._session, options, extras)))

    def delete(
        self,
        video_id: str,
        *,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> VideoDeleteResponse:
        """Delete a video and its files (openapi.yaml, delete_video)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.delete(self._session.settings, extras, video_id=video_id))

    def download_content(
        self,
        video_id: str,
        *,
        variant: VideoVariant | Omit = omit,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> HttpxBinaryResponseContent:
        """Download a file of a completed video into memory (openapi.yaml, download_video_content).

        For a large file, `download` streams it to a path.

        Args:
            video_id: The id of the video.
            variant: "video" (MP4), "thumbnail" (WebP) or "spritesheet" (JPEG).

        """
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(
            operations.download(
                self._session.settings, extras, video_id=video_id, variant=variant, parse=HttpxBinaryResponseContent
            )
        )

    def remix(
        self,
        video_id: str,
        *,
        prompt: str,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Start a job that remixes a completed video: only the prompt changes (openapi.yaml, remix_video)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.remix(self._session.settings, extras, video_id=video_id, prompt=prompt))

    def edit(
        self,
        *,
        prompt: str,
        video: FileTypes | VideoReference | Video | str,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
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
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Video:
        """Start a job that continues a video (openapi.yaml, extend_video).

        Args:
            prompt: How the video goes on.
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
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Character:
        """Store a character that prompts can feature, from a video that shows it (openapi.yaml, create_character)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.create_character(self._session.settings, extras, name=name, video=video))

    def get_character(
        self,
        character_id: str,
        *,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: float | httpx.Timeout | None | NotGiven = NOT_GIVEN,
    ) -> Character:
        """Return a stored character (openapi.yaml, retrieve_character)."""
        extras = Extras(extra_headers, extra_query, extra_body, timeout)
        return self._call(operations.get_character(self._session.settings, extras, character_id=character_id))

    def _call(self, call: Call[T]) -> T:
        """Send a call and return what its answer means."""
        with call.closing():
            return call.parse(self._session.driver.run(sending(call, self._session.retries)))
