"""Tell which tests a change of the contract is likely to break: those that name it, and those that list all. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .model import Change, Class
from .overlay_files import LISTS

COMMON = 20
"""A word that more files have than these says nothing about any of them."""


@dataclass(frozen=True)
class Affected:
    """The tests to run, and the words of the changes that too many tests have."""

    files: list[str]
    too_common: list[str]


def affected(changes: Sequence[Change], texts: Mapping[str, str]) -> Affected:
    """Return the files of tests, of those whose texts are given by their paths, that changes may concern."""
    words = {word for change in changes if change.worst is not Class.EDITORIAL for word in words_of(change)}
    named = {word: files_with(word, texts) for word in sorted(words)}
    rare = [files for files in named.values() if len(files) <= COMMON]
    listing = [file for file in texts if file in LISTS and words]
    return Affected(
        files=sorted({*listing, *(file for files in rare for file in files)}),
        too_common=[word for word, files in named.items() if len(files) > COMMON],
    )


def words_of(change: Change) -> set[str]:
    """Return the names that a change quotes: of operations, fields and values."""
    return {match[1] or match[2] for match in re.finditer(r"`([^`]+)`|\"([^\"]+)\"", change.what)}


def files_with(word: str, texts: Mapping[str, str]) -> list[str]:
    """Return the files that have a word."""
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    return [file for file, text in texts.items() if pattern.search(text)]
