"""Turn answers into what callers see, or into typed errors. Pure.

Strict in what the contract cannot do without (an id, a status), lenient in the rest: an unknown word, an extra key or a
missing optional one never raises, and its value is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import httpx

from openvideos_raw.models.character import Character
from openvideos_raw.models.video import Video
from openvideos_raw.models.video_delete_response import VideoDeleteResponse
from openvideos_raw.models.video_error import VideoError

from ._errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
)
from ._json import is_array, is_object
from ._secrets import response_without_secrets, scrub, secrets_in, without_secrets
from ._status import is_failed

DEEPEST: Final = 100
"""How many levels of lists and objects an answer may have."""

_SHOWN: Final = 300
_ADVICE: Final = {
    401: " Check the API key: api_key=, or OPENVIDEOS_API_KEY beside OPENVIDEOS_BASE_URL.",
    404: " Check the id, and that the base URL ends where the API begins, usually with /v1.",
    410: " The content has expired; nothing brings it back.",
    413: " Send a smaller file.",
    429: " Wait, and send fewer requests at once.",
}


def decoded(response: httpx.Response) -> Any:
    """Return a body as JSON.

    Raises APIResponseValidationError when it is none.
    """
    try:
        return _loads(response.content)
    except ValueError as error:
        raise invalid(response, f"the body is not JSON ({_start(response)})") from error


def _loads(content: bytes) -> Any:
    """Return decoded JSON.

    Raises ValueError when it is none, or is nested so deep that comparing, pickling or printing it would fail.
    """
    try:
        data = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if content.count(b"[") + content.count(b"{") > DEEPEST:
        level = [data]
        for _ in range(DEEPEST):
            level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, (dict, list))]
        if level:
            raise ValueError("nested too deep")
    return data


def _inside(value: Any) -> Iterable[Any]:
    """Return what a JSON value holds."""
    if is_object(value):
        return value.values()
    return value if is_array(value) else ()


def invalid(response: httpx.Response, problem: str) -> APIResponseValidationError:
    """Return the error for an answer that is not what the contract says."""
    secrets = secrets_of(response)
    body = _body(response, secrets)
    video_id = body.get("id") if is_object(body) else None
    return APIResponseValidationError(
        scrub(f"{_exchange(response)}, but {problem}.", secrets),
        request=without_secrets(response.request, secrets),
        response=response_without_secrets(response, secrets),
        body=body,
        video_id=video_id if isinstance(video_id, str) else None,
    )


def status_error(response: httpx.Response, *, video_id: str | None = None) -> APIStatusError:
    """Return the error for an answer whose status is not a success."""
    secrets = secrets_of(response)
    body = _body(response, secrets)
    status = response.status_code
    advice = _ADVICE.get(status, "")
    if response.has_redirect_location:
        advice = (
            f" A {response.request.method} is not sent on to another address, where it would be repeated or become "
            "another method: set the base URL to the address that the server names."
        )
    return APIStatusError.for_status(status)(
        scrub(f"{_exchange(response)}: {_message(body) or _start(response)}{advice}", secrets),
        request=without_secrets(response.request, secrets),
        response=response_without_secrets(response, secrets),
        body=body,
        video_id=video_id,
    )


def connection_error(error: Exception, request: httpx.Request, secrets: tuple[str, ...]) -> APIConnectionError:
    """Return the error for an attempt without a whole answer: the one seam where httpx's exceptions are translated."""
    what = f"{request.method} {request.url.path}"
    where = f"{request.url.scheme}://{request.url.netloc.decode('ascii', 'replace')}"
    kind: type[APIConnectionError] = APIConnectionError
    # These are raised before a byte of the request leaves (httpx, exceptions; httpcore, connection_pool).
    never_sent = isinstance(
        error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
    )
    if isinstance(error, httpx.TimeoutException):
        kind = APITimeoutError
        text = f"{what}: no answer from {where} in time ({type(error).__name__}). Pass timeout= to wait longer."
    elif isinstance(error, httpx.ConnectError):
        text = f"{what}: no connection to {where} ({error}). Is the server running, and is the base URL right?"
    elif isinstance(error, httpx.TooManyRedirects):
        text = f"{what}: {where} redirects in a circle, or too often. Check the base URL."
    else:
        text = f"{what}: the exchange with {where} broke off ({type(error).__name__}: {error})."
    if not never_sent and request.method == "POST":
        text += " The server may have started the job all the same; list the videos before you start it again."
    result = kind(scrub(text, secrets), request=without_secrets(request, secrets))
    result.never_sent = never_sent
    return result


def video(response: httpx.Response) -> Video:
    """Return the Video that an answer holds.

    Raises APIResponseValidationError, naming the key, when it is not one.
    """
    return read_video(decoded(response), response)


def read_video(data: Any, response: httpx.Response) -> Video:
    """Return a decoded Video; `response` is where it came from."""
    if not is_object(data):
        raise invalid(response, f"a video is expected, and the body is of the type {type(data).__name__}")
    try:
        result = Video.from_dict(data)
    except (TypeError, ValueError) as error:
        raise invalid(response, str(error)) from error
    if not result.id:
        raise invalid(response, "Video: the key 'id' is empty")
    if result.error is not None:
        # What a server says of a failure ends in exceptions' messages, so it must not tell the key.
        told = result.error.to_dict() if type(result.error) is VideoError else result.error
        result.error = _video_error(scrub(told, secrets_of(response)))
    return result


def started_id(beginning: bytes) -> str | None:
    """Return the id of a job that an answer was about to tell of when it broke off, None if it did not get that far."""
    text, decoder = beginning.decode("utf-8", "replace"), json.JSONDecoder()
    at = len(text) - len(text.lstrip())
    try:
        while text[at] in "{,":
            key, at = decoder.raw_decode(text, at + 1 + _blanks(text, at + 1))
            at += _blanks(text, at) + 1  # the colon
            value, at = decoder.raw_decode(text, at + _blanks(text, at))
            at += _blanks(text, at)
            if key == "id":
                return value if isinstance(value, str) and value else None
    except (ValueError, IndexError, RecursionError):
        pass
    return None


def _blanks(text: str, at: int) -> int:
    return len(text) - at - len(text[at:].lstrip())


def _video_error(value: Any) -> VideoError | None:
    """Return what a server says of a failure as a VideoError, whatever shape it has; nothing of it is lost."""
    if is_object(value):
        rest = dict(value)
        code, message = rest.pop("code", None), rest.pop("message", None)
        error = VideoError(code="" if code is None else str(code), message="" if message is None else str(message))
        error.additional_properties = rest
        return error
    return VideoError(code="", message=value if isinstance(value, str) else json.dumps(value))


def failed_job_as_error(response: httpx.Response) -> bool:
    """Tell whether an answer with a 5xx status is a failed job: some servers answer so (vLLM-Omni 0.30)."""
    try:
        data = _loads(response.content)
        return is_failed(Video.from_dict(data).status) and data.get("object") == "video"
    except (AttributeError, ValueError, TypeError):
        return False


def deletion(video_id: str, response: httpx.Response) -> VideoDeleteResponse:
    """Return the confirmation of a deletion, also from servers that answer with the video, or with nothing."""
    data: Any = decoded(response) if response.content.strip() else {}
    if not is_object(data):
        raise invalid(response, f"a confirmation is expected, and the body is of the type {type(data).__name__}")
    confirmation: dict[str, Any] = {"id": video_id, "deleted": True, **data}
    try:
        return VideoDeleteResponse.from_dict(confirmation)
    except (TypeError, ValueError) as error:
        raise invalid(response, str(error)) from error


def character(response: httpx.Response) -> Character:
    """Return the Character that an answer holds."""
    data = decoded(response)
    if not is_object(data):
        raise invalid(response, f"a character is expected, and the body is of the type {type(data).__name__}")
    try:
        return Character.from_dict(data)
    except (TypeError, ValueError) as error:
        raise invalid(response, str(error)) from error


def _exchange(response: httpx.Response) -> str:
    return f"{response.request.method} {response.request.url.path} answered {response.status_code}"


def secrets_of(response: httpx.Response) -> tuple[str, ...]:
    """Return the secrets that an answer may echo: those of its request, and of the requests that led to it."""
    return secrets_in([earlier.request.headers for earlier in (*response.history, response)])


def _body(response: httpx.Response, secrets: tuple[str, ...]) -> Any:
    try:
        return scrub(_loads(response.content), secrets)
    except ValueError:
        return None


def _message(body: Any) -> str | None:
    """Return the message of an error body: the contract's envelope, or what servers send in its place."""
    if not is_object(body):
        return None
    detail = body.get("error", body.get("detail", body.get("message")))
    if is_object(detail):
        detail = detail.get("message", detail)
    if detail is None:
        return None
    text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _start(response: httpx.Response) -> str:
    """Return the beginning of a body that is no JSON, for a message."""
    if not response.content:
        return "the body is empty"
    kind = response.headers.get("content-type", "no content type")
    text = " ".join(response.content[: _SHOWN * 4].decode("utf-8", "replace").split())
    return f"{kind}: {text[:100]}{'…' if len(text) > 100 else ''}"  # noqa: PLR2004 - a glimpse is enough
