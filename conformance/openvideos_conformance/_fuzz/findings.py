"""Decide which requirement a finding of schemathesis violates, if one is certain. Pure.

Schemathesis judges by the schemas of the document alone. The prose of the contract allows some of what it calls a
failure. So each finding is judged again here, by the request and the exchanges before it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from .._core.exchange import MISSING, videos_of
from .._core.flaws import told
from .._core.operations import CREATING, OPERATIONS
from .._judging.assertions import BAD_INPUT
from .generated import Failure, misfit
from .illegal import FORBIDDING, GENERAL, forbidding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._core.exchange import Exchange
    from .._core.request_validation import Legality
    from .generated import Generated

MAPPED: Final = (
    *(each.requirement for each in OPERATIONS.values()),
    "VID-CREATE-010",
    "VID-DELETE-003",
    "VID-ERROR-001",
    "VID-ERROR-003",
    "VID-ERROR-004",
    "VID-ERROR-005",
    "VID-ERROR-009",
    "VID-LIST-016",
    *FORBIDDING,
    "VID-AUTH-001",
    "VID-HEADER-003",
)
"""The requirements that generated requests exercise."""

_OK: Final = 200
_BAD: Final = 400
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_NOT_ALLOWED: Final = 405
_SERVER_ERROR: Final = 500
_NOT_IMPLEMENTED: Final = 501
_NOT_THERE: Final = frozenset({_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED})
_NO_VERDICT_ON_INPUT: Final = frozenset({401, 402, 403, 409, 413, 429})
"""Statuses that refuse a legal request for a reason outside its query and body."""

_MP4, _BRAND = "video/mp4", slice(4, 8)
"""The media type of a video, and where its bytes say that it is one."""
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


def requirement_of(failure: Failure, generated: Generated) -> str | None:
    """Return the requirement that a failure violates; None if no violation is certain."""
    exchange = failure.exchange
    status = exchange.status
    if exchange.failure or status is None or exchange.is_busy:
        return None
    if exchange.operation not in {None, *OPERATIONS} and status in _NOT_THERE:
        return None  # the operation is new in the contract, and the server may be older
    if failure.check in {"response_schema_conformance", "content_type_conformance"} and not misfit(exchange, generated):
        return None
    by_response: dict[str, Callable[[Exchange, int], str | None]] = {
        "status_code_conformance": _status,
        "unsupported_method": _method,
    }
    by_history: dict[str, Callable[[Exchange, int, Generated], str | None]] = {
        "not_a_server_error": _server_error,
        "content_type_conformance": _content_type,
        "response_schema_conformance": _schema,
        "use_after_free": _after_deletion,
        "ensure_resource_availability": _unavailable,
    }
    if failure.check in by_response:
        return by_response[failure.check](exchange, status)
    return by_history[failure.check](exchange, status, generated) if failure.check in by_history else None


def own_failures(generated: Generated) -> list[tuple[str, Failure]]:
    """Return violations that schemathesis does not look for in every exchange, each with its requirement."""
    created = generated.created()
    return [
        (requirement, Failure("own", message, exchange, frozenset(statuses)))
        for exchange in generated.exchanges
        for requirement, message, *statuses in _own_flaws(exchange, generated, created)
    ]


def _own_flaws(
    exchange: Exchange, generated: Generated, created: set[str]
) -> Iterable[tuple[str, str, *tuple[int, ...]]]:
    """Yield each requirement that an exchange violates, with a message, and with the statuses that were expected."""
    legality = generated.legality[exchange.number]
    if exchange.is_ok and exchange.operation is not None and not exchange.has_key:
        yield "VID-AUTH-001", f"the request has no valid key, and returns {exchange.status}", _UNAUTHORIZED
        return
    refusing = _refused(exchange, generated)
    if refusing is not None:
        yield refusing, f"the contract allows the request, and it returned {exchange.status}", _OK
    if exchange.is_ok and legality.is_illegal:
        message = f"the request breaks the contract ({told(legality.flaws, most=2)}), and returns {exchange.status}"
        yield forbidding(exchange, legality), message, *BAD_INPUT
    is_file = exchange.operation == "download_video_content" and _is_judged(exchange, generated)
    if is_file and exchange.media_type == _MP4 and exchange.body[_BRAND] != b"ftyp":
        begin = exchange.body[:12].hex(" ")
        yield "VID-CONTENT-001", f"the media type is {_MP4}, and the body begins with {begin or 'nothing'}"
    video_id = exchange.ids.get("video_id")
    if video_id not in created:
        return
    if exchange.is_ok and generated.deletion_before(exchange):
        yield "VID-DELETE-003", f"the video was deleted before, and the request returns {exchange.status}"
    if (
        exchange.operation == "retrieve_video"
        and exchange.status == _NOT_FOUND
        and _is_there(video_id, exchange, generated)
    ):
        yield "VID-CREATE-010", "the create of the job had returned before, and the job was not deleted"


def _is_there(video_id: str, exchange: Exchange, generated: Generated) -> bool:
    """Tell whether a job had been created before an exchange, and no deletion of it had been sent."""
    creates = (each for each in generated.exchanges if each.operation in CREATING and each.is_before(exchange))
    is_started = any(video.get("id") == video_id for each in creates for video in videos_of(each))
    deletions = (
        each for each in generated.history if each.operation == "delete_video" and each.number < exchange.number
    )
    return is_started and not any(each.ids.get("video_id") == video_id for each in deletions)


def count_exercised(generated: Generated) -> Counter[str]:
    """Count, for each requirement, the exchanges that could have shown a violation."""
    counts: Counter[str] = Counter()
    created = generated.created()
    for exchange in generated.exchanges:
        if exchange.status is not None and not exchange.failure and not exchange.is_busy:
            counts.update(set(_tested_by(exchange, generated, created)))
    return counts


def _tested_by(exchange: Exchange, generated: Generated, created: set[str]) -> Iterable[str]:
    status = exchange.status or 0
    yield "VID-ERROR-005"
    if exchange.json is not MISSING:
        yield "VID-HEADER-003"
    if exchange.operation is None:
        if status == _NOT_ALLOWED:
            yield from ("VID-ERROR-003", "VID-ERROR-004")
        return
    yield "VID-ERROR-009"
    if status >= _BAD:
        yield "VID-ERROR-001"
    elif exchange.operation in OPERATIONS and _is_judged(exchange, generated):
        yield OPERATIONS[exchange.operation].requirement
    if not exchange.has_key:
        yield "VID-AUTH-001"
        return
    yield from _of_input(exchange, generated.legality[exchange.number])
    video_id = exchange.ids.get("video_id")
    if exchange.operation == "retrieve_video" and video_id in created and not generated.deletion_before(exchange):
        yield "VID-CREATE-010"
    if exchange.operation != "list_videos" and video_id and generated.deletion_before(exchange):
        yield "VID-DELETE-003"


def _of_input(exchange: Exchange, legality: Legality) -> Iterable[str]:
    if legality.is_illegal:
        yield forbidding(exchange, legality)
    if exchange.is_ok and legality.is_legal:
        yield GENERAL
        if exchange.operation == "list_videos" and "limit" in legality.fields:
            yield "VID-LIST-016"


def _server_error(exchange: Exchange, _: int, generated: Generated) -> str | None:
    return "VID-ERROR-005" if exchange.number in generated.server_errors else None


def _status(exchange: Exchange, _: int) -> str | None:
    return "VID-ERROR-009" if _is_plain(exchange) else None


def _content_type(exchange: Exchange, status: int, generated: Generated) -> str | None:
    is_told_as_json = exchange.operation != "download_video_content" or status >= _BAD
    if is_told_as_json and isinstance(exchange.json, dict | list):
        return "VID-HEADER-003"
    return _schema(exchange, status, generated)


def _schema(exchange: Exchange, status: int, generated: Generated) -> str | None:
    if status >= _BAD:
        return "VID-ERROR-001"
    if not _is_judged(exchange, generated):
        return None
    facts = OPERATIONS.get(exchange.operation or "")
    return facts.requirement if facts else None


def _is_judged(exchange: Exchange, generated: Generated) -> bool:
    """Tell whether a response has to be what its operation returns: for a download, the video of a completed job.

    What is returned for other jobs and variants, other requirements say.
    """
    if exchange.operation != "download_video_content":
        return True
    is_video = parse_qs(exchange.query, keep_blank_values=True).get("variant", ["video"]) == ["video"]
    end = generated.completed.get(exchange.ids.get("video_id", ""))
    return exchange.is_ok and exchange.status == _OK and is_video and end is not None and end.is_before(exchange)


def _method(exchange: Exchange, status: int) -> str | None:
    if status == _NOT_ALLOWED:
        return "VID-ERROR-004"
    # With an unknown id in the path, a server may look up the id before the method. Other checks send known ids.
    return "VID-ERROR-003" if _is_plain(exchange) and status != _NOT_FOUND else None


def _refused(exchange: Exchange, generated: Generated) -> str | None:
    """Return the requirement that the refusal of a legal request violates; None if there is no certain violation."""
    legality, status = generated.legality[exchange.number], exchange.status or 0
    is_list = exchange.operation == "list_videos"
    is_clear = (is_list and "after" not in legality.fields) or exchange.operation == "create_video"
    is_refusal = _BAD <= status < _SERVER_ERROR and status not in _NO_VERDICT_ON_INPUT and not exchange.is_busy
    if not (is_clear and is_refusal and legality.is_legal and exchange.has_key):
        return None
    if not is_list:
        return GENERAL
    if not exchange.query or not generated.has_plain_list:
        return None  # it is not the parameters that the server refuses
    return "VID-LIST-016" if "limit" in legality.fields else GENERAL


def _after_deletion(exchange: Exchange, _: int, generated: Generated) -> str | None:
    return "VID-DELETE-003" if exchange.is_ok and generated.deletion_before(exchange) else None


def _unavailable(exchange: Exchange, _: int, generated: Generated) -> str | None:
    if exchange.operation == "retrieve_character":
        return "VID-CHAR-002"
    is_known = exchange.ids.get("video_id") in generated.created() and not generated.deletion_before(exchange)
    return "VID-CREATE-010" if exchange.operation == "retrieve_video" and is_known else None


def _is_plain(exchange: Exchange) -> bool:
    """Tell whether every router accepts the ids in the path as ids."""
    return all(_PLAIN_ID.fullmatch(value) for value in exchange.ids.values())
