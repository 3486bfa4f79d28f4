"""Read the catalogue of requirements, which is data: `catalogue.yaml`."""

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
"""What the requirements have for a capability that bind clients, and no server."""


class Level(StrEnum):
    """How much a requirement binds (RFC 2119)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One promise: its stable id, how much it binds, what it says, and where the contract says so."""

    id: str
    level: Level
    statement: str
    source: str
    capability: str
    why: str


class UnknownRequirementError(Exception):
    """An id that is not in the catalogue; the message names it and those that are like it."""


@lru_cache(maxsize=1)
def _everything() -> tuple[Requirement, ...]:
    text = files("openvideos_conformance").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = yaml.safe_load(text)
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
    """Return the names of the capabilities that requirements need, in the catalogue's order, without `core`."""
    return tuple(dict.fromkeys(each.capability for each in catalogue().values() if each.capability != CORE))


def known(ids: Iterable[str], among: Mapping[str, Requirement] | None = None) -> list[str]:
    """Return these ids if all are among some requirements: those of servers, if nothing is said.

    Raises:
        UnknownRequirementError: One is not.

    """
    found = list(ids)
    there_are = catalogue() if among is None else among
    for each in found:
        if each not in there_are:
            area = each.rpartition("-")[0]
            like = [other for other in there_are if area and other.startswith(area)]
            there = f"there are {like[0]} to {like[-1]}" if like else "docs/requirements.md lists all"
            raise UnknownRequirementError(f"no requirement has the id {each!r}; {there}")
    return found
