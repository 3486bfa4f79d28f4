"""Make text from a server safe to show in a terminal, in XML and on a web page. Pure."""

from __future__ import annotations

import re
from typing import Final

_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


_COMMANDS: Final = re.compile(r"(?m)^[^\S\n]*:(?=:)|#(?=#\w*\[)")
"""What begins a command to a CI runner in the output of a step: `::` in front of a line, `##[` or `##vso[` anywhere."""


def printable(text: str) -> str:
    r"""Return a text with control characters, direction marks and lone surrogates escaped, such as `\x1b`.

    Line breaks and tabs stay, since bodies contain them. The first character of a command to a CI runner is escaped.
    """
    shown = _CONTROLS.sub(lambda found: _spelled(found[0]), text.replace("\r\n", "\n"))
    return _COMMANDS.sub(lambda found: found[0][:-1] + _spelled(found[0][-1]), shown)


def one_line(text: str) -> str:
    """Return a text as one printable line."""
    return printable(" ".join(printable(text).split()))


def _spelled(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - how Python spells it
