"""Clips have exactly the size and the duration asked for, and show the prompt, whatever it holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import av
import pytest
from PIL import Image, ImageChops

from openvideos_emulator._media.rendering import render_spritesheet, render_thumbnail, render_video
from openvideos_emulator._model.jobs import FRAME_RATE, Recipe

if TYPE_CHECKING:
    from pathlib import Path


def recipe(prompt: str = "A cat", size: str = "64x48", seconds: int = 1) -> Recipe:
    return Recipe(prompt=prompt, model="sora-2", size=size, seconds=seconds)


def _image(frame: av.VideoFrame) -> Image.Image:
    plane = frame.reformat(format="rgba").planes[0]
    return Image.frombytes("RGBA", (frame.width, frame.height), bytes(plane), "raw", "RGBA", plane.line_size).convert(
        "RGB"
    )


def frames_of(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [_image(frame) for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    ("size", "seconds"), [("2x2", 1), ("16x16", 2), ("64x48", 3), ("720x1280", 1), ("2x512", 1), ("512x2", 1)]
)
def test_a_clip_is_as_large_and_as_long_as_requested(tmp_path: Path, size: str, seconds: int) -> None:
    path = tmp_path / "clip.mp4"
    render_video(recipe(size=size, seconds=seconds), path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        assert size == f"{stream.width}x{stream.height}"
        assert ("h264", "yuv420p") == (stream.codec_context.name, stream.codec_context.pix_fmt)
        assert seconds == stream.duration * stream.time_base
        assert seconds * FRAME_RATE == sum(1 for _ in container.decode(stream))
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_clip_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    for render in (render_video, render_thumbnail, render_spritesheet):
        paths = [tmp_path / f"{render.__name__}.{number}.mp4" for number in range(2)]
        for path in paths:
            render(recipe(), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_something_moves_in_each_second(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    render_video(recipe(seconds=3), path)
    frames = frames_of(path)
    for start in range(0, len(frames) - FRAME_RATE, FRAME_RATE):
        moved = ImageChops.difference(frames[start], frames[start + FRAME_RATE]).getbbox()
        assert moved is not None


def test_the_prompt_is_seen_in_every_picture(tmp_path: Path) -> None:
    """Two prompts make pictures that differ by bright letters, in the clip, the thumbnail and the spritesheet."""
    for render, name in ((render_thumbnail, "a.webp"), (render_spritesheet, "a.jpg")):
        render(recipe("A cat", "320x240"), tmp_path / name)
        with Image.open(tmp_path / name) as image:
            assert white_share(image.convert("L")) > 0.01
    render_video(recipe("A cat", "320x240"), tmp_path / "a.mp4")
    assert white_share(frames_of(tmp_path / "a.mp4")[12].convert("L")) > 0.01


def white_share(image: Image.Image) -> float:
    histogram = image.histogram()
    return sum(histogram[240:]) / sum(histogram)


def test_a_portrait_clip_of_four_seconds_is_made_faster_than_it_plays(tmp_path: Path) -> None:
    started = time.perf_counter()
    render_video(recipe(size="720x1280", seconds=4), tmp_path / "clip.mp4")
    assert time.perf_counter() - started < 4
