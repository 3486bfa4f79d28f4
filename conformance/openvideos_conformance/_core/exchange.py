"""Record a request and its response as an exchange. Pure: nothing here sends anything."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, cast

from .bodies import Body, ParsedBodies
from .operations import RETURNING_VIDEO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLEANUP: Final = "cleanup"
"""The layer of the requests that delete the jobs of a run."""

OTHER_CALLER: Final = "other caller"
"""The layer of requests with the key of another caller, whose videos are not those of the run."""

MISSING: Final = object()
"""The value of `Exchange.json` for a body that is not JSON."""

RECORDED: Final = 1 << 20
"""How many bytes of the body of a request are recorded."""

MOST_JSON: Final = 12 << 20
"""How many bytes of JSON are parsed; a list of 10,000 videos has fewer."""

BUSY: Final = frozenset({429, 503})
"""The statuses of an overloaded server, which say nothing about the request."""

MOST_VALUES: Final = 400_000
"""How many values JSON has that is parsed; a list of 10,000 videos has fewer. A short text can have millions."""

_MARGIN: Final = 5.0
"""By how many seconds clocks may differ."""
_VALUE: Final = 64
"""About how many bytes a value takes in memory, beside its text."""

_UNREAD: Final = object()
_PARSED: Final = ParsedBodies(48 << 20)


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its response, or the reason why there is no response.

    `began` and `ended` are seconds since the run began, on a monotonic clock. One exchange is known to be before
    another only if it ended before the other began. `at` is when it ended, in Unix seconds of the wall clock. `path` is
    below the base URL, as it was sent, without the query.
    """

    number: int
    layer: str
    began: float
    ended: float
    at: float
    method: str
    path: str
    query: str = ""
    operation: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: bytes = b""
    request_fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The fields of the body, or the parameters of the query, as they were sent; empty if they are not known."""
    credential: str = ""
    """How a shell makes the Authorization that was sent (see `curl.credential`); empty if that is not known."""
    has_key: bool = True
    """Whether the request had the key of the run, as far as is known. Rules skip most requests that had not."""
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = Body()  # noqa: RUF009 - a descriptor, of which a class has one
    length: int = 0
    """How many bytes the body of the response had; more than `body` holds if the record was cut."""
    failure: str = ""
    """Why there is no complete response; empty if there is one."""
    elsewhere: str = ""
    """The URL, without its query, to which a redirect of the request led; empty for an exchange with the API itself."""
    is_kept: bool = True
    """Whether the run had room for the response. Without it, the exchange has a failure, which is not the server's."""

    @property
    def is_busy(self) -> bool:
        """Whether the response says that the server is overloaded, or limits requests."""
        return self.status in BUSY

    @property
    def is_ok(self) -> bool:
        """Whether the response is complete, and a 2XX."""
        return not self.failure and self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own

    @property
    def target(self) -> str:
        """The path with the query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def summary(self) -> str:
        """The request and its status or failure, as messages show them."""
        where = f" at {self.elsewhere}" if self.elsewhere else ""
        return f"{self.method} {self.target}{where} -> {self.status if not self.failure else self.failure}"

    def header(self, name: str) -> str | None:
        """Return a header of the response, or None; several headers of one name are joined by commas."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def request_header(self, name: str) -> str | None:
        """Return a header of the request, or None."""
        return next((value for key, value in self.request_headers if key.lower() == name.lower()), None)

    @property
    def media_type(self) -> str:
        """The media type of the response, without parameters."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def json(self) -> Any:
        """The JSON of the response, or MISSING.

        NaN and Infinity are not JSON, and neither is what has more than MOST_JSON bytes or MOST_VALUES values.
        """
        known = vars(self).get("_json", _UNREAD)
        if known is not _UNREAD:
            return known
        value: Any = MISSING
        weight = 0
        if self.length <= MOST_JSON:
            body = self.body
            values = _values(body)
            weight = len(body) + _VALUE * values
            if values <= MOST_VALUES:
                with contextlib.suppress(ValueError, RecursionError):
                    value = json.loads(body.decode("utf-8"), parse_constant=_refuse)
        _PARSED.remember(self, value, weight)
        return value

    @property
    def is_unread(self) -> bool:
        """Whether the body is more than is parsed, so that nobody knows whether it is JSON."""
        return self.json is MISSING and (self.length > MOST_JSON or self.values > MOST_VALUES)

    @property
    def values(self) -> int:
        """About how many values the JSON of the body has, or more: texts have these characters, too."""
        return _values(self.body)

    @property
    def no_json(self) -> str:
        """What a body is whose JSON is MISSING, as messages say it."""
        most = f"{MOST_JSON >> 20} MiB or {MOST_VALUES:,} values of JSON"
        return f"more than the {most} that the suite reads" if self.is_unread else "not JSON"

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object of the response; an empty one if the response is no JSON object."""
        return json_object(self.json)

    def is_before(self, other: Exchange) -> bool:
        """Tell whether this exchange had ended before the other began."""
        return self.ended < other.began


def videos_of(exchange: Exchange) -> Iterable[dict[str, Any]]:
    """Return the Video objects of a response: one, or those of a page, or none."""
    if not exchange.is_ok:
        return
    if exchange.operation in RETURNING_VIDEO:
        yield from filter(None, [exchange.object])
    elif exchange.operation == "list_videos":
        yield from filter(None, map(json_object, json_array(exchange.object.get("data"))))


def date_of(exchange: Exchange) -> float | None:
    """Return the Date of a response in Unix seconds; None without a valid one."""
    value = exchange.header("date")
    if value is None:
        return None
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def is_past(time: object, exchange: Exchange) -> bool:
    """Tell whether a time had come when an exchange ended, by the clock of the server if it tells the time."""
    date = date_of(exchange)
    now = exchange.at if date is None else date
    return isinstance(time, int | float) and time <= now + _MARGIN


def json_object(value: Any) -> dict[str, Any]:
    """Return the value if it is a JSON object, else an empty object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def json_array(value: Any) -> list[Any]:
    """Return the value if it is a JSON array, else an empty array."""
    return [*value] if isinstance(value, list) else []


def _values(body: bytes) -> int:
    return sum(map(body.count, (b",", b"[", b"{")))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
