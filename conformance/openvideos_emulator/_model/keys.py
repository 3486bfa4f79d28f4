"""Find the keys that a request carries, and hide them wherever they are repeated. Pure.

A key is what gives a right: the API key, and the signature of a file's URL.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

Pairs = list[tuple[bytes, bytes]]
"""Headers, as ASGI has them: names in lower case, each with its value."""

SIGNATURE: Final = "signature"
"""The name of the query's parameter that holds the right to fetch a file."""

SIGNED: Final = "sig-"
"""What each signature begins with, so that it is known wherever it stands."""

_HIDDEN: Final = b"***"
_MARKS: Final = (SIGNED.encode(), SIGNATURE.encode())
_SECRET: Final = re.compile(rb"authorization|cookie|api-?key|token|secret|sec-websocket-protocol")
_PARAMETER: Final = re.compile(rf"{SIGNATURE}|(api|access)[-_]?(key|token)|token|key", re.IGNORECASE)
_SIGNATURE: Final = re.compile(rb"%b[0-9a-f]+|(?<=%b=)[^&\s\"'<>#\\]+" % (SIGNED.encode(), SIGNATURE.encode()))
_SHORTEST: Final = 8  # a shorter key may be a part of ordinary words
_MOST_WORDS: Final = 4
_LEAST_TOLD: Final = 4  # characters; fewer say nothing about a key


def value_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """Return the value of the first header with this name, in lower case; empty if there is none."""
    return next((value for each, value in headers if each == name), b"")


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the API key that a request carries, `Authorization: Bearer KEY`; empty if it carries none."""
    scheme, _, key = value_of(headers, b"authorization").decode("latin-1").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


class Hider:
    """Hides the keys of one request: that of the server, those in its headers, and the signatures of URLs."""

    def __init__(self, headers: Pairs, *, query: str = "", api_key: str | None = None) -> None:
        """Know the keys in these headers and this query, and the one that the server was started with."""
        keys = [api_key.encode()] if api_key is not None else []
        keys += [value.encode() for name, value in parse_qsl(query) if _holds_key(name)] if query else []
        for name, value in headers:
            if _is_secret(name) and not name.endswith(b"cookie"):
                words = value.split(None, _MOST_WORDS)
                keys += words[1:] or words  # the first names the scheme
        self._spellings = [each for key in keys if len(key) >= _SHORTEST for each in _spellings(key)]
        self._marks = (*_MARKS, *self._spellings)  # what has none of them holds no key

    def data(self, data: bytes, *, is_cut: bool = False) -> bytes:
        """Return a text in UTF-8 without the keys; of one that is cut off, without half a key at its end."""
        for mark in self._marks:
            if mark in data:
                data = _SIGNATURE.sub(_HIDDEN, data)
                for key in self._spellings:
                    data = data.replace(key, _HIDDEN)
                break
        return self._without_beginning(data) if is_cut else data

    def text(self, text: str, *, is_cut: bool = False) -> str:
        """Return a text without the keys, as `data` does."""
        return self.data(text.encode("utf-8", "surrogatepass"), is_cut=is_cut).decode("utf-8", "replace")

    def query(self, query: str) -> str:
        """Return a query without the keys; nothing is left of the parameters that are there to hold one."""
        if not query:
            return query
        kept: list[str] = []
        for name, sign, value in (pair.partition("=") for pair in query.split("&")):
            is_hidden = value and _holds_key(name)
            kept.append(f"{name}={_HIDDEN.decode()}" if is_hidden else self.text(f"{name}{sign}{value}"))
        return "&".join(kept)

    def headers(self, headers: Pairs) -> Pairs:
        """Return headers without the keys; nothing is left of those that are there to hold one."""
        shown = [(name, _HIDDEN if _is_secret(name) else value) for name, value in headers]
        together = b"\n".join([value for _, value in shown])
        if self.data(together) is together:  # as it is with nearly all requests
            return shown
        return [(name, self.data(value)) for name, value in shown]

    def _without_beginning(self, data: bytes) -> bytes:
        for key in self._spellings:
            for length in range(len(key) - 1, _LEAST_TOLD - 1, -1):
                if data.endswith(key[:length]):
                    return data[:-length] + _HIDDEN
        return data


@lru_cache(maxsize=256)
def _holds_key(parameter: str) -> bool:
    return _PARAMETER.fullmatch(unquote(parameter)) is not None


@lru_cache(maxsize=256)
def _is_secret(name: bytes) -> bool:
    return _SECRET.search(name) is not None


@lru_cache(maxsize=256)
def _spellings(key: bytes) -> tuple[bytes, ...]:
    """Return a key as it stands in a header, in a URL and in JSON, where some escape a slash."""
    in_url = quote(key, safe="")
    in_json = json.dumps(key.decode("latin-1"))[1:-1]
    lower = re.sub("%..", lambda code: code[0].lower(), in_url)
    spelled = (in_url, lower, quote(key, safe="!'()*"), in_json, in_json.replace("/", "\\/"))
    return tuple(dict.fromkeys([key, *(each.encode() for each in spelled)]))
