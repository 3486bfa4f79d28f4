"""Make the files that the suite sends: an image, a clip, and files that only claim to be one."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from typing import Any, Final

_FRAMES_PER_SECOND: Final = 8

NO_PICTURE = ("reference.png", b"This is no picture.\n" * 8, "image/png")
"""A file with the name and media type of an image that is not an image."""

NO_VIDEO = ("video.mp4", b"This is no video.\n" * 8, "video/mp4")
"""A file with the name and media type of a video that is not a video."""


@lru_cache(maxsize=8)
def image(size: str | None, kind: str = "PNG") -> tuple[str, bytes, str]:
    """Return a picture of a size such as `720x1280` and a kind (`PNG`, `JPEG`, `WEBP`), as a file of a form."""
    from PIL import Image

    width, _, height = (size or "720x1280").partition("x")
    picture = Image.new("RGB", (int(width), int(height)), (180, 40, 40))
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return f"reference.{kind.lower()}", buffer.getvalue(), f"image/{kind.lower()}"


def image_url(size: str | None) -> str:
    """Return the same PNG as a data URL."""
    _, picture, media_type = image(size)
    return f"data:{media_type};base64,{base64.b64encode(picture).decode()}"


@lru_cache(maxsize=4)
def clip(size: str | None, seconds: str | None) -> tuple[str, bytes, str]:
    """Return a playable MP4 of a size such as `720x1280` and a duration such as `4`, as a file of a form."""
    from importlib import import_module

    from PIL import Image

    av: Any = import_module("av")  # the library is only partly typed
    width, _, height = (size or "720x1280").partition("x")
    picture = Image.new("RGB", (int(width), int(height)), (40, 40, 180))
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_FRAMES_PER_SECOND, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = int(width), int(height), "yuv420p"
        for _ in range(_FRAMES_PER_SECOND * int(seconds or "4")):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return "video.mp4", buffer.getvalue(), "video/mp4"
