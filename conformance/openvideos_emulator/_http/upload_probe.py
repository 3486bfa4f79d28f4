"""Validate uploaded or referenced images and videos, and read the properties that jobs need.

The libraries that read media raise many kinds of exceptions. Each becomes the same refusal (422), with the field's
name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import av
from PIL import Image

from .._contract import contract
from .._model.refusals import Reason, RefusalError, invalid, shown
from .validation import Upload

if TYPE_CHECKING:
    from collections.abc import Sequence

_IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_DECODING: Final = threading.Lock()
_MAX_PIXELS: Final = 1 << 25
_MAX_SECONDS: Final = 10**6


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
    try:
        with av.open(upload.file, "r", format="mp4") as container:
            stream = container.streams.video[0]
            width, height = stream.width, stream.height
            _check_pixels(width, height)
            duration = float((container.duration or 0) / av.time_base)
            next(container.decode(stream))
    except Exception as error:
        # Among others: FFmpeg's errors, IndexError if there is no video stream, AttributeError if its codec is unknown.
        raise RefusalError(
            Reason.UNPROCESSABLE,
            f"{param} is not a video that can be read; send an MP4 file.",
            code="invalid_video",
            param=param,
        ) from error
    return Clip(f"{width // 2 * 2}x{height // 2 * 2}", max(1, round(min(duration, _MAX_SECONDS))))


def _check_image(file: BinaryIO, param: str) -> None:
    try:
        # One at a time: a small file can hold a picture that takes a hundred megabytes.
        with _DECODING, Image.open(file, formats=_IMAGE_FORMATS) as image:
            _check_pixels(image.width, image.height)
            image.load()
    except Exception as error:
        # For a broken file, Pillow's readers raise many kinds of exceptions, such as SyntaxError and struct.error.
        raise RefusalError(
            Reason.UNPROCESSABLE,
            f"{param} is not an image that can be read; send a JPEG, PNG or WebP file.",
            code="invalid_image",
            param=param,
        ) from error


def _check_pixels(width: int, height: int) -> None:
    # This is checked before any pixel is decoded, so that a small file cannot use much memory.
    if width * height > _MAX_PIXELS:
        raise ValueError("too many pixels")


def _check_url(url: str, param: str) -> None:
    scheme, _, rest = url.partition(":")
    if scheme != "data":
        return
    head, _, data = rest.partition(",")
    try:
        content = base64.b64decode(data if head.endswith(";base64") else "-", validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{param} is a data URL without base64 data that can be read.", param=param) from error
    _check_image(io.BytesIO(content), param)
