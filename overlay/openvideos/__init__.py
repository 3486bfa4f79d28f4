"""Talk to any server that speaks the Videos API.

    from openvideos import OpenVideos

    client = OpenVideos()  # OPENVIDEOS_BASE_URL and OPENVIDEOS_API_KEY
    video = client.videos.create_and_poll(prompt="A serene sunset over mountains")
    client.videos.download(video.id, to="sunset.mp4")

`AsyncOpenVideos` has the same methods for asyncio and trio. Names that are not in `__all__` are private.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from ._version import __version__

if TYPE_CHECKING:
    from openvideos_raw.models.character import Character
    from openvideos_raw.models.model import Model
    from openvideos_raw.models.model_list import ModelList
    from openvideos_raw.models.video import Video
    from openvideos_raw.models.video_delete_response import VideoDeleteResponse
    from openvideos_raw.models.video_error import VideoError

    from ._async_videos import AsyncVideos
    from ._client import AsyncOpenVideos, OpenVideos
    from ._errors import (
        APIConnectionError,
        APIError,
        APIResponseValidationError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        BatchError,
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
    from ._raw_response import AsyncResponseContextManager, ResponseContextManager
    from ._responses.api_response import APIResponse, AsyncAPIResponse
    from ._responses.file_content import HttpxBinaryResponseContent
    from ._settings import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
    from ._types import (
        NOT_GIVEN,
        FileContent,
        FileTypes,
        ImageReference,
        ListOrder,
        NotGiven,
        Omit,
        Reference,
        ReferenceRole,
        VideoModel,
        VideoReference,
        VideoSeconds,
        VideoSize,
        VideoVariant,
        not_given,
        omit,
    )
    from ._videos import Videos
    from ._webhooks import UnknownEvent, VideoCompleted, VideoEvent, VideoFailed, Webhooks, sign

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
    "AsyncResponseContextManager",
    "AsyncVideos",
    "AuthenticationError",
    "BadRequestError",
    "BatchError",
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
    "ListOrder",
    "Model",
    "ModelList",
    "NotFoundError",
    "NotGiven",
    "Omit",
    "OpenVideos",
    "OpenVideosError",
    "PaginationError",
    "PermissionDeniedError",
    "PollTimeoutError",
    "RateLimitError",
    "Reference",
    "ReferenceRole",
    "ResponseContextManager",
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
    "VideoVariant",
    "Videos",
    "WebhookVerificationError",
    "Webhooks",
    "__version__",
    "not_given",
    "omit",
    "sign",
]

# Public names are loaded when they are first used (PEP 562), because httpx and the models are slow to import. The
# imports above declare the same names for type checkers and editors; a test compares the two.
_HOMES: Final = {
    "openvideos_raw.models.character": "Character",
    "openvideos_raw.models.model": "Model",
    "openvideos_raw.models.model_list": "ModelList",
    "openvideos_raw.models.video": "Video",
    "openvideos_raw.models.video_delete_response": "VideoDeleteResponse",
    "openvideos_raw.models.video_error": "VideoError",
    "._async_videos": "AsyncVideos",
    "._client": "AsyncOpenVideos OpenVideos",
    "._errors": """
        APIConnectionError APIError APIResponseValidationError APIStatusError APITimeoutError
        AuthenticationError BadRequestError BatchError ConfigurationError ConflictError DownloadError GoneError
        InternalServerError InvalidArgumentError NotFoundError OpenVideosError PaginationError
        PermissionDeniedError PollTimeoutError RateLimitError UnprocessableEntityError VideoFailedError
        WebhookVerificationError
    """,
    "._pages": "AsyncConversationCursorPage AsyncPaginator SyncConversationCursorPage",
    "._raw_response": "AsyncResponseContextManager ResponseContextManager",
    "._responses.api_response": "APIResponse AsyncAPIResponse",
    "._responses.file_content": "HttpxBinaryResponseContent",
    "._settings": "DEFAULT_MAX_RETRIES DEFAULT_TIMEOUT",
    "._types": """
        NOT_GIVEN FileContent FileTypes ImageReference ListOrder NotGiven Omit Reference ReferenceRole VideoModel
        VideoReference VideoSeconds VideoSize VideoVariant not_given omit
    """,
    "._videos": "Videos",
    "._webhooks": "UnknownEvent VideoCompleted VideoEvent VideoFailed Webhooks sign",
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names.split()}


if not TYPE_CHECKING:  # otherwise, type checkers would accept any name

    def __getattr__(name: str) -> Any:
        """Load a public name when it is first used.

        Raises:
            AttributeError: The name is not public.
        """
        module = _HOME.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(module, __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
