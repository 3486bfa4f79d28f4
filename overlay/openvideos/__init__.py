"""Talk to any server that speaks the Videos API.

    from openvideos import OpenVideos

    client = OpenVideos()  # OPENVIDEOS_BASE_URL and OPENVIDEOS_API_KEY
    video = client.videos.create_and_poll(prompt="A serene sunset over mountains")
    client.videos.download(video.id, to="sunset.mp4")

`AsyncOpenVideos` is the same, awaited. What is not listed in `__all__` is private.
"""

from __future__ import annotations

from openvideos_raw.models.character import Character
from openvideos_raw.models.video import Video
from openvideos_raw.models.video_delete_response import VideoDeleteResponse
from openvideos_raw.models.video_error import VideoError

from ._client import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, AsyncOpenVideos, OpenVideos
from ._errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    DownloadError,
    GoneError,
    InternalServerError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideosError,
    PaginationError,
    PermissionDeniedError,
    PollTimeoutError,
    RateLimitError,
    UnprocessableEntityError,
    VideoFailedError,
    WebhookVerificationError,
)
from ._pages import AsyncConversationCursorPage, AsyncPaginator, SyncConversationCursorPage
from ._responses import APIResponse, AsyncAPIResponse, HttpxBinaryResponseContent
from ._types import (
    NOT_GIVEN,
    FileContent,
    FileTypes,
    ImageReference,
    NotGiven,
    Omit,
    VideoModel,
    VideoReference,
    VideoSeconds,
    VideoSize,
    not_given,
    omit,
)
from ._version import __version__
from ._webhooks import UnknownEvent, VideoCompleted, VideoEvent, VideoFailed, sign

__all__ = [
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "NOT_GIVEN",
    "APIConnectionError",
    "APIError",
    "APIResponse",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncAPIResponse",
    "AsyncConversationCursorPage",
    "AsyncOpenVideos",
    "AsyncPaginator",
    "AuthenticationError",
    "BadRequestError",
    "Character",
    "ConfigurationError",
    "ConflictError",
    "DownloadError",
    "FileContent",
    "FileTypes",
    "GoneError",
    "HttpxBinaryResponseContent",
    "ImageReference",
    "InternalServerError",
    "InvalidArgumentError",
    "NotFoundError",
    "NotGiven",
    "Omit",
    "OpenVideos",
    "OpenVideosError",
    "PaginationError",
    "PermissionDeniedError",
    "PollTimeoutError",
    "RateLimitError",
    "SyncConversationCursorPage",
    "UnknownEvent",
    "UnprocessableEntityError",
    "Video",
    "VideoCompleted",
    "VideoDeleteResponse",
    "VideoError",
    "VideoEvent",
    "VideoFailed",
    "VideoFailedError",
    "VideoModel",
    "VideoReference",
    "VideoSeconds",
    "VideoSize",
    "WebhookVerificationError",
    "__version__",
    "not_given",
    "omit",
    "sign",
]
