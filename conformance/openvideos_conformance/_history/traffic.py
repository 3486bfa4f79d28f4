"""Index the recorded exchanges of a run for all rules. Pure.

An exchange is before another one only if it had ended before the other began. `before` always means that here, so that
overlapping requests never count against a server.
"""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs

from .._core.contract import contract as the_contract
from .._core.exchange import OTHER_CALLER, json_array, json_object, videos_of
from .._core.operations import CREATING, ENDED, RUNNING, VIDEO, VIDEO_LIST
from .._core.own_jobs import is_confirmed
from .._core.request_validation import of_illegal_creates
from .lasting import LastingValues, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .._core.contract import Contract
    from .._core.exchange import Exchange

_LONGEST_WORD: Final = 64
_NOT_FOUND: Final = 404
_HUGE: Final = 1 << 20
"""The length of JSON that is huge. A hundred videos with prompts of a thousand characters have less."""
_MANY: Final = 50_000
"""How many values JSON has that is huge. A hundred videos have a tenth of them."""

_MOST_LISTED: Final = 50_000
"""How many videos of lists are indexed. A run of the suite meets some thousands."""

FUZZ: Final = "fuzz"
"""The layer of generated requests: any header, query or body may be in them."""

_DID_NOTHING: Final = frozenset({400, 401, 403, 404, 405, 410, 415, 422, 429, 501})
"""Statuses of a deletion that surely deleted nothing. 409 is not one: the job may be about to be deleted."""


class JobSnapshot(NamedTuple):
    """A job in one response, which is a list if `is_listed`, else a response about this job.

    `video` has the fields that the contract has.
    """

    exchange: Exchange
    video: dict[str, Any]
    is_listed: bool

    @property
    def status(self) -> str:
        """The status of the job, cut if it is long; empty if it is not a text."""
        value = self.video.get("status")
        return value[:_LONGEST_WORD] if isinstance(value, str) else ""


class Start(NamedTuple):
    """An accepted request that starts a job, and the id of the job."""

    exchange: Exchange
    id: str


def _judged(ordered: Iterable[Exchange]) -> Iterator[Exchange]:
    """Yield the exchanges that rules judge: those that are not busy, and of an operation's huge JSON the first alone.

    A server that ignores `limit` sends the same thousands of videos each time; to judge them again shows nothing new,
    and takes each rule a second.
    """
    huge = set[str | None]()
    for exchange in ordered:
        if exchange.is_busy:
            continue
        if _is_huge(exchange):
            if exchange.operation in huge:
                continue
            huge.add(exchange.operation)
        yield exchange


def _is_huge(exchange: Exchange) -> bool:
    """Return whether a response is huge JSON, whatever media type it has."""
    if exchange.length < min(_HUGE, _MANY) or exchange.body[:1] not in {b"{", b"["}:
        return False
    return exchange.length > _HUGE or exchange.values > _MANY


class Traffic:
    """The exchanges of a run, indexed, without those of another caller.

    `secrets` are texts that no response may contain.
    """

    def __init__(
        self, history: Iterable[Exchange], *, secrets: Sequence[str] = (), contract: Contract | None = None
    ) -> None:
        """Index these exchanges."""
        self.contract = contract or the_contract()
        self.secrets = tuple(secrets)
        everything = [*history]
        own = (each for each in everything if each.layer != OTHER_CALLER)
        ordered = sorted(own, key=lambda each: (each.began, each.number))
        self.busy: Final = [each for each in ordered if each.is_busy]
        """The responses of an overloaded server. The other indices leave them out: they are about no promise."""
        self.exchanges: Final = [*_judged(ordered)]
        self._by_operation: dict[str | None, list[Exchange]] = defaultdict(list)
        self.single: dict[str, list[JobSnapshot]] = defaultdict(list)
        """The snapshots of each job in responses about this job, by the id in the path or in a created job."""
        self.listed: dict[str, list[JobSnapshot]] = defaultdict(list)
        """The snapshots of each job in lists, by its id."""
        self.starts: list[Start] = []
        """The accepted requests that start jobs, if their responses have an id."""
        self.deletions: dict[str, list[Exchange]] = defaultdict(list)
        """The confirmed deletions of each id."""
        self._maybe_deleted: dict[str, float] = {}
        self._keys: set[str] = set()
        self._started = {
            str(video.get("id")) for each in ordered if each.operation in CREATING for video in videos_of(each)
        }
        self._flaws: dict[tuple[str, bytes], list[str]] = {}
        self._lasting = LastingValues()
        self._fields = tuple(self.contract.schema("Video")["properties"])
        self._listed = 0
        self._parameters: dict[str, dict[str, list[str]]] = {}
        for exchange in everything:
            self._index_possible_deletion(exchange)
        for exchange in self.exchanges:
            self._by_operation[exchange.operation].append(exchange)
            self._index(exchange)

    def _index(self, exchange: Exchange) -> None:
        video_id = exchange.ids.get("video_id", "")
        is_repeated = self._may_be_repeated(exchange)
        for video in videos_of(exchange):
            is_listed = exchange.operation == "list_videos"
            key = video_id if exchange.operation == "retrieve_video" else video.get("id")
            if key != video.get("id") and str(video.get("id")) in self._started:
                continue  # it is about another job than the one that was asked for, which a rule of retrieves says
            if isinstance(key, str) and key:
                if not is_repeated and not (is_listed and self._listed >= _MOST_LISTED):
                    self._listed += is_listed
                    kept = {name: self._lasting.kept(video[name]) for name in self._fields if name in video}
                    (self.listed if is_listed else self.single)[key].append(JobSnapshot(exchange, kept, is_listed))
                if exchange.operation in CREATING:
                    self.starts.append(Start(exchange, key))

        is_deletion = exchange.operation == "delete_video" and exchange.status == 200  # noqa: PLR2004 - HTTP's own
        if is_deletion and not exchange.failure and is_confirmed(exchange):
            self.deletions[video_id].append(exchange)

    def _index_possible_deletion(self, exchange: Exchange) -> None:
        """Note when a job may have been deleted, also by another caller or by a server that was busy."""
        if exchange.operation == "delete_video" and (exchange.failure or exchange.status not in _DID_NOTHING):
            video_id = exchange.ids.get("video_id", "")
            began = self._maybe_deleted.get(video_id, exchange.began)
            self._maybe_deleted[video_id] = min(began, exchange.began)

    def _may_be_repeated(self, exchange: Exchange) -> bool:
        """Tell whether a response may repeat an earlier one with the same Idempotency-Key, and so be outdated."""
        key = exchange.request_header("idempotency-key") if exchange.operation in CREATING else None
        if key is None:
            return False
        is_known = key in self._keys or exchange.layer == FUZZ  # an earlier run may have used the same generated key
        self._keys.add(key)
        return is_known

    def of(self, *operations: str) -> list[Exchange]:
        """Return the exchanges of these operations."""
        return [exchange for operation in operations for exchange in self._by_operation.get(operation, ())]

    @cached_property
    def with_response(self) -> list[Exchange]:
        """The exchanges with the API itself that have a complete response."""
        return [each for each in self.exchanges if each.status is not None and not each.failure and not each.elsewhere]

    @cached_property
    def errors(self) -> list[Exchange]:
        """The exchanges that returned an error, except those of HEAD, which have no body."""
        return [each for each in self.with_response if (each.status or 0) >= 400 and each.method != "HEAD"]  # noqa: PLR2004 - HTTP's own

    @cached_property
    def pages(self) -> list[Exchange]:
        """The exchanges of lists that returned a page."""
        return [each for each in self.of("list_videos") if each.is_ok and isinstance(each.object.get("data"), list)]

    # ---------------------------------------------------------------- jobs
    @cached_property
    def new(self) -> list[Start]:
        """The starts that surely made a job of their own, from their own fields.

        A request with an Idempotency-Key of an earlier request may have returned the job of that one. An earlier run
        may have used the same generated key.
        """
        under: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in self.exchanges:
            key = exchange.request_header("idempotency-key")
            if key is not None:
                under[key].append(exchange)

        def is_new(start: Start) -> bool:
            key = start.exchange.request_header("idempotency-key")
            if key is None:
                return True
            others = (each for each in under[key] if each is not start.exchange)
            return start.exchange.layer != FUZZ and all(start.exchange.is_before(other) for other in others)

        return [start for start in self.starts if is_new(start)]

    def may_be_gone(self, video_id: str, exchange: Exchange) -> bool:
        """Tell whether a deletion of this run may have deleted a job before an exchange ended."""
        began = self._maybe_deleted.get(video_id)
        return began is not None and began < exchange.ended

    @cached_property
    def lost_ids(self) -> frozenset[str]:
        """The ids that a retrieve did not find although no deletion of this run may have been about them."""
        unknown = (each for each in self.of("retrieve_video") if each.status == _NOT_FOUND and each.has_key)
        return frozenset(video_id_of(each) for each in unknown if not self.may_be_gone(video_id_of(each), each))

    def deleted_before(self, video_id: str, exchange: Exchange) -> Exchange | None:
        """Return a deletion of this id that was confirmed before an exchange began, or None."""
        return next((each for each in self.deletions.get(video_id, ()) if each.is_before(exchange)), None)

    def first_value(self, video_id: str, field: str) -> tuple[Any, Exchange] | None:
        """Return the first value of a field of a job that is not null, and the exchange that returned it; or None."""
        single = sorted(self.single.get(video_id, ()), key=lambda each: each.exchange.operation not in CREATING)
        for snapshot in (*single, *self.listed.get(video_id, ())):
            value = snapshot.video.get(field)
            if value is not None:
                return value, snapshot.exchange
        return None

    # ---------------------------------------------------------------- values
    def parameters(self, exchange: Exchange) -> Mapping[str, list[str]]:
        """Return the parameters of the query of an exchange."""
        found = self._parameters.get(exchange.query)
        if found is None:
            found = self._parameters[exchange.query] = parse_qs(exchange.query, keep_blank_values=True)
        return found

    def flaws(self, value: Any, address: str) -> list[str]:
        """Return how a value breaks a schema; equal values are validated once."""
        digest = digest_of(value)
        if digest is None:
            return self.contract.flaws(value, address)  # which goes only as deep as the schema
        key = address, digest
        found = self._flaws.get(key)
        if found is None:
            found = self._flaws[key] = self.contract.flaws(value, address)
        return found

    def page_flaws(self, page: dict[str, Any]) -> list[str]:
        """Return how a page breaks its schema; each video is validated alone, since it may be on many pages.

        Jobs of illegal creates are left out.
        """
        items = json_array(page.get("data"))
        most: int = self.contract.schema("VideoList")["properties"]["data"]["maxItems"]
        flaws = [
            f"$.data[{index}]{flaw.removeprefix('$')}"
            for index, item in enumerate(items[:most])
            if not self.is_of_illegal_create(json_object(item))
            for flaw in self.flaws(item, VIDEO)
        ]
        if len(items) > most:
            flaws.append(f"$.data has {len(items)} items, more than {most}")
        shell: dict[str, Any] = {**page, "data": []} if isinstance(page.get("data"), list) else page
        return [*self.flaws(shell, VIDEO_LIST), *flaws]

    @cached_property
    def illegal_ids(self) -> frozenset[str]:
        """The ids of the jobs whose creates the contract forbids; what is wrong with these jobs is not judged."""
        return of_illegal_creates(self.contract, self.exchanges)

    def is_of_illegal_create(self, video: dict[str, Any]) -> bool:
        """Tell whether a Video is of a create that the contract forbids."""
        video_id = video.get("id")
        return isinstance(video_id, str) and video_id in self.illegal_ids

    def is_legal(self, field: str, value: object) -> bool:
        """Tell whether the contract allows this value of a field of a create."""
        if not isinstance(value, str) or not is_text(value):
            return False
        return not self.flaws(value, f"#/components/schemas/CreateVideoJson/properties/{field}")


def in_order(snapshots: Sequence[JobSnapshot]) -> Iterator[tuple[list[JobSnapshot], JobSnapshot]]:
    """Yield snapshots by the time they began, each with those that ended before it and were not yielded yet."""
    by_end = sorted(snapshots, key=lambda each: each.exchange.ended)
    index = 0
    for snapshot in sorted(snapshots, key=lambda each: each.exchange.began):
        before: list[JobSnapshot] = []
        while index < len(by_end) and by_end[index].exchange.is_before(snapshot.exchange):
            before.append(by_end[index])
            index += 1
        yield before, snapshot


def is_unfinished(snapshot: JobSnapshot, life: Sequence[JobSnapshot]) -> bool:
    """Tell whether a job had not ended. Of a status that the contract does not know, a later end of the job says so."""
    if snapshot.status in {"", *RUNNING, *ENDED}:
        return snapshot.status in RUNNING
    return any(each.status in ENDED and snapshot.exchange.is_before(each.exchange) for each in life)


def whole(value: object) -> int | None:
    """Return a value as a whole number; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


def amount(value: object) -> float | None:
    """Return a value as a number; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def number(value: object) -> float | None:
    """Return the number in a decimal text; None for any other value."""
    if not isinstance(value, str) or not value.isascii():
        return None
    try:
        return float(value)
    except ValueError:
        return None


def same_value(field: str, one: object, other: object) -> bool:
    """Tell whether two values of a field of a Video are equal; "4" and "4.0" seconds are.

    A number and its text are, too: that it has the wrong type is what the schema says.
    """
    first, second = _as_text(one), _as_text(other)
    if first == second:
        return True
    return field == "seconds" and number(first) is not None and number(first) == number(second)


def _as_text(value: object) -> object:
    return value if isinstance(value, bool) or not isinstance(value, int | float) else str(value)


def is_text(value: str) -> bool:
    """Tell whether a text can be encoded as UTF-8; a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def video_id_of(exchange: Exchange) -> str:
    """Return the id of the video in the path of a request; empty if there is none."""
    return exchange.ids.get("video_id", "")
