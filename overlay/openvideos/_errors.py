"""Define every exception that leaves the SDK.

    OpenVideosError
    ├── APIError                          a request was made, or tried
    │   ├── APIStatusError                the server answered with a status of 300 or above
    │   │   ├── BadRequestError           400
    │   │   ├── AuthenticationError       401
    │   │   ├── PermissionDeniedError     403
    │   │   ├── NotFoundError             404
    │   │   ├── ConflictError             409
    │   │   ├── GoneError                 410
    │   │   ├── UnprocessableEntityError  422
    │   │   ├── RateLimitError            429
    │   │   └── InternalServerError       500 and above
    │   ├── APIConnectionError            no whole answer came
    │   │   └── APITimeoutError           … in time
    │   └── APIResponseValidationError    the answer is not what the contract says
    ├── ConfigurationError                the client lacks a setting, or has a wrong one
    ├── InvalidArgumentError              a call's argument cannot be sent (also a ValueError)
    ├── VideoFailedError                  the job failed, and the caller asked for an exception
    ├── PollTimeoutError                  the job did not end in time (also a TimeoutError)
    ├── PaginationError                   a list cannot be walked to its end
    ├── DownloadError                     a file did not arrive whole, or could not be written
    └── WebhookVerificationError          a webhook is not what its sender signed

Exceptions carry what they know as attributes, and pickle with them. None holds an API key: what is put into them has
passed `_secrets` (see there).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._json import is_object

if TYPE_CHECKING:
    import httpx

    from openvideos_raw.models.video import Video


def _rebuild(kind: type[OpenVideosError], message: str, state: dict[str, Any]) -> OpenVideosError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class OpenVideosError(Exception):
    """The base of every exception of the SDK."""

    video: Video | None
    """The last that is known of the job, if the exception is about one."""
    pending: tuple[str, ...] = ()
    """The ids of all jobs that were not handed out, when several were waited for."""

    def __init__(self, message: str, *, video: Video | None = None, video_id: str | None = None) -> None:
        """Say what is wrong; `video` and `video_id` tell which job it is about."""
        # What a server says may hold halves of characters, which no log file or terminal takes.
        message = message.encode("utf-8", "backslashreplace").decode()
        super().__init__(message)
        self.message = message
        self.video = video
        self._video_id = video_id

    def about(self, video_id: str | None, video: Video | None = None) -> None:
        """Add what is known of the job, where the exception does not know it yet."""
        self.video = self.video or video
        self._video_id = self._video_id or video_id

    @property
    def video_id(self) -> str | None:
        """The id of the job that the exception is about, also where no whole Video is known."""
        return self._video_id if self.video is None else self.video.id

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with every attribute."""
        return _rebuild, (type(self), self.message, dict(self.__dict__))


class ConfigurationError(OpenVideosError):
    """Raised when the client lacks a setting, or has one that cannot work."""


class InvalidArgumentError(OpenVideosError, ValueError):
    """Raised, before anything is sent, when an argument of a call cannot be sent."""


class APIError(OpenVideosError):
    """Raised when a request was made, or tried, and did not succeed."""

    def __init__(
        self,
        message: str,
        *,
        request: httpx.Request | None = None,
        response: httpx.Response | None = None,
        body: object = None,
        video: Video | None = None,
        video_id: str | None = None,
    ) -> None:
        """Say what is wrong; `request` and `response` are free of secrets, `body` is the decoded body, if any."""
        super().__init__(message, video=video, video_id=video_id)
        self.request = request
        self.response = response
        self.body = body

    @property
    def request_id(self) -> str | None:
        """The server's name for the exchange (`x-request-id`), to quote in a report."""
        return None if self.response is None else self.response.headers.get("x-request-id")


class APIStatusError(APIError):
    """Raised when the server answered with a status that is not a success."""

    response: httpx.Response
    _by_status: ClassVar[dict[int, type[APIStatusError]]] = {}

    def __init_subclass__(cls, *, status: int | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if status is not None:
            APIStatusError._by_status[status] = cls

    @classmethod
    def for_status(cls, status: int) -> type[APIStatusError]:
        """Return the class for a status; servers invent statuses, so any integer has one."""
        return cls._by_status.get(status) or (InternalServerError if status >= 500 else APIStatusError)  # noqa: PLR2004 - RFC 9110, 15.6

    @property
    def status_code(self) -> int:
        """The status of the answer."""
        return self.response.status_code

    def _detail(self, key: str) -> str | None:
        detail = self.body.get("error") if is_object(self.body) else None
        value = detail.get(key) if is_object(detail) else None
        return None if value is None else str(value)

    @property
    def code(self) -> str | None:
        """The server's word for programs (`error.code`), such as `video_not_ready`."""
        return self._detail("code")

    @property
    def type(self) -> str | None:
        """The server's kind of error (`error.type`), such as `invalid_request_error`."""
        return self._detail("type")

    @property
    def param(self) -> str | None:
        """The parameter or field that is wrong (`error.param`)."""
        return self._detail("param")


class BadRequestError(APIStatusError, status=400):
    """Raised for a 400: the request is malformed, or asks for what the server does not offer."""


class AuthenticationError(APIStatusError, status=401):
    """Raised for a 401: there is no API key, or it is wrong."""


class PermissionDeniedError(APIStatusError, status=403):
    """Raised for a 403: the API key may not do this."""


class NotFoundError(APIStatusError, status=404):
    """Raised for a 404: the server has nothing under this id."""


class ConflictError(APIStatusError, status=409):
    """Raised for a 409: the job is in a state that does not allow this, such as content before it is completed."""


class GoneError(APIStatusError, status=410):
    """Raised for a 410: the content has expired."""


class UnprocessableEntityError(APIStatusError, status=422):
    """Raised for a 422: a value in the request cannot be used."""


class RateLimitError(APIStatusError, status=429):
    """Raised for a 429: too many requests."""


class InternalServerError(APIStatusError):
    """Raised for 500 and above: the server failed. A POST may have started its job all the same."""


class APIConnectionError(APIError):
    """Raised when no whole answer came: the server is not there, or the connection broke."""

    never_sent: bool = False
    """Whether the request provably never reached the server, so that nothing can have been started."""


class APITimeoutError(APIConnectionError):
    """Raised when no whole answer came in time."""


class APIResponseValidationError(APIError):
    """Raised when the answer is not what the contract says: no JSON, another shape, a required key missing."""


class VideoFailedError(OpenVideosError):
    """Raised by `poll` and `create_and_poll` with `raise_on_failure=True` when the job failed; see `.video.error`."""

    video: Video  # pyright: ignore[reportIncompatibleVariableOverride] - always known here


class PollTimeoutError(OpenVideosError, TimeoutError):
    """Raised when a job did not end before the deadline. It goes on at the server: poll `.video_id` again."""


class PaginationError(OpenVideosError):
    """Raised when a list cannot be walked to its end: a cursor is repeated, or there is none although more is said."""


class DownloadError(OpenVideosError):
    """Raised when a file did not arrive whole, or could not be written. The job is untouched: download again."""

    bytes_received: int = 0
    bytes_expected: int | None = None


class WebhookVerificationError(OpenVideosError):
    """Raised when a webhook's signature, time or content is not what a sender with the secret would send."""
