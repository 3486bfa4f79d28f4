"""Test how a 206 is parsed: its Content-Range, its parts, and whether its bytes are those that it names."""

from __future__ import annotations

import pytest

from openvideos_conformance._judging.byte_ranges import Piece, Span, flaw_of, read_content_range, read_pieces

WHOLE = bytes(range(100))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("bytes 0-9/100", Span(0, 9, 100)),
        (" Bytes 99-99/100 ", Span(99, 99, 100)),
        ("bytes 0-9/*", Span(0, 9, None)),
        ("bytes 9-0/100", None),
        ("bytes 0-100/100", None),
        ("bytes */100", None),
        ("bytes 0-9", None),
        ("items 0-9/100", None),
        ("bytes -1-9/100", None),
        (f"bytes 0-{'9' * 5000}/*", None),
        ("", None),
        (None, None),
    ],
)
def test_a_content_range_is_parsed_or_none(text: str | None, span: Span | None) -> None:
    assert span == read_content_range(text)


def test_a_part_of_a_file_is_what_it_says_it_is() -> None:
    assert flaw_of(Span(10, 19, 100), WHOLE[10:20], WHOLE) is None
    assert flaw_of(Span(10, 19, None), WHOLE[10:20], WHOLE) is None
    assert flaw_of(Span(0, 99, 100), WHOLE, WHOLE) is None


@pytest.mark.parametrize(
    ("span", "content", "expected"),
    [
        (Span(10, 19, 99), WHOLE[10:20], "its Content-Range says that the file has 99 bytes, but the file has 100"),
        (Span(95, 104, None), WHOLE[95:], "its Content-Range ends at byte 104"),
        (Span(10, 19, 100), WHOLE[10:21], "its Content-Range is the bytes 10-19, but the body has 11"),
        (Span(10, 19, 100), WHOLE[11:21], "its bytes are not the bytes 10-19"),
    ],
)
def test_a_part_with_other_bytes_is_reported(span: Span, content: bytes, expected: str) -> None:
    assert expected in (flaw_of(span, content, WHOLE) or "")


def _parts(*parts: tuple[str, bytes], end: str = "--", boundary: str = "cut") -> bytes:
    body = b"".join(
        f"--{boundary}\r\nContent-Type: video/mp4\r\nContent-Range: {span}\r\n\r\n".encode() + content + b"\r\n"
        for span, content in parts
    )
    return body + f"--{boundary}{end}\r\n".encode()


@pytest.mark.parametrize("parameter", ["boundary=cut", 'boundary="cut"', "charset=x; boundary=cut"])
def test_parts_are_read_with_their_bytes(parameter: str) -> None:
    body = _parts(("bytes 0-1/100", b"\r\n"), ("bytes 98-99/100", WHOLE[98:]))
    assert read_pieces(f"multipart/byteranges; {parameter}", body) == [
        Piece(Span(0, 1, 100), b"\r\n"),
        Piece(Span(98, 99, 100), WHOLE[98:]),
    ]


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("multipart/byteranges", _parts(("bytes 0-0/1", b"a")), "has no boundary"),
        ("multipart/byteranges; boundary=cut", _parts(("bytes 0-0/1", b"a"), end=""), "do not end"),
        ("multipart/byteranges; boundary=cut", b"", "do not end"),
        ("multipart/byteranges; boundary=cut", _parts(), "do not end"),
        ("multipart/byteranges; boundary=cut", _parts(("nonsense", b"a")), "the Content-Range 'nonsense'"),
        ("multipart/byteranges; boundary=cut", b"--cut\r\nX: y\r\n\r\na\r\n--cut--", "has no Content-Range"),
        ("multipart/byteranges; boundary=cut", b"--cut\r\nX: y\r\n--cut--", "headers of a part do not end"),
    ],
)
def test_parts_that_cannot_be_read_are_refused(content_type: str, body: bytes, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        read_pieces(content_type, body)
