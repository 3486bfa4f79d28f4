"""Keep the values of fields for the whole of a run, in bounded memory, whatever a server has put into them. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

_SHORT: Final = 256
_BEGINNING: Final = 1000
MOST_KEPT: Final = 32 << 20
"""How long the different long values of a run are together, as JSON. The prompts of a run have a hundredth of that."""

_MOST_PARTS: Final = 10_000
"""How long a list or an object may be, as JSON; in memory it takes thirty times that."""
_MOST_TEXTS: Final = 10_000
"""How many short texts are kept once."""


def digest_of(value: Any) -> bytes | None:
    """Return what is the same for equal JSON alone; None for JSON that is nested too deeply."""
    try:
        return hashlib.sha256(json.dumps(value).encode()).digest()
    except RecursionError:
        return None


class LastingValues:
    """The values of the fields of jobs, each kept once."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        """Keep nothing yet, and no more than this many bytes of long values."""
        self._left = most
        self._texts: dict[str, str] = {}
        self._known: dict[bytes, Any] = {}

    def kept(self, value: Any) -> Any:
        """Return the value, or an equal one that was kept before.

        In place of what is too much, its beginning is returned, with a digest, so that only equal values are the same:
        in a list or an object if it was one, so that it still is.
        """
        if isinstance(value, str) and len(value) <= _SHORT:
            return self._texts.setdefault(value, value) if len(self._texts) < _MOST_TEXTS else value
        if not isinstance(value, str | list | dict):
            return value
        digest = digest_of(value)
        if digest is None:
            return _instead_of(value, "… (nested too deeply)")
        if digest not in self._known:
            text = json.dumps(value)
            is_small = isinstance(value, str) or len(text) <= _MOST_PARTS
            if is_small and len(text) <= self._left:
                self._left -= len(text)
                self._known[digest] = value
            else:
                beginning = value if isinstance(value, str) else text
                return _instead_of(value, f"{beginning[:_BEGINNING]}… ({digest.hex()})")
        return self._known[digest]


def _instead_of(value: Any, said: str) -> Any:
    if isinstance(value, dict):
        return {"…": said}
    return [said] if isinstance(value, list) else said
