"""Make the files that the suite sends: an image, a clip, and files that only claim to be one."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, Final

_FRAMES_PER_SECOND: Final = 8

NO_PICTURE = ("reference.png", b"This is no picture.\n" * 8, "image/png")
"""A file with the name and media type of an image that is not an image."""

NO_VIDEO = ("video.mp4", b"This is no video.\n" * 8, "video/mp4")
"""A file with the name and media type of a video that is not a video."""


@lru_cache(maxsize=4)
def image(size: str | None) -> tuple[str, bytes, str]:
    """Return a PNG of a size such as `720x1280`, as a file of a form."""
    from PIL import Image

    width, _, height = (size or "720x1280").partition("x")
    picture = Image.new("RGB", (int(width), int(height)), (180, 40, 40))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return "reference.png", buffer.getvalue(), "image/png"


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
