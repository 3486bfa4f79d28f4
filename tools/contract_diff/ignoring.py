"""Read which changes are ignored, each with the reason and the date, and find them among others. Pure.

They stand in a file of TOML, usually `contract-changes.toml`:

    [[ignored]]
    where = "/components/schemas/Prompt"
    what = "`maxLength` was 32000 and is 1000"
    date = 2026-12-01
    reason = "No server has ever taken a longer one."
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from .model import Change, is_array, is_object

TEXTS = ("where", "what", "reason")


class InvalidListError(Exception):
    """A list of ignored changes cannot be read. The message says what is wrong, and where."""


@dataclass(frozen=True)
class Ignored:
    """A change that is ignored, when that was decided, and why."""

    where: str
    what: str
    date: date
    reason: str


def ignored_of(name: str, text: str) -> list[Ignored]:
    """Return the ignored changes that stand in a text.

    Raises:
        InvalidListError: It is no such list.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise InvalidListError(f"{name}: is no TOML: {problem}") from problem
    entries: Any = document.pop("ignored", [])
    if document or not is_array(entries):
        raise InvalidListError(f"{name}: holds entries [[ignored]] and nothing else")
    return [one(f"{name}: entry {number}", entry) for number, entry in enumerate(entries, 1)]


def one(place: str, entry: Any) -> Ignored:
    """Return one entry. Raises InvalidListError if it is none."""
    if not is_object(entry) or entry.keys() != {*TEXTS, "date"}:
        raise InvalidListError(f"{place} has to have `where`, `what`, `date` and `reason`, and nothing else")
    for key in TEXTS:
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise InvalidListError(f"{place} has a `{key}` that is no text")
    if type(entry["date"]) is not date:
        raise InvalidListError(f"{place} has a `date` that is none; write it as 2026-12-01, without quotation marks")
    return Ignored(**entry)


def reasons(changes: Sequence[Change], ignored: Sequence[Ignored]) -> tuple[dict[Change, Ignored], list[Ignored]]:
    """Return why each ignored change is, and the entries that no change is ignored by any more."""
    entries = {(each.where, each.what): each for each in ignored}
    found = {change: entries[change.where, change.what] for change in changes if (change.where, change.what) in entries}
    used = {(change.where, change.what) for change in found}
    return found, [each for key, each in entries.items() if key not in used]
