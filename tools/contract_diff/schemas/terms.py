"""Define a difference between two schemas, and the words for it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from ..model import Class, Path, Side
from .keywords import TYPES
from .shapes import Parts

Turn: TypeAlias = Literal["narrower", "wider", "other", "unknown"]
Sides: TypeAlias = frozenset[Side]
BOTH: Sides = frozenset(Side)

CLASSES: dict[Turn, tuple[Class, Class]] = {
    "narrower": (Class.BREAKING, Class.ADDITIVE),
    "wider": (Class.ADDITIVE, Class.BREAKING),
    "other": (Class.BREAKING, Class.BREAKING),
    "unknown": (Class.OTHER, Class.OTHER),
}
"""What a turn of a schema is to callers and to readers."""


@dataclass(frozen=True)
class Difference:
    """One difference between two schemas. Its class is None for a side that it does not concern."""

    where: Path
    what: str
    callers: Class | None
    readers: Class | None
    strictly: frozenset[str] | None = None
    """Its turns to the letter, where its classes are those of a convention, such as that readers ignore fields."""

    @property
    def turns(self) -> frozenset[str]:
        """Whether the newer schema is narrower, wider, or both."""
        if self.strictly is not None:
            return self.strictly
        grave = {Class.BREAKING, Class.OTHER}
        found = {"narrower"} if self.callers in grave else set[str]()
        return frozenset(found | ({"wider"} if self.readers in grave else set()))


@dataclass(frozen=True)
class Link:
    """Two schemas that are to be compared, since others have them as their parts."""

    old: Parts
    new: Parts
    sides: Sides = BOTH

    @property
    def key(self) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """What is the same for the same two schemas."""
        return tuple(part.path for part in self.old), tuple(part.path for part in self.new)


Found: TypeAlias = Difference | Link


def turned(where: Path, turn: Turn, what: str) -> Difference:
    """Return the difference that a schema's turn is."""
    return Difference(where, what, *CLASSES[turn])


def masked(found: Iterable[Found], sides: Sides) -> Iterator[Found]:
    """Yield what is found, for some sides alone."""
    if sides == BOTH:
        yield from found
        return
    for each in found:
        if isinstance(each, Link):
            yield replace(each, sides=each.sides & sides)
        else:
            callers = each.callers if Side.CALLERS in sides else None
            yield replace(each, callers=callers, readers=each.readers if Side.READERS in sides else None)


def type_names(names: Collection[str]) -> str:
    """Name some types."""
    return "any" if len(names) == len(TYPES) else " or ".join(sorted(names)) or "none"


def quoted(value: Any) -> str:
    """Return a value as it is told: as JSON, and not all of a long one."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 200 else f"{text[:200]}…"  # noqa: PLR2004 - about two lines


def value_change(before: Any, after: Any) -> str:
    """Describe the change of a keyword's value; None means that the keyword is absent."""
    if before is None:
        return f"is added: {quoted(after)}"
    return f"{quoted(before)} is removed" if after is None else f"was {quoted(before)} and is {quoted(after)}"


def added_or_removed(added: bool) -> str:  # noqa: FBT001 - reads as the sentence that it makes
    """Say whether something is added or removed."""
    return "added" if added else "removed"


def allowed_or_not(may: bool) -> str:  # noqa: FBT001 - reads as the sentence that it makes
    """Say whether something is allowed."""
    return "allowed now" if may else "no longer allowed"
