"""Read what a 206 says of itself: Content-Range, and the parts of multipart/byteranges (RFC 9110, section 14). Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)


class Span(NamedTuple):
    """The bytes from `first` up to and with `last`, of `total`; None if the total is not told."""

    first: int
    last: int
    total: int | None

    @property
    def length(self) -> int:
        """How many bytes these are."""
        return self.last - self.first + 1


class Piece(NamedTuple):
    """One part of a multipart/byteranges response: what it says it is, and its bytes."""

    span: Span
    content: bytes


def read_content_range(text: str | None) -> Span | None:
    """Read a Content-Range such as `bytes 0-9/100`; None if it is none of a range."""
    found = _CONTENT_RANGE.fullmatch((text or "").strip())
    if found is None:
        return None
    first, last, total = found.groups()
    span = Span(int(first), int(last), None if total == "*" else int(total))
    is_sane = span.first <= span.last and (span.total is None or span.last < span.total)
    return span if is_sane else None


def read_pieces(content_type: str, body: bytes) -> list[Piece]:
    """Read the parts of a multipart/byteranges body.

    Raises:
        ValueError: It cannot be read, and why.

    """
    named = _BOUNDARY.search(content_type)
    if named is None:
        raise ValueError(f"the Content-Type {content_type!r} has no boundary")
    delimiter = b"--" + (named[1] or named[2]).encode("latin-1")
    chunks = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(chunks) < 3 or not chunks[-1].startswith(b"--"):  # noqa: PLR2004 - before, one part, and the end
        raise ValueError("the parts do not end with the closing boundary")
    return [_piece(chunk) for chunk in chunks[1:-1]]


def flaw_of(span: Span, content: bytes, whole: bytes) -> str | None:
    """Say how a part of a file differs from what it says it is; None if it does not."""
    if span.total not in {None, len(whole)}:
        return f"it says that the file has {span.total} bytes, and it has {len(whole)}"
    if span.last >= len(whole):
        return f"it says that it goes to the byte {span.last}, and the file has {len(whole)} bytes"
    if len(content) != span.length:
        return f"it says that it is the bytes {span.first}-{span.last}, and holds {len(content)}"
    if content != whole[span.first : span.last + 1]:
        return f"its bytes are not the bytes {span.first}-{span.last} of the whole file"
    return None


def _piece(chunk: bytes) -> Piece:
    head, separator, content = chunk.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("a part has no end of its headers")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-range":
            text = value.decode("latin-1").strip()
            span = read_content_range(text)
            if span is None:
                raise ValueError(f"a part has the Content-Range {text!r}")
            return Piece(span, content)
    raise ValueError("a part has no Content-Range")
