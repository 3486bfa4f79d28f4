"""Show pictures in terminals that can: kitty by its own protocol, iTerm2 and many others by sixel."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .. import OpenVideos
    from .invocation import Invocation

LARGEST: Final = 4 << 20
"""The largest thumbnail that is read, in bytes."""
MOST_PIXELS: Final = 16_000_000
HEIGHT: Final = 12
"""How many lines a picture takes."""


def show_thumbnail(invocation: Invocation, client: OpenVideos, video_id: str) -> None:
    """Show a video's thumbnail, if there is one and the terminal shows pictures. Nothing depends on it."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") in {"dumb", "linux", "unknown"}:
        return
    # The import asks the terminal what it can show.
    from textual_image.renderable import Image, SixelImage, TGPImage

    if Image not in {SixelImage, TGPImage}:
        return
    try:
        content = _thumbnail(client, video_id)
        from PIL import Image as Pictures
        from rich.console import Console

        with Pictures.open(io.BytesIO(content), formats=["WEBP", "JPEG", "PNG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                invocation.note(f"The thumbnail is not shown: it has {picture.width} x {picture.height} pixels.")
                return
            Console().print(Image(picture.convert("RGB"), width="auto", height=HEIGHT))
    except Exception as error:  # noqa: BLE001 - a picture of a server may break its reader in any way
        invocation.note(f"The thumbnail is not shown: {error}")


def _thumbnail(client: OpenVideos, video_id: str) -> bytes:
    """Return a thumbnail, or its beginning if it is too large."""
    content = b""
    with client.videos.with_streaming_response.download_content(video_id, variant="thumbnail") as response:
        for piece in response.iter_bytes():
            content += piece
            if len(content) > LARGEST:
                break
    return content
