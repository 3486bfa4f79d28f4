"""Make ids that do not exist, in the form of those of the server. Pure, except that they are random."""

from __future__ import annotations

import re
import secrets
import string
from typing import Final

_ENOUGH: Final = 12
"""How many random characters make it practically impossible to hit an id that exists."""

_HEX: Final = frozenset("0123456789abcdef")


def unknown_like(known: str) -> str:
    """Return an id that does not exist and looks like `known`.

    Servers whose ids are UUIDs, or name a provider, refuse ids of other forms as malformed. So only the longest part of
    letters and digits is replaced, each character by one of its kind; a short part is lengthened.
    """
    parts = list(re.finditer(r"[A-Za-z0-9]+", known))
    if not parts:
        return known + _drawn("0" * _ENOUGH)
    longest = max(parts, key=lambda part: len(part[0]))
    return known[: longest.start()] + _changed(longest[0]) + known[longest.end() :]


def neighbours_of(known: str) -> tuple[str, ...]:
    """Return ids that begin with `known`, or with which it begins, unless the server may have issued them.

    Of ids that end in a short part, such as the number of a counter, these may be others that it has issued.
    """
    end = re.search(r"[A-Za-z0-9]*$", known)
    is_counted = end is not None and 0 < len(end[0]) < _ENOUGH
    return () if is_counted else (f"{known}0", known[:-1])


def _changed(part: str) -> str:
    if len(part) < _ENOUGH:
        # A counter has not reached a number that begins with 9 and has so many more digits.
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
