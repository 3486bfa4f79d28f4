"""Decide which bytes of a file a range request gets (RFC 9110, section 14), and lay out a multipart response. Pure.

A Range header is ignored, and the whole file is sent, if it is malformed, has another unit, or has too many ranges; the
RFC allows that. Ranges that overlap or touch are merged, so that no byte is sent twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_RANGES: Final = 16
"""The most ranges that one request may have; a request with more is broken or malicious."""

_UNIT: Final = re.compile(r"bytes[ \t]*=", re.IGNORECASE)
_ONE_RANGE: Final = re.compile(r"([0-9]*)-([0-9]*)")
_MAX_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to, but not including, `end`."""

    start: int
    end: int

    def content_range(self, length: int) -> str:
        """Return the value of Content-Range for this span, in a file of `length` bytes."""
        return f"bytes {self.start}-{self.end - 1}/{length}"


class UnsatisfiableError(Exception):
    """No range begins before the end of the file."""


def requested_spans(
    range_header: str | None, if_range: str | None, *, etag: str, length: int
) -> tuple[Span, ...] | None:
    """Return the spans that a request wants, in the order of its ranges, without overlaps; None for the whole file.

    `if_range` matches only if it equals `etag`. A weak entity tag never matches, and neither does a date, since the
    emulator sends no Last-Modified.

    Raises:
        UnsatisfiableError: No range begins before the end of the file.
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
        span = _span_of(match[1], match[2], length)
        if span is not None:
            spans = _merged(spans, span)
    if not spans:
        raise UnsatisfiableError
    return tuple(spans)


def multipart_pieces(spans: Sequence[Span], *, media_type: str, length: int, boundary: str) -> list[bytes | Span]:
    """Lay out the body of a multipart/byteranges response: the bytes between the parts, and the parts as spans."""
    pieces: list[bytes | Span] = []
    lead = ""
    for span in spans:
        head = (
            f"{lead}--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {span.content_range(length)}\r\n\r\n"
        )
        pieces += [head.encode("ascii"), span]
        lead = "\r\n"
    return [*pieces, f"\r\n--{boundary}--\r\n".encode("ascii")]


def _is_range(first: str, last: str) -> bool:
    return bool(first or last) and not (first and last and _number(last) < _number(first))


def _span_of(first: str, last: str, length: int) -> Span | None:
    """Cut a range at the end of the file; None if the range begins after the end."""
    start = _number(first) if first else max(0, length - _number(last))
    end = min(_number(last) + 1, length) if first and last else length
    return Span(start, end) if start < end else None


def _merged(spans: list[Span], new: Span) -> list[Span]:
    """Add a span; merge it with those that it overlaps or touches, in the place of the first of them."""
    touched = [span for span in spans if span.start <= new.end and new.start <= span.end]
    if not touched:
        return [*spans, new]
    union = Span(min(new.start, *(span.start for span in touched)), max(new.end, *(span.end for span in touched)))
    place = spans.index(touched[0])
    return [*spans[:place], union, *(span for span in spans[place:] if span not in touched)]


def _number(digits: str) -> int:
    # No file is that long, and Python refuses to parse numbers with thousands of digits.
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS
