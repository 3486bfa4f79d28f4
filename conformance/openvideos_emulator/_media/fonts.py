"""Find the fonts that pictures are drawn with: Pillow's own, then those of the extra `fonts`, else the system's.

They are looked for once, when the first file is named, and each is opened when a text needs it. What cannot be read as
a font is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import itertools
import os
import struct
import sys
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from PIL import ImageFont, features

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PACKAGES: Final = ("manimgx_fonts", "manimgx_fonts_cjk")
_FIRST: Final = ("NotoSans[", "NotoSansCJK", "NotoEmoji")  # of the packages' fonts, those that most texts need
_NOTO: Final = (
    *("Arabic", "Hebrew", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada"),
    *("Malayalam", "Sinhala", "Thai", "Lao", "Khmer", "Myanmar", "Ethiopic", "Georgian", "Armenian", "Symbols"),
    *("Symbols2", "Math"),
)
_SYSTEM: Final = (  # the system's fonts by the names of their files, the preferred ones first
    *("NotoSans-Regular.ttf", "DejaVuSans.ttf", "segoeui.ttf", "Arial Unicode.ttf"),
    *(
        "NotoSansCJK-Regular.ttc",
        "NotoSansCJKsc-Regular.otf",
        "SourceHanSans-Regular.ttc",
        "SourceHanSansCN-Regular.otf",
    ),
    *("wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "msyh.ttc", "YuGothM.ttc", "malgun.ttf"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc"),
    *("NotoEmoji-Regular.ttf", "NotoEmoji[wght].ttf", "seguiemj.ttf", "seguisym.ttf", "Apple Symbols.ttf"),
    *("GeezaPro.ttc", "Kohinoor.ttc", "Nirmala.ttf", "Nirmala.ttc", "LeelawUI.ttf", "Thonburi.ttc"),
    *(f"NotoSans{script}-Regular.ttf" for script in _NOTO),
    *("unifont.otf", "unifont.ttf"),
)
_MOST_FOLDERS: Final = 2000
_SIGNATURES: Final = (b"\0\1\0\0", b"OTTO", b"true", b"ttcf")
_HEAD: Final = 4096  # bytes; they hold the checksums of all parts of the font
_WEIGHT: Final = 400
_TRIAL: Final = 20  # pixels
_LARGEST_TABLE: Final = 1 << 22
_GROUPS, _SEGMENTS = 12, 4  # the formats of the table `cmap` that fonts of today have


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font in all sizes: the file at `path`, or Pillow's built-in font if that is None."""

    path: Path | None = None

    @property
    def is_shaped(self) -> bool:
        """Return whether its letters are joined and ordered as their script wants it."""
        return self.path is not None and can_shape()

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """Return the font at a size in pixels.

        Raises:
            OSError: The file cannot be read as a font.
            TypeError: Pillow was built without FreeType.
        """
        return _opened(self.path, size)

    def has(self, char: str) -> bool:
        """Return whether the font can draw a character, in a way that its readers can read."""
        return _has(self.path, char)


BUILT_IN: Final = Typeface()


def typefaces() -> tuple[Typeface, ...]:
    """Return the fonts to draw with, in the order of preference; the first is Pillow's, which is always there."""
    return (BUILT_IN, *(Typeface(path) for path, _ in _found()))


@cache
def fingerprint() -> str:
    """Return a hash of what the pictures of letters depend on: the fonts, and the library that orders letters."""
    facts = [features.version("raqm") if can_shape() else None, *((path.name, head) for path, head in _found())]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@cache
def can_shape() -> bool:
    """Return whether Pillow finds Raqm and FriBiDi, without which Arabic and Hindi are not legible."""
    return bool(features.check("raqm"))


@cache
def _found() -> tuple[tuple[Path, str], ...]:
    """Return the files of the fonts beside the built-in one, each with a hash of its head."""
    paths = list(_of_packages()) or list(_of_system(_folders()))
    return tuple((path, head) for path in paths if (head := _head_of(path)) is not None)


def _of_packages() -> Iterator[Path]:
    found: list[Path] = []
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += [path for path in Path(spec.origin).parent.glob("*.tt[cf]") if "Italic" not in path.name]
    rank = {
        path: next((n for n, start in enumerate(_FIRST) if path.name.startswith(start)), len(_FIRST)) for path in found
    }
    return iter(sorted(found, key=lambda path: (rank[path], path.name)))


def _of_system(folders: Iterable[Path]) -> Iterator[Path]:
    known: dict[str, Path] = {}
    walks = itertools.chain.from_iterable(os.walk(folder) for folder in folders)
    for folder, _, names in itertools.islice(walks, _MOST_FOLDERS):
        for name in set(_SYSTEM).intersection(names):
            known.setdefault(name, Path(folder, name))
    return (known[name] for name in _SYSTEM if name in known)


def _folders() -> list[Path]:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return [Path(os.environ.get("WINDIR", r"C:\Windows"), "Fonts"), Path(local, "Microsoft", "Windows", "Fonts")]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path("~/Library/Fonts").expanduser()]
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    own = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return [Path(each, "fonts").expanduser() for each in (*shared.split(":"), own) if each]


def _head_of(path: Path) -> str | None:
    """Hash the head of a font; None if the file is none, or cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            length = file.seek(0, os.SEEK_END)
    except OSError:
        return None
    return hashlib.sha256(b"%d %b" % (length, head)).hexdigest() if head.startswith(_SIGNATURES) else None


@lru_cache(maxsize=256)
def _opened(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    if path is None:
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):  # pragma: no cover - Pillow's wheels have FreeType
            raise TypeError("Pillow was built without FreeType; install its wheel from PyPI")
        return font
    font = ImageFont.truetype(path, size)
    with contextlib.suppress(OSError, NotImplementedError):  # most fonts have one weight
        font.set_variation_by_axes(
            [
                min(max(_WEIGHT, axis["minimum"] or 0), axis["maximum"] or 0)
                if axis.get("name") == b"Weight"
                else axis["default"] or 0
                for axis in font.get_variation_axes()
            ]
        )
    return font


@lru_cache(maxsize=1 << 16)
def _has(path: Path | None, char: str) -> bool:
    if not can_shape() and _needs_shaping(char):
        return False
    try:
        firsts, lasts = _ranges(path)
    except Exception:  # noqa: BLE001 - whatever is wrong with a file, another font may have the character
        return False
    index = bisect_right(firsts, ord(char)) - 1
    return index >= 0 and ord(char) <= lasts[index]


@lru_cache(maxsize=256)
def _ranges(path: Path | None) -> tuple[list[int], list[int]]:
    """Return the first and the last characters of the ranges that a font has, both in ascending order."""
    built_in = _opened(path, _TRIAL).path  # opened in any case: a file that Pillow cannot read has no characters
    with path.open("rb") if path is not None else contextlib.nullcontext(cast("BinaryIO", built_in)) as file:
        ranges = sorted(_mapped(_table(file, b"cmap")))
    return [first for first, _ in ranges], list(itertools.accumulate((last for _, last in ranges), max))


def _table(file: BinaryIO, wanted: bytes) -> bytes:
    """Read a table of an OpenType font, of the first one in a collection."""
    file.seek(0)
    start = struct.unpack(">12xL", file.read(16))[0] if file.read(4) == b"ttcf" and not file.seek(0) else 0
    file.seek(start + 4)
    (count,) = struct.unpack(">H6x", file.read(8))
    tables = {tag: place for tag, *place in struct.iter_unpack(">4s4xLL", file.read(16 * count))}
    offset, length = tables[wanted]
    file.seek(offset)
    return file.read(min(length, _LARGEST_TABLE))


def _mapped(table: bytes) -> Iterator[tuple[int, int]]:
    """Return the ranges of characters of a table `cmap`: of its exact format if there is one, else of the older one."""
    (count,) = struct.unpack_from(">2xH", table)
    starts = {
        struct.unpack_from(">H", table, start)[0]: start
        for _, start in struct.iter_unpack(">4sL", table[4 : 4 + 8 * count])
    }
    if _GROUPS in starts:
        place = starts[_GROUPS]
        (groups,) = struct.unpack_from(">12xL", table, place)
        return (
            (first, last) for first, last, _ in struct.iter_unpack(">LLL", table[place + 16 : place + 16 + 12 * groups])
        )
    place = starts[_SEGMENTS]
    half = struct.unpack_from(">6xH", table, place)[0] // 2
    lasts = struct.unpack_from(f">{half}H", table, place + 14)
    return zip(struct.unpack_from(f">{half}H", table, place + 16 + 2 * half), lasts, strict=True)


def _needs_shaping(char: str) -> bool:
    # From Hebrew to Myanmar; Khmer and Mongolian; Balinese to Lepcha; the forms that Arabic letters take
    code = ord(char)
    return any(first <= code <= last for first, last in _SHAPED)


_SHAPED: Final = (
    (0x590, 0x109F),
    (0x1780, 0x18AF),
    (0x1900, 0x1C7F),
    (0xA800, 0xABFF),
    (0xFB1D, 0xFDFF),
    (0xFE70, 0xFEFC),
)
