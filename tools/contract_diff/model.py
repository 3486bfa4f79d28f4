"""Define a change of the contract, and a place in the two contracts that are compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeGuard
from urllib.parse import unquote

KNOWN_VALUES = "x-known-values"
"""The keyword of a string that may have other values, too; readers live with those."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

Path = tuple[str, ...]
"""The steps from the root of a document to one of its nodes."""


class Class(StrEnum):
    """What a change means for callers or readers."""

    BREAKING = "breaking"
    OTHER = "other"
    """What it means cannot be told: a person has to look at it."""
    ADDITIVE = "additive"
    EDITORIAL = "editorial"


SEVERITY = [None, Class.EDITORIAL, Class.ADDITIVE, Class.OTHER, Class.BREAKING]


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


@dataclass(eq=False)
class Digests:
    """A document, and the digests of what its references lead to."""

    document: Any
    known: dict[str, str] = field(default_factory=dict[str, str])

    def of(self, node: Any) -> str:
        """Return a text that is equal for equal nodes, wherever their references lead; it is short for a large node."""
        return self.digest(node, ())[0]

    def digest(self, node: Any, trail: tuple[str, ...]) -> tuple[str, int]:
        """Return the digest of a node, and how far up the trail of references it leads back; its length if it does not.

        Each target is looked at once, since there may be as many ways to it as to the power of its depth.
        """
        if is_array(node):
            several = [self.digest(item, trail) for item in node]
            text = "[" + ",".join(each for each, _ in several) + "]"
        elif not is_object(node):
            return json.dumps(plain(node), default=str), len(trail)
        elif (reference := reference_of(node)) and (target := target_of(self.document, node)) is not None:
            return self.followed(reference, target, trail, is_alone=len(node) == 1)
        else:
            keys = sorted(node, key=str)
            several = [self.digest(node[key], trail) for key in keys]
            text = ",".join(f"{key}:{each}" for key, (each, _) in zip(keys, several, strict=True))
        low = min((back for _, back in several), default=len(trail))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest(), low

    def followed(self, reference: str, target: Any, trail: tuple[str, ...], *, is_alone: bool) -> tuple[str, int]:
        """Return the digest of what a reference leads to; `is_alone` is true if it has no keys beside it."""
        if reference in trail:
            return f"back {len(trail) - trail.index(reference)}", trail.index(reference)
        if is_alone and reference in self.known:
            return self.known[reference], len(trail)
        text, low = self.digest(target, (*trail, reference))
        if is_alone and low >= len(trail):
            self.known[reference] = text
        return text, min(low, len(trail))


def is_same(old: Digests, one: Any, new: Digests, other: Any) -> bool:
    """Return whether a node of an older document says the same as one of a newer."""
    if any(isinstance(node, str | None) for node in (one, other)):  # as most of what is compared
        return bool(one == other)
    return old.of(one) == new.of(other)


@dataclass(frozen=True)
class Place:
    """A place in both contracts, the operation that it serves, and whom it concerns."""

    before: Digests
    """The older contract."""
    after: Digests
    was: Path
    """Where it is in the older contract."""
    path: Path
    """Where it is in the newer one, which is the place of its changes."""
    side: Side
    operation: str = ""

    @property
    def old(self) -> Any:
        """The older contract."""
        return self.before.document

    @property
    def new(self) -> Any:
        """The newer contract."""
        return self.after.document

    def at(self, *steps: str) -> Place:
        """Return a place below this one."""
        return replace(self, was=(*self.was, *steps), path=(*self.path, *steps))

    def between(self, was: str, now: str) -> Place:
        """Return a place below this one that has another name in each contract."""
        return replace(self, was=(*self.was, was), path=(*self.path, now))

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
        was, now = last_reference(self.old, old), last_reference(self.new, new)
        path = now or (was if new is None or new == {} else None) or self.path
        place = replace(self, was=was or self.was, path=path)
        return follow(self.old, old), follow(self.new, new), place

    def is_same(self, old: Any, new: Any) -> bool:
        """Return whether a node of the older contract says the same as one of the newer."""
        return is_same(self.before, old, self.after, new)


def is_object(node: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether a node of a document is an object."""
    return isinstance(node, dict)


def is_array(node: Any) -> TypeGuard[list[Any]]:
    """Return whether a node of a document is an array."""
    return isinstance(node, list)


def reference_of(node: Any) -> str | None:
    """Return where in its own document a node refers to, without percent-encoding; None if it is no such reference."""
    target = node.get("$ref") if is_object(node) else None
    return unquote(target) if isinstance(target, str) and target.startswith("#/") else None


def steps(reference: str) -> Path:
    """Return the path that a reference into its own document names."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in reference[2:].split("/"))


def pointer(path: Path) -> str:
    """Return a path as a JSON pointer."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def last_reference(document: Any, node: Any) -> Path | None:
    """Return the path of what a node refers to in the end; None if it is no reference."""
    path: Path | None = None
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


def found(document: Any, path: Path) -> Any:
    """Return the node of a document at a path. Raises LookupError if there is none."""
    for step in path:
        if is_array(document) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        elif is_object(document) and step in document:
            document = document[step]
        else:
            raise LookupError(f"there is nothing at {pointer(path)}")
    return document


def target_of(document: Any, node: Any) -> Any:
    """Return what a node refers to, None if there is nothing: an example may have a key of this name."""
    try:
        return follow(document, node)
    except LookupError:
        return None


def plain(value: Any) -> Any:
    """Return a value in the one way to write it: 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def printable(text: str) -> str:
    """Return a text of which no character moves a terminal's cursor, ends a line or turns others round."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
