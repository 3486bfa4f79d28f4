"""Read the catalogue of requirements, `catalogue.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

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


class Harm(StrEnum):
    """How a violation hurts, the worst first."""

    MONEY = "money"
    DATA = "data"
    HANG = "hang"
    BYTES = "bytes"
    INTEROP = "interop"
    FORM = "form"


HARMS: Final = {
    Harm.MONEY: "a job is started, billed or lost that should not be",
    Harm.DATA: "a video or a secret is lost, or seen by another",
    Harm.HANG: "a client waits or repeats without end",
    Harm.BYTES: "a client gets another file than the right one",
    Harm.INTEROP: "a client of the contract fails",
    Harm.FORM: "an inconvenience",
}
"""What each harm means, the worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement: its stable id, its level, what it says, where the contract says so, and why it matters."""

    id: str
    level: Level
    statement: str
    source: str
    capability: str
    harm: Harm
    why: str


class UnknownRequirementError(Exception):
    """An id is not in the catalogue; the message names it and similar ids."""


@lru_cache(maxsize=1)
def _everything() -> tuple[Requirement, ...]:
    text = files("openvideos_conformance").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast C loader, where PyYAML was built with it
    entries: list[dict[str, Any]] = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe ones
    return tuple(_requirement(entry) for entry in entries)


def _requirement(entry: Mapping[str, Any]) -> Requirement:
    values: dict[str, Any] = {**entry, "level": Level(entry["level"]), "harm": Harm(entry["harm"])}
    return Requirement(**values)


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
    """Return these ids in capitals, if each is one of a requirement in `among`; by default, of a server's.

    Raises:
        UnknownRequirementError: An id is not in `among`.

    """
    found = [each.upper() for each in ids]
    requirements = catalogue() if among is None else among
    for each in found:
        if each not in requirements:
            area = each.rpartition("-")[0]
            similar = [other for other in requirements if area and other.startswith(area)]
            hint = f"there are {similar[0]} to {similar[-1]}" if similar else "docs/requirements.md lists all"
            raise UnknownRequirementError(f"no requirement has the id {each!r}; {hint}")
    return found
