"""Decide which requirement a finding of schemathesis violates, if one is certain. Pure.

Schemathesis judges by the schemas of the document alone. The prose of the contract allows some of what it calls a
failure. So each finding is judged again here, by the request and the exchanges before it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .._core.exchange import MISSING, videos_of
from .._core.operations import CREATING, OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._core.request_validation import Legality

MAPPED: Final = (
    *(each.requirement for each in OPERATIONS.values()),
    "VID-CREATE-010",
    "VID-DELETE-003",
    "VID-ERROR-001",
    "VID-ERROR-003",
    "VID-ERROR-004",
    "VID-ERROR-005",
    "VID-ERROR-009",
    "VID-VALID-014",
    "VID-AUTH-001",
    "VID-HEADER-003",
    "VID-HEADER-004",
)
"""The requirements that generated requests exercise."""

_BAD: Final = 400
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_NOT_ALLOWED: Final = 405
_SERVER_ERROR: Final = 500
_NOT_IMPLEMENTED: Final = 501
_UNAVAILABLE: Final = 503
_NOT_THERE: Final = frozenset({_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED})
_NO_VERDICT_ON_INPUT: Final = frozenset({401, 402, 403, 409, 413, 429})
"""Statuses that refuse a legal request for a reason outside its query and body."""

_MAGIC: Final = {"video/mp4": (4, b"ftyp"), "image/webp": (8, b"WEBP"), "image/jpeg": (0, b"\xff\xd8\xff")}
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a check of schemathesis on an exchange."""

    check: str
    message: str
    exchange: Exchange


@dataclass(slots=True)
class Generated:
    """The exchanges of generated requests, their legality by their numbers, and all exchanges of the run."""

    contract: Contract
    exchanges: Sequence[Exchange]
    legality: Mapping[int, Legality]
    history: Sequence[Exchange] = field(default=())

    def created(self) -> set[str]:
        """Return the ids of the jobs that generated requests started."""
        return {
            str(video.get("id")) for each in self.exchanges if each.operation in CREATING for video in videos_of(each)
        }

    def deletion_before(self, exchange: Exchange) -> Exchange | None:
        """Return an earlier confirmed deletion of the video of an exchange, or None."""
        video_id = exchange.ids.get("video_id")
        deletions = (each for each in self.history if each.operation == "delete_video" and each.is_ok)
        same = (each for each in deletions if each.ids.get("video_id") == video_id)
        return next((each for each in same if each.is_before(exchange)), None)


def requirement_of(failure: Failure, generated: Generated) -> str | None:
    """Return the requirement that a failure violates; None if no violation is certain."""
    exchange = failure.exchange
    status = exchange.status
    if exchange.failure or status is None:
        return None
    if exchange.operation not in {None, *OPERATIONS} and status in _NOT_THERE:
        return None  # the operation is new in the contract, and the server may be older
    by_response: dict[str, Callable[[Exchange, int], str | None]] = {
        "not_a_server_error": _server_error,
        "status_code_conformance": _status,
        "content_type_conformance": _content_type,
        "response_schema_conformance": _schema,
        "response_headers_conformance": _headers,
        "unsupported_method": _method,
    }
    by_history: dict[str, Callable[[Exchange, int, Generated], str | None]] = {
        "positive_data_acceptance": _refused,
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
        (requirement, Failure("own", message, exchange))
        for exchange in generated.exchanges
        for requirement, message in _own_flaws(exchange, generated, created)
    ]


def _own_flaws(exchange: Exchange, generated: Generated, created: set[str]) -> Iterable[tuple[str, str]]:
    legality = generated.legality[exchange.number]
    if exchange.is_ok and exchange.operation is not None and not exchange.has_key:
        yield "VID-AUTH-001", f"the request has no valid key, and returns {exchange.status}"
        return
    if exchange.is_ok and legality.is_illegal:
        flaws = "; ".join(legality.flaws[:2])
        yield "VID-VALID-014", f"the request breaks the contract ({flaws}), and returns {exchange.status}"
    if exchange.is_ok and exchange.operation == "download_video_content":
        place, magic = _MAGIC.get(exchange.media_type, (0, b""))
        if exchange.body[place : place + len(magic)] != magic:
            begin = exchange.body[:12].hex(" ")
            yield (
                "VID-CONTENT-001",
                f"the media type is {exchange.media_type}, and the body begins with {begin or 'nothing'}",
            )
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
        if exchange.status is not None and not exchange.failure:
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
    if status >= _BAD or exchange.operation in OPERATIONS:
        yield "VID-ERROR-001" if status >= _BAD else OPERATIONS[exchange.operation].requirement
    definition = generated.contract.response(exchange.operation, status) or {}
    if any(exchange.header(name) is not None for name in definition.get("headers", {})):
        yield "VID-HEADER-004"
    if not exchange.has_key:
        yield "VID-AUTH-001"
        return
    legality = generated.legality[exchange.number]
    if legality.is_illegal or (exchange.is_ok and legality.is_legal):
        yield "VID-VALID-014"
    video_id = exchange.ids.get("video_id")
    if exchange.operation == "retrieve_video" and video_id in created and not generated.deletion_before(exchange):
        yield "VID-CREATE-010"
    if exchange.operation != "list_videos" and video_id and generated.deletion_before(exchange):
        yield "VID-DELETE-003"


def _server_error(exchange: Exchange, status: int) -> str | None:
    if status == _UNAVAILABLE and exchange.header("retry-after") is not None:
        return None  # the server is overloaded, and says when to retry
    if status == _NOT_IMPLEMENTED and exchange.operation == "download_video_content":
        return None  # a variant that the server does not offer
    return "VID-ERROR-005" if status >= _SERVER_ERROR else None


def _headers(_: Exchange, __: int) -> str | None:
    return "VID-HEADER-004"


def _status(exchange: Exchange, _: int) -> str | None:
    return "VID-ERROR-009" if _is_plain(exchange) else None


def _content_type(exchange: Exchange, status: int) -> str | None:
    if isinstance(exchange.json, dict | list) and exchange.operation != "download_video_content":
        return "VID-HEADER-003"
    return _schema(exchange, status)


def _schema(exchange: Exchange, status: int) -> str | None:
    if status >= _BAD:
        return "VID-ERROR-001"
    facts = OPERATIONS.get(exchange.operation or "")
    return facts.requirement if facts else None


def _method(exchange: Exchange, status: int) -> str | None:
    if status == _NOT_ALLOWED:
        return "VID-ERROR-004"
    # With an unknown id in the path, a server may look up the id before the method. Other checks send known ids.
    return "VID-ERROR-003" if _is_plain(exchange) and status != _NOT_FOUND else None


def _refused(exchange: Exchange, status: int, generated: Generated) -> str | None:
    legality = generated.legality[exchange.number]
    is_clear = exchange.operation in {"create_video", "list_videos"} and "after" not in legality.fields
    is_refusal = _BAD <= status < _SERVER_ERROR and status not in _NO_VERDICT_ON_INPUT
    return "VID-VALID-014" if is_clear and is_refusal and legality.is_legal and exchange.has_key else None


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
