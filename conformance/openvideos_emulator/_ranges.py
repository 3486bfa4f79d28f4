"""Decide which bytes a request gets (RFC 9110, section 14). Pure.

A header that is malformed, of another unit, or of several ranges is ignored, as the RFC allows: the whole file is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ONE_RANGE: Final = re.compile(r"bytes[ \t]*=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_MAX_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to, and without, `end`."""

    start: int
    end: int


class UnsatisfiableError(Exception):
    """The range begins behind the end of the file."""


def wanted(range_header: str | None, if_range: str | None, *, etag: str, length: int) -> Span | None:
    """Give the bytes that a request asks for; None for the whole file; UnsatisfiableError if there are none.

    `if_range` holds only for the very `etag`: a weak one, or a date (we send no Last-Modified), never matches.
    """
    if range_header is None or (if_range is not None and if_range.strip() != etag):
        return None
    match = _ONE_RANGE.fullmatch(range_header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:
        return _suffix(_number(match[2]), length)
    start, last = _number(match[1]), _number(match[2]) if match[2] else None
    if last is not None and last < start:
        return None
    if start >= length:
        raise UnsatisfiableError
    return Span(start, length if last is None else min(last + 1, length))


def _suffix(count: int, length: int) -> Span:
    if count == 0 or length == 0:
        raise UnsatisfiableError
    return Span(max(0, length - count), length)


def _number(digits: str) -> int:
    # No file is that long, and Python refuses to read numbers of thousands of digits.
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS
