"""Compare the properties of two objects: which there are, which are required, and what of others is legal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..model import Class, Path, Side
from .shapes import Branch, Parts, is_closed, joined
from .source import Source, Sources
from .terms import BOTH, Difference, Found, Link, Sides, masked, turned, value_change
from .values import matches

ADDITIONAL = "additionalProperties"


def compare_properties(old: Branch, new: Branch, where: Path, sources: Sources) -> Iterator[Found]:
    """Yield what differs in properties and in which of them are required."""
    for name in sorted({*old.properties, *new.properties}):
        yield from masked(compare_property(name, old, new, where, sources), sides_of(name, old, new, sources))
        yield from compare_flags(name, old, new, sources)
    for name in sorted(old.required.keys() ^ new.required.keys()):
        yield from masked(compare_required(name, old, new), sides_of(name, old, new, sources))
    for pair in sorted(old.needed.keys() ^ new.needed.keys()):
        is_now = pair in new.needed
        what = f"the property `{pair[0]}` {'needs' if is_now else 'no longer needs'} `{pair[1]}`"
        path = (new if is_now else old).needed[pair]
        yield turned((*path, "dependentRequired"), "narrower" if is_now else "wider", what)
    yield from compare_patterns(old, new, where)
    yield from compare_additional(old, new, where, sources)


def compare_property(name: str, old: Branch, new: Branch, where: Path, sources: Sources) -> Iterator[Found]:
    """Yield what differs in one property. Readers ignore one that they do not know, as the contract demands.

    One that no value is legal for is no property: it is refused in requests, and stands in no response.
    """
    before, after = old.properties.get(name), new.properties.get(name)
    if before is None and (ruled := ruling(name, old)):
        before, after = ruled, (*ruling(name, new), *(after or ()))
    is_there, is_left = (
        some is not None and not is_impossible(some, source)
        for some, source in zip((before, after), sources, strict=True)
    )
    if is_there and is_left:
        yield Link(before or (), after or ())
    elif is_there:
        is_named = after is not None
        what = f"the property `{name}` is {'refused now' if is_named else 'removed'}"
        strictly = frozenset({"narrower" if is_named or is_closed(new.additional) else "wider"})
        place = after[0].path if after else (*where, "properties", name)
        yield Difference(place, what, Class.BREAKING, Class.BREAKING, strictly)
    elif is_left:
        yield added(name, before, after or (), old, new)
    elif before is None and after is not None:
        yield turned(after[0].path, "narrower", f"the property `{name}` is refused now")
    elif before is not None and after is None:
        yield turned((*where, "properties", name), "wider", f"the property `{name}` is no longer refused")


def added(name: str, before: Parts | None, after: Parts, old: Branch, new: Branch) -> Difference:
    """Return the difference that a property is which is new, or was refused."""
    is_new = before is None
    is_needed = name in new.required and (is_new or name not in old.required)
    word = f"{'required' if is_needed else 'optional'} property"
    what = f"the {word} `{name}` is added" if is_new else f"the property `{name}` is no longer refused"
    was_refused = not is_new or is_closed(old.additional)
    turns = [(is_needed or not was_refused, "narrower"), (was_refused, "wider")]
    strictly = frozenset(turn for is_so, turn in turns if is_so)
    kind = Class.BREAKING if is_needed else Class.ADDITIVE
    return Difference(after[0].path, what, kind, Class.ADDITIVE, strictly)


def is_impossible(parts: Parts, source: Source) -> bool:
    """Return whether no value is legal."""
    shape = source.shape(parts)
    return shape is not None and not shape.branches


def ruling(name: str, branch: Branch) -> Parts:
    """Return what holds for a property that a branch does not name: by its patterns, or for all that are not named."""
    named = [parts for pattern, parts in branch.patterns.items() if matches(pattern, name)]
    return joined(*named) if branch.patterns else branch.additional if is_governed(branch) else ()


def is_governed(branch: Branch) -> bool:
    """Return whether a branch has one schema for all properties that it does not name."""
    return bool(branch.additional) and not is_closed(branch.additional) and not branch.patterns


def compare_required(name: str, old: Branch, new: Branch) -> Iterator[Difference]:
    """Yield whether a property is required now or no longer, unless it is told as one that is added or removed."""
    is_now = name in new.required
    is_added = name in new.properties and name not in old.properties and not is_governed(old)
    is_removed = name in old.properties and name not in new.properties
    if not (is_added if is_now else is_removed):
        path = new.required[name] if is_now else old.required[name]
        what = f"the property `{name}` is {'required now' if is_now else 'no longer required'}"
        yield turned((*path, "required"), "narrower" if is_now else "wider", what)


def compare_flags(name: str, old: Branch, new: Branch, sources: Sources) -> Iterator[Difference]:
    """Yield whether a property is left out of requests (`readOnly`) or responses (`writeOnly`), now or no longer."""
    if name not in old.properties or name not in new.properties:
        return
    for flag, is_for_callers in (("readOnly", True), ("writeOnly", False)):
        before, after = (
            has_flag(branch.properties[name], flag, source) for branch, source in zip((old, new), sources, strict=True)
        )
        if before != after:
            what = flag_change(name, flag, is_now=after)
            here, there = Class.BREAKING if after else Class.ADDITIVE, Class.EDITORIAL
            callers, readers = (here, there) if is_for_callers else (there, here)
            yield Difference(new.properties[name][0].path, what, callers, readers)


def flag_change(name: str, flag: str, *, is_now: bool) -> str:
    """Describe a property that is `readOnly` or `writeOnly` now, or no longer."""
    return f"`{name}` is {f'`{flag}` now' if is_now else f'no longer `{flag}`'}"


def sides_of(name: str, old: Branch, new: Branch, sources: Sources) -> Sides:
    """Return whom a property concerns: a `readOnly` one stands in no request, a `writeOnly` one in no response."""
    found = set(BOTH)
    for branch, source in zip((old, new), sources, strict=True):
        for flag, side in (("readOnly", Side.CALLERS), ("writeOnly", Side.READERS)):
            if has_flag(branch.properties.get(name, ()), flag, source):
                found.discard(side)
    return frozenset(found)


def has_flag(parts: Parts, flag: str, source: Source) -> bool:
    """Return whether a schema has a flag."""
    shape = source.shape(parts)
    return shape is not None and flag in shape.notes


def compare_patterns(old: Branch, new: Branch, where: Path) -> Iterator[Found]:
    """Yield what differs in the properties that are named by a pattern."""
    for key in sorted({*old.patterns, *new.patterns}):
        if key in old.patterns and key in new.patterns:
            yield Link(old.patterns[key], new.patterns[key])
            continue
        is_now = key in new.patterns
        others = (old if is_now else new).additional
        place = new.patterns[key][0].path if is_now else (*where, "patternProperties", key)
        if is_closed(others):
            what = f"properties that match `{key}` are {'allowed now' if is_now else 'no longer allowed'}"
            yield turned(place, "wider" if is_now else "narrower", what)
        elif others:
            yield Link(others, new.patterns[key]) if is_now else Link(old.patterns[key], others)
        else:
            what = f"properties that match `{key}` are {'limited now' if is_now else 'no longer limited'}"
            yield turned(place, "narrower" if is_now else "wider", what)


def compare_additional(old: Branch, new: Branch, where: Path, sources: Sources) -> Iterator[Found]:
    """Yield what differs in the properties that a schema does not name."""
    (before, left), (after, right) = (
        (branch.additional, raw(branch.additional, source)) for branch, source in zip((old, new), sources, strict=True)
    )
    if left == right or (is_object_schema(left) and is_object_schema(right)):
        yield Link(before, after)
        return
    wider = left is False or right is True
    difference = turned(where, "wider" if wider else "narrower", f"`{ADDITIONAL}` {value_change(left, right)}")
    # Readers ignore unknown fields, as the contract demands.
    opened = Difference(where, difference.what, Class.ADDITIVE, Class.ADDITIVE, frozenset({"wider"}))
    yield opened if left is False else difference


def raw(parts: Parts, source: Source) -> Any:
    """Return what is said of the properties that are not named: true, false, or a schema."""
    if is_closed(parts):
        return False
    shape = source.shape(parts)
    return True if shape is not None and shape.is_anything else parts[0].schema


def is_object_schema(schema: Any) -> bool:
    """Return whether what is said of properties is neither true nor false."""
    return schema is not True and schema is not False
