"""Tell which tests a change of the contract is likely to break: those that name it, and those that list all. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .model import Change, Class, steps
from .overlay_files import LISTS

MOST_FILES = 20
"""A word that more files have than these says nothing about any of them."""
NAMING = frozenset({"properties", "parameters", "schemas", "headers", "responses", "webhooks"})
"""The keywords below which the contract has names of its own."""


@dataclass(frozen=True)
class Affected:
    """The tests to run, and the words of the changes that too many tests have."""

    files: list[str]
    too_common: list[str]


def affected(changes: Sequence[Change], texts: Mapping[str, str]) -> Affected:
    """Return the files of tests, of those whose texts are given by their paths, that changes may concern.

    Those that list all are always among them: any word of the contract may stand in a list.
    """
    words = {word for change in changes if change.worst is not Class.EDITORIAL for word in words_of(change)}
    named = {word: files_with(word, texts) for word in sorted(words)}
    rare = [files for files in named.values() if len(files) <= MOST_FILES]
    listing = [file for file in texts if file in LISTS]
    return Affected(
        files=sorted({*listing, *(file for files in rare for file in files)}),
        too_common=[word for word, files in named.items() if len(files) > MOST_FILES],
    )


def words_of(change: Change) -> set[str]:
    """Return the names that a change quotes, of operations, fields and values, and that of what it changes.

    A parameter that stands in a list has no name there: its operations have.
    """
    quoted = {match[1] or match[2] for match in re.finditer(r"`([^`]+)`|\"([^\"]+)\"", change.what)}
    path = steps(f"#{change.where}")
    named = [name for keyword, name in pairwise(path) if keyword in NAMING and name not in NAMING]
    is_listed = "".join(named[-1:]).isdecimal() and "responses" not in path
    return quoted | {*(change.operations if is_listed else named[-1:])}


def files_with(word: str, texts: Mapping[str, str]) -> list[str]:
    """Return the files that have a word."""
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    return [file for file, text in texts.items() if pattern.search(text)]
