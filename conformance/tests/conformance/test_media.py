"""Test the judgement of media files: complete, truncated, wrong and hostile ones."""

from __future__ import annotations

import contextlib
import io
import struct
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from openvideos_conformance._judging import media
from openvideos_conformance._judging.media import Clip, MediaError, clip, is_as_long, picture
from openvideos_conformance._judging.mp4_boxes import NotWholeError, boxes, tracks

from .histories import CALM


@cache
def _mp4(frames: int = 10, flags: str = "", size: tuple[int, int] = (64, 48), codec: str = "libx264") -> bytes:
    """Return a clip of 10 pictures a second."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "clip.mp4"  # faststart reads what it has written
        _encode(path, frames, flags, size, codec)
        return path.read_bytes()


def _encode(path: Path, frames: int, flags: str, size: tuple[int, int], codec: str) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": flags} if flags else {}) as container:
        stream: Any = container.add_stream(codec, rate=10)
        pictures: Any = av.VideoFrame
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(frames):
            image = Image.new("RGB", size, (20 * index % 255, 80, 160))
            container.mux(stream.encode(pictures.from_image(image)))
        container.mux(stream.encode())


@cache
def _sound() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=8000)
        frame: Any = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 8000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def _at(data: bytes, kind: bytes) -> int:
    """Return where a box begins."""
    return data.index(kind) - 4


@pytest.mark.parametrize("flags", ["", "faststart"])
def test_a_whole_clip_is_measured(flags: str) -> None:
    assert Clip(width=64, height=48, seconds=1.0, frames=10, fps=10.0) == clip(_mp4(flags=flags))
    assert Clip(width=48, height=64, seconds=2.5, frames=25, fps=10.0) == clip(_mp4(25, flags, (48, 64)))


def test_other_codecs_and_fragments_are_clips_too() -> None:
    assert Clip(width=64, height=48, seconds=1.0, frames=10, fps=10.0) == clip(_mp4(codec="mpeg4"))
    fragmented = clip(_mp4(30, "frag_keyframe+empty_moov"))
    assert (64, 48) == (fragmented.width, fragmented.height)
    assert fragmented.seconds is None or fragmented.seconds == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("unknown", [None, Fraction(0)])
def test_a_rate_that_is_unknown_is_none(unknown: Fraction | None) -> None:
    """As versions of av tell it: the older ones by None, the newer ones by 0/1."""
    packet = SimpleNamespace(decode=lambda: [av.VideoFrame(64, 48, "rgb24")])
    container: Any = SimpleNamespace(demux=lambda _: iter([packet]), duration=None)
    stream: Any = SimpleNamespace(codec_context=SimpleNamespace(), duration=None, time_base=None, frames=0)
    stream.average_rate = unknown
    assert Clip(width=64, height=48, seconds=None) == media._pictures(container, stream)


def test_sizes_may_be_of_64_bits_or_reach_to_the_end() -> None:
    data = _mp4()
    free = data.index(b"free") - 4
    mdat = _at(data, b"mdat")
    assert (free + 8, data[free : free + 4]) == (mdat, b"\0\0\0\x08"), "the encoder leaves room for a long size"
    size = struct.unpack_from(">I", data, mdat)[0]
    long = data[:free] + struct.pack(">I4sQ", 1, b"mdat", size + 8) + data[mdat + 8 :]
    assert clip(long) == clip(data)
    fast = _mp4(flags="faststart")
    mdat = _at(fast, b"mdat")
    assert clip(fast[:mdat] + b"\0\0\0\0" + fast[mdat + 4 :]) == clip(data)


def test_a_clip_that_is_displayed_turned_has_its_sides_changed() -> None:
    data = bytearray(_mp4())
    matrix = _at(bytes(data), b"tkhd") + 8 + 40
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    assert Clip(width=48, height=64, seconds=1.0, frames=10, fps=10.0) == clip(bytes(data))


@pytest.mark.parametrize("flags", ["", "faststart", "frag_keyframe+empty_moov"])
def test_a_truncated_clip_is_never_complete(flags: str) -> None:
    data = _mp4(flags=flags)
    whole_without_end = {box.begin for box in boxes(data)} if "frag" in flags else set[int]()
    for length in [*range(0, len(data), 7), *range(len(data) - 64, len(data))]:
        if length not in whole_without_end:
            with pytest.raises(MediaError):
                clip(data[:length])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "there is no ftyp and no moov and no mdat box; there is nothing"),
        (b"{}", "2 bytes at 0 are too few for a box"),
        (b"<html><body>No.</body></html>", "the box l><b at 0 has"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "there is no box at 0"),
        (_mp4() + b"\0\0\0", "are too few for a box"),
        (_mp4() + _mp4()[:-9], "and"),
        (b"\0\0\0\x01mdat" + b"\xff" * 8, "and 16 are left"),
        (b"\0\0\0\x01mdat" + b"\xff" * 4, "is cut in its header"),
        (b"\0\0\0\x01mdat" + bytes(8), "less than its header"),
        (b"\0\0\0\x07free" * 3, "less than its header"),
        (b"\0\0\0\x08free" * 100_001, "more than 100000 consecutive boxes"),
        (b"\0\0\0\x08ftyp\0\0\0\x08moov\0\0\0\x08mdat", "it has no video track"),
    ],
    ids=range(12),
)
def test_a_malformed_clip_is_reported(data: bytes, expected: str) -> None:
    with pytest.raises(MediaError, match=r"not a complete MP4|no video track") as raised:
        clip(data)
    assert expected in str(raised.value)


def test_a_clip_without_pictures_is_refused() -> None:
    with pytest.raises(MediaError, match="it has no video track"):
        clip(_sound())


def test_a_clip_whose_last_pictures_are_zeros_does_not_decode() -> None:
    whole = _mp4(40, flags="faststart")
    assert clip(whole)
    begin = whole.index(b"mdat") + 4
    half = begin + (len(whole) - begin) // 2
    with pytest.raises(MediaError, match="a picture does not decode"):
        clip(whole[:half] + bytes(len(whole) - half))


def test_a_clip_whose_pictures_are_zeros_does_not_decode() -> None:
    data = _mp4()
    mdat = next(box for box in boxes(data) if box.type == "mdat")
    with pytest.raises(MediaError, match="decode"):
        clip(data[: mdat.content] + bytes(mdat.end - mdat.content) + data[mdat.end :])


def test_chunks_are_in_the_file() -> None:
    data = bytearray(_mp4())
    table = _at(bytes(data), b"stco") + 16
    data[table : table + 4] = b"\x7f\xff\xff\xff"
    with pytest.raises(MediaError, match="a chunk of samples begins at 2147483647"):
        clip(bytes(data))


def test_a_picture_that_would_fill_the_memory_is_not_decoded() -> None:
    data = bytearray(_mp4())
    sides = _at(bytes(data), b"tkhd") + 8 + 76
    data[sides : sides + 8] = struct.pack(">II", 0xFFFF0000, 0xFFFF0000)
    with pytest.raises(MediaError, match="its picture would be 65535x65535"):
        clip(bytes(data))


@CALM
@given(st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
def test_a_damaged_clip_is_read_or_refused(changes: list[tuple[int, int]], is_fast: bool) -> None:  # noqa: FBT001 - hypothesis passes it
    data = bytearray(_mp4(flags="faststart" if is_fast else ""))
    for index, value in changes:
        data[index % len(data)] = value
    with contextlib.suppress(MediaError):
        clip(bytes(data))


@CALM
@given(st.binary(max_size=300))
@example(b"\0\0\0\0\0\0\0\0")
def test_any_bytes_are_walked_to_their_end_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotWholeError):
        assert sum(box.end - box.begin for box in boxes(data)) == len(data)


def _nested(*kinds: bytes, inner: bytes = b"") -> bytes:
    for kind in reversed(kinds):
        inner = struct.pack(">I4s", 8 + len(inner), kind) + inner
    return inner


@CALM
@given(st.binary(max_size=120), st.sampled_from([b"mdhd", b"hdlr", b"stco", b"co64", b"tkhd"]))
def test_any_track_is_read_or_refused(inner: bytes, kind: bytes) -> None:
    steps = {b"tkhd": (), b"mdhd": (b"mdia",), b"hdlr": (b"mdia",)}.get(kind, (b"mdia", b"minf", b"stbl"))
    data = _nested(b"ftyp") + _nested(b"moov", b"trak", *steps, kind, inner=inner) + _nested(b"mdat")
    with contextlib.suppress(NotWholeError):
        tracks(data)


@pytest.mark.parametrize(
    ("made", "expected_seconds"),
    [(4.0, 4.0), (81 / 16, 5.0), (97 / 24, 4.0), (121 / 24, 5.0), (17 / 16, 1.0), (1.3, 1.0), (7.5, 8.0), (12.5, 12.0)],
)
def test_models_seldom_make_clips_exactly(made: float, expected_seconds: float) -> None:
    assert is_as_long(made, expected_seconds)


@pytest.mark.parametrize(
    ("made", "expected_seconds"), [(2.0, 1.0), (0.5, 1.0), (4.0, 5.0), (8.0, 4.0), (11.0, 12.0), (59.0, 60.0)]
)
def test_another_duration_is_another(made: float, expected_seconds: float) -> None:
    assert not is_as_long(made, expected_seconds)


def _pictures() -> Iterator[tuple[str, bytes]]:
    image = Image.radial_gradient("L").convert("RGB").resize((96, 64))
    for kind, options in (("WEBP", {}), ("WEBP", {"lossless": True}), ("JPEG", {}), ("JPEG", {"progressive": True})):
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        yield kind, buffer.getvalue()


PICTURES = list(_pictures())


@pytest.mark.parametrize(("kind", "data"), PICTURES, ids=range(4))
def test_a_picture_decodes(kind: str, data: bytes) -> None:
    found = picture(data, kind)
    assert (96, 64) == (found.width, found.height)


@pytest.mark.parametrize(("kind", "data"), PICTURES, ids=range(4))
def test_no_picture_that_is_cut_decodes(kind: str, data: bytes) -> None:
    for length in [*range(0, len(data), 11), *range(len(data) - 16, len(data))]:
        with pytest.raises(MediaError):
            picture(data[:length], kind)


def test_a_picture_of_another_kind_is_refused() -> None:
    webp, jpeg = PICTURES[0][1], PICTURES[2][1]
    with pytest.raises(MediaError, match="it is not a WEBP picture: it begins with b'"):
        picture(jpeg, "WEBP")
    with pytest.raises(MediaError, match="it is not a JPEG picture"):
        picture(webp, "JPEG")
    with pytest.raises(MediaError, match="it is not a JPEG picture"):
        picture(_mp4(), "JPEG")


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    data = bytearray(PICTURES[2][1])
    frame = data.index(b"\xff\xc0") + 5
    data[frame : frame + 4] = struct.pack(">HH", 65_500, 65_500)
    with pytest.raises(MediaError, match=r"does not decode|would be"):
        picture(bytes(data), "JPEG")
    data[frame : frame + 4] = struct.pack(">HH", 9_000, 9_000)
    with pytest.raises(MediaError, match="its picture would be 9000x9000"):
        picture(bytes(data), "JPEG")


@CALM
@given(st.sampled_from(PICTURES), st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 255)), max_size=6))
def test_a_damaged_picture_is_read_or_refused(original: tuple[str, bytes], changes: list[tuple[int, int]]) -> None:
    kind, data = original[0], bytearray(original[1])
    for index, value in changes:
        data[index % len(data)] = value
    with contextlib.suppress(MediaError):
        picture(bytes(data), kind)
