"""Compare two branches of a schema: the values of one type, within the limits of the old contract and of the new."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from ..model import Class, Path
from .keywords import COUNTED, FORMATS, LOWER, OPAQUE, WIDER_FORMATS
from .properties import compare_properties
from .shapes import Branch, Condition, Containing, Note, is_closed
from .source import Sources
from .terms import Difference, Found, Link, Turn, added_or_removed, quoted, turned, value_change
from .values import covers, fits, lengths, whole_numbers

Turns: TypeAlias = Callable[[Iterator[Found]], frozenset[str]]
Rules: TypeAlias = Mapping[tuple[str, str], Note]

OF_NOT: dict[frozenset[str], tuple[Turn, str]] = {
    frozenset({"wider"}): ("narrower", "`not` refuses more values now"),
    frozenset({"narrower"}): ("wider", "`not` refuses fewer values now"),
    frozenset({"narrower", "wider"}): ("unknown", "`not` refuses other values now: look at it"),
}
"""What it is that a schema which is refused is wider or narrower."""


def compare_branch(
    old: Branch, new: Branch, sources: Sources, turns: Turns, *, several: bool = False
) -> Iterator[Found]:
    """Yield what differs between two branches of one type, and which of their parts are to be compared.

    `turns` tells whether differences, with all that is in them, are narrower, wider or both; `several` is true if the
    type has other branches, so that what it is of them all does not say it of this one.
    """
    where = new.path or old.path
    if old.values is not None or new.values is not None:
        yield from compare_values(old, new, where)
        if old.values is not None and new.values is not None and old.rules.keys() != new.rules.keys():
            yield turned(where, "unknown", "the values are limited otherwise: look at it")
        return
    yield from compare_limits(old, new, where, several=several)
    for keyword in sorted({key[0] for key in (*old.rules, *new.rules)}):
        before, after = (
            {key: note for key, note in branch.rules.items() if key[0] == keyword} for branch in (old, new)
        )
        yield from compare_rules(keyword, before, after, where, turns)
    if old.type == "object":
        yield from compare_properties(old, new, where, sources)
    if old.type == "array":
        yield from compare_items(old, new)


def compare_items(old: Branch, new: Branch) -> Iterator[Link]:
    """Yield the schemas of the items that an array can have in both."""
    lengths = [branch.limits["maxItems"].value for branch in (old, new) if "maxItems" in branch.limits]
    most = min([*lengths, float("inf")])
    count = max(len(old.prefix), len(new.prefix))
    for index in range(count):
        if index < most:
            yield Link(old.item(index), new.item(index))
    if count < most:
        yield Link(old.items, new.items)


def compare_values(old: Branch, new: Branch, where: Path) -> Iterator[Difference]:
    """Yield what differs in the values that are legal, of which one of the branches at least enumerates its own."""
    if old.values is not None and new.values is not None:
        yield from compare_listed(old.values, new.values, where)
        return
    listed, others = (old, new) if new.values is None else (new, old)
    told = {fits(others, value) for value in listed.values or ()}
    every = whole_numbers(others)
    has_all = every is not None and every <= {*(listed.values or ())} and not listed.rules
    if has_all and told <= {True}:
        return
    turn: Turn = "wider" if listed is old else "narrower"
    what = "no longer limited" if listed is old else f"limited to {', '.join(listed.values or ())}"
    if False in told:
        turn = "other" if not has_all else "narrower" if listed is old else "wider"
        what += ", and some are refused now" if listed is old else ", of which some were refused"
    elif None in told:
        turn = "unknown"
        what += ": look whether all of them are legal in both"
    yield turned(where, turn, f"the values are {what}")


def compare_listed(old: tuple[str, ...], new: tuple[str, ...], where: Path) -> Iterator[Difference]:
    """Yield the values that are added and removed, as JSON."""
    before, after = {*old}, {*new}
    for value in [value for value in (*new, *old) if (value in before) != (value in after)]:
        is_new = value in after
        yield turned(where, "wider" if is_new else "narrower", f"the value {value} is {added_or_removed(is_new)}")


def compare_limits(old: Branch, new: Branch, where: Path, *, several: bool) -> Iterator[Difference]:
    """Yield what differs in bounds."""
    for key in sorted({*old.limits, *new.limits} - (set() if several else {"integer"})):
        before, after = (
            None if is_implied(branch, key, branch.limits.get(key)) else branch.limits.get(key) for branch in (old, new)
        )
        left, right = (bound(key, note) for note in (before, after))
        if (
            left == right
            or (not before and is_implied(old, key, after))
            or (not after and is_implied(new, key, before))
        ):
            continue
        place = (after or before or Note(None, where)).path
        if before is None or after is None:
            turn: Turn = "wider" if after is None else "narrower"
        elif key in {"lower", "upper"}:
            order = [(value, is_excluded == (key == "lower")) for value, is_excluded in (before.value, after.value)]
            turn = "wider" if (order[1] < order[0]) == (key == "lower") else "narrower"
        else:
            turn = "wider" if (after.value < before.value) == (key in LOWER) else "narrower"
        name = right[0] or left[0]
        if left[0] and right[0] and left[0] != right[0]:
            yield turned(place, turn, f"`{left[0]}` {quoted(left[1])} is `{right[0]}` {quoted(right[1])} now")
        else:
            yield turned(place, turn, f"`{name}` {value_change(left[1], right[1])}")


def is_implied(branch: Branch, key: str, limit: Note | None) -> bool:
    """Return whether a limit follows: of properties from which are required or legal, of texts from a pattern."""
    if key in COUNTED["string"]:
        known = [lengths(note.value) for (keyword, _), note in branch.rules.items() if keyword == "pattern"]
        is_lower = key in LOWER
        return limit is not None and any(
            least >= limit.value if is_lower else most <= limit.value for least, most in known
        )
    if key == "minProperties":
        return limit is not None and limit.value <= len(branch.required)
    is_limited = is_closed(branch.additional) and not branch.patterns
    return key == "maxProperties" and limit is not None and is_limited and limit.value >= len(branch.properties)


def bound(key: str, note: Note | None) -> tuple[str, Any]:
    """Return the keyword and the value of a limit as they are told; none if there is none."""
    if note is None:
        return "", None
    if key not in {"lower", "upper"}:
        return key, note.value
    value, is_excluded = note.value
    word = "inimum" if key == "lower" else "aximum"
    return (f"exclusiveM{word}" if is_excluded else f"m{word}"), value


def compare_rules(keyword: str, old: Rules, new: Rules, where: Path, turns: Turns) -> Iterator[Found]:
    """Yield what differs in one keyword that may hold several times, such as `pattern` or `not`."""
    for key in old.keys() & new.keys():
        yield from compare_same(keyword, old[key].value, new[key].value, where)
    gone = [note for key, note in old.items() if key not in new]
    come = [note for key, note in new.items() if key not in old]
    if len(gone) == len(come) == 1 and keyword != "dependentSchemas":
        yield from compare_rule(keyword, gone[0], come[0], turns)
        return
    for note, is_new in [*((note, True) for note in come), *((note, False) for note in gone)]:
        turn: Turn = "narrower" if is_new else "wider"
        what, look = f"`{name_of(keyword)}` is {added_or_removed(is_new)}{shown(note.value)}", ""
        if keyword == "format" and not is_known_format(note.value):
            turn, look = "unknown", ": look whether it limits anything"
        yield turned(note.path if is_new and note.path else where, turn, f"{what}{look}")


def is_known_format(value: Any) -> bool:
    """Return whether it is known what a format says."""
    return any(value in known for known in FORMATS.values())


def name_of(keyword: str) -> str:
    """Return a keyword as it is told."""
    return "exactly one of `oneOf`" if keyword == "oneOf" else keyword


def shown(value: Any) -> str:
    """Return the value of a keyword as it is told, nothing for one that holds schemas."""
    return f": {quoted(value)}" if isinstance(value, str | int | float) and value is not True else ""


def compare_same(keyword: str, old: Any, new: Any, where: Path) -> Iterator[Found]:
    """Yield what differs in two rules of one text: words alone, or how many items have to fit."""
    if isinstance(old, Containing):
        yield from compare_counts(old, new, where)
    elif keyword == "dependentSchemas":  # which are by name
        yield Link(old, new)


def compare_counts(old: Containing, new: Containing, where: Path) -> Iterator[Difference]:
    """Yield what differs in how many items have to fit a schema."""
    if old.least != new.least:
        turn: Turn = "narrower" if new.least > old.least else "wider"
        yield turned(where, turn, f"`minContains` {value_change(old.least, new.least)}")
    if old.most != new.most:
        before, after = (None if count == float("inf") else count for count in (old.most, new.most))
        turn = "narrower" if new.most < old.most else "wider"
        yield turned(where, turn, f"`maxContains` {value_change(before, after)}")


def compare_rule(keyword: str, old: Note, new: Note, turns: Turns) -> Iterator[Found]:
    """Yield what differs in a rule that has changed."""
    where, before, after = new.path, old.value, new.value
    look = turned(where, "unknown", f"`{keyword}` is another: look at it")
    if keyword in OPAQUE["number"] or keyword in OPAQUE["string"]:
        yield changed(keyword, before, after, where)
    elif keyword == "not":
        if inner := turns(iter([Link(before, after)])):
            yield turned(where, *OF_NOT[inner])
    elif isinstance(before, Condition):
        if turns(iter([Link(before.test, after.test)])):
            yield look
        else:
            yield Link(before.then, after.then)
            yield Link(before.otherwise, after.otherwise)
    elif isinstance(before, Containing):
        if after.most < float("inf") or before.most < float("inf"):
            yield look
        else:
            yield Link(before.parts, after.parts)
            yield from compare_counts(before, after, where)
    else:
        yield Link(before, after)


def changed(keyword: str, before: Any, after: Any, where: Path) -> Difference:
    """Return the difference that it is for a keyword to have another value."""
    turn = turn_of(keyword, before, after)
    if turn is not None:
        return turned(where, turn, f"`{keyword}` {value_change(before, after)}")
    what = f"`{keyword}` is written otherwise: {value_change(before, after)}"
    return Difference(where, what, Class.EDITORIAL, Class.EDITORIAL)


def turn_of(keyword: str, before: Any, after: Any) -> Turn | None:
    """Return the turn from one value of an opaque keyword to another; None if both mean the same."""
    if keyword == "pattern":
        wider, narrower = covers(after, before), covers(before, after)
    elif keyword == "multipleOf":
        left, right = (Fraction(str(each)) for each in (before, after))
        wider, narrower = left % right == 0, right % left == 0
    elif keyword == "format":
        if not (is_known_format(before) and is_known_format(after)):
            return "unknown"
        wider, narrower = (before, after) in WIDER_FORMATS, (after, before) in WIDER_FORMATS
    else:
        return "other"
    if wider is None or narrower is None:
        return "unknown"
    if wider and narrower:
        return None
    return "wider" if wider else "narrower" if narrower else "other"
