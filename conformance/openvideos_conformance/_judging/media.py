"""Look at files as media: a clip that is whole and plays, a picture that decodes. Pure functions on bytes."""

from __future__ import annotations

import io
import itertools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from .mp4_boxes import NotWholeError, tracks

if TYPE_CHECKING:
    from fractions import Fraction

    from av.container import InputContainer
    from av.video.stream import VideoStream

MEDIA_TYPES: Final = {"video": "video/mp4", "thumbnail": "image/webp", "spritesheet": "image/jpeg"}
"""The media type of each variant."""

_MOST_PIXELS: Final = 1 << 25
"""The largest picture that is decoded, just above 7680 x 4320: a larger one is taken for an attack on the memory."""
_MOST_PACKETS: Final = 512
"""How many packets may come before the first picture."""

_SHORTEST: Final = 0.4
_SHARE: Final = 0.1
_LONGEST: Final = 0.75


class MediaError(Exception):
    """A file is not the media that it should be; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What a clip is: the size of its picture, and its duration in seconds if that can be told."""

    width: int
    height: int
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a picture is."""

    width: int
    height: int


def clip(data: bytes) -> Clip:
    """Return what an MP4 is, if it is whole and its first picture decodes.

    Raises:
        MediaError: It is not, or does not.

    """
    try:
        found = [track for track in tracks(data) if track.handler == "vide"]
    except NotWholeError as error:
        raise MediaError(f"it is no whole MP4: {error}") from error
    if not found:
        raise MediaError("it has no video track")
    track = found[0]
    width, height = track.size
    if width * height > _MOST_PIXELS:
        raise MediaError(f"its picture would be {width}x{height}")
    seconds = track.seconds
    decoded = _decoded(data)
    if decoded is not None:
        (width, height), longest = decoded
        if track.is_turned:
            width, height = height, width
        seconds = longest or seconds  # the one that was read knows of fragments
    return Clip(width=width, height=height, seconds=seconds)


def _decoded(data: bytes) -> tuple[tuple[int, int], float | None] | None:
    """Return the size of the first picture, and the duration; None if there is no decoder for the clip here."""
    import av
    from av.error import DecoderNotFoundError, FFmpegError

    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                return _nothing()
            # Typed as if it were always there, it is None where the codec has no name here.
            return None if getattr(stream, "codec_context", None) is None else _first_picture(container, stream)
    except DecoderNotFoundError:
        return None
    except (FFmpegError, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise MediaError(f"its first picture does not decode: {error}") from error


def _first_picture(container: InputContainer, stream: VideoStream) -> tuple[tuple[int, int], float | None]:
    stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
    seconds = _seconds(stream.duration, stream.time_base) or _seconds(container.duration, None)
    for packet in itertools.islice(container.demux(stream), _MOST_PACKETS):
        for frame in packet.decode():
            return (frame.width, frame.height), seconds
    return _nothing()


def _nothing() -> NoReturn:
    raise MediaError("no picture in it decodes")


def _seconds(duration: int | None, base: Fraction | None) -> float | None:
    if not duration or duration < 0:
        return None
    return float(duration * base) if base is not None else duration / 1_000_000


def is_as_long(clip_seconds: float, job_seconds: float) -> bool:
    """Tell whether a clip is as long as its job says.

    Models make pictures in groups of four or eight and one more, so a clip is seldom exact: 81 pictures at 16 a second
    are a clip of 5 s. A tenth is allowed, and 0.4 s to short clips; beyond 0.75 s another duration was made.
    """
    allowed = min(max(_SHORTEST, _SHARE * job_seconds), _LONGEST)
    return abs(clip_seconds - job_seconds) <= allowed


def picture(data: bytes, kind: str) -> Picture:
    """Return what a picture of a kind (`WEBP`, `JPEG`) is, if all of it decodes.

    Raises:
        MediaError: It is of another kind, cut, or larger than anybody wants to decode.

    """
    from PIL import UnidentifiedImageError

    try:
        width, height = _loaded(data, kind)
    except UnidentifiedImageError as error:
        raise MediaError(f"it is no {kind} picture: it begins with {data[:16]!r}") from error
    except MediaError:
        raise
    except Exception as error:  # decoders raise anything on what is no picture
        raise MediaError(f"it does not decode: {error}") from error
    flaw = _cut(data, kind)
    if flaw:
        raise MediaError(flaw)
    return Picture(width=width, height=height)


def _loaded(data: bytes, kind: str) -> tuple[int, int]:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            width, height = image.size
            if width * height > _MOST_PIXELS:
                raise MediaError(f"its picture would be {width}x{height}")
            image.load()
    return width, height


def _cut(data: bytes, kind: str) -> str:
    """Return how a file lacks its end, which decoders forgive."""
    if kind == "WEBP":
        said = int.from_bytes(data[4:8], "little") + 8
        return f"it says that it has {said} bytes, and has {len(data)}" if said > len(data) else ""
    return "" if b"\xff\xd9" in data[-1024:] else "its end is missing"
