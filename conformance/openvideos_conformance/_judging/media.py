"""Judge media files: whether a clip is complete and plays, and whether a picture decodes. Pure."""

from __future__ import annotations

import hashlib
import io
import itertools
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NoReturn

from .mp4_boxes import NotWholeError, tracks

if TYPE_CHECKING:
    from fractions import Fraction

    from av.container import InputContainer
    from av.video.stream import VideoStream

MEDIA_TYPES: Final = {"video": "video/mp4", "thumbnail": "image/webp", "spritesheet": "image/jpeg"}
"""The media type of each variant."""

_MOST_PIXELS: Final = 1 << 25
"""The most pixels of a picture that is decoded, just above 7680 x 4320; a larger one could exhaust the memory."""
_MOST_PACKETS: Final = 2048
"""How many packets are decoded: all of a minute and more, at 30 pictures a second."""

_SHORTEST: Final = 0.4
_SHARE: Final = 0.1
_LONGEST: Final = 0.75


class MediaError(Exception):
    """A file is not the media that it should be; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """The size of a clip's picture, its duration in seconds, its frames and their rate; None for what is not known."""

    width: int
    height: int
    seconds: float | None
    frames: int | None = None
    fps: float | None = None
    first_picture: str | None = field(default=None, compare=False, repr=False)
    """A hash of the first picture's pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The size of a picture."""

    width: int
    height: int


def clip(data: bytes) -> Clip:
    """Return the properties of an MP4 that is complete and whose pictures decode.

    Raises:
        MediaError: The MP4 is not complete, or does not decode.

    """
    try:
        found = [track for track in tracks(data) if track.handler == "vide"]
    except NotWholeError as error:
        raise MediaError(f"it is not a complete MP4: {error}") from error
    if not found:
        raise MediaError("it has no video track")
    track = found[0]
    width, height = track.size
    if width * height > _MOST_PIXELS:
        raise MediaError(f"its picture would be {width}x{height}")
    seconds = track.seconds
    decoded = _decoded(data)
    if decoded is None:
        return Clip(width=width, height=height, seconds=seconds)
    width, height = (decoded.height, decoded.width) if track.is_turned else (decoded.width, decoded.height)
    # The decoder knows the duration of fragments, too.
    return replace(decoded, width=width, height=height, seconds=decoded.seconds or seconds)


def _decoded(data: bytes) -> Clip | None:
    """Return what the decoder finds; None if there is no decoder for the clip.

    Raises:
        MediaError: A picture does not decode.

    """
    import av
    from av.error import DecoderNotFoundError, FFmpegError

    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                return _nothing()
            # The type says that it is never None, but it is None for an unknown codec.
            return None if getattr(stream, "codec_context", None) is None else _pictures(container, stream)
    except DecoderNotFoundError:
        return None
    except (FFmpegError, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise MediaError(f"a picture does not decode: {error}") from error


def _pictures(container: InputContainer, stream: VideoStream) -> Clip:
    """Decode the pictures, and return the properties of the clip, with those of its first picture."""
    stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
    seconds = _seconds(stream.duration, stream.time_base) or _seconds(container.duration, None)
    found: Clip | None = None
    for packet in itertools.islice(container.demux(stream), _MOST_PACKETS):
        for frame in packet.decode():
            if found is not None:
                continue
            rate = stream.average_rate  # from av 19 on, one that is unknown is 0/1, and not None
            found = Clip(
                width=frame.width,
                height=frame.height,
                seconds=seconds,
                frames=stream.frames or None,
                fps=float(rate) if rate else None,
                first_picture=hashlib.sha256(bytes(frame.reformat(format="rgb24").planes[0])).hexdigest(),
            )
    return found or _nothing()


def _nothing() -> NoReturn:
    raise MediaError("none of its pictures decodes")


def _seconds(duration: int | None, base: Fraction | None) -> float | None:
    if not duration or duration < 0:
        return None
    return float(duration * base) if base is not None else duration / 1_000_000


def is_as_long(clip_seconds: float, job_seconds: float) -> bool:
    """Tell whether a clip is as long as its job says.

    Models make a multiple of four or eight pictures plus one, so a clip is seldom exact: 81 pictures at 16 per second
    are a clip of 5 s. It may differ by a tenth, short clips by 0.4 s, and none by more than 0.75 s.
    """
    allowed = min(max(_SHORTEST, _SHARE * job_seconds), _LONGEST)
    return abs(clip_seconds - job_seconds) <= allowed


def picture(data: bytes, kind: str) -> Picture:
    """Return the properties of a picture of a kind (`WEBP`, `JPEG`) that decodes completely.

    Raises:
        MediaError: The picture is of another kind, cut, or too large to decode.

    """
    from PIL import UnidentifiedImageError

    try:
        width, height = _loaded(data, kind)
    except UnidentifiedImageError as error:
        raise MediaError(f"it is not a {kind} picture: it begins with {data[:16]!r}") from error
    except MediaError:
        raise
    except Exception as error:  # decoders raise any error on malformed files
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
    """Return how the end of a file is missing, which decoders tolerate; "" if it is not."""
    if kind == "WEBP":
        stated = int.from_bytes(data[4:8], "little") + 8
        return f"its header says {stated} bytes, but it has {len(data)}" if stated > len(data) else ""
    return "" if b"\xff\xd9" in data[-1024:] else "its end is missing"
