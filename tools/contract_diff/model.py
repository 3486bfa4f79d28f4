"""Define a change of the contract, and a place in the two contracts that are compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeGuard

KNOWN_VALUES = "x-known-values"
"""The keyword of a string that may have other values, too; readers live with those."""


class Class(StrEnum):
    """What a change means for callers or readers."""

    BREAKING = "breaking"
    ADDITIVE = "additive"
    EDITORIAL = "editorial"


SEVERITY = [None, Class.EDITORIAL, Class.ADDITIVE, Class.BREAKING]


class Side(StrEnum):
    """Whom a part of the contract concerns: callers send requests, readers receive responses and events."""

    CALLERS = "callers"
    READERS = "readers"


@dataclass(frozen=True)
class Change:
    """One difference. Its class is None for a side that it does not concern."""

    where: str
    operations: tuple[str, ...]
    what: str
    callers: Class | None
    readers: Class | None

    def merged(self, other: Change) -> Change:
        """Return the same change as it is seen from two operations."""
        operations = dict.fromkeys([*self.operations, *other.operations])
        callers = max(self.callers, other.callers, key=SEVERITY.index)
        readers = max(self.readers, other.readers, key=SEVERITY.index)
        return replace(self, operations=tuple(operations), callers=callers, readers=readers)

    @property
    def worst(self) -> Class:
        """The worse of the two classes."""
        return max(self.callers, self.readers, key=SEVERITY.index) or Class.EDITORIAL


@dataclass(frozen=True)
class Place:
    """A place in both contracts: a JSON pointer in the newer, the operation that it serves, and whom it concerns."""

    old: Any
    new: Any
    path: tuple[str, ...]
    side: Side
    operation: str = ""

    def at(self, *steps: str) -> Place:
        """Return a place below this one."""
        return replace(self, path=(*self.path, *steps))

    @property
    def name(self) -> str:
        """The name of the property at hand, or of the component."""
        return self.path[-1] if self.path else ""

    def change(self, what: str, kind: Class) -> Change:
        """Return a change here, of a class for the side that this place concerns."""
        operations = (self.operation,) if self.operation else ()
        callers = kind if self.side is Side.CALLERS else None
        readers = kind if self.side is Side.READERS else None
        return Change(pointer(self.path), operations, what, callers, readers)

    def resolve(self, old: Any, new: Any) -> tuple[Any, Any, Place]:
        """Return what two nodes refer to; a shared component is the place of its changes."""
        target = last_reference(self.new, new) or (last_reference(self.old, old) if new is None or new == {} else None)
        place = replace(self, path=target) if target else self
        return follow(self.old, old), follow(self.new, new), place

    def canonical(self, node: Any, *, old: bool) -> str:
        """Return a text that is equal for equal nodes, whatever the order of keys and wherever references lead."""
        return canonical(self.old if old else self.new, node)


def is_object(node: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether a node of a document is an object."""
    return isinstance(node, dict)


def is_array(node: Any) -> TypeGuard[list[Any]]:
    """Return whether a node of a document is an array."""
    return isinstance(node, list)


def reference_of(node: Any) -> str | None:
    """Return where in its own document a node refers to; None if it is no such reference."""
    target = node.get("$ref") if is_object(node) else None
    return target if isinstance(target, str) and target.startswith("#/") else None


def steps(reference: str) -> tuple[str, ...]:
    """Return the path that a reference into its own document names."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in reference[2:].split("/"))


def pointer(path: tuple[str, ...]) -> str:
    """Return a path as a JSON pointer."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def last_reference(document: Any, node: Any) -> tuple[str, ...] | None:
    """Return the path of what a node refers to in the end; None if it is no reference."""
    path: tuple[str, ...] | None = None
    while reference := reference_of(node):
        path = steps(reference)
        node = found(document, path)
    return path


def follow(document: Any, node: Any) -> Any:
    """Return what a node refers to in its document; keys next to a reference replace those of its target."""
    siblings: dict[str, Any] = {}
    while reference := reference_of(node):
        siblings = {key: value for key, value in node.items() if key != "$ref"} | siblings
        node = found(document, steps(reference))
    return {**node, **siblings} if siblings else node


def found(document: Any, path: tuple[str, ...]) -> Any:
    """Return the node of a document at a path of objects."""
    for step in path:
        document = document[step]
    return document


def canonical(document: Any, node: Any) -> str:
    """Return JSON with references resolved and keys sorted; a recursive reference stays one."""
    if node is None:
        return "null"  # most of what is compared is in neither contract
    return json.dumps(inlined(document, node, ()), sort_keys=True, default=str)


def inlined(document: Any, node: Any, trail: tuple[str, ...]) -> Any:
    """Return a node with its references resolved, but for those that lead back to themselves."""
    if is_array(node):
        return [inlined(document, item, trail) for item in node]
    if not is_object(node):
        return node
    if reference := reference_of(node):
        if reference in trail:
            return node
        return inlined(document, follow(document, node), (*trail, reference))
    return {str(key): inlined(document, value, trail) for key, value in node.items()}
