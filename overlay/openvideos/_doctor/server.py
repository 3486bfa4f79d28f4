"""Ask a server what it is, by three requests that start no job and change nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

from attrs import frozen

from .. import (
    APIResponseValidationError,
    APIStatusError,
    AuthenticationError,
    ModelList,
    OpenVideos,
    PermissionDeniedError,
)
from .contract import differences

UNKNOWN_ID: Final = "video_openvideos_doctor"
"""An id that no server has given."""
NOT_JSON: Final = "the body is not JSON"
ABSENT: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
"""What a server answers that does not offer an operation."""


@frozen
class Exchange:
    """A request, what was answered, and how that differs from the contract."""

    request: str
    status: int
    is_offered: bool
    differences: tuple[str, ...] = ()
    offers: ModelList | None = None
    """What the server says that it offers, in the response to that question."""

    @property
    def is_of_no_api(self) -> bool:
        """Whether any server of HTTP may have answered so: there is no such path, or a page that is no JSON."""
        is_unknown = not self.is_offered or (self.status == HTTPStatus.NOT_FOUND and bool(self.differences))
        is_page = NOT_JSON in self.differences and self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return is_unknown or is_page


def exchanges(client: OpenVideos) -> Iterator[Exchange]:
    """Yield the exchanges: what the server offers, its newest video, and a video that it does not have.

    Raises:
        OpenVideosError: The server cannot be reached, or refuses the key, or none of its answers is of the Videos API.
    """
    videos = client.with_options(max_retries=0).videos.with_raw_response
    requests: tuple[tuple[str, Callable[[], Any], HTTPStatus], ...] = (
        ("/videos/models", videos.list_models, HTTPStatus.OK),
        ("/videos", lambda: videos.list(limit=1), HTTPStatus.OK),
        ("/videos/{video_id}", lambda: videos.retrieve(UNKNOWN_ID), HTTPStatus.NOT_FOUND),
    )
    is_of_no_api = True
    for path, send, expected in requests:
        exchange = _exchange(path, send, expected)
        is_of_no_api = is_of_no_api and exchange.is_of_no_api
        yield exchange
    if is_of_no_api:
        raise APIResponseValidationError(
            f"nothing at {client.base_url} is the Videos API; check the base URL, which usually ends with /v1."
        )


def _exchange(path: str, send: Callable[[], Any], expected: HTTPStatus) -> Exchange:
    """Send a request for a path of the contract."""
    request = f"GET {path}"
    offers = None
    try:
        response = send()
        with contextlib.suppress(APIResponseValidationError):
            parsed = response.parse()
            offers = parsed if isinstance(parsed, ModelList) else None
    except (AuthenticationError, PermissionDeniedError):
        raise
    except APIStatusError as error:
        response = error.response
    status: int = response.status_code
    if expected == HTTPStatus.OK and status in ABSENT:
        return Exchange(request, status, is_offered=False)
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return Exchange(request, status, is_offered=True, differences=(NOT_JSON,))
    found = differences(path, status, body)
    if status != expected:
        found.insert(0, f"the status is {status}; it should be {expected.value}")
    return Exchange(request, status, is_offered=True, differences=tuple(found), offers=offers)
