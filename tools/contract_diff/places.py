"""Define a place in the two contracts that are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .digests import Digests, is_same
from .model import Change, Class, Path, Side, follow, last_reference, pointer


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
