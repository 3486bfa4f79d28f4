"""Define all exceptions that the SDK raises.

    OpenVideosError
    ├── APIError                          a request was sent, or attempted, without success
    │   ├── APIStatusError                the response has a status of 300 or above
    │   │   ├── BadRequestError           400
    │   │   ├── AuthenticationError       401
    │   │   ├── PermissionDeniedError     403
    │   │   ├── NotFoundError             404
    │   │   ├── ConflictError             409
    │   │   ├── GoneError                 410
    │   │   ├── UnprocessableEntityError  422
    │   │   ├── RateLimitError            429
    │   │   └── InternalServerError       500 and above
    │   ├── APIConnectionError            no complete response arrived
    │   │   └── APITimeoutError           … in time
    │   └── APIResponseValidationError    the response breaks the contract
    ├── ConfigurationError                the client lacks a setting, or has an invalid one
    ├── InvalidArgumentError              a call's argument cannot be sent (also a ValueError)
    ├── VideoFailedError                  the job failed, and raise_on_failure is true
    ├── PollTimeoutError                  the job did not end in time (also a TimeoutError)
    ├── PaginationError                   a list cannot be walked to its end
    ├── DownloadError                     a file did not arrive completely, or could not be written
    └── WebhookVerificationError          a webhook was not signed with the secret, or is no event

Exceptions carry their details as attributes, which are pickled with them. None contains an API key: `_secrets.py`
removes secrets from everything that an exception carries, its causes too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from ._json import is_object

if TYPE_CHECKING:
    import httpx

    from openvideos_raw.models.video import Video


LONGEST_SHOWN: Final = 200


def repr_of(value: object) -> str:
    """Return a caller's value as messages show it: cut, and without the digits that Python refuses to write."""
    if isinstance(value, int) and abs(value) > 1 << 64:
        return "a huge number"
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a caller's class may raise anything
        return f"of the type {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _rebuild(kind: type[OpenVideosError], message: str, state: dict[str, Any]) -> OpenVideosError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class OpenVideosError(Exception):
    """The base of every exception of the SDK."""

    video: Video | None
    """The latest snapshot of the job, if the exception is about a job."""
    pending: tuple[str, ...] = ()
    """The ids of all jobs that `wait_many` has neither returned nor passed to `on_not_found`."""

    def __init__(self, message: str, *, video: Video | None = None, video_id: str | None = None) -> None:
        """Store the message, and the job that the exception is about, if there is one."""
        # A server's message may contain lone surrogates, which log files and terminals cannot encode.
        message = message.encode("utf-8", "backslashreplace").decode()
        super().__init__(message)
        self.message = message
        self.video = video
        self._video_id = video_id

    def about(self, video_id: str | None, video: Video | None = None) -> None:
        """Set the job that the exception is about, unless it is set already."""
        self.video = self.video or video
        self._video_id = self._video_id or video_id

    @property
    def video_id(self) -> str | None:
        """The id of the job that the exception is about, even if no snapshot of the job is known."""
        return self._video_id if self.video is None else self.video.id

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all attributes."""
        return _rebuild, (type(self), self.message, dict(self.__dict__))


class ConfigurationError(OpenVideosError):
    """Raised when the client lacks a setting, or has an invalid one."""


class InvalidArgumentError(OpenVideosError, ValueError):
    """Raised, before anything is sent, when an argument of a call cannot be sent."""


class APIError(OpenVideosError):
    """Raised when a request was sent, or attempted, without success."""

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
        """Store the details; `request` and `response` contain no secrets, `body` is the decoded body or None."""
        super().__init__(message, video=video, video_id=video_id)
        self.request = request
        self.response = response
        self.body = body

    @property
    def request_id(self) -> str | None:
        """The server's id of the request (`x-request-id`), for a report to the server's operator."""
        return None if self.response is None else self.response.headers.get("x-request-id")

    def _detail(self, key: str) -> str | None:
        detail = self.body.get("error") if is_object(self.body) else None
        value = detail.get(key) if is_object(detail) else None
        return None if value is None else str(value)

    @property
    def code(self) -> str | None:
        """The server's error code, for programs (`error.code`), such as `video_not_ready`."""
        return self._detail("code")

    @property
    def type(self) -> str | None:
        """The type of the error (`error.type`), such as `invalid_request_error`."""
        return self._detail("type")

    @property
    def param(self) -> str | None:
        """The parameter or field that is wrong (`error.param`)."""
        return self._detail("param")


class APIStatusError(APIError):
    """Raised when the response has a status that is not a success."""

    response: httpx.Response
    _by_status: ClassVar[dict[int, type[APIStatusError]]] = {}

    def __init_subclass__(cls, *, status: int | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if status is not None:
            APIStatusError._by_status[status] = cls

    @classmethod
    def for_status(cls, status: int) -> type[APIStatusError]:
        """Return the class for a status, which may be any integer, since servers invent statuses."""
        return cls._by_status.get(status) or (InternalServerError if status >= 500 else APIStatusError)  # noqa: PLR2004 - RFC 9110, 15.6

    @property
    def status_code(self) -> int:
        """The status of the response."""
        return self.response.status_code


class BadRequestError(APIStatusError, status=400):
    """Raised for a 400: the request is malformed, or has a value that the server does not offer."""


class AuthenticationError(APIStatusError, status=401):
    """Raised for a 401: there is no API key, or it is wrong."""


class PermissionDeniedError(APIStatusError, status=403):
    """Raised for a 403: the API key may not do this."""


class NotFoundError(APIStatusError, status=404):
    """Raised for a 404: the server has no resource with this id."""


class ConflictError(APIStatusError, status=409):
    """Raised for a 409: the job is in a state that does not allow this, such as content before it is completed."""


class GoneError(APIStatusError, status=410):
    """Raised for a 410: the content has expired."""


class UnprocessableEntityError(APIStatusError, status=422):
    """Raised for a 422: a value in the request cannot be used."""


class RateLimitError(APIStatusError, status=429):
    """Raised for a 429: too many requests."""


class InternalServerError(APIStatusError):
    """Raised for 500 and above: the server failed. A POST may have started its job nevertheless."""


class APIConnectionError(APIError):
    """Raised when no complete response arrived: the server cannot be reached, or the connection broke."""

    never_sent: bool = False
    """Whether the request provably did not reach the server, so that no job can have been started."""


class APITimeoutError(APIConnectionError):
    """Raised when no complete response arrived in time."""


class APIResponseValidationError(APIError):
    """Raised when the response breaks the contract: it is not JSON, has another shape, or lacks a required key."""

    response: httpx.Response

    @property
    def status_code(self) -> int:
        """The status of the response."""
        return self.response.status_code


class VideoFailedError(OpenVideosError):
    """Raised by `poll` and `create_and_poll` with `raise_on_failure=True` when the job failed; see `.video.error`."""

    video: Video  # pyright: ignore[reportIncompatibleVariableOverride] - never None here


class PollTimeoutError(OpenVideosError, TimeoutError):
    """Raised when a job did not end before the deadline. It continues at the server: poll `.video_id` again."""


class PaginationError(OpenVideosError):
    """Raised when a list cannot be walked to its end: a cursor is repeated, or is missing before the end."""


class DownloadError(OpenVideosError):
    """Raised when a file did not arrive completely, or could not be written. The job is unchanged; try again."""

    bytes_received: int = 0
    bytes_expected: int | None = None


class BatchError(OpenVideosError):
    """Raised when a batch cannot be run as it is asked for. The message says where, and what to do."""


class WebhookVerificationError(OpenVideosError):
    """Raised when a webhook's signature is invalid, its time is too old, or its content is not an event."""
