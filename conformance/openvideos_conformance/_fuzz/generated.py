"""Hold the exchanges of generated requests, and say what is wrong with one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from .._core.exchange import MISSING, json_array, json_object, videos_of
from .._core.flaws import shown, told
from .._core.operations import CREATING, OPERATIONS
from .._core.request_validation import JSON, of_illegal_creates
from .._judging.server_errors import server_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._core.request_validation import Legality

_ERROR: Final = "#/components/schemas/ErrorResponse"


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a check on an exchange, and the statuses that were expected, if it is about the status."""

    check: str
    message: str
    exchange: Exchange
    statuses: frozenset[int] = frozenset()


@dataclass
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

    @cached_property
    def of_illegal_creates(self) -> frozenset[str]:
        """The ids of the jobs whose creates the contract forbids."""
        flawed = (each for each in self.exchanges if each.number in self.legality and self.legality[each.number].flaws)
        started = {str(video.get("id")) for each in flawed if each.operation in CREATING for video in videos_of(each)}
        return frozenset(started | of_illegal_creates(self.contract, self.history))

    @cached_property
    def has_plain_list(self) -> bool:
        """Whether the server has returned a list without parameters."""
        return any(each.operation == "list_videos" and not each.query and each.is_ok for each in self.history)

    @cached_property
    def server_errors(self) -> frozenset[int]:
        """The numbers of the exchanges that ended in an error of the server."""
        return frozenset(each.number for each in server_errors(self.history))

    @cached_property
    def completed(self) -> Mapping[str, Exchange]:
        """The first response that showed a job as completed, by the job's id."""
        found: dict[str, Exchange] = {}
        for exchange in sorted(self.history, key=lambda each: each.ended):
            for video in videos_of(exchange):
                if video.get("status") == "completed":
                    found.setdefault(str(video.get("id")), exchange)
        return found

    def deletion_before(self, exchange: Exchange) -> Exchange | None:
        """Return an earlier confirmed deletion of the video of an exchange, or None."""
        video_id = exchange.ids.get("video_id")
        deletions = (each for each in self.history if each.operation == "delete_video" and each.is_ok)
        same = (each for each in deletions if each.ids.get("video_id") == video_id)
        return next((each for each in same if each.is_before(exchange)), None)


def misfit(exchange: Exchange, generated: Generated) -> str:
    """Return how a response breaks the contract; empty if it does not, or is about jobs of illegal creates alone."""
    definition = None
    if exchange.operation is not None:
        definition = generated.contract.response(exchange.operation, exchange.status or 0)
    allowed = json_object((definition or {}).get("content")) or {JSON: {}}
    if exchange.media_type not in allowed:
        return f"it has the media type {shown(exchange.media_type)}, not {' or '.join(allowed)}"
    if JSON not in allowed:
        return ""
    if exchange.is_unread:
        return ""
    if exchange.json is MISSING or not exchange.object:
        return "its body is not a JSON object"
    return told(_flaws(exchange, generated))


def _flaws(exchange: Exchange, generated: Generated) -> list[str]:
    body = exchange.object
    if not exchange.is_ok:
        return generated.contract.flaws(body, _ERROR)
    facts = OPERATIONS.get(exchange.operation or "")
    if facts is None or facts.schema is None:
        return ["its body does not fit its schema"]
    illegal = generated.of_illegal_creates
    if {str(body.get("id")), exchange.ids.get("video_id")} & illegal:
        return []
    if isinstance(body.get("data"), list):
        data = [item for item in json_array(body["data"]) if str(json_object(item).get("id")) not in illegal]
        body = {**body, "data": data}
    return generated.contract.flaws(body, facts.schema)


def told_of(failure: Failure, generated: Generated) -> str:
    """Return a sentence about a failure; the words of schemathesis are about the document, not about the server."""
    exchange = failure.exchange
    status = exchange.status
    return {
        "not_a_server_error": f"returned {status}, a server error",
        "status_code_conformance": f"returned {status}, which the contract does not give this operation",
        "content_type_conformance": f"returned {status}, and {misfit(exchange, generated)}",
        "response_schema_conformance": f"returned {status}, and {misfit(exchange, generated)}",
        "unsupported_method": f"returned {status}, and the path does not have the method {exchange.method}",
        "use_after_free": f"the video was deleted before, and the request returned {status}",
        "ensure_resource_availability": f"what the request names had been created before, and it returned {status}",
    }.get(failure.check, failure.message)
