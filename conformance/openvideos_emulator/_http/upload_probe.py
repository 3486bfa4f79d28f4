"""Validate uploaded or referenced images and videos, and read the properties that jobs need.

The libraries that read media raise many kinds of exceptions. Each becomes the same refusal (422), with the field's
name. A small file can hold a picture that takes a hundred megabytes: `handlers.py` has one thread for all of this. What
would take more, in memory or time, is found in the file's bytes before a library reads them.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from .._contract import contract
from .._model.refusals import Reason, RefusalError, invalid, shown
from .validation import Upload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_MAX_PIXELS: Final = 1 << 25  # decoded, at most 268 MB: 4 bytes for a pixel, 8 while a progressive JPEG is read
_MAX_COSTLY_PIXELS: Final = (
    1 << 24
)  # of WebP, whose decoder takes 16 bytes for a pixel, and of video, in several frames
_MAX_SCANS: Final = 100  # of a JPEG, each of which goes over all pixels; progressive files have about ten
_SCAN: Final = b"\xff\xda"  # begins a scan; in the data of another, another byte follows 0xff (ITU T.81, B.1.1.5)
_MAX_SAMPLES: Final = 1 << 21  # of a video, for each of which FFmpeg takes about 70 bytes, and the file may take none
_SAMPLES_OF_A_TABLE: Final = 100  # for the table itself, so that there are not millions of empty ones
_SAMPLE_COUNTS: Final = {b"stsz": 12, b"stz2": 12, b"trun": 8}  # where the count is, from a box's type on
_COMPRESSED: Final = b"cmov"  # the type of a box with boxes in it that nothing here reads
_MAX_SECONDS: Final = 10**6
_PIECE: Final = 1 << 20
_BOX_HEAD: Final = 8  # bytes: the size of a box, and its type
_MAX_BOXES: Final = 10_000  # that are told apart; all after them is looked through


@dataclass(frozen=True, slots=True)
class Clip:
    """The properties of an uploaded video: its size, rounded down to even numbers, and its whole seconds."""

    size: str
    seconds: int


def reference_source(reference: Upload | Mapping[str, Any] | None, *, param: str = "input_reference") -> str:
    """Validate a reference image, and return the recipe's source for it, a hash; an empty string if there is no image.

    The emulator connects to no other server: it does not fetch a remote image, and does not look up a file's id.

    Raises:
        RefusalError: The image cannot be read.
    """
    if reference is None:
        return ""
    if isinstance(reference, Upload):
        _check_image(reference.file, param)
        return reference.digest
    kind, value = next(iter(reference.items()))
    if kind == "image_url":
        _check_url(str(value), f"{param}.{kind}")
    return hashlib.sha256(f"{kind} {value}".encode()).hexdigest()


def references_source(references: Sequence[Mapping[str, Any]] | Mapping[str, Upload] | None) -> str:
    """Validate references, a list in JSON and files by their roles in a form, and return the recipe's source.

    Raises:
        RefusalError: An image cannot be read, or a role is not offered.
    """
    if references is None:
        return ""
    hashes: list[str] = []
    if isinstance(references, Mapping):
        for role, upload in sorted(references.items()):
            hashes += [role, reference_source(upload, param=f"references[{role}]")]
    else:
        roles = contract().schema_at("#/components/schemas/Reference")["properties"]["role"]["x-known-values"]
        for number, reference in enumerate(references):
            role, param = reference["role"], f"references.{number}"
            if role not in roles:
                raise invalid(
                    f"{param}.role is {shown(role)}; this server offers {', '.join(roles)}.", param=f"{param}.role"
                )
            image = {key: reference[key] for key in ("image_url", "file_id") if key in reference}
            hashes += [role, reference_source(image, param=param)]
    return hashlib.sha256(repr(hashes).encode()).hexdigest()


def read_clip(upload: Upload, *, param: str = "video") -> Clip:
    """Read the size and the duration of an uploaded video.

    Raises:
        RefusalError: The video cannot be read.
    """
    import av

    try:
        _check_samples(upload.file, param)
        # Without the option, each edit in a list of edits may repeat all samples.
        with av.open(upload.file, "r", format="mp4", options={"advanced_editlist": "0"}) as container:
            stream = container.streams.video[0]
            width, height = stream.width, stream.height
            _check_pixels(width, height, _MAX_COSTLY_PIXELS, param, "invalid_video")
            stream.codec_context.options = {"max_pixels": str(_MAX_COSTLY_PIXELS)}  # the frames may say otherwise
            duration = float((container.duration or 0) / av.time_base)
            next(container.decode(stream))
    except RefusalError:
        raise
    except Exception as error:
        # Among others: FFmpeg's errors, IndexError if there is no video stream, AttributeError if its codec is unknown.
        raise _unprocessable(
            f"{param} is not a video that can be read; send an MP4 file.", "invalid_video", param
        ) from error
    return Clip(f"{width // 2 * 2}x{height // 2 * 2}", max(1, round(min(duration, _MAX_SECONDS))))


def _check_image(file: BinaryIO, param: str) -> None:
    from PIL import Image

    try:
        with Image.open(file, formats=_IMAGE_FORMATS) as image:
            limit = _MAX_COSTLY_PIXELS if image.format == "WEBP" else _MAX_PIXELS
            _check_pixels(image.width, image.height, limit, param, "invalid_image")
            if image.format in {"JPEG", "MPO"}:
                _check_scans(file, param)
            image.draft("L", (1, 1))  # all of a JPEG is read, but only some of its pixels are kept
            image.load()
    except RefusalError:
        raise
    except Exception as error:
        # For a broken file, Pillow's readers raise many kinds of exceptions, such as SyntaxError and struct.error.
        raise _unprocessable(
            f"{param} is not an image that can be read; send a JPEG, PNG or WebP file.", "invalid_image", param
        ) from error


def _check_pixels(width: int, height: int, limit: int, param: str, code: str) -> None:
    # This is checked before any pixel is decoded, so that a small file cannot use much memory.
    if width * height > limit:
        raise _unprocessable(f"{param} has {width}x{height} pixels; send a file with {limit} at most.", code, param)


def _check_scans(file: BinaryIO, param: str) -> None:
    place = file.tell()
    scans = _found(file, 0, file.seek(0, io.SEEK_END), _SCAN)
    is_too_much = any(True for _ in itertools.islice(scans, _MAX_SCANS, None))
    file.seek(place)
    if is_too_much:
        raise _unprocessable(
            f"{param} has more than {_MAX_SCANS} scans; send a JPEG with fewer.", "invalid_image", param
        )


def _check_samples(file: BinaryIO, param: str) -> None:
    """Check how many samples the tables of an MP4 file claim, wherever they are: FFmpeg trusts them."""
    count = 0
    for start, end in _table_spans(file):
        if any(True for _ in _found(file, start, end, _COMPRESSED)):
            raise _unprocessable(f"{param} has compressed tables; send an MP4 file without.", "invalid_video", param)
        for kind, offset in _SAMPLE_COUNTS.items():
            for place in _found(file, start, end, kind):
                file.seek(place + offset)
                count += int.from_bytes(file.read(4), "big") + _SAMPLES_OF_A_TABLE
                if count > _MAX_SAMPLES:
                    raise _unprocessable(
                        f"{param} has tables for too many samples; send a file with fewer than {_MAX_SAMPLES}.",
                        "invalid_video",
                        param,
                    )
    file.seek(0)


def _table_spans(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield the spans of an MP4 file that FFmpeg may take for tables: all but frames, whose bytes may look like one."""
    place, length = 0, file.seek(0, io.SEEK_END)
    for _ in range(_MAX_BOXES):
        file.seek(place)
        head = file.read(16)
        size = int.from_bytes(head[8:] if head[:4] == b"\0\0\0\1" else head[:4], "big")
        end = min(place + size, length) if size >= _BOX_HEAD else length
        # A fragment may be hidden among frames, and be led to by an index.
        hidden = itertools.chain.from_iterable(_found(file, place, end, kind) for kind in (b"moof", b"trak"))
        if head[4:8] != b"mdat" or any(True for _ in hidden):
            yield place, end
        place = end
    yield place, length


def _found(file: BinaryIO, start: int, end: int, wanted: bytes) -> Iterator[int]:
    """Yield each place in this span of a file at which these bytes are."""
    while start < end:
        file.seek(start)
        piece = file.read(min(_PIECE, end - start))
        found = piece.find(wanted)
        while found >= 0:
            yield start + found
            found = piece.find(wanted, found + 1)
        start += max(len(piece) - len(wanted) + 1, 1)


def _unprocessable(message: str, code: str, param: str) -> RefusalError:
    return RefusalError(Reason.UNPROCESSABLE, message, code=code, param=param)


def _check_url(url: str, param: str) -> None:
    scheme, _, rest = url.partition(":")
    if scheme != "data":
        return
    head, _, data = rest.partition(",")
    try:
        content = _decoded(data if head.endswith(";base64") else "-")
    except ValueError as error:
        raise invalid(f"{param} is a data URL without base64 data that can be read.", param=param) from error
    _check_image(content, param)


def _decoded(data: str) -> io.BytesIO:
    """Decode base64 piece by piece, since no other thread runs while a piece is decoded.

    Raises:
        ValueError: It is no base64.
    """
    if "=" in data[:-2]:
        raise ValueError("there is something after the end")
    content = io.BytesIO()
    for start in range(0, len(data), _PIECE):
        content.write(base64.b64decode(data[start : start + _PIECE], validate=True))
    content.seek(0)
    return content
