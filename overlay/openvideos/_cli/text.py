"""Write what a server sent as text that is harmless on a terminal. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .. import Video

JOINER: Final = "\u200d"
"""Joins emoji to one; of the characters that format text, the one that cannot deceive a reader."""
STEPS: Final = ((60, "s"), (60, "min"), (24, "h"))
LONGEST_YEAR: Final = 253_402_300_799
"""The last second of the year 9999, in Unix seconds: servers send anything."""


def harmless(text: object, most: int | None = None) -> str:
    """Return a text on one line, its control characters written out, and cut to `most` characters."""
    beginning = str(text) if most is None else str(text)[: most + 1]
    line = "".join(each if each.isprintable() or each == JOINER else escaped(each) for each in beginning)
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"


def number(count: int, what: str) -> str:
    """Return how many there are of something whose plural ends with "s"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def sentence(text: str) -> str:
    """Return a text of any lines as one that ends as sentences do."""
    line = " ".join(text.split())
    return line if line.endswith((".", "…", "!", "?")) else f"{line}."


def escaped(character: str) -> str:
    """Return a character as Python writes it in a text."""
    return character.encode("unicode_escape").decode()


def json_line(value: Any) -> str:
    """Return a value as one line of JSON in ASCII, which every terminal and every encoding takes."""
    return json.dumps(value, separators=(",", ":"))


def age(seconds: float) -> str:
    """Return a duration as people say it, such as "3 min"; one below zero, of a clock that is ahead, is "0 s"."""
    amount = max(int(seconds), 0)
    for size, unit in STEPS:
        if amount < size:
            return f"{amount} {unit}"
        amount //= size
    return f"{amount} d"


def moment(seconds: object) -> str:
    """Return Unix seconds as a date and a time in UTC; "-" if there are none that a calendar has."""
    known = _known(seconds)
    return "-" if known is None else datetime.fromtimestamp(known, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age_of(video: Video, now: float) -> str:
    """Return how long ago a job was created; "-" if the server does not say so."""
    created = _known(video.created_at)
    return age(now - created) if created else "-"


def _known(seconds: object) -> float | None:
    """Return Unix seconds that a calendar has, whatever a server sent; None for anything else."""
    return seconds if isinstance(seconds, (int, float)) and 0 <= seconds <= LONGEST_YEAR else None


def reason_of(video: Video) -> str:
    """Return why a job failed, as the server says it."""
    if not video.error:
        return "the server gives no reason"
    return harmless(f"{video.error.code}: {video.error.message}".strip(": "), 500)
