"""Decide where the redirect of a download leads, and what the request there contains. Sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from .._core.contract import Contract
    from .._core.exchange import Exchange

MOST_REDIRECTS: Final = 5
"""How many redirects of a download are followed."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OWN: Final = frozenset({"authorization", "cookie", "host"})
"""Headers that belong to one origin."""


def next_request(exchange: Exchange, request: httpx.Request, contract: Contract) -> httpx.Request | None:
    """Return the request that follows the redirect of a download; None if there is none to follow.

    The API itself may redirect a download with the statuses that the contract gives it. A request to another origin
    has no credentials.
    """
    is_download = exchange.operation == "download_video_content" or bool(exchange.elsewhere)
    if not is_download or exchange.method != "GET" or exchange.failure:
        return None
    status = exchange.status or 0
    if status not in _REDIRECTS or not (exchange.elsewhere or contract.response(exchange.operation or "", status)):
        return None
    location = exchange.header("location")
    try:
        url = request.url.join(location or "")
    except (httpx.InvalidURL, ValueError):
        return None
    if not location or not is_absolute(str(url)):
        return None
    url = url.copy_with(fragment=None, userinfo=b"")
    own = {"host"} if _origin(url) == _origin(request.url) else _OWN
    headers = [(name, value) for name, value in request.headers.raw if name.decode("latin-1").lower() not in own]
    return httpx.Request("GET", url, headers=headers, extensions=request.extensions)


def is_absolute(text: str) -> bool:
    """Return whether a text is a URL of http or https with a host."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


def place(url: httpx.URL) -> str:
    """Return a URL without its query, which may be a signature."""
    return str(url.copy_with(query=None))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
