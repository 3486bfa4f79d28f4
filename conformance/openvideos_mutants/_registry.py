"""Register the mutants: the requirement that each breaks, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ._wrapping import Request, ServerResponse, wrapped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._wrapping import App, Handler

    Memory = dict[Any, Any]
    Breaking = Callable[[Request, Handler, Memory], Awaitable[ServerResponse]]
    """Takes a request, a function that asks the right server, and the mutant's memory; returns a response."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A server that breaks one requirement. `what` says how, for people."""

    requirement: str
    name: str
    what: str
    breaking: Breaking

    def wrap(self, app: App, memory: Memory) -> App:
        """Wrap an emulator with the mutant; `memory` keeps the mutant's data between requests."""
        return wrapped(app, lambda request, ask: self.breaking(request, ask, memory))


MUTANTS: Final[dict[str, Mutant]] = {}
"""The mutants by their names."""


def mutant(requirement: str) -> Callable[[Breaking], Breaking]:
    """Register a function as a mutant; its name is the mutant's, its docstring says what it does."""

    def register(breaking: Breaking) -> Breaking:
        name = breaking.__name__
        if name in MUTANTS:
            raise ValueError(f"two mutants are called {name}")
        MUTANTS[name] = Mutant(requirement, name, (breaking.__doc__ or "").strip(), breaking)
        return breaking

    return register
