"""Take secrets out of what errors carry. Pure, but for the copies that it makes."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx

from ._json import is_array, is_object

REDACTED: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(
    r"authorization|cookie|secret|token|signature|password|(^|[-_])(api[-_]?)?key$", re.IGNORECASE
)
# Names an attempt, opens nothing, and is needed to find the job again.
_PUBLIC_NAMES: Final = frozenset({"idempotency-key"})


def shown(url: str | httpx.URL) -> str:
    """Return a URL to show: without the user name and password that it may hold."""
    parsed = httpx.URL(url)
    return str(parsed.copy_with(username=None, password=None) if parsed.userinfo else parsed)


def is_secret_name(name: str) -> bool:
    """Tell whether a header or query parameter of this name usually holds a secret."""
    return name.lower() not in _PUBLIC_NAMES and _SECRET_NAME.search(name) is not None


def _headers(headers: httpx.Headers, secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (name, REDACTED if is_secret_name(name) else scrub(value, secrets)) for name, value in headers.multi_items()
    ]


def _url(url: httpx.URL, secrets: tuple[str, ...]) -> httpx.URL:
    if url.userinfo:
        url = url.copy_with(username=None, password=None)
    if url.query:
        url = url.copy_with(
            params=[
                (name, REDACTED if is_secret_name(name) else scrub(value, secrets))
                for name, value in url.params.multi_items()
            ]
        )
    return url


def scrub(value: Any, secrets: tuple[str, ...]) -> Any:
    """Return a JSON value with every occurrence of a secret replaced, in keys too."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, REDACTED)
        return value
    if is_array(value):
        return [scrub(item, secrets) for item in value]
    if is_object(value):
        return {scrub(key, secrets): scrub(item, secrets) for key, item in value.items()}
    return value


def without_secrets(request: httpx.Request, secrets: tuple[str, ...]) -> httpx.Request:
    """Return a copy of a request to keep in an error: no body, and no secret in its URL and headers."""
    return httpx.Request(request.method, _url(request.url, secrets), headers=_headers(request.headers, secrets))


def response_without_secrets(response: httpx.Response, secrets: tuple[str, ...]) -> httpx.Response:
    """Return a copy of a read response to keep in an error, with a request that holds no secret and no history."""
    content = response.content
    for secret in secrets:
        content = content.replace(secret.encode(), REDACTED.encode())
    # The content is decoded already and its length may have changed.
    headers = [
        (name, value)
        for name, value in _headers(response.headers, secrets)
        if name.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
    ]
    return httpx.Response(
        response.status_code, headers=headers, content=content, request=without_secrets(response.request, secrets)
    )
