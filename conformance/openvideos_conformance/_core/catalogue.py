"""Read the catalogue of requirements, `catalogue.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CORE = "core"
"""The capability that every server has."""

CLIENT = "client"
"""The value of `capability` of the requirements that bind clients, not servers."""


class Level(StrEnum):
    """How binding a requirement is (RFC 2119)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement: its stable id, its level, what it says, where the contract says so, and why it matters."""

    id: str
    level: Level
    statement: str
    source: str
    capability: str
    why: str


class UnknownRequirementError(Exception):
    """An id is not in the catalogue; the message names it and similar ids."""


@lru_cache(maxsize=1)
def _everything() -> tuple[Requirement, ...]:
    text = files("openvideos_conformance").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast C loader, where PyYAML was built with it
    entries: list[dict[str, Any]] = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe ones
    return tuple(Requirement(**{**entry, "level": Level(entry["level"])}) for entry in entries)


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Requirement]:
    """Return all requirements of servers by their ids, in the catalogue's order."""
    return {each.id: each for each in _everything() if each.capability != CLIENT}


@lru_cache(maxsize=1)
def client_catalogue() -> Mapping[str, Requirement]:
    """Return all requirements of clients by their ids, in the catalogue's order."""
    return {each.id: each for each in _everything() if each.capability == CLIENT}


def capabilities() -> tuple[str, ...]:
    """Return the names of all capabilities except `core`, in the catalogue's order."""
    return tuple(dict.fromkeys(each.capability for each in catalogue().values() if each.capability != CORE))


def selected(only: Iterable[str]) -> frozenset[str]:
    """Return the ids in the values of --only, each of which may hold several; none means all requirements.

    Raises:
        UnknownRequirementError: An id is unknown, or the values hold none.

    """
    values = list(only)
    ids = frozenset(known(word for value in values for word in value.replace(",", " ").split()))
    if values and not ids:
        raise UnknownRequirementError("--only names no requirement; give an id such as VID-LIST-003")
    return ids


def known(ids: Iterable[str], among: Mapping[str, Requirement] | None = None) -> list[str]:
    """Return these ids, if each is the id of a requirement in `among`; by default, of a requirement of servers.

    Raises:
        UnknownRequirementError: An id is not in `among`.

    """
    found = list(ids)
    requirements = catalogue() if among is None else among
    for each in found:
        if each not in requirements:
            area = each.rpartition("-")[0]
            similar = [other for other in requirements if area and other.startswith(area)]
            hint = f"there are {similar[0]} to {similar[-1]}" if similar else "docs/requirements.md lists all"
            raise UnknownRequirementError(f"no requirement has the id {each!r}; {hint}")
    return found
