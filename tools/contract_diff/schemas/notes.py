"""Compare what schemas say beside which values are legal: defaults, known values, groups of fields, words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ..model import KNOWN_VALUES, Class, Path, is_array
from .keywords import BY_ITEM, CHOICES, EXTENSION, FLAGS, NOTES, is_editorial
from .properties import flag_change
from .shapes import Note, Notes, Shape
from .terms import Difference, Found, Link, quoted, turned, value_change

EMPTY = Note(None, ())


def compare_notes(old: Shape, new: Shape, where: Path, is_same: Callable[[Any, Any], bool]) -> Iterator[Found]:
    """Yield what differs in what two schemas say beside which values are legal."""
    yield from compare_default(old.notes, new.notes, where)
    yield from compare_lists(old.notes, new.notes, where)
    yield from compare_choices(old, new, where)
    yield from compare_extension(old.notes.get(EXTENSION, EMPTY), new.notes.get(EXTENSION, EMPTY), where)
    name = where[-1] if where else ""
    for flag in FLAGS:
        if (flag in old.notes) != (flag in new.notes):
            is_now = flag in new.notes
            if flag == "deprecated":
                thing = "one branch" if name.isdecimal() else f"`{name}`"
                what = f"{thing} is {'deprecated now' if is_now else 'no longer deprecated'}"
                yield Difference(where, what, Class.ADDITIVE, Class.ADDITIVE)
            else:
                yield Difference(where, flag_change(name, flag, is_now=is_now), Class.EDITORIAL, Class.EDITORIAL)
    if "discriminator" in {*old.notes, *new.notes} and not (is_union(old) and not is_union(new)):
        yield from compare_discriminators(
            old.notes.get("discriminator", EMPTY).value, new.notes.get("discriminator", EMPTY).value, where
        )
    yield from compare_words(old.notes, new.notes, where, is_same)


def is_union(shape: Shape) -> bool:
    """Return whether there are objects to tell apart; a discriminator goes with the last branch but one."""
    return sum(branch.type == "object" for branch in shape.branches) > 1


def compare_extension(old: Note, new: Note, where: Path) -> Iterator[Difference]:
    """Yield whether a field belongs to another extension: a server may refuse it that does not offer that one.

    Readers live without what a server does not offer.
    """
    if old.value == new.value:
        return
    here = (*(new.path or old.path or where), EXTENSION)
    if new is EMPTY:
        what = f"the field no longer belongs to the extension {quoted(old.value)}: every server takes it"
    else:
        what = f"the field belongs to the extension {quoted(new.value)} now, which a server need not offer"
    yield Difference(here, what, Class.ADDITIVE if new is EMPTY else Class.BREAKING, Class.EDITORIAL, frozenset())


def compare_default(old: Notes, new: Notes, where: Path) -> Iterator[Difference]:
    """Yield whether the default differs: what a request means that does not say it."""
    before, after = old.get("default"), new.get("default")
    if before and after and quoted(before.value) == quoted(after.value):
        return
    if before or after:
        is_added = not before
        what = f"was {quoted(before.value)} and is {quoted(after.value)}" if before and after else ""
        what = what or (
            f"is added: {quoted(after.value)}" if after else f"{quoted((before or EMPTY).value)} is removed"
        )
        yield Difference(where, f"the default {what}", Class.ADDITIVE if is_added else Class.BREAKING, Class.EDITORIAL)


def compare_lists(old: Notes, new: Notes, where: Path) -> Iterator[Difference]:
    """Yield the fields that are recommended, and the values that are known, now or no longer."""
    for key, is_now, no_longer in (
        ("x-recommended", "is recommended now: a SHOULD", "is no longer recommended"),
        (KNOWN_VALUES, "is a known value now", "is no longer a known value"),
    ):
        before, after = ([as_word(key, each) for each in items(some.get(key, EMPTY))] for some in (old, new))
        for word in dict.fromkeys([*after, *before]):
            if (word in before) != (word in after):
                kind = Class.ADDITIVE if word in after else Class.EDITORIAL
                yield Difference((*where, key), f"{word} {is_now if word in after else no_longer}", kind, kind)


def as_word(key: str, item: Any) -> str:
    """Return a field's name or a value, as it is told."""
    return json.dumps(item) if key == KNOWN_VALUES else f"`{item}`"


def compare_choices(old: Shape, new: Shape, where: Path) -> Iterator[Difference]:
    """Yield the groups of fields of which a request has one at most, or exactly one, now or no longer.

    A group breaks no caller if at most one of its fields was there before, and if one was required where one is needed.
    """
    before, after = ({key: groups(shape.notes, key) for key in CHOICES} for shape in (old, new))
    known, required = names_of(old)
    for key in CHOICES:
        is_exact = key == CHOICES[1]
        for group, fields in {**before[key], **after[key]}.items():
            is_now = group in after[key]
            others = [each for some in (before if is_now else after).values() for each in some]
            if (is_now and group in before[key]) or (not is_exact and any(group <= each for each in others)):
                continue  # it says no more than another group does
            fits = len(known & group) <= 1 or any(known & group <= each for each in others)
            fits = fits and (
                not is_exact or bool(required & group) or any(each <= group for each in before[CHOICES[1]])
            )
            names = f"one of {' and '.join(fields)}"
            if is_now:
                what = f"exactly {names} has to be sent now" if is_exact else f"at most {names} may be sent now"
                yield Difference((*where, key), what, Class.ADDITIVE if fits else Class.BREAKING, Class.ADDITIVE)
            else:
                what = f"exactly {names} no longer has to be sent" if is_exact else f"more than {names} may be sent now"
                yield Difference((*where, key), what, Class.ADDITIVE, Class.BREAKING)


def groups(notes: Notes, key: str) -> dict[frozenset[str], tuple[str, ...]]:
    """Return the groups of fields that stand under a keyword, with the order in which each is written."""
    named = [tuple(map(str, group)) for group in items(notes.get(key, EMPTY)) if is_array(group)]
    return {frozenset(group): group for group in named}


def items(note: Note) -> list[Any]:
    """Return the items of an extension whose value is a list, none if it is something else."""
    return note.value if is_array(note.value) else []


def names_of(shape: Shape) -> tuple[frozenset[str], frozenset[str]]:
    """Return the properties that a schema has, and those that it requires."""
    known = frozenset(name for branch in shape.branches for name in branch.properties)
    return known, frozenset(name for branch in shape.branches for name in branch.required)


def compare_discriminators(old: Any, new: Any, where: Path) -> Iterator[Found]:
    """Yield what differs in the field by which readers tell the branches of a union apart, and in what it leads to."""
    where = (*where, "discriminator")
    if old is None or new is None:
        kind = Class.ADDITIVE if old is None else Class.BREAKING
        yield Difference(where, f"the discriminator is {'added' if old is None else 'removed'}", kind, kind)
        return
    for key in sorted((old.keys() | new.keys()) - {"mapping"}):
        if old.get(key) != new.get(key):
            kind = Class.EDITORIAL if is_editorial(key) else Class.BREAKING
            change = value_change(old.get(key), new.get(key))
            yield Difference(where, f"`{key}` of the discriminator {change}", kind, kind)
    targets = {part.path for parts in new["mapping"].values() for part in parts}
    for name in dict.fromkeys([*old["mapping"], *new["mapping"]]):
        if name not in new["mapping"]:
            what = f"the discriminator no longer has {quoted(name)}"
            # Where its schema is gone, too, and nothing has come, it is not sent by another name: readers lose nothing.
            is_gone = new["mapping"].keys() <= old["mapping"].keys() and not targets & {
                part.path for part in old["mapping"][name]
            }
            yield Difference(where, what, Class.BREAKING, Class.ADDITIVE if is_gone else Class.BREAKING)
        elif name not in old["mapping"]:
            yield Difference(where, f"the discriminator has {quoted(name)} now", Class.ADDITIVE, Class.ADDITIVE)
        else:
            yield Link(old["mapping"][name], new["mapping"][name])


def compare_words(old: Notes, new: Notes, where: Path, is_same: Callable[[Any, Any], bool]) -> Iterator[Difference]:
    """Yield the words and extensions that differ, and what is not understood."""
    for key in sorted({*old, *new} - {"default", "discriminator", EXTENSION, *FLAGS}):
        before, after = old.get(key, EMPTY), new.get(key, EMPTY)
        is_by_item = key in BY_ITEM and all(note is EMPTY or is_array(note.value) for note in (before, after))
        if is_by_item or is_same(before.value, after.value):
            continue
        place = (after if key in new else before).path or where
        word = key.partition(" of ")[0]
        if is_editorial(key) or word in NOTES:
            yield Difference((*place, word), f"the {key} is another", Class.EDITORIAL, Class.EDITORIAL)
        else:
            yield turned((*place, word), "unknown", f"`{key}` is not understood, and is another: look at it")
