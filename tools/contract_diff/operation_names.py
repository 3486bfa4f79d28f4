"""Find where a contract names an operation that it does not have, which no validator looks at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .changes import operations
from .model import Path, is_array, is_object
from .overlay_advice import Decision
from .reading.faults import objects
from .wire.tables import PROFILES

CONTRACT = "openapi.yaml"


def misnamed(spec: dict[str, Any], line: Callable[[Sequence[str]], int]) -> list[Decision]:
    """Return what is to be named otherwise in the contract, of which `line` tells the line of a path."""
    known = {operation.get("operationId") for _, operation in operations(spec, "paths").values()}
    return [
        Decision(
            f"{what} names {name}, which is no operation: rename or remove it there", CONTRACT, line(path), f"`{name}`"
        )
        for what, name, path in named(spec)
        if name not in known
    ]


def named(spec: dict[str, Any]) -> Iterator[tuple[str, str, Path]]:
    """Yield what names an operation, the name, and where it stands."""
    for path, node in objects(spec):
        if path[-2:-1] == ("links",) and "operationId" in node:
            yield f"the link {path[-1]}", str(node["operationId"]), (*path, "operationId")
    profiles: Any = spec.get(PROFILES)
    for name, profile in profiles.items() if is_object(profiles) else ():
        listed: Any = profile.get("operations") if is_object(profile) else None
        for number, each in enumerate(listed if is_array(listed) else ()):
            yield f"the profile {name}", str(each), (PROFILES, name, "operations", str(number))
