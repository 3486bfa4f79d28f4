"""Lay out a spelled text in a box: choose the font size and the line breaks, and order each line from left to right."""

from __future__ import annotations

import itertools
import math
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from .fonts import BUILT_IN, Typeface
from .spelling import BLANK, ELLIPSIS, Letter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LARGEST: Final = 96
_SMALLEST: Final = 6
_REFERENCE: Final = 100  # pixels: shaped text is measured in this size, since each measurement takes long
_HIGHEST: Final = 1.6  # the height of a line in sizes; some fonts have room for more marks than texts have
_SMALL_KANA: Final = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ")
_UNSPACED: Final = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF))  # Thai and Lao, Myanmar, Khmer
_VOWELS_BEFORE: Final = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
_MIRRORED: Final = str.maketrans("()[]{}<>«»", ")(][}{><»«")


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a line in one font and one direction, `ltr` or `rtl`; the language picks the forms of its letters.

    Direction and language are None if the font is not shaped.
    """

    text: str
    face: Typeface
    direction: str | None = None
    language: str | None = None

    def width(self, size: int) -> float:
        """Return the width in pixels at a font size."""
        return self.face.at(size).getlength(self.text, direction=self.direction, language=self.language)


Line = tuple[Run, ...]
"""The runs of a line from left to right."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A text as it is drawn: in pixels, the font size, the height of a line and of its part above the letters' feet."""

    size: int
    line_height: int
    baseline: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Word:
    """Letters between which a line is not broken, if it can be helped."""

    letters: tuple[Letter, ...]
    follows_blank: bool


def set_into(letters: Sequence[Letter], *, width: int, height: int) -> Setting:
    """Lay out a text in the largest size that fits the box; shorten it if even the smallest size is too large."""
    smallest = max(_SMALLEST, min(_LARGEST, (width + height) // 100))
    words = list(_words(letters))
    finish = _Finish(letters)
    for size in _sizes(height, smallest):
        room = height // finish.line_height(size)
        lines, is_cut = _filled(words, size, width, room)
        # A word that is cut across two lines is hard to read, so prefer a smaller size, down to twice the smallest.
        if len(lines) <= room and (size <= smallest * 2 or not is_cut):
            return finish(lines, size)
    room = height // finish.line_height(smallest)
    lines, _ = _filled(words, smallest, width, room)
    if len(lines) > room > 0:
        lines = [*lines[: room - 1], _shortened(lines[room - 1], smallest, width)]
    return finish(lines[:room], smallest)


def in_one_line(letters: Sequence[Letter], size: int) -> Setting:
    """Lay out a text in one line of a given size, however long it becomes."""
    return _Finish(letters)([list(letters)], size)


class _Finish:
    """The last step of a layout: what a text's lines have in common, and their order from left to right."""

    def __init__(self, letters: Sequence[Letter]) -> None:
        chars = [letter.text[0] for letter in letters]
        self._faces = {letter.face for letter in letters} - {BUILT_IN}
        self._language = _language(chars)
        self._is_rtl = next((side for char in chars if (side := _side(char)) in {"L", "R"}), "L") == "R"

    def __call__(self, lines: Sequence[Sequence[Letter]], size: int) -> Setting:
        line_height = self.line_height(size)
        above, below = self._metrics(size)
        baseline = round((line_height - above - below) / 2 + above)
        ordered = (tuple(_ordered(line, self._language, is_rtl=self._is_rtl)) for line in lines)
        return Setting(size, line_height, baseline, tuple(ordered))

    def line_height(self, size: int) -> int:
        usual = size + max(1, size // 4)
        return max(usual, min(math.ceil(sum(self._metrics(size))), math.ceil(size * _HIGHEST)))

    def _metrics(self, size: int) -> tuple[float, float]:
        own = BUILT_IN.at(size).getmetrics()
        others = [(above * size / _REFERENCE, below * size / _REFERENCE) for above, below in map(_metrics, self._faces)]
        return max(own[0], *(each[0] for each in others), 0), max(own[1], *(each[1] for each in others), 0)


def _sizes(height: int, smallest: int) -> list[int]:
    sizes = [max(smallest, min(_LARGEST, height // 4))]
    while sizes[-1] > smallest:
        sizes.append(max(smallest, min(sizes[-1] - 1, sizes[-1] * 9 // 10)))
    return sizes


def _words(letters: Sequence[Letter]) -> Iterator[_Word]:
    word: list[Letter] = []
    follows_blank = False
    for letter in letters:
        if letter.text == " " or (word and _may_break(word[-1].text, letter.text)):
            if word:
                yield _Word(tuple(word), follows_blank)
            word, follows_blank = [], letter.text == " "
        if letter.text != " ":
            word.append(letter)
    if word:
        yield _Word(tuple(word), follows_blank)


def _may_break(before: str, after: str) -> bool:
    """Return whether a line may be broken between two letters without a blank."""
    if before[0] in _VOWELS_BEFORE or unicodedata.category(before[0]) in {"Ps", "Pi"}:
        return False
    if after[0] in _SMALL_KANA or unicodedata.category(after[0]) in {"Pe", "Pf", "Po", "Lm"}:
        return False
    return _is_unspaced(before[0]) or _is_unspaced(after[0])


@lru_cache(maxsize=4096)
def _is_unspaced(char: str) -> bool:
    """Return whether a character is of a script that is written without blanks; Korean has them."""
    if unicodedata.east_asian_width(char) in {"W", "F"}:
        return not unicodedata.name(char, "").startswith("HANGUL")
    return any(first <= ord(char) <= last for first, last in _UNSPACED)


def _filled(words: Sequence[_Word], size: int, width: int, room: int) -> tuple[list[list[Letter]], bool]:
    """Fill lines with words, one line more than there is room for at most; also return whether a word was cut."""
    lines: list[list[Letter]] = []
    line: list[Letter] = []
    is_cut, used, blank = False, 0.0, _width((BLANK,), size)
    for word in words:
        letters, needed = word.letters, _needed(word.letters, size, width)
        space = blank if word.follows_blank else 0.0
        if line and used + space + needed <= width:
            line += [_blank_between(line[-1], letters[0]), *letters] if word.follows_blank else letters
            used += space + needed
            continue
        if line:
            lines.append(line)
        while needed > width and len(letters) > 1 and len(lines) <= room:
            fitting = _fitting(letters, size, width)
            lines.append(list(letters[:fitting]))
            letters = letters[fitting:]
            needed, is_cut = _needed(letters, size, width), True
        if len(lines) > room:
            return lines, is_cut
        line, used = list(letters), needed
    return [*lines, line] if line else lines, is_cut


def _needed(letters: Sequence[Letter], size: int, width: int) -> float:
    """Return the width of letters; if it is far more than `width`, infinity, since a word may have 32,000 letters."""
    return math.inf if _fitting(letters, size, 4 * width) < len(letters) else _width(letters, size)


def _blank_between(before: Letter, after: Letter) -> Letter:
    """Return the blank of the font of both, so that they are drawn at once; that of emoji is too wide."""
    face = before.face
    return Letter(" ", face) if face == after.face and _width((Letter(" ", face),), 2) <= 1 else BLANK


def _fitting(letters: Sequence[Letter], size: int, width: int) -> int:
    """Return how many letters of a word fit into a line, at least 1."""
    widths = itertools.accumulate(_width((letter,), size) for letter in letters)
    return max(1, sum(1 for _ in itertools.takewhile(lambda total: total <= width, widths)))


def _shortened(line: Sequence[Letter], size: int, width: int) -> list[Letter]:
    kept = [*line]
    while kept and _width((*kept, ELLIPSIS), size) > width:
        kept.pop()
    while kept and kept[-1].text == " ":
        kept.pop()
    return [*kept, ELLIPSIS]


def _width(letters: Sequence[Letter], size: int) -> float:
    # What is not shaped is as wide as its characters at the most. To measure each line would take seconds.
    total = 0.0
    for face, group in itertools.groupby(letters, key=lambda letter: letter.face):
        text = "".join(letter.text for letter in group)
        if face == BUILT_IN:
            total += sum(_advance(char, size) for char in text)
        else:
            total += _advance_at_reference(face, text) * size / _REFERENCE
    return total


@lru_cache(maxsize=8192)
def _advance(char: str, size: int) -> float:
    return BUILT_IN.at(size).getlength(char)


@lru_cache(maxsize=8192)
def _advance_at_reference(face: Typeface, text: str) -> float:
    return face.at(_REFERENCE).getlength(text)


@lru_cache(maxsize=64)
def _metrics(face: Typeface) -> tuple[int, int]:
    return face.at(_REFERENCE).getmetrics()


def _language(chars: Sequence[str]) -> str | None:
    """Return the language by whose forms Chinese characters are drawn, None if a text has none."""
    names = {unicodedata.name(char, "").partition(" ")[0] for char in set(chars)}
    if "CJK" not in names:
        return None
    return "ja" if names & {"HIRAGANA", "KATAKANA"} else "ko" if "HANGUL" in names else "zh-Hans"


def _side(char: str) -> str | None:
    """Return L or R if a character is written in that direction, N for a number, None if it follows its neighbours."""
    return {"L": "L", "R": "R", "AL": "R", "EN": "N", "AN": "N"}.get(unicodedata.bidirectional(char))


def _ordered(line: Sequence[Letter], language: str | None, *, is_rtl: bool) -> list[Run]:
    """Return the runs of a line from left to right: the Unicode Bidirectional Algorithm, without nested quotations."""
    levels = _levels([letter.text[0] for letter in line], "R" if is_rtl else "L")
    pairs = zip(levels, line, strict=True)
    runs = [
        (level, _run("".join(letter.text for _, letter in group), face, language, is_rtl=level == 1))
        for (level, face), group in itertools.groupby(pairs, key=lambda pair: (pair[0], pair[1].face))
    ]
    for lowest in (2, 1):
        turned = itertools.groupby(runs, key=lambda run: run[0] >= lowest)
        runs = [run for is_turned, group in turned for run in (reversed([*group]) if is_turned else group)]
    return [run for _, run in runs]


def _run(text: str, face: Typeface, language: str | None, *, is_rtl: bool) -> Run:
    if face.is_shaped:
        return Run(text, face, "rtl" if is_rtl else "ltr", language)
    return Run(text[::-1].translate(_MIRRORED) if is_rtl else text, face)


def _levels(chars: Sequence[str], base: str) -> list[int]:
    """Return the level of each character of a line whose direction is `base`; what is odd is read from the right."""
    if base == "L" and not any(_side(char) == "R" for char in chars):
        return [0] * len(chars)
    sides = _with_neutrals(_with_brackets(_with_numbers(chars, base), chars, base), base)
    if base == "L":
        return [{"L": 0, "R": 1, "N": 2}[side] for side in sides]
    return [1 if side == "R" else 2 for side in sides]


def _with_numbers(chars: Sequence[str], base: str) -> list[str | None]:
    """Return the sides of characters; a number after letters from the left is as these, with what joins its digits."""
    sides: list[str | None] = []
    strong = base
    for index, char in enumerate(chars):
        side = _side(char)
        strong = side if side in {"L", "R"} else strong
        if side is None and unicodedata.bidirectional(char) in {"CS", "ES", "ET"} and 0 < index < len(chars) - 1:
            side = "N" if _side(chars[index - 1]) == _side(chars[index + 1]) == "N" else None
        sides.append("L" if side == "N" and strong == "L" else side)
    return sides


def _with_brackets(sides: Sequence[str | None], chars: Sequence[str], base: str) -> list[str | None]:
    """Give the two brackets of a pair one side: the line's, unless all in them and before them is of the other."""
    found, opened = [*sides], list[tuple[str, int]]()
    for index, char in enumerate(chars):
        if char in "([{":
            opened.append((char.translate(_MIRRORED), index))
        elif opened and opened[-1][0] == char:
            first = opened.pop()[1]
            inside = {_strong(side) for side in found[first + 1 : index] if side is not None}
            before = next((_strong(side) for side in reversed(found[:first]) if side is not None), base)
            if inside:
                found[first] = found[index] = before if inside == {before} else base
    return found


def _strong(side: str) -> str:
    return "R" if side == "N" else side


def _with_neutrals(sides: Sequence[str | None], base: str) -> list[str]:
    """Give what has no side that of its neighbours if they agree, else that of the line."""
    found: list[str] = []
    groups = [(side, len([*group])) for side, group in itertools.groupby(sides)]
    for index, (side, count) in enumerate(groups):
        before = groups[index - 1][0] if index else base
        after = groups[index + 1][0] if index + 1 < len(groups) else base
        around = {_strong(each or base) for each in (before, after)}
        found += [side or (around.pop() if len(around) == 1 else base)] * count
    return found
