"""What was sent and what was answered, as it is recorded. Pure: nothing here sends anything."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from .operations import RETURNING_VIDEO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MISSING: Final = object()
"""What stands for the JSON of a body that is not JSON."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer, or how there came to be none.

    `began` and `ended` are seconds since the run began, on a monotonic clock: one exchange is known to be before
    another only if it ended before the other began. `at` is the wall clock's time of the end, in Unix seconds. `path`
    is below the base URL, as it was sent, without the query.
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
    """The fields of the body or the parameters of the query, as they were given, if they are known."""
    has_key: bool = True
    """Whether it was sent with the key of the run, as far as is known: what another key is answered says little."""
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    length: int = 0
    """How many bytes were answered; more than `body` holds if that was cut."""
    failure: str = ""
    """Why there is no answer, or no whole one; empty if there is."""

    @property
    def is_ok(self) -> bool:
        """Tell whether the answer is whole and a 2XX."""
        return not self.failure and self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own

    @property
    def target(self) -> str:
        """The path with the query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def summary(self) -> str:
        """The request and the status, as a message names them."""
        return f"{self.method} {self.target} -> {self.status if not self.failure else self.failure}"

    def header(self, name: str) -> str | None:
        """Return a header of the answer; several of one name are one, joined by commas."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def request_header(self, name: str) -> str | None:
        """Return a header of the request."""
        return next((value for key, value in self.request_headers if key.lower() == name.lower()), None)

    @property
    def media_type(self) -> str:
        """The media type of the answer, without parameters."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The JSON of the answer, or MISSING. NaN and Infinity are no JSON."""
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            return MISSING

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object of the answer; empty if it is none."""
        return json_object(self.json)

    def is_before(self, other: Exchange) -> bool:
        """Tell whether this exchange had ended before the other began."""
        return self.ended < other.began


def videos_of(exchange: Exchange) -> Iterable[dict[str, Any]]:
    """Return the Video objects that an answer holds: one, or those of a page; none if it is another answer."""
    if not exchange.is_ok:
        return
    if exchange.operation in RETURNING_VIDEO:
        yield from filter(None, [exchange.object])
    elif exchange.operation == "list_videos":
        yield from filter(None, map(json_object, json_array(exchange.object.get("data"))))


def json_object(value: Any) -> dict[str, Any]:
    """Return a JSON object as one; another value as an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def json_array(value: Any) -> list[Any]:
    """Return a JSON array as one; another value as an empty one."""
    return [*value] if isinstance(value, list) else []


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
