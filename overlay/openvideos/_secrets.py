"""Remove secrets from the requests, responses and texts that errors carry. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import httpx

from ._json import is_array, is_object

REDACTED: Final = "[redacted]"
SHORTEST: Final = 6

_SECRET_NAME: Final = re.compile(
    r"authorization|cookie|secret|token|signature|password|(^|[-_])(api[-_]?)?key$", re.IGNORECASE
)
# This key is no secret: it grants no access, and is needed to find the job again.
_PUBLIC_NAMES: Final = frozenset({"idempotency-key"})


def shown(url: str | httpx.URL) -> str:
    """Return a URL without the user name and password that it may contain."""
    parsed = httpx.URL(url)
    return str(parsed.copy_with(username=None, password=None) if parsed.userinfo else parsed)


def is_secret_name(name: str) -> bool:
    """Return whether a header or query parameter with this name usually contains a secret."""
    return name.lower() not in _PUBLIC_NAMES and _SECRET_NAME.search(name) is not None


def secrets_in(requests: Iterable[httpx.Headers]) -> tuple[str, ...]:
    """Return the secrets in the headers of requests. Short values, such as "none", are ignored: they occur anywhere."""
    found: dict[str, None] = {}
    for headers in requests:
        for name, value in headers.items():
            if is_secret_name(name):
                # The scheme of an authorization, such as Bearer, is not part of the secret.
                found[value.rpartition(" ")[2]] = None
    return tuple(secret for secret in found if len(secret) >= SHORTEST and secret != REDACTED)


@lru_cache(maxsize=64)
def _spellings(secret: str) -> tuple[str, ...]:
    """Return the forms of a secret in text, JSON and URLs, the longest first."""
    in_json = json.dumps(secret)[1:-1]
    spelled = {secret, in_json, in_json.replace("/", "\\/"), quote(secret, safe=""), quote(secret)}
    return tuple(sorted(spelled, key=len, reverse=True))


def _headers(headers: httpx.Headers, secrets: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    # Headers are handled as bytes, because a header that is not ASCII cannot be encoded again from text.
    return [
        (name, REDACTED.encode() if is_secret_name(name.decode("latin-1")) else _scrub_bytes(value, secrets))
        for name, value in headers.raw
    ]


def _scrub_bytes(value: bytes, secrets: tuple[str, ...]) -> bytes:
    for secret in secrets:
        for spelling in _spellings(secret):
            value = value.replace(spelling.encode(), REDACTED.encode())
    return value


def _url(url: httpx.URL, secrets: tuple[str, ...]) -> httpx.URL:
    if url.userinfo:
        url = url.copy_with(username=None, password=None)
    if scrub(url.path, secrets) != url.path:
        url = url.copy_with(path=scrub(url.path, secrets))
    if url.fragment:
        url = url.copy_with(fragment=None)
    if url.query:
        url = url.copy_with(
            params=[
                (scrub(name, secrets), REDACTED if is_secret_name(name) else scrub(value, secrets))
                for name, value in url.params.multi_items()
            ]
        )
    return url


def scrub(value: Any, secrets: tuple[str, ...]) -> Any:
    """Return a JSON value with all occurrences of secrets replaced, also in keys."""
    if isinstance(value, str):
        for secret in secrets:
            for spelling in _spellings(secret):
                value = value.replace(spelling, REDACTED)
        return value
    if is_array(value):
        return [scrub(item, secrets) for item in value]
    if is_object(value):
        return {scrub(key, secrets): scrub(item, secrets) for key, item in value.items()}
    return value


def without_secrets(request: httpx.Request, secrets: tuple[str, ...]) -> httpx.Request:
    """Return a copy of a request for an error: without the body, and without secrets in the URL and the headers."""
    return httpx.Request(request.method, _url(request.url, secrets), headers=_headers(request.headers, secrets))


def response_without_secrets(response: httpx.Response, secrets: tuple[str, ...]) -> httpx.Response:
    """Return a copy of a response, which was read, for an error: without secrets, and without its history."""
    content = _scrub_bytes(response.content, secrets)
    # The content is decoded already, and its length may have changed.
    headers = [
        (name, value)
        for name, value in _headers(response.headers, secrets)
        if name.lower() not in {b"content-encoding", b"content-length", b"transfer-encoding"}
    ]
    return httpx.Response(
        response.status_code, headers=headers, content=content, request=without_secrets(response.request, secrets)
    )
