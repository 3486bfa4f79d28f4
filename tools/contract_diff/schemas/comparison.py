"""Compare two schemas of the contract: what the new one accepts that the old one refused, and the other way round.

A request's schema says what callers may send, so a narrower one breaks them; a response's says what readers must
expect, so a wider one breaks those. A difference is therefore narrower or wider, and classed for both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ..digests import is_same
from ..model import Change, Path, Side
from ..model import found as node_at
from ..places import Place
from .branches import compare_branch, compare_listed
from .keywords import PROMISES, TYPES
from .notes import compare_notes
from .shapes import Branch, Part, Parts, Shape, spread
from .source import Source
from .terms import Difference, Found, Link, Turn, allowed_or_not, masked, quoted, turned, type_names

ALIKE = 0.5
"""Two objects are one that has changed if they share more of their properties than this."""


@dataclass(eq=False)
class Comparison:
    """Two contracts, and what has been found of each pair of their schemas."""

    old: Source
    new: Source
    known: dict[tuple[Any, Any], list[Found]] = field(default_factory=dict[tuple[Any, Any], "list[Found]"])

    def changes(self, old: Any, new: Any, place: Place) -> Iterator[Change]:
        """Yield what differs between two schemas at a place, which are None where there is none."""
        left, right = (
            () if node is None else (Part(node, path),) for node, path in ((old, place.was), (new, place.path))
        )
        for found in self.differences(Link(left, right)):
            kind = found.callers if place.side is Side.CALLERS else found.readers
            if kind is not None:
                yield replace(place, path=found.where).change(found.what, kind)

    def differences(self, first: Link) -> Iterator[Difference]:
        """Yield what differs between two schemas and all that is in them, each pair once."""
        seen: set[Any] = set()
        waiting: list[Iterator[Found]] = [iter([first])]
        while waiting:
            found = next(waiting[-1], None)
            if found is None:
                waiting.pop()
            elif isinstance(found, Difference):
                yield found
            elif (key := (*found.key, found.sides)) not in seen:
                seen.add(key)
                if self.old.text(found.old) == self.new.text(found.new):
                    continue
                waiting.append(masked(self.own(found), found.sides))

    def own(self, link: Link) -> list[Found]:
        """Return what differs between two schemas, and which of their parts are to be compared."""
        if link.key not in self.known:
            self.known[link.key] = []  # a schema that contains itself has no more to say
            try:
                self.known[link.key] = [*self.compare(link.old, link.new)]
            except Exception:  # noqa: BLE001 - validators do not look at all schemas: whatever one holds is told
                self.known[link.key] = [incomparable(link)]
        return self.known[link.key]

    def is_covered(self, one: Branch, other: Branch) -> bool:
        """Return whether all that one branch of the older contract allows is allowed by one of the newer."""
        return not self.turns(self.branch(one, other)) & {"narrower"}

    def is_part(self, one: Branch, other: Branch) -> bool:
        """Return whether all that a branch of the newer contract allows is allowed by one of the older."""
        return "wider" not in self.turns(self.branch(one, other))

    def turns(self, found: Iterator[Found]) -> frozenset[str]:
        """Return whether some differences, with all that is in them, are narrower, wider or both."""
        told: set[str] = set()
        for each in found:
            for difference in [each] if isinstance(each, Difference) else self.differences(each):
                told |= difference.turns
        return frozenset(told)

    def compare(self, old: Parts, new: Parts) -> Iterator[Found]:
        """Yield what differs between two schemas, and which of their parts are to be compared."""
        left, right = self.old.shape(old), self.new.shape(new)
        if left is None or right is None:
            if self.old.text(old) != self.new.text(new):
                yield incomparable(Link(old, new))
            return
        where = right.path or left.path
        yield from compare_types(left, right, where)
        of_branches = PROMISES & {key for shape in (left, right) for each in shape.branches for key in each.notes}
        left, right = spread(left, of_branches), spread(right, of_branches)
        for kind in TYPES:
            some, others = ([each for each in shape.branches if each.type == kind] for shape in (left, right))
            if some and others:
                yield from self.compare_branches(some, others, where)
        yield from compare_notes(left, right, where, self.is_same)

    def compare_branches(self, old: list[Branch], new: list[Branch], where: Path) -> Iterator[Found]:
        """Yield what differs between branches of one type, of which the order means nothing."""
        several = len(old) > 1 or len(new) > 1
        if [branch.type for branch in new] == ["object"]:  # of what fitted two of them, readers ignore the rest
            old = [
                replace(one, rules={key: rule for key, rule in one.rules.items() if key[0] != "oneOf"}) for one in old
            ]
        pairs, gone, come = self.paired(old, new)
        for one, other in pairs:
            yield from self.branch(one, other, several=several)
            here = other.path or where
            yield from compare_notes(of_one(one), of_one(other), here, self.is_same)
        for branch in gone:
            if not any(self.is_covered(branch, other) for other in new):
                is_split = sum(self.is_part(branch, other) for other in come) > 1
                what = "is several now: look whether all of it is left" if is_split else "is removed"
                yield turned(where, "unknown" if is_split else "narrower", f"a branch {what}: {told(self.old, branch)}")
        for branch in come:
            if not any(self.is_part(one, branch) for one in old):
                is_merged = sum(self.is_covered(one, branch) for one in gone) > 1
                what = "was several: look whether it has more" if is_merged else "is added"
                here = branch.path or where
                yield turned(here, "unknown" if is_merged else "wider", f"a branch {what}: {told(self.new, branch)}")

    def branch(self, one: Branch, other: Branch, *, several: bool = True) -> Iterator[Found]:
        """Yield what differs between two branches."""
        yield from compare_branch(one, other, (self.old, self.new), self.turns, several=several)

    def is_same(self, old: Any, new: Any) -> bool:
        """Return whether a node of the older contract says the same as one of the newer."""
        return is_same(self.old.digests, old, self.new.digests, new)

    def paired(
        self, old: list[Branch], new: list[Branch]
    ) -> tuple[list[tuple[Branch, Branch]], list[Branch], list[Branch]]:
        """Return the branches that are the same, or the same and changed, and those that are gone and come."""
        if len(old) == len(new) == 1:
            return [(old[0], new[0])], [], []
        pairs: list[tuple[Branch, Branch]] = []
        gone, come = [*old], [*new]
        tests: list[Callable[[Branch, Branch], bool]] = [
            lambda one, other: not self.turns(self.branch(one, other)),
            lambda one, other: one.path == other.path,
            lambda one, other: bool(marks(self.old, one) & marks(self.new, other)),
            lambda one, other: likeness(one, other) > ALIKE,
        ]
        for is_match in tests:
            for one in [*gone]:
                other = next((each for each in come if is_match(one, each)), None)
                if other:
                    pairs.append((one, other))
                    gone.remove(one)
                    come.remove(other)
        if len(gone) == len(come) == 1:
            return [*pairs, (gone[0], come[0])], [], []
        return pairs, gone, come


def of_one(branch: Branch) -> Shape:
    """Return a branch as a shape, which has what the branch says beside its values."""
    return Shape((branch,), branch.notes, branch.path)


def incomparable(link: Link) -> Difference:
    """Return the difference that two schemas are which cannot be compared."""
    what = "the schema is another, and cannot be compared: look at it"
    return turned((link.new or link.old)[0].path, "unknown", what)


def compare_types(old: Shape, new: Shape, where: Path) -> Iterator[Difference]:
    """Yield what differs in types and null. Of enumerated values, those of another type are told as values."""
    before, after = kinds(old), kinds(new)
    if before == after:
        return
    both = (*old.branches, *new.branches)
    if all(branch.values for branch in both):
        for kind in TYPES:
            some, others = (
                [v for each in shape.branches if each.type == kind for v in each.values or ()] for shape in (old, new)
            )
            if bool(some) != bool(others):
                yield from compare_listed(tuple(some), tuple(others), where)
    elif before - {"null"} == after - {"null"} != frozenset():
        is_now = "null" in after
        yield turned(where, "wider" if is_now else "narrower", f"null is {allowed_or_not(is_now)}")
    else:
        turn: Turn = "wider" if has_all(after, before) else "narrower" if has_all(before, after) else "other"
        left, right = (type_names(kinds(shape)) for shape in (old, new))
        yield turned(where, turn, f"the type was {left} and is {right}")


def kinds(shape: Shape) -> frozenset[str]:
    """Return the types of the values that a schema allows; numbers are `integer` if all of them are whole."""
    names = {branch.type for branch in shape.branches}
    if "number" in names and all(map(is_whole, shape.branches)):
        names = names - {"number"} | {"integer"}
    return frozenset(names)


def is_whole(branch: Branch) -> bool:
    """Return whether no value of a branch is a number with a fraction."""
    listed = branch.values is not None and not any(isinstance(json.loads(each), float) for each in branch.values)
    return branch.type != "number" or listed or "integer" in branch.limits


def has_all(names: frozenset[str], others: frozenset[str]) -> bool:
    """Return whether some types have all values of others."""
    return all(name in names or (name == "integer" and "number" in names) for name in others)


def marks(source: Source, branch: Branch) -> frozenset[tuple[str, str]]:
    """Return the required properties of a branch that have one value, by which branches are told apart."""
    names = sorted(branch.required.keys() & branch.properties.keys())
    found = [(name, source.listed(branch.properties[name])) for name in names]
    return frozenset((name, next(iter(values))) for name, values in found if len(values) == 1)


def likeness(one: Branch, other: Branch) -> float:
    """Return how many of their properties two objects share, from 0 to 1."""
    every = one.properties.keys() | other.properties.keys()
    return len(one.properties.keys() & other.properties.keys()) / len(every) if every else 0


def told(source: Source, branch: Branch) -> str:
    """Return a branch as it is told: the name of its component, or its schema, and not all of a long one."""
    if branch.path[:2] == ("components", "schemas") and len(branch.path) == len(("components", "schemas", "X")):
        return branch.path[-1]
    return quoted(node_at(source.document, branch.path))[:60]
