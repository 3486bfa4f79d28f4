"""Make text from a server safe to show in a terminal, in XML and on a web page. Pure."""

from __future__ import annotations

import re
from typing import Final

_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def printable(text: str) -> str:
    r"""Return a text with control characters, direction marks and lone surrogates escaped, such as `\x1b`.

    Line breaks and tabs stay, since bodies contain them.
    """
    return _CONTROLS.sub(lambda found: _spelled(ord(found[0])), text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a text as one printable line."""
    return " ".join(printable(text).split())


def _spelled(code: int) -> str:
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - how Python spells it
