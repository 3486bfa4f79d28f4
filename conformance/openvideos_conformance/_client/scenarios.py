"""The scenarios: what goes wrong while the command is at work. Each breaks one thing; the rest is the emulator's."""

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
from .recording_server import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .recording_server import Asked

    Ask = Callable[[Asked], Answer]

PROMPT: Final = "A paper boat — 纸船"
AWKWARD: Final = f'{PROMPT}\r\n--+++\r\n--boundary\r\n"quoted"; name=size & 100 %'
"""Line breaks, and what separates the parts of the forms that some clients write."""
HINT_MS: Final = 40
SLOW_HINT_MS: Final = 300
RETRY_AFTER_S: Final = 1
CURSOR_LIMIT: Final = 12
"""How many requests for pages that repeat their cursor are answered, before the list is refused."""
UNKNOWN: Final[dict[str, Any]] = {
    "x_queue": {"position": 3, "of": ["a", None, {"b": False}]},
    "x_watermark": None,
    "x_words": "纸船",
    "x_speed": 0.5,
}
"""Fields that the contract does not know, of each kind that JSON has."""
_LAST: Final = frozenset({"completed", "failed"})


@dataclass
class Stage:
    """What a scenario knows while it plays."""

    ask: Ask
    """The right server."""
    elsewhere: str = ""
    """Another origin."""
    seen: Counter[str] = field(default_factory=Counter[str])
    first_page: bytes = b""


@dataclass(frozen=True)
class Scenario:
    """A scenario: how many jobs there are before it, how fast they run, and what it does to answers."""

    name: str
    what: str
    change: Callable[[Stage, Asked], Answer]
    prompt: str = PROMPT
    """What the command is told to ask for."""
    pace: str = "polls:3"
    jobs: int = 2


def _plain(stage: Stage, asked: Asked) -> Answer:
    return _hinted(stage.ask(asked), asked, HINT_MS)


def _slow(stage: Stage, asked: Asked) -> Answer:
    return _hinted(stage.ask(asked), asked, SLOW_HINT_MS)


def _unknown_status(stage: Stage, asked: Asked) -> Answer:
    answer = _plain(stage, asked)
    if asked.operation == "retrieve_video" and _video(answer).get("status") not in _LAST:
        return _with_json(answer, {**_video(answer), "status": "finalizing"})
    return answer


def _retry_after(stage: Stage, asked: Asked) -> Answer:
    return _refused_first(stage, asked, str(RETRY_AFTER_S))


def _retry_after_date(stage: Stage, asked: Asked) -> Answer:
    # A date has whole seconds: this one is as far ahead as the seconds above, or up to one more.
    return _refused_first(stage, asked, formatdate(math.ceil(time.time()) + RETRY_AFTER_S, usegmt=True))


def _refused_first(stage: Stage, asked: Asked, when: str) -> Answer:
    if asked.operation in {"create_video", "retrieve_video"} and _is_first(stage, asked):
        return _error(429, "Too many requests.", retry_after=when)
    return _plain(stage, asked)


def _ambiguous_create(stage: Stage, asked: Asked) -> Answer:
    if asked.operation == "create_video" and _is_first(stage, asked):
        return replace(stage.ask(asked), is_reset=True, is_broken=True)
    return _plain(stage, asked)


def _failing_create(stage: Stage, asked: Asked) -> Answer:
    if asked.operation == "create_video" and _is_first(stage, asked):
        stage.ask(asked)
        return _error(500, "The server failed after it had taken the job.")
    return _plain(stage, asked)


def _truncated_download(stage: Stage, asked: Asked) -> Answer:
    answer = _plain(stage, asked)
    if asked.operation == "download_video_content" and answer.status in {200, 206} and _is_first(stage, asked):
        return replace(answer, cut=len(answer.body) // 2, is_broken=True)
    return answer


def _lasting_truncation(stage: Stage, asked: Asked) -> Answer:
    answer = _plain(stage, asked)
    if asked.operation == "download_video_content" and answer.status in {200, 206}:
        whole = stage.ask(replace(asked, headers=tuple(p for p in asked.headers if p[0].lower() != "range")))
        return replace(whole, cut=len(whole.body) // 2, is_broken=True)
    return answer


def _missing_keys(stage: Stage, asked: Asked) -> Answer:
    return _with_videos(_plain(stage, asked), asked, _bare)


def _unknown_fields(stage: Stage, asked: Asked) -> Answer:
    return _with_videos(_plain(stage, asked), asked, lambda video: {**video, **UNKNOWN})


def _duplicate_cursor(stage: Stage, asked: Asked) -> Answer:
    if asked.operation != "list_videos":
        return _plain(stage, asked)
    stage.seen["list_videos"] += 1
    if stage.seen["list_videos"] > CURSOR_LIMIT:
        return _error(400, "The list was asked for too often.")
    answer = stage.ask(asked)
    if not stage.first_page:
        stage.first_page = answer.body
    return _with_json(
        replace(answer, body=stage.first_page), {**json_object(json.loads(stage.first_page)), "has_more": True}
    )


def _redirect(stage: Stage, asked: Asked) -> Answer:
    if asked.operation == "download_video_content":
        target = f"{asked.path}?{asked.query}" if asked.query else asked.path
        return Answer(307, (("location", stage.elsewhere + target),))
    return _plain(stage, asked)


def _server_error(stage: Stage, asked: Asked) -> Answer:
    if asked.operation == "retrieve_video" and _is_first(stage, asked):
        return _error(500, "The server failed.")
    return _plain(stage, asked)


SCENARIOS: Final = {
    each.name: each
    for each in (
        Scenario("plain", "nothing goes wrong", _plain),
        Scenario("awkward-prompt", "the prompt holds what separates the parts of some forms", _plain, prompt=AWKWARD),
        Scenario("slow", "the server asks for longer pauses between polls", _slow, pace="polls:5"),
        Scenario("unknown-status", "the job has a status that the contract does not know", _unknown_status),
        Scenario("retry-after", "the first create and the first poll are answered 429 with Retry-After", _retry_after),
        Scenario("retry-after-date", "the same, and Retry-After is a date", _retry_after_date),
        Scenario("ambiguous-create", "a create is carried out, and its connection reset", _ambiguous_create),
        Scenario("failing-create", "a create is carried out, and answered 500", _failing_create),
        Scenario("truncated-download", "the first download breaks off", _truncated_download),
        Scenario("lasting-truncation", "every download breaks off", _lasting_truncation),
        Scenario("missing-keys", "videos have the required keys alone", _missing_keys),
        Scenario("unknown-fields", "videos have fields that the contract does not know", _unknown_fields),
        Scenario("huge-list", "there are hundreds of videos", _plain, jobs=250),
        Scenario(
            "duplicate-cursor", "every page is the first, and says that there are more", _duplicate_cursor, jobs=25
        ),
        Scenario("redirect", "downloads are redirected to another origin", _redirect),
        Scenario("server-error", "the first poll is answered 500", _server_error),
    )
}
"""All scenarios by their names."""


def _is_first(stage: Stage, asked: Asked) -> bool:
    stage.seen[str(asked.operation)] += 1
    return stage.seen[str(asked.operation)] == 1


def _hinted(answer: Answer, asked: Asked, milliseconds: int) -> Answer:
    """Ask for a pause until the next poll, while the job is at work."""
    if asked.operation == "retrieve_video" and answer.status == 200 and _video(answer).get("status") not in _LAST:  # noqa: PLR2004
        return replace(answer.having(openai_poll_after_ms=str(milliseconds)), is_broken=False)
    return answer


def _video(answer: Answer) -> dict[str, Any]:
    try:
        return json_object(json.loads(answer.body))
    except ValueError:
        return {}


def _bare(video: dict[str, Any]) -> dict[str, Any]:
    required = contract().schema("Video")["required"]
    return {name: value for name, value in video.items() if name in required}


def _with_videos(answer: Answer, asked: Asked, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    """Change each video of an answer."""
    if answer.status != 200 or asked.operation in {"download_video_content", "delete_video", None}:  # noqa: PLR2004
        return answer
    said = _video(answer)
    if asked.operation == "list_videos":
        return _with_json(
            answer, {**said, "data": [change(json_object(each)) for each in json_array(said.get("data"))]}
        )
    return _with_json(answer, change(said))


def _with_json(answer: Answer, value: Any) -> Answer:
    return replace(answer, body=json.dumps(value).encode(), is_broken=True)


def _error(status: int, message: str, **headers: str) -> Answer:
    kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
    body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return Answer(status, (("content-type", "application/json"),), json.dumps(body).encode()).having(**headers)
