"""Remove secrets from what reports show, however they are spelled there. Pure.

A server may repeat a key as JSON, Python, URLs or HTML escape it, and a report may show what that decodes to. So each
character of a secret is looked for in all of these spellings.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .exchange import json_array, json_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .target import Target

T = TypeVar("T")

_SHORTEST: Final = 8
"""The length from which a key is looked for; a shorter one may be a part of ordinary words."""

_LONG: Final = 12
"""The length of a key whose misspellings are secret, too; those of a short one may be ordinary words."""

_SLASH: Final = r"(?:\\|%(?:25)*5c)"
"""A backslash. There are several where one text is inside another."""

_PERCENT: Final = rf"(?:%|{_SLASH}{{1,8}}+u0025)(?:25)*"
_NAMED: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


_SIGNATURE: Final = r"(?i:(?<=signature=)|(?<=[?&]sig=)|(?<=[?&]token=))[\w.~%+/=-]+"
"""A signature in a URL: it holds the right to fetch a file."""


def secrets_of(target: Target) -> tuple[str, ...]:
    """Return the secrets of a target, which no report may show, and what the suite makes of the key to send it."""
    hook = target.webhook_secret
    found = [hook, hook.removeprefix("whsec_")] if hook else []
    for key in filter(None, (target.api_key, target.other_api_key)):
        found += secrets_of_key(key)
    return _longest_first(found)


def secrets_of_key(key: str) -> tuple[str, ...]:
    """Return the spellings of a key that no report may show; none of one so short that it may be a part of a word."""
    if len(key) < _SHORTEST:
        return ()
    pairs = (f"{key}:", f"user:{key}")
    found = [key, *(base64.b64encode(pair.encode()).decode().rstrip("=") for pair in pairs)]
    found += [key[:-1], key.swapcase(), key[::-1], *_encodings(key)] if len(key) >= _LONG else []
    return _longest_first(found)


def _longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(filter(None, secrets)), key=len, reverse=True))  # one may contain another


def _encodings(key: str) -> list[str]:
    """Return other spellings of a key: in one case, as hexadecimal digits, and in the middle of a text in base64."""
    raw = key.encode("utf-8", "surrogateescape")
    found = [key.lower(), key.upper(), raw.hex(), raw.hex().upper()]
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode()
        # The first characters also say what is before the key, and the last ones what is behind it.
        found.append(text[(4 * before + 2) // 3 : len(text) - (4 if (before + len(raw)) % 3 else 0)])
    return found


def redacted(value: T, secrets: tuple[str, ...]) -> T:
    """Return a JSON value, or bytes, with `***` for each of these secrets, and for the signatures of URLs.

    Keys of objects are our own, and stay.
    """
    result: T = _redact(value, _pattern(secrets))
    return result


@lru_cache
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds these secrets in all spellings, and the signatures of URLs."""
    found = ["".join(map(_spellings, re.findall(r"\\+|[^\\]", secret, re.DOTALL))) for secret in secrets if secret]
    return re.compile("|".join([*found, _SIGNATURE]))


def _spellings(char: str) -> str:
    """Return a pattern of the ways to write a character, or several backslashes."""
    if "\\" in char:
        return rf"(?i:(?>{_SLASH}{{1,8}}+(?:u005c|x5c)|&\#(?:0*92|x0*5c);|{_SLASH})){{1,64}}+"
    units = char.encode("utf-16-be", "surrogatepass")
    ways = [
        "".join(rf"{_SLASH}{{1,8}}+u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)),
        "".join(f"{_PERCENT}{byte:02x}" for byte in char.encode("utf-8", "surrogatepass")),
        rf"&\#(?:0*{ord(char)}|x0*{ord(char):x});",
    ]
    ways += [rf"{_SLASH}{{1,8}}+x{ord(char):02x}"] if ord(char) <= 0xFF else []  # noqa: PLR2004 - how Python spells it
    ways += [f"&{_NAMED[char]};"] if char in _NAMED else []
    return rf"(?:(?i:{'|'.join(ways)})|(?i:{_SLASH}){{0,8}}+{re.escape(char)})"


def _redact(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub("***", value)
    if isinstance(value, bytes):
        return pattern.sub("***", value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    if json_object(value):
        return {name: _redact(each, pattern) for name, each in json_object(value).items()}
    return [_redact(each, pattern) for each in json_array(value)] if json_array(value) else value
