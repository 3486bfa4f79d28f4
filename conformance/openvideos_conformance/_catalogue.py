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


class Level(StrEnum):
    """How much a requirement binds (RFC 2119)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One promise of a server: its stable id, how much it binds, what it says, and where the contract says so."""

    id: str
    level: Level
    statement: str
    source: str
    capability: str
    why: str


class UnknownRequirementError(Exception):
    """An id that is not in the catalogue; the message names it and those that are like it."""


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Requirement]:
    """Return all requirements by their ids, in the catalogue's order."""
    text = files("openvideos_conformance").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = yaml.safe_load(text)
    requirements = [Requirement(**{**entry, "level": Level(entry["level"])}) for entry in entries]
    return {requirement.id: requirement for requirement in requirements}


def capabilities() -> tuple[str, ...]:
    """Return the names of the capabilities that requirements need, in the catalogue's order, without `core`."""
    return tuple(dict.fromkeys(each.capability for each in catalogue().values() if each.capability != CORE))


def known(ids: Iterable[str]) -> list[str]:
    """Return these ids if all are in the catalogue.

    Raises:
        UnknownRequirementError: One is not.

    """
    found = list(ids)
    for each in found:
        if each not in catalogue():
            area = each.rpartition("-")[0]
            like = [other for other in catalogue() if area and other.startswith(area)]
            there = f"there are {like[0]} to {like[-1]}" if like else "docs/requirements.md lists all"
            message = f"no requirement has the id {each!r}; {there}"
            raise UnknownRequirementError(message)
    return found
