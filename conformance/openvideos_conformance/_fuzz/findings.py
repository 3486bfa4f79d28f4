"""Say what a finding of schemathesis means: which requirement is broken, if any is for certain. Pure.

Schemathesis judges by the document alone. Some of what it calls a failure is what the contract allows in words, so each
of its findings is looked at again here, with what was sent and what came before it.
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
"""The requirements that generated requests put to the test."""

_BAD: Final = 400
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_NOT_ALLOWED: Final = 405
_SERVER_ERROR: Final = 500
_NOT_IMPLEMENTED: Final = 501
_UNAVAILABLE: Final = 503
_NOT_THERE: Final = frozenset({_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED})
_TOO_LONG: Final = frozenset({414, 431})
_NO_VERDICT_ON_INPUT: Final = frozenset({401, 402, 403, 409, 413, 429})
"""Refusals of a legal request that are not about what it asks for."""

_MAGIC: Final = {"video/mp4": (4, b"ftyp"), "image/webp": (8, b"WEBP"), "image/jpeg": (0, b"\xff\xd8\xff")}
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True, slots=True)
class Failure:
    """What a check of schemathesis says of an exchange."""

    check: str
    message: str
    exchange: Exchange


@dataclass(slots=True)
class Generated:
    """What generated requests were, by the numbers of their exchanges, and all that was exchanged in the run."""

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
        """Return the confirmed deletion of the video that an exchange is about, if it came before."""
        video_id = exchange.ids.get("video_id")
        deletions = (each for each in self.history if each.operation == "delete_video" and each.is_ok)
        same = (each for each in deletions if each.ids.get("video_id") == video_id)
        return next((each for each in same if each.is_before(exchange)), None)


def requirement_of(failure: Failure, made: Generated) -> str | None:
    """Return the requirement that is broken; None if it is not certain that any is."""
    exchange = failure.exchange
    status = exchange.status
    if exchange.failure or status is None:
        return None
    if exchange.operation not in {None, *OPERATIONS} and status in _NOT_THERE:
        return None  # the contract has gained it, and the server may be older
    by_answer: dict[str, Callable[[Exchange, int], str | None]] = {
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
    if failure.check in by_answer:
        return by_answer[failure.check](exchange, status)
    return by_history[failure.check](exchange, status, made) if failure.check in by_history else None


def own_failures(made: Generated) -> list[tuple[str, Failure]]:
    """Return what is plain to see, where schemathesis looks at some of the cases alone."""
    created = made.created()
    return [
        (requirement, Failure("own", message, exchange))
        for exchange in made.exchanges
        for requirement, message in _own_flaws(exchange, made, created)
    ]


def _own_flaws(exchange: Exchange, made: Generated, created: set[str]) -> Iterable[tuple[str, str]]:
    legality = made.legality[exchange.number]
    if exchange.is_ok and exchange.operation is not None and not exchange.has_key:
        yield "VID-AUTH-001", f"it has no right key, and is answered {exchange.status}"
        return
    if exchange.is_ok and legality.is_illegal:
        flaws = "; ".join(legality.flaws[:2])
        yield "VID-VALID-014", f"it breaks the contract ({flaws}), and is answered {exchange.status}"
    if exchange.is_ok and exchange.operation == "download_video_content":
        place, magic = _MAGIC.get(exchange.media_type, (0, b""))
        if exchange.body[place : place + len(magic)] != magic:
            begin = exchange.body[:12].hex(" ")
            yield "VID-CONTENT-001", f"it is said to be {exchange.media_type}, and begins with {begin or 'nothing'}"
    video_id = exchange.ids.get("video_id")
    if video_id not in created:
        return
    if exchange.is_ok and made.deletion_before(exchange):
        yield "VID-DELETE-003", f"the video was deleted before, and is answered {exchange.status}"
    if exchange.operation == "retrieve_video" and exchange.status == _NOT_FOUND and _is_there(video_id, exchange, made):
        yield "VID-CREATE-010", "the create of the job was answered before, and it was not deleted"


def _is_there(video_id: str, exchange: Exchange, made: Generated) -> bool:
    """Tell whether a job had been started when it was asked for, and nobody had asked for its deletion."""
    creates = (each for each in made.exchanges if each.operation in CREATING and each.is_before(exchange))
    is_started = any(video.get("id") == video_id for each in creates for video in videos_of(each))
    deletions = (each for each in made.history if each.operation == "delete_video" and each.number < exchange.number)
    return is_started and not any(each.ids.get("video_id") == video_id for each in deletions)


def count_exercised(made: Generated) -> Counter[str]:
    """Count, for each requirement, the exchanges that could have shown that it is broken."""
    counts: Counter[str] = Counter()
    created = made.created()
    for exchange in made.exchanges:
        if exchange.status is not None and not exchange.failure:
            counts.update(set(_tested_by(exchange, made, created)))
    return counts


def _tested_by(exchange: Exchange, made: Generated, created: set[str]) -> Iterable[str]:
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
    said = made.contract.response(exchange.operation, status) or {}
    if any(exchange.header(name) is not None for name in said.get("headers", {})):
        yield "VID-HEADER-004"
    if not exchange.has_key:
        yield "VID-AUTH-001"
        return
    legality = made.legality[exchange.number]
    if legality.is_illegal or (exchange.is_ok and legality.is_legal):
        yield "VID-VALID-014"
    video_id = exchange.ids.get("video_id")
    if exchange.operation == "retrieve_video" and video_id in created and not made.deletion_before(exchange):
        yield "VID-CREATE-010"
    if exchange.operation != "list_videos" and video_id and made.deletion_before(exchange):
        yield "VID-DELETE-003"


def _server_error(exchange: Exchange, status: int) -> str | None:
    if status == _UNAVAILABLE and exchange.header("retry-after") is not None:
        return None  # it has too much to do, and says so
    if status == _NOT_IMPLEMENTED and exchange.operation == "download_video_content":
        return None  # a variant that it does not offer
    return "VID-ERROR-005" if status >= _SERVER_ERROR else None


def _headers(_: Exchange, __: int) -> str | None:
    return "VID-HEADER-004"


def _status(exchange: Exchange, status: int) -> str | None:
    return "VID-ERROR-009" if status not in _TOO_LONG and _is_plain(exchange) else None


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
    # Where an id is in the path, one that is unknown may be looked up before the method is; the scenarios ask for
    # those that are known.
    return "VID-ERROR-003" if _is_plain(exchange) and status != _NOT_FOUND else None


def _refused(exchange: Exchange, status: int, made: Generated) -> str | None:
    legality = made.legality[exchange.number]
    is_clear = exchange.operation in {"create_video", "list_videos"} and "after" not in legality.fields
    is_refusal = _BAD <= status < _SERVER_ERROR and status not in _NO_VERDICT_ON_INPUT
    return "VID-VALID-014" if is_clear and is_refusal and legality.is_legal and exchange.has_key else None


def _after_deletion(exchange: Exchange, _: int, made: Generated) -> str | None:
    return "VID-DELETE-003" if exchange.is_ok and made.deletion_before(exchange) else None


def _unavailable(exchange: Exchange, _: int, made: Generated) -> str | None:
    if exchange.operation == "retrieve_character":
        return "VID-CHAR-002"
    is_known = exchange.ids.get("video_id") in made.created() and not made.deletion_before(exchange)
    return "VID-CREATE-010" if exchange.operation == "retrieve_video" and is_known else None


def _is_plain(exchange: Exchange) -> bool:
    """Tell whether the ids in the path are such that every router takes them for ids."""
    return all(_PLAIN_ID.fullmatch(value) for value in exchange.ids.values())
