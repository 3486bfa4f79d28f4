"""Register the wrong clients: the requirement that each breaks, and the scenarios in which that shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .right import Client

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Defect:
    """A client that breaks one requirement. `along` are others that it cannot but break, too, each with the reason."""

    requirement: str
    name: str
    client: type[Client]
    scenarios: tuple[str, ...]
    along: dict[str, str]


DEFECTS: Final[dict[str, Defect]] = {}
"""The wrong clients by their names."""

RIGHT: Final[dict[str, type[Client]]] = {"right": Client}
"""The right clients by their names, the plainest first; the others are odd."""


def defect(
    requirement: str, *scenarios: str, along: dict[str, str] | None = None
) -> Callable[[type[Client]], type[Client]]:
    """Register a class as a wrong client; its name is the client's, its docstring says what is wrong."""

    def register(client: type[Client]) -> type[Client]:
        name = _name_of(client)
        DEFECTS[name] = Defect(requirement, name, client, scenarios, along or {})
        return client

    return register


def odd(client: type[Client]) -> type[Client]:
    """Register a class as an odd client that is right all the same."""
    RIGHT[_name_of(client)] = client
    return client


def _name_of(client: type[Client]) -> str:
    return "_".join(re.findall(r"[A-Z][a-z]*|[0-9]+", client.__name__)).lower()
