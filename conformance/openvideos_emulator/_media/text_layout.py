"""Lay out a text in a box: choose the font size and the line breaks, and replace characters that the font lacks.

Only Pillow's built-in font is on every machine, so that the picture is the same everywhere. The font has little beyond
ASCII: accented letters lose their accents, and other characters are named in brackets, such as `[cjk x3]`.
"""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING: Final = "\U0010ffff"  # no font has this character, so its picture is that of every missing character
_LARGEST: Final = 96
_SMALLEST: Final = 6
_LONGEST_LINE: Final = 2000  # characters; no frame is wide enough for more
_ELLIPSIS: Final = "…"
_REPLACED: Final = {"–": "-", "—": "-", "‘": "'", "’": "'", "×": "x", "ß": "ss", "€": "EUR", "→": "->"}  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Setting:
    """A text as it is drawn: the font size and the height of a line, in pixels, and the lines."""

    size: int
    line_height: int
    lines: tuple[str, ...]


@lru_cache(maxsize=128)
def font_of(size: int) -> ImageFont.FreeTypeFont:
    """Return the built-in font at a size in pixels.

    Raises:
        TypeError: Pillow was built without FreeType.
    """
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):  # pragma: no cover - Pillow's wheels have FreeType
        raise TypeError("Pillow was built without FreeType; install its wheel from PyPI")
    return font


def drawable(text: str) -> str:
    """Replace the characters that the font lacks: by similar letters, or by their names in brackets."""
    pieces: list[str] = []
    for name, group in itertools.groupby(_spelled(text), key=lambda pair: pair[1]):
        letters = [pair[0] for pair in group]
        pieces.append("".join(letters) if name is None else f"[{name} x{len(letters)}]" if letters[1:] else f"[{name}]")
    return " ".join("".join(pieces).split())


def set_into(text: str, *, width: int, height: int) -> Setting:
    """Lay out a text in the largest size that fits the box; shorten it if even the smallest size is too large."""
    smallest = max(_SMALLEST, min(_LARGEST, (width + height) // 100))
    for size in _sizes(height, smallest):
        setting, is_whole = _set(text, size=size, width=width, height=height)
        # A word that is cut across two lines is hard to read, so prefer a smaller size, down to twice the smallest.
        if is_whole and (size <= smallest * 2 or " ".join(setting.lines).split() == text.split()):
            return setting
    setting, is_whole = _set(text, size=smallest, width=width, height=height)
    if is_whole or not setting.lines:
        return setting
    return replace(setting, lines=(*setting.lines[:-1], _shortened(setting.lines[-1], smallest, width)))


def _set(text: str, *, size: int, width: int, height: int) -> tuple[Setting, bool]:
    """Lay out a text at one size; also return whether all of it fits."""
    line_height = size + max(1, size // 4)
    room = height // line_height
    lines = tuple(itertools.islice(_broken(text, size, width), room + 1))
    return Setting(size, line_height, lines[:room]), len(lines) <= room


def _sizes(height: int, smallest: int) -> list[int]:
    sizes = [max(smallest, min(_LARGEST, height // 4))]
    while sizes[-1] > smallest:
        sizes.append(max(smallest, min(sizes[-1] - 1, sizes[-1] * 9 // 10)))
    return sizes


def _broken(text: str, size: int, width: int) -> Iterator[str]:
    """Yield the lines of a text lazily, so that the caller can stop as soon as a long text does not fit."""
    line = ""
    for each in text.split():
        word = each
        if line and _width(f"{line} {word}", size) <= width:
            line = f"{line} {word}"
            continue
        if line:
            yield line
        while _width(word[:_LONGEST_LINE], size) > width and len(word) > 1:
            cut = _fitting(word, size, width)
            yield word[:cut]
            word = word[cut:]
        line = word
    if line:
        yield line


def _fitting(word: str, size: int, width: int) -> int:
    """Return how many of the word's characters fit into a line, at least 1."""
    low, high = 1, min(len(word), _LONGEST_LINE)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _width(word[:middle], size) <= width else (low, middle - 1)
    return low


def _shortened(line: str, size: int, width: int) -> str:
    while line and _width(line + _ELLIPSIS, size) > width:
        line = line[:-1]
    return line.rstrip() + _ELLIPSIS


def _width(text: str, size: int) -> float:
    # The sum of the characters' widths is an upper bound of the line's width. To measure each line would take seconds.
    return sum(_advance(char, size) for char in text)


@lru_cache(maxsize=8192)
def _advance(char: str, size: int) -> float:
    return font_of(size).getlength(char)


def _spelled(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield each character, with None if the font has it, else with the name of its script or symbol."""
    for char in text:
        spelling = _spelling(char)
        if spelling is None:
            yield char, _name_of(char)
        else:
            yield from ((letter, None) for letter in spelling)


@lru_cache(maxsize=4096)
def _spelling(char: str) -> str | None:
    """Replace a character by characters that the font has; None if that is impossible."""
    if char.isspace():
        return " "
    if unicodedata.category(char) in {"Mn", "Me", "Cc", "Cf"}:
        return ""  # separate accents, control characters and joiners are invisible
    plain = _REPLACED.get(char) or "".join(
        each for each in unicodedata.normalize("NFKD", char) if unicodedata.category(each) != "Mn"
    )
    return plain if plain and all(_has(each) for each in plain) else None


@lru_cache(maxsize=4096)
def _has(char: str) -> bool:
    return char == " " or _picture(char) != _picture(_MISSING)


def _picture(char: str) -> bytes:
    picture = Image.new("L", (40, 40))
    ImageDraw.Draw(picture).text((10, 10), char, font=font_of(20), fill=255)
    return picture.tobytes()


@lru_cache(maxsize=4096)
def _name_of(char: str) -> str:
    name = unicodedata.name(char, "unknown").lower()
    return name.split()[0] if unicodedata.category(char).startswith("L") else name
