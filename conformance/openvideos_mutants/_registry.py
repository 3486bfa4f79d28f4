"""Register the mutants: the requirement that each breaks, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from openvideos_emulator._imitations.wrapping import Request, ServerResponse, wrapped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from openvideos_emulator._imitations.wrapping import App, Handler

    Memory = dict[Any, Any]
    Breaking = Callable[[Request, Handler, Memory], Awaitable[ServerResponse]]
    """Takes a request, a function that asks the right server, and the mutant's memory; returns a response."""


KEY: Final = "sk-openvideos-mutants-4f1d"
OTHER_KEY: Final = "sk-openvideos-mutants-9c27"
"""The key of another caller, who has videos of his own."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A server that breaks one requirement. `what` says how, for people.

    `along` are other requirements that it cannot but break, too, each with the reason.
    """

    requirement: str
    name: str
    what: str
    breaking: Breaking
    along: Mapping[str, str] = field(default_factory=dict[str, str])

    def wrap(self, app: App, memory: Memory) -> App:
        """Wrap an emulator with the mutant; `memory` keeps the mutant's data between requests."""
        return wrapped(app, lambda request, ask: self.breaking(request, ask, memory))


STARTING: Final = frozenset({"create_video", "remix_video", "edit_video", "extend_video"})
"""The operations that start jobs."""

RETRIEVE_DIFFERS: Final = {"VID-LIFE-005": "a retrieve returns another value than the request that started the job"}
"""What comes along with a mutant that changes the response to a create or the like alone."""

MUTANTS: Final[dict[str, Mutant]] = {}
"""The mutants by their names."""


def mutant(requirement: str, *, along: Mapping[str, str] | None = None) -> Callable[[Breaking], Breaking]:
    """Register a function as a mutant; its name is the mutant's, its docstring says what it does.

    No other requirement may fail than those in `along`, each of which says why its statement does not hold either.
    """

    def register(breaking: Breaking) -> Breaking:
        name = breaking.__name__
        if name in MUTANTS:
            raise ValueError(f"two mutants are called {name}")
        MUTANTS[name] = Mutant(requirement, name, (breaking.__doc__ or "").strip(), breaking, along or {})
        return breaking

    return register
