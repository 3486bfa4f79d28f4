"""Leave out of the branches of a schema what others of them cover, and put enumerated values together. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

from ..model import KNOWN_VALUES, is_array
from .shapes import Branch, Note, Parts, tidied
from .values import fits


def simplified(
    branches: Iterable[Branch], notes: dict[str, Note], text: Callable[[Parts], str]
) -> tuple[list[Branch], dict[str, Note]]:
    """Return the branches that are left of some, and their notes.

    Values that are enumerated beside a branch which has them all limit nothing: they are known values.
    """
    kept: dict[str, Branch] = {}
    listed: dict[str, list[Branch]] = {}
    for branch in map(tidied, branches):
        if branch.values is None:
            kept.setdefault(branch.type if branch.is_free else text_of(branch, text), branch)
        else:
            listed.setdefault(branch.type, []).append(branch)
    kept = {key: branch for key, branch in kept.items() if branch.is_free or branch.type not in kept}
    known = notes.get(KNOWN_VALUES)
    for kind, some in listed.items():
        values = {value: None for branch in some for value in branch.values or () if is_possible(branch, value)}
        if any(branch.type == kind and all(fits(branch, value) for value in values) for branch in kept.values()):
            if kind == "string":
                named = known.value if known and is_array(known.value) else ()
                known = Note([*named, *map(json.loads, values)], some[0].path)
        elif values:
            is_whole = kind == "null" or (kind == "boolean" and len(values) == len((False, True)))
            listed_ = None if is_whole else tuple(sorted(values))
            kept[kind] = Branch(kind, some[0].path, listed_, rules=undecided(some, text), notes=notes_of(some))
    return [*kept.values()], {**notes, **({KNOWN_VALUES: known} if known else {})}


def is_possible(branch: Branch, value: str) -> bool:
    """Return whether an enumerated value may be legal beside the rest of its branch."""
    return fits(replace(branch, values=None), value) is not False


def undecided(branches: list[Branch], text: Callable[[Parts], str]) -> dict[tuple[str, str], Note]:
    """Return the rules of which it is not decided which of the enumerated values they allow.

    Of arrays and objects nothing is decided, so all that a branch says is one rule.
    """
    found: dict[tuple[str, str], Note] = {}
    for branch in branches:
        rest = replace(branch, values=None, notes={})
        if branch.type in {"array", "object"} and not rest.is_free:
            found["limits", text_of(rest, text)] = Note(value=True, path=branch.path)
        found |= {
            key: note
            for key, note in branch.rules.items()
            if any(fits(Branch(branch.type, rules={key: note}), value) is None for value in branch.values or ())
        }
    return found


def notes_of(branches: list[Branch]) -> dict[str, Note]:
    """Return the words of the branches that enumerate values, each with the values that it is about."""
    if len(branches) == 1:
        return {**branches[0].notes}
    return {
        f"{key} of {', '.join(branch.values or ())}": note for branch in branches for key, note in branch.notes.items()
    }


def text_of(branch: Branch, text: Callable[[Parts], str]) -> str:
    """Return a text that is equal for equal branches."""
    limits = sorted((key, note.value) for key, note in branch.limits.items())
    properties = [sorted((name, text(parts)) for name, parts in some.items()) for some in parts_of(branch)]
    several = [text(branch.additional), text(branch.items), [text(parts) for parts in branch.prefix]]
    names = [sorted(branch.required), sorted(branch.needed), sorted(branch.rules)]
    return repr((branch.type, branch.values, limits, properties, several, names))


def parts_of(branch: Branch) -> tuple[dict[str, Parts], dict[str, Parts]]:
    """Return the properties that a branch names, and those that it names by patterns."""
    return {**branch.properties}, {**branch.patterns}
