"""Draw and encode a job's files: an H.264 clip, a WebP thumbnail, a JPEG spritesheet.

The same recipe always makes the same bytes. A frame consists of a still background (a gradient whose colours depend on
the recipe, with the prompt on it) and a moving strip at the bottom: a timecode, a bar, and a ball that moves along the
bar. The background is drawn and converted once, and only the strip is drawn for each frame. So a clip is rendered much
faster than it plays, and a long clip needs no more memory than a short one.
"""

from __future__ import annotations

import colorsys
import hashlib
import logging
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import av
from PIL import Image, ImageDraw, ImageOps

from .fonts import BUILT_IN, typefaces
from .spelling import spell
from .text_layout import in_one_line, set_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from .._model.jobs import Recipe
    from .fonts import Typeface
    from .spelling import Letter
    from .text_layout import Line

_THREADS: Final = 2  # fixed, because the number of threads affects the bytes that x264 writes
_ENCODER: Final = {
    "preset": "ultrafast",
    "crf": "24",
    # The converter below makes BT.709 in the limited range; declare it for players that may assume something else.
    "x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv",
}
_MUXER: Final = {"movflags": "+faststart", "fflags": "+bitexact"}  # the index first, so that players start at once
_STRIP_MIN: Final = 2
_LABEL_MIN: Final = 20  # a strip lower than this, in pixels, has no room for letters
_SHEET_EDGE: Final = 320  # the longer edge of a picture in the spritesheet
_SHEET_COLUMNS: Final = 4
_SHEET_ROWS: Final = 3
_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)
_LOG = logging.getLogger("openvideos_emulator")

_Colour = tuple[int, int, int]


def render_video(recipe: Recipe, path: Path) -> None:
    """Write the clip: MP4, H.264, 4:2:0, with the recipe's exact size and duration."""
    picture = _picture(recipe)
    count, rate = recipe.frames, recipe.fps
    # A key frame each second, so that players seek quickly.
    options = {**_ENCODER, "g": str(rate)}
    with av.open(str(path), "w", format="mp4", options=_MUXER) as container:
        stream = container.add_stream(  # pyright: ignore[reportUnknownMemberType] - its **kwargs have no type
            "libx264", rate=rate, options=options
        )
        stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuv420p"
        stream.codec_context.thread_count = _THREADS
        ground = _planes(picture.ground)
        for index in range(count):
            frame = av.VideoFrame(picture.width, picture.height, "yuv420p")
            strip = _planes(picture.strip(index / count))
            for plane, below, moving in zip(frame.planes, ground, strip, strict=True):
                below[plane.line_size * plane.height - len(moving) :] = moving
                plane.update(cast("bytes", below))  # `update` takes any buffer; a copy would block other threads
            frame.pts, frame.time_base = index, Fraction(1, rate)
            _encode(container, stream, frame)
        _encode(container, stream, None)


def render_thumbnail(recipe: Recipe, path: Path) -> None:
    """Write the thumbnail: WebP, the frame in the middle, in the size of the clip."""
    _picture(recipe).frame(0.5).save(path, format="WEBP", quality=80, method=2)


def render_spritesheet(recipe: Recipe, path: Path) -> None:
    """Write the spritesheet: JPEG, twelve frames in a grid, in the order of time, row by row."""
    full_width, full_height = _edges(recipe)
    scale = min(1.0, _SHEET_EDGE / max(full_width, full_height))
    width, height = max(1, round(full_width * scale)), max(1, round(full_height * scale))
    sheet = Image.new("RGB", (width * _SHEET_COLUMNS, height * _SHEET_ROWS))
    # Draw small pictures instead of shrinking large ones, so that the text stays sharp.
    picture = _picture(recipe, width=width, height=height)
    total = _SHEET_COLUMNS * _SHEET_ROWS
    for index in range(total):
        row, column = divmod(index, _SHEET_COLUMNS)
        sheet.paste(picture.frame(index / total), (column * width, row * height))
    sheet.save(path, format="JPEG", quality=85)


def _picture(recipe: Recipe, *, width: int | None = None, height: int | None = None) -> _Picture:
    """Draw what a clip's frames have in common, in its own size unless another is given."""
    own_width, own_height = _edges(recipe)
    width, height = width or own_width, height or own_height
    try:
        return _Picture(recipe, typefaces(), width=width, height=height)
    except (OSError, ValueError) as error:  # FreeType's and Raqm's
        message = "a font cannot be drawn with (%s); the picture has the built-in one alone"
        _LOG.warning(message, error, exc_info=True)
        return _Picture(recipe, (BUILT_IN,), width=width, height=height)


class _Picture:
    """The content of a clip at any moment, in any size in pixels."""

    def __init__(self, recipe: Recipe, faces: Sequence[Typeface], *, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.duration = float(recipe.duration)
        whole, rest = divmod(recipe.duration, 1)
        self.length = f"{whole // 60:02}:{whole % 60:02}" + (f"{float(rest):.2f}"[1:] if rest else "")
        self.strip_height = min(self.height, max(_STRIP_MIN, self.height // 10 // 2 * 2))
        self.bar = max(1, self.strip_height // 4)
        label_size = max(8, (self.strip_height - self.bar) // 2)
        self.label = in_one_line(spell(f"{recipe.model} {recipe.size}", faces), label_size)
        digest = hashlib.sha256(repr(recipe.identity).encode()).digest()
        self.accent = _colour(digest[0], light=0.62, vivid=0.9)
        self.ground = self._draw_ground(spell(recipe.prompt, faces), digest)
        self.strip(0)  # so that a font that cannot be drawn with is known now

    def frame(self, moment: float) -> Image.Image:
        """Draw the whole picture at a moment from 0 to 1."""
        picture = self.ground.copy()
        picture.paste(self.strip(moment), (0, self.height - self.strip_height))
        return picture

    def strip(self, moment: float) -> Image.Image:
        """Draw the moving strip at the bottom of the picture, at a moment from 0 to 1."""
        strip = Image.new("RGB", (self.width, self.strip_height), (16, 16, 20))
        draw = ImageDraw.Draw(strip)
        bar, end = self.bar, round(moment * self.width)
        draw.rectangle((0, 0, self.width, bar - 1), fill=(70, 70, 78))
        if end:
            draw.rectangle((0, 0, end - 1, bar - 1), fill=self.accent)
        draw.ellipse((end - bar, 0, end + bar, 2 * bar), fill=_WHITE)
        if self.strip_height >= _LABEL_MIN:
            self._draw_labels(draw, moment)
        return strip

    def _draw_labels(self, draw: ImageDraw.ImageDraw, moment: float) -> None:
        size, middle = self.label.size, (self.bar + self.strip_height) // 2
        edge = max(2, size // 2)
        time = moment * self.duration
        code = f"{int(time) // 60:02}:{time % 60:05.2f} / {self.length}"
        font = BUILT_IN.at(size)
        draw.text((edge, middle), code, font=font, fill=_WHITE, anchor="lm")
        [line] = self.label.lines
        left = self.width - edge - _width(line, size)
        if font.getlength(code) + 3 * edge < left:
            top = middle - self.label.line_height / 2
            _draw_line(draw, line, (left, top + self.label.baseline), size, fill=(190, 190, 200))

    def _draw_ground(self, prompt: Sequence[Letter], digest: bytes) -> Image.Image:
        ground = _gradient(self.width, self.height, digest)
        margin = min(self.width, self.height) // 16
        room = self.height - self.strip_height - 2 * margin
        setting = set_into(prompt, width=self.width - 2 * margin, height=max(0, room))
        draw = ImageDraw.Draw(ground)
        top = margin + (room - setting.line_height * len(setting.lines)) // 2
        for number, line in enumerate(setting.lines):
            left = (self.width - _width(line, setting.size)) / 2
            place = (left, top + setting.line_height * number + setting.baseline)
            _draw_line(draw, line, place, setting.size, fill=_WHITE, stroke=setting.size // 16)
        return ground


def _width(line: Line, size: int) -> float:
    return sum(run.width(size) for run in line)


def _draw_line(
    draw: ImageDraw.ImageDraw, line: Line, place: tuple[float, float], size: int, *, fill: _Colour, stroke: int = 0
) -> None:
    """Draw a line whose letters stand at `place`, which is the left end of the line under them."""
    left, foot = place
    for run in line:
        draw.text(
            (left, foot),
            run.text,
            fill,
            run.face.at(size),
            anchor="ls",
            direction=run.direction,
            language=run.language,
            stroke_width=stroke,
            stroke_fill=_BLACK,
        )
        left += run.width(size)


def _edges(recipe: Recipe) -> tuple[int, int]:
    width, _, height = recipe.size.partition("x")
    return int(width), int(height)


def _gradient(width: int, height: int, digest: bytes) -> Image.Image:
    """Draw a gradient of two dark colours, on which white text is legible; `digest` gives colours and direction."""
    slope = Image.linear_gradient("L").rotate(digest[2] * 360 / 256, resample=Image.Resampling.BICUBIC, fillcolor=128)
    inner = round(256 * (1 - 1 / math.sqrt(2)) / 2)  # cut off the corners, which the rotation leaves empty
    box = (inner, inner, 256 - inner, 256 - inner)
    slope = slope.transform((width, height), Image.Transform.EXTENT, box, resample=Image.Resampling.BICUBIC)
    dark = _colour(digest[0], light=0.13, vivid=0.75)
    lighter = _colour((digest[0] + 24 + digest[1] % 64) % 256, light=0.32, vivid=0.7)
    return ImageOps.colorize(slope, dark, lighter)


def _colour(hue: int, *, light: float, vivid: float) -> _Colour:
    red, green, blue = colorsys.hls_to_rgb(hue / 256, light, vivid)
    return round(red * 255), round(green * 255), round(blue * 255)


def _encode(container: OutputContainer, stream: VideoStream, frame: av.VideoFrame | None) -> None:
    # Packet types are generic, and PyAV's annotations omit their argument.
    container.mux(stream.encode(frame))  # pyright: ignore[reportUnknownMemberType]


def _planes(picture: Image.Image) -> list[bytearray]:
    """Convert a picture into the three planes of 4:2:0, with the row padding that the encoder uses."""
    pixels = picture.convert("RGBA").tobytes()
    frame = av.VideoFrame.from_bytes(pixels, picture.width, picture.height, format="rgba")
    return [bytearray(plane) for plane in frame.reformat(format="yuv420p", dst_colorspace="ITU709").planes]
