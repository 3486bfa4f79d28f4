"""Spell a text for a picture: what a reader takes for one letter, each with a font that has it.

A letter that no font has is replaced by a similar one, such as e for é; what has none is named in brackets, such as
`[cjk x3]`.
"""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .fonts import BUILT_IN, Typeface

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_MOST: Final = 5_000  # characters; no picture has room for more
_LONGEST: Final = 12  # characters in a letter: more marks than any language stacks would cover other lines
_ELLIPSIS: Final = "…"
_JOINERS: Final = frozenset("\u200c\u200d\ufe0f")  # characters that are invisible and change how others look
_REPLACED: Final = {"–": "-", "—": "-", "‘": "'", "’": "'", "×": "x", "ß": "ss", "€": "EUR", "→": "->"}  # noqa: RUF001
_MARKS: Final = frozenset({"Mn", "Mc", "Me"})
_VIRAMA: Final = 9  # the combining class of signs that join two consonants


@dataclass(frozen=True, slots=True)
class Letter:
    """What a reader takes for one letter, such as a letter with its marks or a flag, and the font that has it."""

    text: str
    face: Typeface


BLANK: Final = Letter(" ", BUILT_IN)
ELLIPSIS: Final = Letter(_ELLIPSIS, BUILT_IN)


def spell(text: str, faces: Sequence[Typeface]) -> list[Letter]:
    """Spell a text with these fonts; the first is the built-in one. Blanks are single, and none is at an end."""
    if len(text) > _MOST:
        text = text[:_MOST] + _ELLIPSIS
    letters = list(graphemes(unicodedata.normalize("NFC", text)))
    main = _main_face(letters, faces)
    spelled = [(letter, _spelled(letter, main, faces)) for letter in letters]
    pieces: list[Letter] = []
    for name, group in itertools.groupby(spelled, key=lambda pair: None if pair[1] else _name_of(pair[0])):
        found = [pair[1] for pair in group]
        if name is None:
            pieces += itertools.chain.from_iterable(found)
        else:
            pieces += [Letter(char, BUILT_IN) for char in (f"[{name} x{len(found)}]" if found[1:] else f"[{name}]")]
    return _single_blanks(pieces)


def graphemes(text: str) -> Iterator[str]:
    """Cut a text into what readers take for letters; leave out what is invisible. Each space is one blank."""
    current = ""
    for char in text:
        if char.isspace():
            shown = " "
        elif unicodedata.category(char) in {"Cc", "Cf"} and char not in _JOINERS:
            continue
        else:
            shown = char
        if shown != " " and _belongs(shown, current):
            if current and current != " " and len(current) < _LONGEST:
                current += shown
            continue
        if current:
            yield current
        current = shown
    if current:
        yield current


def _belongs(char: str, before: str) -> bool:
    """Return whether a character continues a letter, or can only do so."""
    if char in _JOINERS or unicodedata.category(char) in _MARKS:
        return True
    if not before:
        return False
    last = before[-1]
    return (
        last == "\u200d"
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # the colour of a skin
        or (len(before) == 1 and _is_regional(char) and _is_regional(before))  # the two halves of a flag
        or (unicodedata.combining(last) == _VIRAMA and unicodedata.category(char) == "Lo")
        or "\u1160" <= char <= "\u11ff"  # the vowels and the last consonants of Hangul
        or char in "\u0e33\u0eb3"  # Thai and Lao vowels that stand above the letter before
    )


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _main_face(letters: Iterable[str], faces: Sequence[Typeface]) -> Typeface:
    """Return the font that has most of a text, so that it is drawn with as few fonts as possible."""
    chars = sorted({char for letter in letters for char in letter if char not in _JOINERS})
    first = (next((face for face in faces if face.has(char)), None) for char in chars)
    used = [face for face in dict.fromkeys(first) if face is not None]
    return max(used, key=lambda face: sum(map(face.has, chars)), default=BUILT_IN)


def _spelled(letter: str, main: Typeface, faces: Sequence[Typeface]) -> list[Letter]:
    """Return a letter with its font, or the letters that replace it; nothing if that is impossible."""
    for text in (letter, _REPLACED.get(letter, ""), _plain(letter)):
        face = next((face for face in (main, *faces) if _has_all(face, text)), None) if text else None
        if face is not None:
            drawn = text if face.is_shaped else "".join(char for char in text if char not in _JOINERS)
            return [Letter(drawn, face)] if text == letter else [Letter(char, face) for char in drawn]
    return []


def _has_all(face: Typeface, text: str) -> bool:
    return all(face.has(char) for char in text if char not in _JOINERS)


def _plain(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)
    return "".join(char for char in parts if char != " " and unicodedata.category(char) not in {"Mn", "Me"})


def _name_of(letter: str) -> str:
    """Return the name of a letter's script, or of a symbol."""
    name = unicodedata.name(letter[0], "unknown").lower()
    return name.split()[0] if unicodedata.category(letter[0]).startswith("L") else name


def _single_blanks(letters: Iterable[Letter]) -> list[Letter]:
    single: list[Letter] = []
    for letter in letters:
        if letter.text != " " or (single and single[-1].text != " "):
            single.append(letter)
    return single[:-1] if single and single[-1].text == " " else single
