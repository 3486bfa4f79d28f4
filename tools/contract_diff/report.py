"""Make the report of a regeneration: for each change, the touched files and the open decisions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import Any

from .model import Change, is_array, is_object, reference_of, steps
from .overlay_advice import Decision

Row = Sequence[str | Sequence[str]]
"""The cells of a row; a cell of several lines is a sequence of them."""

HEAD = ("callers", "readers", "change", "generated files", "to decide")
NO_CHANGE = "by no change of the contract"
TYPES = "the overlay's types with the raw client"
TESTS = "the tests that name what changed"


def report(
    changes: Sequence[Change],
    files: Mapping[str, str],
    left: Sequence[Decision],
    mistyped: Sequence[Decision],
    specs: tuple[dict[str, Any], dict[str, Any]],
    failed: Sequence[Decision] = (),
) -> str:
    """Return the table of a regeneration, with each change, file and decision.

    `files` are the paths below generated/ that were touched, each with what happened to it; `specs` are the contract
    before and after. What no change accounts for, such as the file of an edited template, has a row of its own at the
    end; so have what a type checker says and the tests that fail, which do not name the change that they are due to.
    """
    rows: list[Row] = []
    placed: set[str | Decision] = set()
    by_change = with_inner_models([(change, files_of(change, files, *specs)) for change in changes], files)
    for change, touched in by_change:
        decided = [decision for decision in left if decision not in placed and concerns(decision, change)]
        rows.append(
            (
                change.callers or "-",
                change.readers or "-",
                (change.what, change.where),
                touched,
                decision_lines(decided),
            )
        )
        placed.update(touched, decided)
    others = [file for file in files if file not in placed]
    undecided = [decision for decision in left if decision not in placed]
    if others or undecided:
        rows.append(("-", "-", NO_CHANGE, others, decision_lines(undecided)))
    for what, found in ((TYPES, mistyped), (TESTS, failed)):
        if found:
            rows.append(("-", "-", what, [], decision_lines(found)))
    return table(HEAD, rows) if rows else "nothing changes"


def concerns(decision: Decision, change: Change) -> bool:
    """Return whether a change causes a decision: both are about the same name in the same operation."""
    return decision.word in change.what and (not decision.operation or decision.operation in change.operations)


def decision_lines(decisions: Sequence[Decision]) -> list[str]:
    """Return a line for each decision, which begins with its file and line."""
    return [f"{decision.file}:{decision.line}: {decision.what}" for decision in decisions]


def files_of(change: Change, files: Mapping[str, str], old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the touched files that a change can show in: its operations' and its component's, and their lists."""
    section, *rest = [*steps(f"#{change.where}"), ""]
    if section not in {"paths", "components", "webhooks"}:
        return [file for file in files if len(PurePosixPath(file).parts) <= 2]  # noqa: PLR2004 - those of the package
    stems = {*change.operations, *named_operations(change.where, old), *named_operations(change.where, new)}
    if section == "components" and rest[0] == "schemas":
        stems |= {snake(name) for name in {*holders(rest[1], old), *holders(rest[1], new)}}
    come = {snake(name) for spec in (old, new) for name in led_to(spec, node_at(spec, change.where))}
    mine = [
        file
        for file in files
        if (stem := PurePosixPath(file).stem) in stems or (stem in come and files[file] != "changed")
    ]
    return with_lists(mine, files)


def with_lists(mine: Sequence[str], files: Mapping[str, str]) -> list[str]:
    """Return some touched files, and those that list the modules which come or go with them."""
    listed = {str(PurePosixPath(file).with_name("__init__.py")) for file in mine if files[file] != "changed"}
    return [file for file in files if file in {*mine, *listed}]


def with_inner_models(
    by_change: Sequence[tuple[Change, list[str]]], files: Mapping[str, str]
) -> Iterator[tuple[Change, list[str]]]:
    """Yield each change with its files, and with the models of what has no name in the contract.

    The generator calls these after what they are in: `video_owner.py` for an object that is the `owner` of a Video.
    """
    placed = {file for _, touched in by_change for file in touched}
    homes = {
        PurePosixPath(file).stem: number
        for number, (change, touched) in enumerate(by_change)
        for file in [*touched, *change.operations]
    }
    inner: dict[int, list[str]] = {}
    for file in [file for file in files if file not in placed and PurePosixPath(file).parent.name == "models"]:
        around = [home for home in homes if PurePosixPath(file).stem.startswith(f"{home}_")]
        if around:
            inner.setdefault(homes[max(around, key=len)], []).append(file)
    for number, (change, touched) in enumerate(by_change):
        yield change, with_lists([*touched, *inner.get(number, [])], files)


def node_at(spec: dict[str, Any], where: str) -> Any:
    """Return what is at a place of a contract; None if nothing is, or if the place names a parameter."""
    node: Any = spec
    for step in steps(f"#{where}"):
        node = node.get(step) if is_object(node) else None
    return node


def led_to(spec: dict[str, Any], node: Any) -> set[str]:
    """Return the schemas to which a node refers, and those to which these refer."""
    schemas: dict[str, Any] = spec["components"]["schemas"]
    found: set[str] = set()
    waiting = {*references(node)}
    while waiting:
        found |= waiting
        waiting = {name for each in waiting for name in references(schemas.get(each))} - found
    return found


def named_operations(where: str, spec: dict[str, Any]) -> Iterator[str]:
    """Yield the id that the operation at a place, or around it, has in one of the contracts."""
    path = steps(f"#{where}")
    operation: Any = spec
    for step in path[:3]:
        operation = operation.get(step, {}) if is_object(operation) else {}
    if path[0] == "paths" and is_object(operation) and "operationId" in operation:
        yield operation["operationId"]


def holders(name: str, spec: dict[str, Any]) -> set[str]:
    """Return the schemas in which a schema can show: itself, those that refer to it, and so on."""
    schemas: dict[str, Any] = spec["components"]["schemas"]
    direct = {each: {*references(schema)} for each, schema in schemas.items()}
    found: set[str] = set()
    waiting = {name}
    while waiting:
        found |= waiting
        waiting = {each for each, targets in direct.items() if targets & waiting} - found
    return found


def references(node: Any) -> Iterator[str]:
    """Yield the names of the components that a node refers to."""
    if reference := reference_of(node):
        yield steps(reference)[-1]
    below = node.values() if is_object(node) else node if is_array(node) else ()
    for each in below:
        yield from references(each)


def snake(name: str) -> str:
    """Return the name of a schema as the generator writes it in the name of a file."""
    return "_".join(re.findall(r"[^\W_]+", " ".join(re.split("([A-Z]?[a-z]+)", name)))).lower()


def table(head: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a table, in which a cell without a line shows as a hyphen."""
    cells = [[[cell] if isinstance(cell, str) else [*cell] or ["-"] for cell in row] for row in (head, *rows)]
    widths = [max(len(line) for row in cells for line in row[column]) for column in range(len(head))]
    lines = [line for row in cells for line in zip_longest(*row, fillvalue="")]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
