"""Index the recorded exchanges of a run once, for all the rules that look at them. Pure.

What is known of the order of two exchanges is only this: one was before the other if it had ended before the other
began. All that is said here of `before` means that, so that requests which overlapped never accuse a server.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs

from .._core.contract import contract as the_contract
from .._core.exchange import json_array, json_object, videos_of
from .._core.operations import CREATING, VIDEO, VIDEO_LIST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .._core.contract import Contract
    from .._core.exchange import Exchange

FUZZ: Final = "fuzz"
"""The layer of generated requests: any header, query or body may be in them."""

OF_HTTP: Final = frozenset({405, 406, 408, 411, 412, 414, 417, 421, 426, 431, 501, 505})
"""What any HTTP server may answer before anybody looks at the operation, or because it does not offer it."""

_DID_NOTHING: Final = frozenset({400, 401, 403, 404, 405, 410, 415, 422, 429, 501})
"""The responses to a deletion that surely deleted nothing. A 409 is none: the end of the job may be under way."""


class JobSnapshot(NamedTuple):
    """What one response says of one job. `is_listed` tells an item of a list from a response about the job alone."""

    exchange: Exchange
    video: dict[str, Any]
    is_listed: bool

    @property
    def status(self) -> str:
        """The status; empty if it is no text."""
        value = self.video.get("status")
        return value if isinstance(value, str) else ""


class Start(NamedTuple):
    """An accepted request for a job, and the id that it was given."""

    exchange: Exchange
    id: str


class Traffic:
    """All exchanges of a run, indexed. `secrets` are what no response may hold."""

    def __init__(
        self, history: Iterable[Exchange], *, secrets: Sequence[str] = (), contract: Contract | None = None
    ) -> None:
        """Index these exchanges."""
        self.contract = contract or the_contract()
        self.secrets = tuple(secrets)
        self.exchanges: Final = sorted(history, key=lambda each: (each.began, each.number))
        self._by_operation: dict[str | None, list[Exchange]] = defaultdict(list)
        self.single: dict[str, list[JobSnapshot]] = defaultdict(list)
        """What responses about a job alone say of it, by the id that was requested, or that a create gave."""
        self.listed: dict[str, list[JobSnapshot]] = defaultdict(list)
        """What lists say of a job, by its id."""
        self.starts: list[Start] = []
        """The accepted requests for jobs that answered with an id."""
        self.deletions: dict[str, list[Exchange]] = defaultdict(list)
        """The deletions of an id that were confirmed."""
        self._perhaps_deleted: dict[str, float] = {}
        self._keys: set[str] = set()
        self._flaws: dict[tuple[str, str], list[str]] = {}
        self._parameters: dict[str, dict[str, list[str]]] = {}
        for exchange in self.exchanges:
            self._by_operation[exchange.operation].append(exchange)
            self._index(exchange)

    def _index(self, exchange: Exchange) -> None:
        video_id = exchange.ids.get("video_id", "")
        is_repeated = self._may_be_repeated(exchange)
        for video in videos_of(exchange):
            is_listed = exchange.operation == "list_videos"
            key = video_id if exchange.operation == "retrieve_video" else video.get("id")
            if isinstance(key, str) and key:
                if not is_repeated:
                    (self.listed if is_listed else self.single)[key].append(JobSnapshot(exchange, video, is_listed))
                if exchange.operation in CREATING:
                    self.starts.append(Start(exchange, key))
        if exchange.operation == "delete_video":
            if not exchange.failure and exchange.status == 200 and exchange.object.get("deleted") is not False:  # noqa: PLR2004 - HTTP's own
                self.deletions[video_id].append(exchange)
            if exchange.failure or exchange.status not in _DID_NOTHING:
                self._perhaps_deleted.setdefault(video_id, exchange.began)

    def _may_be_repeated(self, exchange: Exchange) -> bool:
        """Tell whether a response may be one that was given before, under the same key: it may be old news."""
        key = exchange.request_header("idempotency-key") if exchange.operation in CREATING else None
        if key is None:
            return False
        is_known = key in self._keys or exchange.layer == FUZZ  # a generated key may be known from a run before
        self._keys.add(key)
        return is_known

    def of(self, *operations: str) -> list[Exchange]:
        """Return the exchanges of these operations."""
        return [exchange for operation in operations for exchange in self._by_operation.get(operation, ())]

    @cached_property
    def with_response(self) -> list[Exchange]:
        """The exchanges that have a whole response."""
        return [exchange for exchange in self.exchanges if exchange.status is not None and not exchange.failure]

    @cached_property
    def errors(self) -> list[Exchange]:
        """The exchanges that returned an error, but for those whose responses have no body."""
        return [each for each in self.with_response if (each.status or 0) >= 400 and each.method != "HEAD"]  # noqa: PLR2004 - HTTP's own

    @cached_property
    def pages(self) -> list[Exchange]:
        """The lists that returned a page."""
        return [each for each in self.of("list_videos") if each.is_ok and isinstance(each.object.get("data"), list)]

    # ---------------------------------------------------------------- jobs
    @cached_property
    def new(self) -> list[Start]:
        """The starts that surely made a job of their own, from just what they asked for.

        A request under an Idempotency-Key that others had may have been given their job; and a key that was generated
        may have been used in a run before.
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
        """Tell whether a deletion of ours may have taken this job away before an exchange ended."""
        began = self._perhaps_deleted.get(video_id)
        return began is not None and began < exchange.ended

    def deleted_before(self, video_id: str, exchange: Exchange) -> Exchange | None:
        """Return a deletion of this id that was confirmed before an exchange began."""
        return next((each for each in self.deletions.get(video_id, ()) if each.is_before(exchange)), None)

    def first_value(self, video_id: str, field: str) -> tuple[Any, Exchange] | None:
        """Return what was first said of a field of a job, and where; null says nothing."""
        single = sorted(self.single.get(video_id, ()), key=lambda each: each.exchange.operation not in CREATING)
        for snapshot in (*single, *self.listed.get(video_id, ())):
            value = snapshot.video.get(field)
            if value is not None:
                return value, snapshot.exchange
        return None

    # ---------------------------------------------------------------- values
    def parameters(self, exchange: Exchange) -> Mapping[str, list[str]]:
        """Return the parameters of the query, as they were sent."""
        found = self._parameters.get(exchange.query)
        if found is None:
            found = self._parameters[exchange.query] = parse_qs(exchange.query, keep_blank_values=True)
        return found

    def flaws(self, value: Any, address: str) -> list[str]:
        """Judge a value by a schema; equal values are judged once."""
        try:
            key = address, json.dumps(value)
        except RecursionError:
            return self.contract.flaws(value, address)  # which goes only as deep as the schema does
        found = self._flaws.get(key)
        if found is None:
            found = self._flaws[key] = self.contract.flaws(value, address)
        return found

    def page_flaws(self, page: dict[str, Any]) -> list[str]:
        """Judge a page of a list, its videos one by one: most are on many pages."""
        items = json_array(page.get("data"))
        flaws = [
            f"$.data[{index}]{flaw.removeprefix('$')}"
            for index, item in enumerate(items)
            for flaw in self.flaws(item, VIDEO)
        ]
        most: int = self.contract.schema("VideoList")["properties"]["data"]["maxItems"]
        if len(items) > most:
            flaws.append(f"$.data: {len(items)} videos are more than {most}")
        shell: dict[str, Any] = {**page, "data": []} if isinstance(page.get("data"), list) else page
        return [*self.flaws(shell, VIDEO_LIST), *flaws]

    def is_legal(self, field: str, value: object) -> bool:
        """Tell whether a create may ask for this value of a field, as text."""
        if not isinstance(value, str) or not is_text(value):
            return False
        return not self.flaws(value, f"#/components/schemas/CreateVideoJson/properties/{field}")


def in_order(snapshots: Sequence[JobSnapshot]) -> Iterator[tuple[list[JobSnapshot], JobSnapshot]]:
    """Go through tellings as they began, each with those that had ended before it and were not given before."""
    by_end = sorted(snapshots, key=lambda each: each.exchange.ended)
    index = 0
    for snapshot in sorted(snapshots, key=lambda each: each.exchange.began):
        before: list[JobSnapshot] = []
        while index < len(by_end) and by_end[index].exchange.is_before(snapshot.exchange):
            before.append(by_end[index])
            index += 1
        yield before, snapshot


def whole(value: object) -> int | None:
    """Return a whole number; None for another value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


def amount(value: object) -> float | None:
    """Return a number of any kind; None for another value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def number(value: object) -> float | None:
    """Return the number that a decimal string is; None for another value."""
    if not isinstance(value, str) or not value.isascii():
        return None
    try:
        return float(value)
    except ValueError:
        return None


def same_value(field: str, one: object, other: object) -> bool:
    """Tell whether two values of a field of a Video say the same; "4" and "4.0" seconds do."""
    if field == "seconds":
        first, second = number(one), number(other)
        return one == other if first is None or second is None else first == second
    return one == other


def is_text(value: str) -> bool:
    """Tell whether a text can be sent as UTF-8; half a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def date_of(exchange: Exchange) -> float | None:
    """Return when the server says that it answered, in Unix seconds."""
    value = exchange.header("date")
    if value is None:
        return None
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def video_id_of(exchange: Exchange) -> str:
    """Return the id of the video that a request names in its path."""
    return exchange.ids.get("video_id", "")


def body_reference(exchange: Exchange) -> str | None:
    """Return the id of the video that an edit or an extension names in its body."""
    video_id = json_object(exchange.request_fields.get("video")).get("id")
    return video_id if isinstance(video_id, str) else None
