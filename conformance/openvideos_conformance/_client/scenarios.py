"""Define the scenarios: each changes one thing in the responses of the emulator while the command runs."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.exchange import json_array, json_object
from .._core.operations import ENDED
from .recording_server import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from .recording_server import Request

    Send = Callable[[Request], Response]

PROMPT: Final = "A paper boat — 纸船"
AWKWARD: Final = f'{PROMPT}\r\n--+++\r\n--boundary\r\n"quoted"; name=size & 100 %'
"""A prompt with line breaks, and with the separators that some clients write between the parts of a form."""
HINT_MS: Final = 40
SLOW_HINT_MS: Final = 300
RETRY_AFTER_S: Final = 1
CURSOR_LIMIT: Final = 12
"""How many pages that repeat their cursor are returned before further requests are refused."""
UNKNOWN: Final[dict[str, Any]] = {
    "x_queue": {"position": 3, "of": ["a", None, {"b": False}]},
    "x_watermark": None,
    "x_words": "纸船",
    "x_speed": 0.5,
}
"""Fields that the contract does not have, of each JSON type."""


@dataclass
class ScenarioState:
    """The state of a scenario while the command runs."""

    send: Send
    """Sends a request to the emulator, and returns its response."""
    other_origin: str = ""
    """The origin that downloads are redirected to."""
    seen: Counter[str] = field(default_factory=Counter[str])
    first_page: bytes = b""


@dataclass(frozen=True)
class Scenario:
    """A scenario: the number of jobs that exist before it, their speed, and how it changes responses."""

    name: str
    what: str
    change: Callable[[ScenarioState, Request], Response]
    prompt: str = PROMPT
    """The prompt that the command is told to request."""
    job_speed: str = "polls:3"
    jobs: int = 2


def _plain(state: ScenarioState, request: Request) -> Response:
    return _hinted(state.send(request), request, HINT_MS)


def _slow(state: ScenarioState, request: Request) -> Response:
    return _hinted(state.send(request), request, SLOW_HINT_MS)


def _unknown_status(state: ScenarioState, request: Request) -> Response:
    response = _plain(state, request)
    if request.operation == "retrieve_video" and _video(response).get("status") not in ENDED:
        return _with_json(response, {**_video(response), "status": "finalizing"})
    return response


def _retry_after(state: ScenarioState, request: Request) -> Response:
    return _refused_first(state, request, str(RETRY_AFTER_S))


def _retry_after_date(state: ScenarioState, request: Request) -> Response:
    # A date has whole seconds, so this one is RETRY_AFTER_S ahead, or up to one second more.
    return _refused_first(state, request, formatdate(math.ceil(time.time()) + RETRY_AFTER_S, usegmt=True))


def _refused_first(state: ScenarioState, request: Request, when: str) -> Response:
    if request.operation in {"create_video", "retrieve_video"} and _is_first(state, request):
        return _error(429, "Too many requests.", retry_after=when)
    return _plain(state, request)


def _ambiguous_create(state: ScenarioState, request: Request) -> Response:
    if request.operation == "create_video" and _is_first(state, request):
        return replace(state.send(request), is_reset=True, is_broken=True)
    return _plain(state, request)


def _failing_create(state: ScenarioState, request: Request) -> Response:
    if request.operation == "create_video" and _is_first(state, request):
        state.send(request)
        return _error(500, "The server failed after it had accepted the job.")
    return _plain(state, request)


def _truncated_download(state: ScenarioState, request: Request) -> Response:
    response = _plain(state, request)
    if request.operation == "download_video_content" and response.status in {200, 206} and _is_first(state, request):
        return replace(response, cut=len(response.body) // 2, is_broken=True)
    return response


def _lasting_truncation(state: ScenarioState, request: Request) -> Response:
    response = _plain(state, request)
    if request.operation == "download_video_content" and response.status in {200, 206}:
        whole = state.send(replace(request, headers=tuple(p for p in request.headers if p[0].lower() != "range")))
        return replace(whole, cut=len(whole.body) // 2, is_broken=True)
    return response


def _missing_keys(state: ScenarioState, request: Request) -> Response:
    return _with_videos(_plain(state, request), request, _bare)


def _unknown_fields(state: ScenarioState, request: Request) -> Response:
    return _with_videos(_plain(state, request), request, lambda video: {**video, **UNKNOWN})


def _duplicate_cursor(state: ScenarioState, request: Request) -> Response:
    if request.operation != "list_videos":
        return _plain(state, request)
    state.seen["list_videos"] += 1
    if state.seen["list_videos"] > CURSOR_LIMIT:
        return _error(400, "The list was requested too often.")
    response = state.send(request)
    if not state.first_page:
        state.first_page = response.body
    return _with_json(
        replace(response, body=state.first_page), {**json_object(json.loads(state.first_page)), "has_more": True}
    )


def _redirect(state: ScenarioState, request: Request) -> Response:
    if request.operation == "download_video_content":
        target = f"{request.path}?{request.query}" if request.query else request.path
        return Response(307, (("location", state.other_origin + target),))
    return _plain(state, request)


def _server_error(state: ScenarioState, request: Request) -> Response:
    if request.operation == "retrieve_video" and _is_first(state, request):
        return _error(500, "The server failed.")
    return _plain(state, request)


SCENARIOS: Final = {
    each.name: each
    for each in (
        Scenario("plain", "nothing goes wrong", _plain),
        Scenario("awkward-prompt", "the prompt contains the separators of some forms", _plain, prompt=AWKWARD),
        Scenario("slow", "the server asks for longer pauses between polls", _slow, job_speed="polls:5"),
        Scenario("unknown-status", "the job has a status that the contract does not have", _unknown_status),
        Scenario("retry-after", "the first create and the first poll return 429 with Retry-After", _retry_after),
        Scenario("retry-after-date", "the same, and Retry-After is a date", _retry_after_date),
        Scenario("ambiguous-create", "a create is carried out, and its connection is reset", _ambiguous_create),
        Scenario("failing-create", "a create is carried out, and returns 500", _failing_create),
        Scenario("truncated-download", "the first download breaks off", _truncated_download),
        Scenario("lasting-truncation", "every download breaks off", _lasting_truncation),
        Scenario("missing-keys", "videos have only the required keys", _missing_keys),
        Scenario("unknown-fields", "videos have fields that the contract does not have", _unknown_fields),
        Scenario("huge-list", "there are hundreds of videos", _plain, jobs=250),
        Scenario("duplicate-cursor", "every page is the first page, with has_more true", _duplicate_cursor, jobs=25),
        Scenario("redirect", "downloads are redirected to another origin", _redirect),
        Scenario("server-error", "the first poll returns 500", _server_error),
    )
}
"""All scenarios by their names."""


def _is_first(state: ScenarioState, request: Request) -> bool:
    state.seen[str(request.operation)] += 1
    return state.seen[str(request.operation)] == 1


def _hinted(response: Response, request: Request, milliseconds: int) -> Response:
    """Return the response with a poll hint, if it is the status of a running job."""
    if request.operation == "retrieve_video" and response.status == 200 and _video(response).get("status") not in ENDED:  # noqa: PLR2004
        return replace(response.with_headers(openai_poll_after_ms=str(milliseconds)), is_broken=False)
    return response


def _video(response: Response) -> dict[str, Any]:
    try:
        return json_object(json.loads(response.body))
    except ValueError:
        return {}


def _bare(video: dict[str, Any]) -> dict[str, Any]:
    required = contract().schema("Video")["required"]
    return {name: value for name, value in video.items() if name in required}


def _with_videos(response: Response, request: Request, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    """Return the response with each of its videos changed."""
    if response.status != 200 or request.operation in {"download_video_content", "delete_video", None}:  # noqa: PLR2004
        return response
    body = _video(response)
    if request.operation == "list_videos":
        return _with_json(
            response, {**body, "data": [change(json_object(each)) for each in json_array(body.get("data"))]}
        )
    return _with_json(response, change(body))


def _with_json(response: Response, value: Any) -> Response:
    return replace(response, body=json.dumps(value).encode(), is_broken=True)


def _error(status: int, message: str, **headers: str) -> Response:
    kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
    body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return Response(status, (("content-type", "application/json"),), json.dumps(body).encode()).with_headers(**headers)
