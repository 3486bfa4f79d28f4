"""Describe one call of the API, which can be sent several times. Pure.

A call consists of the raw client's request, the client's settings and the caller's extra arguments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

import httpx
from attrs import Factory, evolve, field, frozen

from ._environment import checked_key
from ._errors import ConfigurationError, InvalidArgumentError
from ._headers import CONTENT_TYPE, FORM, JSON, check_header, media_type
from ._settings import CheckedTimeout, Settings, Timeout, checked_mapping, checked_timeout, secrets_of_key
from ._types import NOT_GIVEN, FileTypes, NotGiven
from ._uploads.content import Content, contents
from ._uploads.upload import is_file, upload

T = TypeVar("T")

Parser: TypeAlias = Callable[[httpx.Response], T]

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_NOT_IDEMPOTENT: Final = frozenset({"POST", "PATCH"})  # RFC 9110, 9.2.2
LARGEST_RESPONSE: Final = 64 << 20
"""The most bytes of JSON in a response: a page of a hundred videos with the longest prompts has under 16 MiB."""


@frozen
class Extras:
    """The extra arguments that every method takes; they override what the method itself sends."""

    headers: Mapping[str, str] | None = None
    query: Mapping[str, object] | None = None
    body: Mapping[str, object] | None = None
    timeout: Timeout | NotGiven = NOT_GIVEN

    def __attrs_post_init__(self) -> None:
        for name in ("headers", "query", "body"):
            extra = getattr(self, name)
            if extra:
                checked_mapping(f"extra_{name}", extra, InvalidArgumentError)

    def for_reads(self) -> Extras:
        """Return the extras for the polls after a create: without the body and the headers that are about it."""
        about_body = {IDEMPOTENCY_KEY.lower(), CONTENT_TYPE}
        headers = {name: value for name, value in (self.headers or {}).items() if name.lower() not in about_body}
        return evolve(self, headers=headers, body=None)


@frozen
class Call(Generic[T]):
    """One call: its request, and how its response is parsed. `timeout` is in seconds."""

    operation: str
    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    parse: Parser[T] = field(repr=False)
    query: dict[str, Any] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    files: list[tuple[str, Any]] | None = field(default=None, repr=False)
    timeout: CheckedTimeout = None
    key: Callable[[], object] | None = field(default=None, repr=False)
    """Returns the API key of the next attempt; None if the headers have what there is."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    video_id: str | None = None
    accepts_error_status: Callable[[httpx.Response], bool] | None = field(default=None, repr=False)
    """Returns whether a response with an error status is a success all the same."""
    conflict_may_pass: bool = True
    """Whether a 409 may mean a lock that is released soon, and not a state of the resource."""
    largest: int | None = LARGEST_RESPONSE
    """The most bytes of a response's body that are read; None for no limit."""
    contents: list[Content] = field(
        init=False, repr=False, default=Factory(lambda call: contents(call.files or ()), takes_self=True)
    )
    """The contents of the files in the body."""

    @property
    def is_post(self) -> bool:
        """Whether the call is a POST, which starts a job that costs money or stores something, or a PATCH, like it."""
        return self.method in _NOT_IDEMPOTENT

    def with_key(self, key: object) -> Call[T]:
        """Return the call of one attempt, with the API key that `key` has returned.

        Raises:
            ConfigurationError: It is not a key.
        """
        if not isinstance(key, str):
            raise ConfigurationError(
                f"The function api_key returned a value of the type {type(key).__name__}; it must return the key as "
                "text, or be awaited by AsyncOpenVideos."
            )
        checked = checked_key(key)
        if checked is None:
            return self
        headers = {**self.headers, "Authorization": f"Bearer {checked}"}
        return evolve(self, headers=headers, secrets=(*self.secrets, *secrets_of_key(checked)))

    @property
    def rewindable(self) -> bool:
        """Whether the body can be sent again."""
        return all(content.rewindable for content in self.contents)

    @contextmanager
    def closing(self) -> Generator[None]:
        """At the end of the block, close the files that were opened for the body."""
        try:
            yield
        finally:
            for content in self.contents:
                content.close()


def make_call(
    settings: Settings,
    operation: str,
    arguments: Mapping[str, Any],
    parse: Parser[T],
    extras: Extras,
    **details: Any,
) -> Call[T]:
    """Build a call from a raw request's `arguments`, which override the settings and are overridden by the extras.

    Raises:
        InvalidArgumentError: A header, a query parameter or the body cannot be sent.
    """
    method = str(arguments["method"]).upper()
    headers = _merged_headers(settings, arguments.get("headers", {}), extras.headers)
    if method in _NOT_IDEMPOTENT and IDEMPOTENCY_KEY.lower() not in {name.lower() for name in headers}:
        import uuid  # imported late, because reads need none

        # Each call has one key, the same on every attempt (openapi.yaml, IdempotencyKey).
        headers[IDEMPOTENCY_KEY] = str(uuid.uuid4())
    query = {**settings.query, **arguments.get("params", {}), **(extras.query or {})}
    body, files = arguments.get("json"), arguments.get("files")
    if files is not None:
        # What the default headers say is meant for the bodies that could be either.
        headers = _form_headers(operation, headers, media_type(extras.headers))
        files = _parts(_with_fields(files, extras.body or {}))
    elif extras.body:
        given: Mapping[str, object] = body or {}
        _check_no_file(operation, extras.body)
        body = {**given, **extras.body}
    if body is not None:
        if media_type(extras.headers) == FORM:
            raise InvalidArgumentError(f"{operation} is sent as JSON here; leave the header Content-Type out.")
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
        timeout=settings.timeout
        if isinstance(extras.timeout, NotGiven)
        else checked_timeout(extras.timeout, InvalidArgumentError),
        key=settings.api_key
        if callable(settings.api_key) and not any(name.lower() == "authorization" for name in headers)
        else None,
        secrets=settings.secrets,
        **details,
    )


def _merged_headers(settings: Settings, own: Mapping[str, str], extra: Mapping[str, str] | None) -> dict[str, str]:
    """Merge the headers; later ones replace earlier ones with the same name in any case.

    Raises:
        InvalidArgumentError: A header of the caller cannot be sent, for example because it could inject another header.
    """
    merged: dict[str, tuple[str, str]] = {
        "accept-encoding": ("Accept-Encoding", "gzip")
    }  # the encoding that `_drivers/body.py` decodes
    if isinstance(settings.api_key, str):
        merged["authorization"] = ("Authorization", f"Bearer {settings.api_key}")
    for name, value in (extra or {}).items():
        # The client's headers were checked when the client was made, and the other headers are the SDK's own.
        check_header(name, value)
    for headers in (settings.headers, own, extra or {}):
        for name, value in headers.items():
            merged[name.lower()] = (name, value)
    return dict(merged.values())


def _query(query: Mapping[str, object]) -> dict[str, Any]:
    """Return the query parameters for httpx, without those that are None; a list becomes a repeated parameter."""
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


def is_json_asked_for(settings: Settings, extras: Extras) -> bool:
    """Return whether the caller's Content-Type asks for JSON, for a body that could be a form as well."""
    return media_type(settings.headers, extras.headers) == JSON


def _form_headers(operation: str, headers: dict[str, str], asked_for: str | None) -> dict[str, str]:
    """Return the headers of a form without the caller's Content-Type, since the boundary is drawn for each request.

    Raises:
        InvalidArgumentError: The caller asks for another media type.
    """
    if asked_for not in {None, FORM}:
        raise InvalidArgumentError(
            f"{operation} is sent as {FORM} here, which the header Content-Type contradicts; leave the header out. "
            f"Only a create without files can be sent as {JSON}."
        )
    return {name: value for name, value in headers.items() if name.lower() != CONTENT_TYPE}


def _with_fields(files: list[tuple[str, Any]], extra: Mapping[str, object]) -> list[tuple[str, Any]]:
    """Add fields and files to a form's parts. They replace parts with the same name; a None only removes these.

    Each item of a list becomes a part of its own, as OpenAPI specifies for forms.
    """
    kept = [part for part in files if part[0] not in extra]
    for name, value in extra.items():
        if value is not None:
            _encodable(name)
            kept += [(name, _part(name, item)) for item in ([value] if is_file(value) else _items(value))]
    return kept


def _part(name: str, value: object) -> tuple[Any, ...]:
    """Return a part of a form as httpx takes it; browsers, curl and other clients send fields without a media type."""
    return upload(name, cast("FileTypes", value)).to_tuple() if is_file(value) else (None, _field(name, value))


def _parts(files: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return a form's parts with the headers of their files.

    Raises:
        InvalidArgumentError: A stream that can be read once is in the form twice.
    """
    once = [id(content.source) for content in contents(files) if not content.rewindable]
    if len(set(once)) < len(once):
        raise InvalidArgumentError("The form has one stream twice, which can be read once; read it into bytes.")
    return [
        (name, (*part, dict(part[1].headers)) if isinstance(part[1], Content) and part[1].headers else part)
        for name, part in files
    ]


def _check_no_file(operation: str, extra: Mapping[str, object]) -> None:
    for name, value in extra.items():
        if any(is_file(item) for item in (value, *_items(value))):
            raise InvalidArgumentError(
                f"{name} in extra_body is a file, and {operation} is sent as JSON here, which cannot carry one; pass "
                "the file's URL or id, or pass all images as files."
            )


def _items(value: object) -> list[object]:
    return list(cast("Sequence[object]", value)) if isinstance(value, (list, tuple)) else [value]


def _field(name: str, value: object) -> bytes:
    if not isinstance(value, str):
        _check_json({name: value})
        value = json.dumps(value, ensure_ascii=False)
    _encodable(value)
    return value.encode()


def _encodable(*values: object) -> None:
    for value in values:
        with suppress(UnicodeEncodeError):
            _written(value).encode()
            continue
        # Not raised from the UnicodeEncodeError, which has the text, maybe a secret, as an attribute.
        raise InvalidArgumentError("An argument is not valid Unicode text: it has lone surrogates.")


def _written(value: object) -> str:
    """Return a value as text.

    Raises:
        InvalidArgumentError: It is an integer of so many digits that Python does not write it.
    """
    try:
        return str(value)
    except ValueError as error:
        raise InvalidArgumentError(f"An argument cannot be written: {error}.") from error


def _check_json(body: object) -> None:
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"The body cannot be written as JSON: {error}.") from error
