"""Change the responses of the emulator as the scenarios need it: each function is one thing that goes wrong."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.exchange import json_array, json_object
from .._core.operations import ENDED, RETURNING_VIDEO
from .._core.request_validation import judge_request
from .app_runner import Request, Response
from .command_run import NEW_STATUS
from .large_file import LargeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Change = Callable[["ScenarioState", Request], Response]

HINT_MS: Final = 40
RETRY_AFTER_S: Final = 1
CURSOR_LIMIT: Final = 12
"""How many pages that repeat their cursor are returned before further requests are refused."""
STALL_S: Final = 6.0
"""For how many seconds a connection is silent before it breaks."""
HUGE_FILE: Final = 300 << 20
OVERLAP_S: Final = 0.1
"""How long a response is kept back, so that requests of one moment are seen to be under way together."""
UNKNOWN: Final[dict[str, Any]] = {
    "x_queue": {"position": 3, "of": ["a", None, {"b": False}]},
    "x_watermark": None,
    "x_words": "纸船",
    "x_speed": 0.5,
}
"""Fields that the contract does not have, of each JSON type."""
_OK: Final = (200, 206)


@dataclass
class ScenarioState:
    """The state of a scenario while the command runs."""

    send: Callable[[Request], Response]
    """Sends a request to the emulator, and returns its response."""
    prompt: str = ""
    """The prompt that the command is told to request."""
    other_origin: str = ""
    """The origin that requests are redirected to."""
    seen: Counter[object] = field(default_factory=Counter[object])
    wanted: set[str] = field(default_factory=set[str])
    """The ids of the jobs with the prompt that the command is told to request."""
    first_page: bytes = b""
    empty_after: str = ""
    """The cursor of the page that has no videos."""
    files: dict[str, bytes | LargeFile] = field(default_factory=dict[str, "bytes | LargeFile"])
    """The files that take the place of those of the emulator, by the ids of their jobs."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: object) -> int:
        """Return how often something has happened, this time included."""
        with self.lock:
            self.seen[what] += 1
            return self.seen[what]

    def pass_on(self, request: Request) -> Response:
        """Send a request to the emulator, and note the job that it starts."""
        response = self.send(request)
        if request.operation == "create_video" and response.status in _OK and self._is_wanted(request):
            self.wanted.add(str(video_of(response).get("id")))
        return response

    def _is_wanted(self, request: Request) -> bool:
        media_type = request.header("content-type") or ""
        judged = judge_request(contract(), "create_video", query="", media_type=media_type, body=request.body)
        return judged.fields.get("prompt") == self.prompt


# ---------------------------------------------------------------- polls
def hinted(*hints: int) -> Change:
    """Return what asks for these pauses between polls, in milliseconds; the last one is repeated."""

    def change(state: ScenarioState, request: Request) -> Response:
        response = state.pass_on(request)
        if not is_running(request, response):
            return response
        turn = state.count(("hint", request.ids.get("video_id")))
        milliseconds = hints[min(turn, len(hints)) - 1]
        is_changed = len(hints) > 1
        delay = OVERLAP_S if milliseconds > HINT_MS else 0.0
        named = response.with_headers(openai_poll_after_ms=str(milliseconds))
        return replace(named, is_changed=is_changed, delay=delay)

    return change


plain: Final = hinted(HINT_MS)
"""Changes nothing, but asks for short pauses between polls."""


def unknown_status(state: ScenarioState, request: Request) -> Response:
    """Give a running job a status that the contract does not have."""
    response = plain(state, request)
    if is_running(request, response):
        return with_json(response, {**video_of(response), "status": NEW_STATUS})
    return response


def unknown_list_status(state: ScenarioState, request: Request) -> Response:
    """Give a video of each page a status that the contract does not have."""
    response = plain(state, request)
    if request.operation != "list_videos" or response.status not in _OK:
        return response
    page = video_of(response)
    data = [json_object(each) for each in json_array(page.get("data"))]
    # The last one of a page is older than the jobs of the command.
    for each in data[-1:]:
        each["status"] = NEW_STATUS
    return with_json(response, {**page, "data": data})


def failing_job(state: ScenarioState, request: Request) -> Response:
    """Let the job of the command fail."""
    video_id = request.ids.get("video_id")
    response = state.pass_on(request) if video_id in state.wanted else plain(state, request)
    if request.operation == "download_video_content" and video_id in state.wanted:
        return error(409, "The job has failed, so it has no content.", code="video_failed")
    if request.operation == "retrieve_video" and video_id in state.wanted and state.count("poll") > 1:
        failed = {
            "status": "failed",
            "completed_at": None,
            "error": {"code": "content_policy", "message": "It failed."},
        }
        return with_json(response, {**video_of(response), **failed})
    return response


def refused_poll(status: int) -> Change:
    """Return what refuses the first poll."""

    def change(state: ScenarioState, request: Request) -> Response:
        if request.operation == "retrieve_video" and state.count("poll") == 1:
            return error(status, "This poll is not answered.")
        return plain(state, request)

    return change


# ---------------------------------------------------------------- requests that are refused
def refused_first(operations: Mapping[str, tuple[int, int]], *, as_date: bool = False) -> Change:
    """Return what refuses the first request of each operation with a status and a Retry-After, in seconds."""

    def change(state: ScenarioState, request: Request) -> Response:
        status, seconds = operations.get(str(request.operation), (0, 0))
        if not status or state.count(request.operation) > 1:
            return plain(state, request)
        # A date has whole seconds, so this one is as far ahead, or up to one second more.
        when = formatdate(math.ceil(time.time()) + seconds, usegmt=True) if as_date else str(seconds)
        return replace(error(status, "Not now.", retry_after=when), delay=OVERLAP_S)

    return change


# ---------------------------------------------------------------- starts whose response is lost
def lost(operation: str, status: int | None, *, delay: float = 0.0) -> Change:
    """Return what starts a job, and then returns an error; without a status, the connection is reset."""

    def change(state: ScenarioState, request: Request) -> Response:
        if request.operation != operation or state.count(operation) > 1:
            return plain(state, request)
        started = state.pass_on(request)
        if started.status not in _OK:
            return started
        if status is None:
            return Response(0, is_reset=True, is_lost=True, delay=delay)
        return replace(error(status, "The response of the server was lost."), is_lost=True)

    return change


# ---------------------------------------------------------------- downloads
def truncated(*, times: int | None = 1, delay: float = 0.0) -> Change:
    """Return what breaks off the first downloads in the middle, or all."""

    def change(state: ScenarioState, request: Request) -> Response:
        response = plain(state, request)
        is_file = request.operation == "download_video_content" and response.status in _OK
        if not is_file or (times is not None and state.count("download") > times):
            return response
        if times is None:
            response = state.send(request.without("range", "if-range"))
        return replace(response, cut=len(response.body) // 2, delay=delay, is_changed=True)

    return change


def no_file(response: Response) -> Change:
    """Return what answers each download with something else than the file."""

    def change(state: ScenarioState, request: Request) -> Response:
        whole = plain(state, request)
        is_file = request.operation == "download_video_content" and whole.status in _OK
        return response if is_file else whole

    return change


def changed_content(state: ScenarioState, request: Request) -> Response:
    """Break off the first download; then the file is another, with another ETag."""
    video_id = request.ids.get("video_id")
    if request.operation != "download_video_content":
        return plain(state, request)
    whole = state.send(request.without("range", "if-range"))
    if whole.status not in _OK or not isinstance(whole.body, bytes):
        return whole
    old = whole.with_headers(etag='"first"')
    if state.count(("download", video_id)) == 1:
        return replace(old, cut=len(whole.body) // 2)
    places = {len(whole.body) // 4, 3 * len(whole.body) // 4}  # in both halves
    new = bytes(byte ^ 0xFF if place in places else byte for place, byte in enumerate(whole.body))
    state.files[str(video_id)] = new
    return ranged(request, replace(whole.with_headers(etag='"second"'), body=new))


def huge_file(state: ScenarioState, request: Request) -> Response:
    """Return a file that is too large for memory."""
    video_id = request.ids.get("video_id")
    if request.operation != "download_video_content" or video_id not in state.wanted:
        return plain(state, request)
    whole = state.send(request.without("range", "if-range"))
    if whole.status not in _OK:
        return whole
    head = whole.body if isinstance(whole.body, bytes) else b""
    file = state.files.setdefault(str(video_id), LargeFile(head, HUGE_FILE))
    return ranged(request, replace(whole.with_headers(etag='"huge"'), body=file))


def ranged(request: Request, whole: Response) -> Response:
    """Return the range of a file that a request asks for, or all of it."""
    wanted = (request.header("range") or "").partition("bytes=")[2].removesuffix("-")
    is_same = request.header("if-range") in {None, whole.header("etag")}
    if not wanted.isdecimal() or not is_same or int(wanted) >= len(whole.body):
        return replace(whole, is_changed=True)
    begin, length = int(wanted), len(whole.body)
    body = whole.body[begin:] if isinstance(whole.body, bytes) else replace(whole.body, start=begin)
    part = whole.with_headers(content_range=f"bytes {begin}-{length - 1}/{length}")
    return replace(part, status=206, body=body)


def redirected(*, everything: bool) -> Change:
    """Return what redirects downloads, or all requests, to another origin."""

    def change(state: ScenarioState, request: Request) -> Response:
        is_download = request.operation == "download_video_content"
        if is_download or (everything and request.operation is not None):
            target = f"{request.path}?{request.query}" if request.query else request.path
            return Response(307, (("location", state.other_origin + target),))
        return plain(state, request)

    return change


# ---------------------------------------------------------------- videos and pages
def with_videos(new: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Return what changes each video of each response."""

    def change(state: ScenarioState, request: Request) -> Response:
        response = plain(state, request)
        if response.status not in _OK or request.operation not in {*RETURNING_VIDEO, "list_videos"}:
            return response
        body = video_of(response)
        if request.operation == "list_videos":
            data = [new(json_object(each)) for each in json_array(body.get("data"))]
            return with_json(response, {**body, "data": data})
        return with_json(response, new(body))

    return change


def bare(video: dict[str, Any]) -> dict[str, Any]:
    """Return a video with what the contract requires, and no more."""
    required = contract().schema("Video")["required"]
    return {name: value for name, value in video.items() if name in required}


def duplicate_cursor(state: ScenarioState, request: Request) -> Response:
    """Return the first page again and again."""
    if request.operation != "list_videos":
        return plain(state, request)
    if state.count("page") > CURSOR_LIMIT:
        return error(400, "The list was requested too often.")
    response = state.send(request)
    if not state.first_page:
        state.first_page = response.body if isinstance(response.body, bytes) else b""
    page = json_object(json.loads(state.first_page))
    return with_json(response, {**page, "has_more": True})


def short_pages(state: ScenarioState, request: Request) -> Response:
    """Return pages with fewer videos than were asked for."""
    if request.operation != "list_videos":
        return plain(state, request)
    kept = "&".join(part for part in request.query.split("&") if part and not part.startswith("limit="))
    return replace(state.send(replace(request, query=f"{kept}&limit=7".lstrip("&"))), is_changed=True)


def empty_page(state: ScenarioState, request: Request) -> Response:
    """Return an empty page after the first, with a cursor, and with more behind it."""
    response = plain(state, request)
    page = video_of(response)
    cursor = next((part.partition("=")[2] for part in request.query.split("&") if part.startswith("after=")), "")
    if request.operation != "list_videos" or not cursor or page.get("has_more") is not True:
        return response
    with state.lock:
        state.empty_after = state.empty_after or cursor
    if cursor != state.empty_after:
        return response
    return with_json(response, {**page, "data": [], "first_id": None, "last_id": page.get("last_id")})


def no_has_more(state: ScenarioState, request: Request) -> Response:
    """Return pages that do not say whether there are more."""
    response = plain(state, request)
    if request.operation != "list_videos":
        return response
    return with_json(response, {name: value for name, value in video_of(response).items() if name != "has_more"})


# ---------------------------------------------------------------- responses
def is_running(request: Request, response: Response) -> bool:
    """Tell whether a response is about a job that has not ended."""
    is_read = request.operation == "retrieve_video" and response.status == 200  # noqa: PLR2004 - HTTP's own
    status = video_of(response).get("status") if is_read else None
    return isinstance(status, str) and status not in ENDED


def video_of(response: Response) -> dict[str, Any]:
    """Return the JSON object of a response."""
    if not isinstance(response.body, bytes):
        return {}
    try:
        return json_object(json.loads(response.body))
    except ValueError:
        return {}


def with_json(response: Response, value: Any) -> Response:
    """Return a response with another body."""
    return replace(response, body=json.dumps(value).encode(), is_changed=True)


def error(status: int, message: str, *, code: str | None = None, **headers: str) -> Response:
    """Return an error with its envelope, and with these headers."""
    kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Response(status, (("content-type", "application/json"),), json.dumps(body).encode()).with_headers(**headers)
