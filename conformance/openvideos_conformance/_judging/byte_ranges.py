"""Parse the ranges of a 206: Content-Range, and the parts of multipart/byteranges (RFC 9110, section 14). Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)


class Span(NamedTuple):
    """The bytes from `first` to `last`, inclusive, of `total` bytes; `total` is None if it is not stated."""

    first: int
    last: int
    total: int | None

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.last - self.first + 1


class Piece(NamedTuple):
    """One part of a multipart/byteranges response: its Content-Range, and its bytes."""

    span: Span
    content: bytes


def read_content_range(text: str | None) -> Span | None:
    """Return the span of a Content-Range such as `bytes 0-9/100`; None if it is malformed."""
    found = _CONTENT_RANGE.fullmatch((text or "").strip())
    if found is None:
        return None
    first, last, total = found.groups()
    span = Span(int(first), int(last), None if total == "*" else int(total))
    is_sane = span.first <= span.last and (span.total is None or span.last < span.total)
    return span if is_sane else None


def read_pieces(content_type: str, body: bytes) -> list[Piece]:
    """Return the parts of a multipart/byteranges body.

    Raises:
        ValueError: The body is malformed; the message says how.

    """
    named = _BOUNDARY.search(content_type)
    if named is None:
        raise ValueError(f"the Content-Type {content_type!r} has no boundary")
    delimiter = b"--" + (named[1] or named[2]).encode("latin-1")
    chunks = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(chunks) < 3 or not chunks[-1].startswith(b"--"):  # noqa: PLR2004 - the preamble, one part, and the end
        raise ValueError("the parts do not end with the closing boundary")
    return [_piece(chunk) for chunk in chunks[1:-1]]


def flaw_of(span: Span, content: bytes, whole: bytes) -> str | None:
    """Return how a part differs from the span that it states; None if it does not."""
    if span.total not in {None, len(whole)}:
        return f"its Content-Range says that the file has {span.total} bytes, but the file has {len(whole)}"
    if span.last >= len(whole):
        return f"its Content-Range ends at byte {span.last}, but the file has {len(whole)} bytes"
    if len(content) != span.length:
        return f"its Content-Range is the bytes {span.first}-{span.last}, but the body has {len(content)} bytes"
    if content != whole[span.first : span.last + 1]:
        return f"its bytes are not the bytes {span.first}-{span.last} of the whole file"
    return None


def _piece(chunk: bytes) -> Piece:
    head, separator, content = chunk.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("the headers of a part do not end")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-range":
            text = value.decode("latin-1").strip()
            span = read_content_range(text)
            if span is None:
                raise ValueError(f"a part has the Content-Range {text!r}")
            return Piece(span, content)
    raise ValueError("a part has no Content-Range")
