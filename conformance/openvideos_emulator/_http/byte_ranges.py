"""Decide which bytes a request gets (RFC 9110, section 14), and how several parts are framed. Pure.

A header that is malformed, of another unit, or of very many ranges is ignored, as the RFC allows: the whole file is
sent. Ranges that overlap or touch become one, so that no request gets a byte twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_RANGES: Final = 16
"""How many ranges one request may ask for; more are a sign of a broken client, or of a bad one."""

_UNIT: Final = re.compile(r"bytes[ \t]*=", re.IGNORECASE)
_ONE_RANGE: Final = re.compile(r"([0-9]*)-([0-9]*)")
_MAX_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to, and without, `end`."""

    start: int
    end: int

    def of(self, length: int) -> str:
        """Write the span as a Content-Range says it, in a file of this length."""
        return f"bytes {self.start}-{self.end - 1}/{length}"


class UnsatisfiableError(Exception):
    """No range begins before the end of the file."""


def wanted(range_header: str | None, if_range: str | None, *, etag: str, length: int) -> tuple[Span, ...] | None:
    """Give the bytes that a request asks for; None for the whole file; UnsatisfiableError if there are none.

    The spans do not overlap; their order is that of the ranges. `if_range` holds only for the very `etag`: a weak one,
    or a date (we send no Last-Modified), never matches.
    """
    if range_header is None or (if_range is not None and if_range.strip() != etag):
        return None
    unit = _UNIT.match(range_header.strip())
    if unit is None:
        return None
    # A list may have empty elements (RFC 9110, section 5.6.1).
    texts = [each for text in range_header.strip()[unit.end() :].split(",") if (each := text.strip(" \t"))]
    matches = [_ONE_RANGE.fullmatch(text) for text in texts]
    if not matches or len(matches) > MAX_RANGES:
        return None
    spans: list[Span] = []
    for match in matches:
        if match is None or not _is_range(match[1], match[2]):
            return None
        span = _span(match[1], match[2], length)
        if span is not None:
            spans = _with(spans, span)
    if not spans:
        raise UnsatisfiableError
    return tuple(spans)


def framed(spans: Sequence[Span], *, media_type: str, length: int, boundary: str) -> list[bytes | Span]:
    """Lay out the body of a multipart/byteranges answer: the bytes between the parts, and the parts."""
    pieces: list[bytes | Span] = []
    lead = ""
    for span in spans:
        head = f"{lead}--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {span.of(length)}\r\n\r\n"
        pieces += [head.encode("ascii"), span]
        lead = "\r\n"
    return [*pieces, f"\r\n--{boundary}--\r\n".encode("ascii")]


def _is_range(first: str, last: str) -> bool:
    return bool(first or last) and not (first and last and _number(last) < _number(first))


def _span(first: str, last: str, length: int) -> Span | None:
    """Cut a range at the end of the file; None if nothing is left of it."""
    start = _number(first) if first else max(0, length - _number(last))
    end = min(_number(last) + 1, length) if first and last else length
    return Span(start, end) if start < end else None


def _with(spans: list[Span], new: Span) -> list[Span]:
    """Add a span; those that it overlaps or touches go into it, and it takes the place of the first of them."""
    joined = [span for span in spans if span.start <= new.end and new.start <= span.end]
    if not joined:
        return [*spans, new]
    union = Span(min(new.start, *(span.start for span in joined)), max(new.end, *(span.end for span in joined)))
    place = spans.index(joined[0])
    return [*spans[:place], union, *(span for span in spans[place:] if span not in joined)]


def _number(digits: str) -> int:
    # No file is that long, and Python refuses to read numbers of thousands of digits.
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS
