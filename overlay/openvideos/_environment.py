"""Decide which server a client uses, and with which API key. Pure: the environment is an argument.

There are two pairs of variables: OPENVIDEOS_BASE_URL with OPENVIDEOS_API_KEY and, if the first is not set,
OPENAI_BASE_URL with OPENAI_API_KEY. A key is sent only to the server of its own pair, so that no vendor sees another
vendor's key.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import httpx
from attrs import field, frozen

from ._errors import ConfigurationError
from ._secrets import shown

ApiKey: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""An API key, or a function that returns the one of the next attempt; only an async client can await it."""

PAIRS: Final = (("OPENVIDEOS_BASE_URL", "OPENVIDEOS_API_KEY"), ("OPENAI_BASE_URL", "OPENAI_API_KEY"))
_HOST: Final = re.compile(rb"[A-Za-z0-9._~:-]+")
_USER_INFO: Final = re.compile(r"[^/?#]*//[^/?#]*@")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@frozen
class Endpoint:
    """A server, and the API key for it, which the repr does not show."""

    base_url: str = field(repr=shown)
    api_key: ApiKey | None = field(repr=False)


def endpoint(base_url: str | None, api_key: ApiKey | None, environ: Mapping[str, str]) -> Endpoint:
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
                "without a server, run `openvideos-emulator --port 8000` (of the extra emulator) and set "
                "OPENVIDEOS_BASE_URL=http://127.0.0.1:8000/v1."
            )
        url = _checked_url(base_url)
    else:
        url = _checked_url(base_url)
        paired_key = _key_for(url, pairs)
    name = "The API key"
    if api_key is None:
        api_key = paired_key
        name = next((variable for _, variable in PAIRS if environ.get(variable) == paired_key), name)
    return Endpoint(base_url=str(url).rstrip("/"), api_key=api_key if callable(api_key) else checked_key(api_key, name))


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


def keeps_credentials(one: httpx.URL, other: httpx.URL) -> bool:
    """Return whether a redirect from one URL to another may carry the key (openapi.yaml, ContentElsewhere).

    The step from http to https on the default ports of one host tells the key to nobody new.
    """
    upgrade = (_origin(one), _origin(other)) == (("http", one.host, 80), ("https", one.host, 443))
    return upgrade or same_origin(one, other)


def has_valid_port(url: httpx.URL) -> bool:
    """Return whether a URL's port is valid; httpx accepts larger ports, for which a socket raises OverflowError."""
    return url.port is None or url.port < 1 << 16


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme)


def _checked_url(text: str) -> httpx.URL:
    url, reason = None, ""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        # What httpx takes for a port may be a password.
        reason = "" if "@" in text else f" ({error})"
    if url is None:
        raise ConfigurationError(f"The base URL cannot be read{reason}; it looks like http://127.0.0.1:8000/v1.")
    if _USER_INFO.match(text):  # httpx drops an empty one
        raise ConfigurationError(
            "The base URL has a user name or a password; pass api_key=, default_headers= with Authorization, or your "
            "own http_client=httpx.Client(auth=…)."
        )
    if "?" in text or "#" in text:
        raise ConfigurationError("The base URL has a query or a fragment; pass query parameters as default_query=.")
    if text != text.strip():
        raise ConfigurationError(f"The base URL {text!r} begins or ends with a blank; check the copied text.")
    if url.scheme not in DEFAULT_PORTS or _HOST.fullmatch(url.raw_host) is None:
        raise ConfigurationError(
            f"The base URL {shown(url)!r} is not an http or https URL; it looks like http://127.0.0.1:8000/v1."
        )
    if not has_valid_port(url):
        raise ConfigurationError(f"The base URL's port is {url.port}; the highest is 65535.")
    return url


def checked_key(key: object, name: str = "The API key") -> str | None:
    """Return an API key; None if it is empty. `name` says where it comes from.

    Raises:
        ConfigurationError: It is not text, or has characters that a header cannot contain. No message shows it.
    """
    if key is None or key == "":
        return None
    if not isinstance(key, str):
        raise ConfigurationError(f"The API key is of the type {type(key).__name__}; it must be text.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(
            f"{name} has characters that a header cannot contain (a line break or a space?); check the copied text."
        )
    return key
