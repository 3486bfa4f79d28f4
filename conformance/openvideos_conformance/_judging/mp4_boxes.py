"""Parse the boxes of an MP4 (ISO/IEC 14496-12), and check that they are complete. Pure; safe for any bytes.

Only boxes that are needed are opened, at a fixed depth, and their number is limited. So no input causes deep recursion,
an endless loop, or allocation beyond a small multiple of its length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BOXES: Final = 100_000
_HEADER: Final = 8
_LONG_HEADER: Final = 16
_NEEDED: Final = ("ftyp", "moov", "mdat")


class NotWholeError(Exception):
    """The bytes are not a complete MP4; the message says where and why."""


class Box(NamedTuple):
    """One box: its type, and the positions in the file where it begins, where its content begins, and where it ends."""

    type: str
    begin: int
    content: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A track: its handler, such as `vide` or `soun`, its duration, and the size at which it is displayed."""

    handler: str
    seconds: float | None
    size: tuple[int, int]
    is_turned: bool
    """Whether it is displayed rotated by 90 degrees, so that width and height are exchanged."""


def boxes(data: bytes, begin: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the consecutive boxes in a part of a file.

    Raises:
        NotWholeError: The boxes do not fill the part exactly.

    """
    end = len(data) if end is None else end
    count = 0
    while begin < end:
        count += 1
        if count > _MOST_BOXES:
            raise NotWholeError(f"there are more than {_MOST_BOXES} consecutive boxes")
        box = _box(data, begin, end)
        yield box
        begin = box.end


def _box(data: bytes, begin: int, end: int) -> Box:
    left = end - begin
    if left < _HEADER:
        raise NotWholeError(f"{left} bytes at {begin} are too few for a box")
    size, name = struct.unpack_from(">I4s", data, begin)
    header = _HEADER
    kind = name.decode("latin-1")
    if not all(" " <= letter <= "~" or letter == "©" for letter in kind):
        raise NotWholeError(f"there is no box at {begin}: its type would be {name!r}")
    if size == 1:
        if left < _LONG_HEADER:
            raise NotWholeError(f"the box {kind} at {begin} is cut in its header")
        size, header = struct.unpack_from(">Q", data, begin + _HEADER)[0], _LONG_HEADER
    elif size == 0:
        size = left  # the box extends to the end
    if size < header:
        raise NotWholeError(f"the box {kind} at {begin} has a size of {size} bytes, less than its header")
    if size > left:
        raise NotWholeError(f"the box {kind} at {begin} has {size} bytes, and {left} are left")
    return Box(kind, begin, begin + header, begin + size)


def tracks(data: bytes) -> list[Track]:
    """Return the tracks of a complete MP4.

    Raises:
        NotWholeError: A box is missing, cut, or overlaps another.

    """
    found = list(boxes(data))
    missing = [name for name in _NEEDED if all(box.type != name for box in found)]
    if missing:
        there = ", ".join(dict.fromkeys(box.type for box in found[:8])) or "nothing"
        raise NotWholeError(f"there is no {' and no '.join(missing)} box; there is {there}")
    movie = next(box for box in found if box.type == "moov")
    inside = list(boxes(data, movie.content, movie.end))
    scale = next((_scale(data, box) for box in inside if box.type == "mvhd"), 0)
    return [_track(data, box, scale) for box in inside if box.type == "trak"]


def _track(data: bytes, track: Box, scale: int) -> Track:
    children = _children(data, track)
    media = _children(data, children["mdia"]) if "mdia" in children else {}
    for container in ("minf", "stbl"):
        if container in media:
            media |= _children(data, media[container])
    handler = _bytes(data, media["hdlr"], 8, 4).decode("latin-1") if "hdlr" in media else ""
    _check_chunks(data, media)
    size, is_turned = _display(data, children["tkhd"]) if "tkhd" in children else ((0, 0), False)
    seconds = _seconds(data, children["tkhd"], scale) if "tkhd" in children else None
    return Track(handler=handler, seconds=seconds, size=size, is_turned=is_turned)


def _children(data: bytes, parent: Box) -> dict[str, Box]:
    return {box.type: box for box in boxes(data, parent.content, parent.end)}


def _bytes(data: bytes, box: Box, offset: int, count: int) -> bytes:
    if box.content + offset + count > box.end:
        raise NotWholeError(f"the box {box.type} at {box.begin} is too short")
    return data[box.content + offset : box.content + offset + count]


def _version(data: bytes, box: Box) -> int:
    return _bytes(data, box, 0, 4)[0]


def _scale(data: bytes, header: Box) -> int:
    """Return how many time units of the movie are one second."""
    scale: int = struct.unpack(">I", _bytes(data, header, 20 if _version(data, header) == 1 else 12, 4))[0]
    return scale


def _seconds(data: bytes, header: Box, scale: int) -> float | None:
    """Return the duration of a track in seconds; None if only its fragments have one."""
    if _version(data, header) == 1:
        duration, unknown = struct.unpack(">Q", _bytes(data, header, 28, 8))[0], (1 << 64) - 1
    else:
        duration, unknown = struct.unpack(">I", _bytes(data, header, 20, 4))[0], (1 << 32) - 1
    return None if duration in {0, unknown} or not scale else duration / scale


def _display(data: bytes, header: Box) -> tuple[tuple[int, int], bool]:
    matrix_at = 52 if _version(data, header) == 1 else 40
    matrix = struct.unpack(">9i", _bytes(data, header, matrix_at, 36))
    width, height = struct.unpack(">II", _bytes(data, header, matrix_at + 36, 8))
    is_turned = matrix[0] == 0 and matrix[4] == 0 and matrix[1] != 0 and matrix[3] != 0
    return (width >> 16, height >> 16), is_turned


def _check_chunks(data: bytes, media: dict[str, Box]) -> None:
    """Check that each chunk of samples begins within the file.

    Raises:
        NotWholeError: A chunk does not.

    """
    for name, width in (("stco", 4), ("co64", 8)):
        if name not in media:
            continue
        box = media[name]
        (count,) = struct.unpack(">I", _bytes(data, box, 4, 4))
        table = _bytes(data, box, 8, count * width)
        for (offset,) in struct.iter_unpack(">I" if width == 4 else ">Q", table):  # noqa: PLR2004 - the width of stco
            if offset >= len(data):
                raise NotWholeError(f"a chunk of samples begins at {offset}, and the file has {len(data)} bytes")
