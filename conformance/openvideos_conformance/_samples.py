"""Make the files that the suite sends: a picture that every decoder reads, and things that are none."""

from __future__ import annotations

import io
from functools import lru_cache

NO_PICTURE = ("reference.png", b"This is no picture.\n" * 8, "image/png")
"""A file that says it is a picture, and is none."""

NO_VIDEO = ("video.mp4", b"This is no video.\n" * 8, "video/mp4")
"""A file that says it is a video, and is none."""


@lru_cache(maxsize=4)
def image(size: str | None) -> tuple[str, bytes, str]:
    """Return a PNG of a size such as `720x1280`, as a file of a form."""
    from PIL import Image

    width, _, height = (size or "720x1280").partition("x")
    picture = Image.new("RGB", (int(width), int(height)), (180, 40, 40))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return "reference.png", buffer.getvalue(), "image/png"
