"""Describe one call of the API, ready to be sent as often as the retry rule allows. Pure.

A call is what the raw client's request builder says, laid over the client's settings and the caller's extra arguments.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final, Generic, TypeAlias, TypeVar, cast

import httpx
from attrs import evolve, field, frozen

from ._errors import InvalidArgumentError
from ._secrets import SHORTEST, shown
from ._types import NOT_GIVEN, NotGiven

T = TypeVar("T")

Timeout: TypeAlias = float | httpx.Timeout | None
Parser: TypeAlias = Callable[[httpx.Response], T]

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
LARGEST_ANSWER: Final = 64 << 20
"""How many bytes of JSON an answer may have: a page of a hundred videos with the longest prompts has under 16 MiB."""


@frozen
class Settings:
    """What a client's calls have in common."""

    base_url: str = field(repr=shown)
    api_key: str | None = field(repr=False)
    timeout: Timeout
    max_retries: int
    idempotent_posts: bool
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, object] = field(repr=False)
    webhook_secret: str | Sequence[str] | None = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in an error or a log."""
        return (self.api_key,) if self.api_key and len(self.api_key) >= SHORTEST else ()


@frozen
class Extras:
    """The arguments that every method takes, laid over what the method itself sends."""

    headers: Mapping[str, str] | None = None
    query: Mapping[str, object] | None = None
    body: Mapping[str, object] | None = None
    timeout: Timeout | NotGiven = NOT_GIVEN

    def for_reads(self) -> Extras:
        """Return the extras for the reads that follow a creation: all but the body, and no caller's Idempotency-Key."""
        headers = {
            name: value for name, value in (self.headers or {}).items() if name.lower() != IDEMPOTENCY_KEY.lower()
        }
        return evolve(self, headers=headers, body=None)


@frozen
class Call(Generic[T]):
    """One call: where it goes, what it carries, and how its answer is read."""

    operation: str
    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    parse: Parser[T] = field(repr=False)
    query: dict[str, Any] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    files: list[tuple[str, Any]] | None = field(default=None, repr=False)
    timeout: Timeout = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    video_id: str | None = None
    recognises: Callable[[httpx.Response], bool] | None = field(default=None, repr=False)
    """Tells of an answer with an error status whether it is a good answer all the same."""
    rewindable: bool = True
    """Whether the body can be sent again."""
    conflict_may_pass: bool = True
    """Whether a 409 may be a lock that is released soon, not a state of the resource."""
    largest: int | None = LARGEST_ANSWER
    """How many bytes of an answer's body are read at the most; None: all of it."""
    opened: tuple[IO[bytes], ...] = field(default=(), repr=False)
    """The files that the SDK opened for the body, to be closed after the call."""

    @property
    def is_post(self) -> bool:
        """Whether the call starts something that costs money or stays."""
        return self.method == "POST"

    @contextmanager
    def closing(self) -> Generator[None]:
        """Close the files that were opened for the body at the end of a block."""
        try:
            yield
        finally:
            for file in self.opened:
                file.close()


def make_call(
    settings: Settings,
    operation: str,
    arguments: Mapping[str, Any],
    parse: Parser[T],
    extras: Extras,
    **details: Any,
) -> Call[T]:
    """Return the call for a raw request builder's `arguments`, laid over the client's settings and under the extras.

    Raises InvalidArgumentError when a header, a query parameter or the body cannot be sent.
    """
    method = str(arguments["method"]).upper()
    headers = _merged_headers(settings, arguments.get("headers", {}), extras.headers)
    if method == "POST" and IDEMPOTENCY_KEY.lower() not in {name.lower() for name in headers}:
        # One key per call, the same on every attempt (openapi.yaml, IdempotencyKey).
        headers[IDEMPOTENCY_KEY] = str(uuid.uuid4())
    query = {**settings.query, **arguments.get("params", {}), **(extras.query or {})}
    body, files = arguments.get("json"), arguments.get("files")
    if extras.body:
        if files is not None:
            files = _with_fields(files, extras.body)
        else:
            given: Mapping[str, object] = body or {}
            body = {**given, **extras.body}
    if body is not None:
        _check_json(body)
    return Call(
        operation=operation,
        method=method,
        url=settings.base_url + arguments["url"],
        headers=headers,
        parse=parse,
        query=_query(query) or None,
        json=body,
        files=files,
        timeout=settings.timeout if isinstance(extras.timeout, NotGiven) else extras.timeout,
        secrets=settings.secrets,
        **details,
    )


def _merged_headers(settings: Settings, own: Mapping[str, str], extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers, later ones in place of earlier ones whatever their case.

    Refuses what could inject a header.
    """
    merged: dict[str, tuple[str, str]] = {
        "accept-encoding": ("Accept-Encoding", "gzip")
    }  # as `_drivers/body.py` undoes
    if settings.api_key:
        merged["authorization"] = ("Authorization", f"Bearer {settings.api_key}")
    for name, value in (extra or {}).items():
        # The others were checked when the client was made, or are our own.
        check_header(name, value)
    for headers in (settings.headers, own, extra or {}):
        for name, value in headers.items():
            merged[name.lower()] = (name, value)
    return dict(merged.values())


def check_header(name: object, value: object) -> None:
    """Raise InvalidArgumentError unless a header's name and value can be sent as they are. The value is not shown."""
    if not isinstance(name, str) or _TOKEN.fullmatch(name) is None:
        raise InvalidArgumentError(f"The header name {name!r} is not a token (RFC 9110, 5.6.2).")
    if not isinstance(value, str) or not value.isascii() or any(c in value for c in "\r\n\0"):
        raise InvalidArgumentError(f"The value of the header {name} must be ASCII text without a line break or NUL.")


def _query(query: Mapping[str, object]) -> dict[str, Any]:
    """Return query parameters without those that are None, sequences repeated; other values as httpx writes them."""
    plain: dict[str, Any] = {}
    for name, value in query.items():
        if value is None:
            continue
        values = _items(value)
        if not all(isinstance(item, (str, int, float, bool)) for item in values):
            raise InvalidArgumentError(
                f"The query parameter {name!r} is not text, a number, a bool or a list of these."
            )
        _encodable(name, *values)
        plain[name] = values if isinstance(value, (list, tuple)) else value
    return plain


def _with_fields(files: list[tuple[str, Any]], extra: Mapping[str, object]) -> list[tuple[str, Any]]:
    """Return a form's parts with fields added, in place of those of the same name. A None adds nothing.

    Each item of a list has its own part, as OpenAPI has it for forms.
    """
    kept = [part for part in files if part[0] not in extra]
    for name, value in extra.items():
        if value is not None:
            _encodable(name)
            kept += [(name, (None, _field(name, item), "text/plain")) for item in _items(value)]
    return kept


def _items(value: object) -> list[object]:
    return list(cast("Sequence[object]", value)) if isinstance(value, (list, tuple)) else [value]


def _field(name: str, value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        _check_json({name: value})
        value = json.dumps(value, ensure_ascii=False)
    _encodable(value)
    return value.encode()


def _encodable(*values: object) -> None:
    for value in values:
        try:
            str(value).encode()
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(f"An argument is not valid Unicode text: {error.reason}.") from error


def _check_json(body: object) -> None:
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"The body cannot be written as JSON: {error}.") from error
