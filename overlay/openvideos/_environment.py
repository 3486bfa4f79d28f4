"""Decide which server a client uses, and with which API key. Pure: the environment is an argument.

There are two pairs of variables: OPENVIDEOS_BASE_URL with OPENVIDEOS_API_KEY and, if the first is not set,
OPENAI_BASE_URL with OPENAI_API_KEY. A key is sent only to the server of its own pair, so that no vendor sees another
vendor's key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import httpx
from attrs import field, frozen

from ._errors import ConfigurationError
from ._secrets import shown

PAIRS: Final = (("OPENVIDEOS_BASE_URL", "OPENVIDEOS_API_KEY"), ("OPENAI_BASE_URL", "OPENAI_API_KEY"))
_HOST: Final = re.compile(rb"[A-Za-z0-9._~:-]+")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@frozen
class Endpoint:
    """A server, and the API key for it, which the repr does not show."""

    base_url: str = field(repr=shown)
    api_key: str | None = field(repr=False)


def endpoint(base_url: str | None, api_key: str | None, environ: Mapping[str, str]) -> Endpoint:
    """Return the server to use and the API key for it, from a client's arguments and the environment.

    Raises:
        ConfigurationError: There is no base URL, or the base URL or the key is invalid.
    """
    pairs = [(environ.get(url) or None, environ.get(key) or None) for url, key in PAIRS]
    if base_url is None:
        # Use the first pair that has a base URL, with that pair's key or none.
        base_url, paired_key = next(((url, key) for url, key in pairs if url), (None, None))
        if base_url is None:
            raise ConfigurationError(
                "No base URL: pass base_url=, or set OPENVIDEOS_BASE_URL (with OPENVIDEOS_API_KEY). To try the SDK "
                "without a server, run `openvideos-emulator --port 8000` (pip install 'openvideos[emulator]') and set "
                "OPENVIDEOS_BASE_URL=http://127.0.0.1:8000/v1."
            )
        url = _checked_url(base_url)
    else:
        url = _checked_url(base_url)
        paired_key = _key_for(url, pairs)
    return Endpoint(base_url=str(url).rstrip("/"), api_key=_checked_key(api_key if api_key is not None else paired_key))


def _key_for(url: httpx.URL, pairs: list[tuple[str | None, str | None]]) -> str | None:
    """Return the environment's API key for a base URL that the caller has passed."""
    for paired_url, key in pairs:
        if key and paired_url and _names_origin_of(url, paired_url):
            return key
    own_url, own_key = pairs[0]
    # OPENVIDEOS_API_KEY without OPENVIDEOS_BASE_URL belongs to no vendor, so it is used for any server.
    return own_key if own_url is None else None


def _names_origin_of(url: httpx.URL, other: str) -> bool:
    try:
        return same_origin(url, httpx.URL(other))
    except (httpx.InvalidURL, ValueError):
        return False


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Return whether two URLs have the same origin (RFC 6454, 4)."""
    return _origin(one) == _origin(other)


def has_valid_port(url: httpx.URL) -> bool:
    """Return whether a URL's port is valid; httpx accepts larger ports, for which a socket raises OverflowError."""
    return url.port is None or url.port < 1 << 16


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)


def _checked_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The base URL cannot be read ({error}); it looks like http://127.0.0.1:8000/v1."
        ) from None
    if url.scheme not in _DEFAULT_PORTS or _HOST.fullmatch(url.raw_host) is None:
        raise ConfigurationError(
            f"The base URL {shown(url)!r} is not an http or https URL; it looks like http://127.0.0.1:8000/v1."
        )
    if not has_valid_port(url):
        raise ConfigurationError(f"The base URL's port is {url.port}; the highest is 65535.")
    if url.query or url.fragment:
        raise ConfigurationError("The base URL has a query or a fragment; pass query parameters as default_query=.")
    return url


def _checked_key(key: str | None) -> str | None:
    if not key:
        return None
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(
            "The API key has characters that a header cannot contain (a line break or a space?); check the copied text."
        )
    return key
