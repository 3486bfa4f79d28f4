"""Make up ids that no server ever gave out, in the form of those that this one gives. Pure, but for chance."""

from __future__ import annotations

import re
import secrets
import string
from typing import Final

_ENOUGH: Final = 12
"""How many characters of chance make it impossible to hit an id that exists."""

_HEX: Final = frozenset("0123456789abcdef")


def unknown_like(known: str) -> str:
    """Return an id that was never given out and looks like `known`.

    Servers whose ids are UUIDs, or name a provider, refuse other forms as malformed. So only the longest part of
    letters and digits is changed, each character to one of its kind; a short part grows.
    """
    parts = list(re.finditer(r"[A-Za-z0-9]+", known))
    if not parts:
        return known + _drawn("0" * _ENOUGH)
    longest = max(parts, key=lambda part: len(part[0]))
    return known[: longest.start()] + _changed(longest[0]) + known[longest.end() :]


def _changed(part: str) -> str:
    if len(part) < _ENOUGH:
        # One that begins with 9 and has more digits is no number that a counter has come to.
        return "9" + _drawn("0" * (_ENOUGH + 4)) if part.isdecimal() else part + _drawn("0" * _ENOUGH)
    word = re.match(r"[A-Za-z]*", part)
    kept = word.end() if word is not None and len(part) - word.end() >= _ENOUGH else 0
    while True:
        drawn = part[:kept] + _drawn(part[kept:])
        if drawn != part:
            return drawn


def _drawn(pattern: str) -> str:
    is_hex = set(pattern) <= _HEX
    return "".join(secrets.choice(_kind(char, is_hex=is_hex)) for char in pattern)


def _kind(char: str, *, is_hex: bool) -> str:
    if char.isdecimal():
        return string.digits
    if is_hex:
        return "abcdef"
    return string.ascii_uppercase if char.isupper() else string.ascii_lowercase
