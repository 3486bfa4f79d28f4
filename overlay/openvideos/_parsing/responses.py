"""Turn responses into the objects that callers get, or into typed errors. Pure.

Parsing is strict about an id and a status and lenient about the rest (`models.py`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

import httpx

from openvideos_raw.models.character import Character
from openvideos_raw.models.contract_claim import ContractClaim
from openvideos_raw.models.model_list import ModelList
from openvideos_raw.models.video import Video
from openvideos_raw.models.video_delete_response import VideoDeleteResponse
from openvideos_raw.models.video_error import VideoError

from .._errors import APIResponseValidationError, APIStatusError
from .._json import is_array, is_object
from .._secrets import response_without_secrets, scrub, secrets_in, shown, without_secrets
from .._status import is_failed
from .models import CHARACTER, CLAIM, DELETION, MODEL, MODEL_LIST, VIDEO, Shape, confirms, read

T = TypeVar("T")


DEEPEST: Final = 100
"""The most levels of nested lists and objects that a response may have."""

_NESTING: Final = frozenset({dict, list})  # a page of a hundred has a thousand values
_SHOWN: Final = 300
_ADVICE: Final = {
    401: " Check the API key: api_key=, or OPENVIDEOS_API_KEY with OPENVIDEOS_BASE_URL.",
    402: " The server wants to be paid before it does this: look at the account there.",
    403: " The key may not do this, or the server's rules refuse it: try another key, or other words.",
    404: " Check the id, and that the base URL ends where the API begins, usually with /v1.",
    410: " The content has expired; nothing brings it back.",
    413: " Send a smaller file.",
    429: " Wait, and send fewer requests at once.",
}


def decoded(response: httpx.Response) -> Any:
    """Decode a response's body as JSON.

    Raises:
        APIResponseValidationError: The body is not JSON.
    """
    with contextlib.suppress(ValueError):
        return _loads(response.content)
    # Not raised while the ValueError is handled: that has the whole body as an attribute.
    raise invalid(response, f"the body is not JSON ({_excerpt(response)})")


def _loads(content: bytes) -> Any:
    """Decode JSON.

    Raises:
        ValueError: It is not JSON, or is nested so deep that comparing, pickling or printing it would fail.
    """
    try:
        data = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if content.count(b"[") + content.count(b"{") > DEEPEST:
        level: list[Any] = [data]
        depth = 0
        while level:
            if depth == DEEPEST:
                raise ValueError("nested too deep")
            level = [inner for outer in level for inner in _children(outer) if type(inner) in _NESTING]
            depth += 1
    return data


def _children(value: Any) -> Iterable[Any]:
    """Return the values inside a JSON object or array."""
    if is_object(value):
        return value.values()
    return value if is_array(value) else ()


def invalid(response: httpx.Response, problem: str) -> APIResponseValidationError:
    """Build the error for a response that breaks the contract; `problem` says how."""
    secrets = secrets_of(response)
    body = _body(response, secrets)
    video_id = body.get("id") if is_object(body) else None
    message = _message(body)
    if message:
        problem += f". The server says: {message}"
    elif response.content.lstrip()[:1] == b"<":
        problem += ". That is a page for a browser: check that the base URL ends where the API begins, usually with /v1"
    return APIResponseValidationError(
        scrub(f"{_request_and_status(response)}, but {ended(problem)}", secrets),
        request=without_secrets(response.request, secrets),
        response=response_without_secrets(response, secrets),
        body=body,
        video_id=video_id if isinstance(video_id, str) else None,
    )


def status_error(response: httpx.Response) -> APIStatusError:
    """Build the error for a response whose status is not a success; it carries the id of a job that a POST started."""
    secrets = secrets_of(response)
    body = _body(response, secrets)
    status = response.status_code
    advice = _ADVICE.get(status, "")
    if status == HTTPStatus.NOT_FOUND and response.request.url.path.endswith("/videos"):
        advice = advice.replace("the id, and ", "")  # there is none
    job = job_id(response) if response.request.method == "POST" else None
    if refuses(response):
        advice = advice or " The server has not taken it; try it again later."
    elif job is None and response.request.method == "POST" and status >= 500:  # noqa: PLR2004 - RFC 9110, 15.6
        advice = " The server may have started the job all the same; list the videos before you start it again."
    advice += _asked_pause(response)
    if job is not None:
        advice = f" The response is the job {job}, so the server has accepted it: poll it, and do not start it again."
    if response.has_redirect_location:
        advice = (
            f" The SDK does not follow a redirect of a {response.request.method}, which could repeat it or change its "
            f"method. The server names {_redirect_target(response)}: set the base URL to where the API is."
        )
    return APIStatusError.for_status(status)(
        scrub(f"{_request_and_status(response)}: {ended(_message(body) or _excerpt(response))}{advice}", secrets),
        request=without_secrets(response.request, secrets),
        response=response_without_secrets(response, secrets),
        body=body,
        video_id=scrub(job, secrets),
    )


def refuses(response: httpx.Response) -> bool:
    """Return whether a response says that the server has not taken the request, so that a POST started no job."""
    status, headers = response.status_code, response.headers
    if headers.get("x-should-retry") == "false":
        return False
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return "retry-after" in headers or "retry-after-ms" in headers
    return status == HTTPStatus.TOO_MANY_REQUESTS


def _asked_pause(response: httpx.Response) -> str:
    """Return a sentence with the pause that the server asks for, as it says it; none if it asks for none."""
    name = next((each for each in ("Retry-After-Ms", "Retry-After") if each in response.headers), None)
    return "" if name is None else f" The server asks for a pause ({name}: {response.headers[name][:_SHOWN]})."


def _redirect_target(response: httpx.Response) -> str:
    location = response.headers["location"]
    try:
        return shown(response.request.url.join(location))
    except (httpx.InvalidURL, ValueError):
        return f"{location[:_SHOWN]!r}, which is no address"


def video(response: httpx.Response) -> Video:
    """Parse a response as a Video.

    Raises:
        APIResponseValidationError: The body is not a Video; the message names the key that is wrong.
    """
    return identified(read_video(decoded(response), response), response)


def read_video(data: Any, response: httpx.Response, items: str = "", place: int = 0) -> Video:
    """Parse decoded JSON as a Video; `response` is the response that contains it, at this place of these items, if any.

    Raises:
        APIResponseValidationError: The JSON is not a Video; the message names the key that is wrong.
    """
    result = _parsed(VIDEO, data, response, items, place)
    reason = data.get("error")  # of any shape, also of one that the attribute cannot hold
    if reason is not None:
        # Exceptions' messages contain the server's reason for a failure, so it must not contain the API key.
        result["error"] = _video_error(scrub(reason, secrets_of(response)))
    return result


def job_id(response: httpx.Response) -> str | None:
    """Return the id of the job that the body of an error response describes; None if it describes none."""
    try:
        data = _loads(response.content)
    except ValueError:
        # Such as a number of too many digits, or bytes behind the JSON.
        is_job = b'"object"' in response.content and b'"video"' in response.content
        return job_id_in_partial_body(response.content) if is_job else None
    is_job = is_object(data) and (isinstance(data.get("status"), str) or data.get("object") == "video")
    found = data.get("id") if is_job else None
    return found if isinstance(found, str) and found else None


def _parsed(shape: Shape[T], data: Any, response: httpx.Response, items: str = "", place: int = 0) -> T:
    """Read decoded JSON as `read` does; `response` is the response that contains it, at this place of these items.

    Raises:
        APIResponseValidationError: The JSON is not of this shape; the message says what is wrong.
    """
    try:
        return read(shape, data)
    except (TypeError, ValueError) as error:
        where = f"{items}[{place}] cannot be read: " if items else ""
        raise invalid(response, f"{where}{error}") from error


def identified(result: T, response: httpx.Response, items: Iterable[Any] = ()) -> T:
    """Set the `_request_id` of an object and its items to the server's id of the request, and return the object."""
    request_id = response.headers.get("x-request-id")
    objects: tuple[Any, ...] = (result, *items)
    for each in objects:
        each._request_id = request_id  # noqa: SLF001 - openai's name for it
    return result


def items_of(body: dict[str, Any], response: httpx.Response) -> list[Any]:
    """Return the items of a list's body; Go's servers send null for an empty list.

    Raises:
        APIResponseValidationError: There is no list.
    """
    items = body.get("data", ...)
    if items is None:
        return []
    if not is_array(items):
        raise invalid(response, "the key 'data' is missing or not a list")
    return items


def job_id_in_partial_body(beginning: bytes) -> str | None:
    """Return the job's id from the beginning of a Video's JSON that broke off; None if the id is not in it."""
    text, decoder = beginning.decode("utf-8", "replace"), json.JSONDecoder()
    at = len(text) - len(text.lstrip())
    try:
        while text[at] in "{,":
            key, at = decoder.raw_decode(text, at + 1 + _leading_whitespace(text, at + 1))
            at += _leading_whitespace(text, at) + 1  # the colon
            value, at = decoder.raw_decode(text, at + _leading_whitespace(text, at))
            at += _leading_whitespace(text, at)
            if key == "id":
                return value if isinstance(value, str) and value else None
    except (ValueError, IndexError, RecursionError):
        pass
    return None


def _leading_whitespace(text: str, at: int) -> int:
    return len(text) - at - len(text[at:].lstrip())


def _video_error(value: Any) -> VideoError | None:
    """Convert a server's reason for a failure, of any shape, to a VideoError, without losing any of it."""
    if is_object(value):
        rest = dict(value)
        code, message = rest.pop("code", None), rest.pop("message", None)
        error = VideoError(code="" if code is None else str(code), message="" if message is None else str(message))
        error.additional_properties = rest
        return error
    return VideoError(code="", message=value if isinstance(value, str) else json.dumps(value))


def is_failed_job_as_error(response: httpx.Response) -> bool:
    """Return whether a response with a 5xx status is a failed job, which some servers send (vLLM-Omni 0.30)."""
    try:
        data = _loads(response.content)
        return is_failed(read(VIDEO, data).status) and data.get("object") == "video"
    except ValueError:
        return False


def deletion(video_id: str, response: httpx.Response) -> VideoDeleteResponse:
    """Parse the confirmation of a deletion; some servers send the video, or an empty body, instead.

    Raises:
        APIResponseValidationError: The body is neither a confirmation nor a video.
    """
    data: Any = decoded(response) if response.content.strip() else {}
    if not is_object(data):
        return _parsed(DELETION, data, response)
    deleted = confirms(data)
    result = _parsed(DELETION, {**data, "id": data.get("id") or video_id, "deleted": deleted}, response)
    if data.get("deleted") not in (None, deleted):
        result.additional_properties["deleted"] = data["deleted"]
    return identified(result, response)


def character(response: httpx.Response) -> Character:
    """Parse a response as a Character.

    Raises:
        APIResponseValidationError: The body is not a Character.
    """
    return identified(_parsed(CHARACTER, decoded(response), response), response)


def model_list(response: httpx.Response) -> ModelList:
    """Parse a response as a ModelList.

    Raises:
        APIResponseValidationError: The body is not a ModelList.
    """
    body = decoded(response)
    if not is_object(body):
        return _parsed(MODEL_LIST, body, response)
    sound: dict[str, Any] = {"revision": "", "profiles": [], "extensions": []}
    result = _parsed(MODEL_LIST, {**body, "contract": sound, "data": []}, response)
    result.data = [
        _parsed(MODEL, item, response, "the list's data", place) for place, item in enumerate(items_of(body, response))
    ]
    claim = body.get("contract")
    result.contract = _parsed(CLAIM, claim, response) if is_object(claim) else cast("ContractClaim", None)
    if not (claim is None or is_object(claim)):
        result.additional_properties["contract"] = claim
    return identified(result, response, [*result.data, *filter(None, [result.contract])])


def _request_and_status(response: httpx.Response) -> str:
    return f"{response.request.method} {response.request.url.path} returned {response.status_code}"


def secrets_of(response: httpx.Response) -> tuple[str, ...]:
    """Return the secrets that a response may echo: those of its request, and of the requests redirected to it."""
    return secrets_in(earlier.request for earlier in (*response.history, response))


def _body(response: httpx.Response, secrets: tuple[str, ...]) -> Any:
    try:
        return scrub(_loads(response.content), secrets)
    except ValueError:
        return None


def _message(body: Any) -> str | None:
    """Return the message in an error body: in the contract's envelope, or in another form that servers send."""
    if not is_object(body):
        return None
    given = [body[key] for key in ("error", "detail", "message") if body.get(key) not in (None, "", True, False)]
    if not given:
        return None
    detail = given[0]
    if is_object(detail):
        detail = detail.get("message") or detail
    text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def ended(text: str) -> str:
    """Return a text with a full stop, unless it ends a sentence already; servers write either."""
    return text if text.endswith((".", "…", "!", "?")) else f"{text}."


def _excerpt(response: httpx.Response) -> str:
    """Return the beginning of a body that is not JSON, for a message."""
    if not response.content:
        return "the body is empty"
    kind = response.headers.get("content-type", "no content type")
    text = " ".join(response.content[: _SHOWN * 4].decode("utf-8", "replace").split())
    return f"{kind}: {text[:100]}{'…' if len(text) > 100 else ''}"  # noqa: PLR2004 - long enough for a message
