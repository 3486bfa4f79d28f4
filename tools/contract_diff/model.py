"""Define a change of the contract, and what a reference in one leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeGuard
from urllib.parse import unquote

KNOWN_VALUES = "x-known-values"
"""The keyword of a string that may have other values, too; readers live with those."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

NESTED = (dict, list)
"""The types of nodes that have others below them."""
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

    def swapped(self) -> Change:
        """Return the change with what it is to callers as what it is to readers, and the other way round."""
        return replace(self, callers=self.readers, readers=self.callers)

    @property
    def worst(self) -> Class:
        """The worse of the two classes."""
        return max(self.callers, self.readers, key=SEVERITY.index) or Class.EDITORIAL


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


def mapped(node: dict[str, Any]) -> list[str]:
    """Return where the discriminator of a schema leads to: schemas that have the schema in them, often."""
    said: Any = node.get("discriminator")
    listed: Any = said.get("mapping") if is_object(said) else None
    names = [each for each in listed.values() if isinstance(each, str)] if is_object(listed) else []
    return [unquote(each) if each.startswith("#/") else f"#/components/schemas/{each}" for each in names]


def steps(reference: str) -> Path:
    """Return the path that a reference into its own document names."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in reference[2:].split("/"))


def pointer(path: Path) -> str:
    """Return a path as a JSON pointer."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a node and all that is below it, as far as these are objects."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if is_object(each):
            yield each
        below = each.values() if is_object(each) else each if is_array(each) else ()
        waiting.extend([some for some in below if isinstance(some, NESTED)])  # most are neither


def last_reference(document: Any, node: Any) -> Path | None:
    """Return the path of what a node refers to in the end; None if it is no reference."""
    path: Path | None = None
    while reference := reference_of(node):
        path = steps(reference)
        node = found(document, path)
    return path


def follow(document: Any, node: Any) -> Any:
    """Return what a node refers to in its document; keys next to a reference replace those of its target.

    That is the rule of OpenAPI for what is no schema: of a schema, both hold.
    """
    siblings: dict[str, Any] = {}
    while reference := reference_of(node):
        siblings = {key: value for key, value in node.items() if key != "$ref"} | siblings
        node = found(document, steps(reference))
    return {**node, **siblings} if siblings and is_object(node) else node


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


def plain(value: Any) -> Any:
    """Return a value in the one way to write it: 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def printable(text: str) -> str:
    """Return a text of which no character moves a terminal's cursor, ends a line or turns others round."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
