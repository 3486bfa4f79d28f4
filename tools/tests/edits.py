"""The edits in spec_edits.yaml, what each must come to, and the contracts that have several of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from contract_diff.changes import compare
from contract_diff.document import parse
from contract_diff.model import SEVERITY, Change, Side, is_array, is_object, reference_of, steps

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "openapi.yaml").read_text("utf-8")
SPEC = parse("openapi.yaml", TEXT)

WORDS = ["-", *SEVERITY[1:]]
"""What a change is to callers or to readers, from the mildest on."""

Spec = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Edit:
    """An edit of the contract, and what must be found of it."""

    name: str
    changes: Sequence[Sequence[Any]]
    """Each is an operation, a JSON pointer and, unless something is removed, a value."""
    forth: list[str]
    """What it is to callers and to readers."""
    back: list[str]
    """What its undoing is."""
    decide: Sequence[str]
    """What it leaves to decide in the overlay."""
    files: Mapping[str, str]
    """What happens to which file below generated/openvideos_raw."""
    is_regenerated: bool
    """Whether the whole command is run for it, not the comparison alone."""

    def __str__(self) -> str:
        """Return the name, by which a test is called."""
        return self.name

    @property
    def touched(self) -> set[str]:
        """The files below generated/ to which something happens."""
        return {f"openvideos_raw/{path}" for path in self.files}

    @property
    def pointers(self) -> set[str]:
        """Where it changes the contract."""
        return {pointer for _, pointer, *_ in self.changes}

    @property
    def homes(self) -> set[str]:
        """The components that it changes, or what stands as high in the contract."""
        return {"/".join(pointer.split("/")[:4]) for pointer in self.pointers}

    @property
    def is_of_security(self) -> bool:
        """Whether it changes a way to authenticate, or which of them an operation takes."""
        return any("securitySchemes" in pointer or pointer.endswith("/security") for pointer in self.pointers)


def read_edits() -> list[Edit]:
    """Return the edits that stand in the file."""
    cases: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("spec_edits.yaml").read_text("utf-8"))
    return [
        Edit(
            name=case["name"],
            changes=case["edit"],
            forth=case["is"],
            back=case["back"],
            decide=case.get("decide", []),
            files={path: verb for verb, paths in case.get("files", {}).items() for path in paths},
            is_regenerated=case.get("regenerated", True),
        )
        for case in cases
    ]


ALL = read_edits()
EDITS = [edit for edit in ALL if edit.is_regenerated]


def edited(*edits: Edit, before: Spec = SPEC) -> Spec:
    """Return the contract after some edits. Raises KeyError or IndexError where one has no place."""
    spec = copy.deepcopy(before)
    for operation, pointer, *value in [change for edit in edits for change in edit.changes]:
        *way, last = steps(f"#{pointer}")
        target: Any = spec
        for step in way:
            target = target[int(step)] if isinstance(target, list) else target[step]
        if operation == "remove":
            del target[int(last) if isinstance(target, list) else last]
        elif operation == "add":
            target.append(value[0])
        else:
            target[last] = copy.deepcopy(value[0])
    return spec


def unused(name: str, taken: Iterable[str]) -> str:
    """Return a name, or one made of it if it is taken."""
    while name in taken:
        name = f"x_example_{name}"
    return name


def written(spec: Spec) -> str:
    """Return the text of a contract: JSON, which is YAML, and quickly written and read."""
    return json.dumps(spec, indent=1, ensure_ascii=False) + "\n"


def kinds(changes: Iterable[Change]) -> list[str]:
    """Return the gravest class of some changes, for callers and for readers."""
    return gravest([["-", "-"], *([change.callers or "-", change.readers or "-"] for change in changes)])


def verdict(old: Spec, new: Spec) -> list[str]:
    """Return the gravest class of what changes from one contract to another, for callers and for readers."""
    return kinds(compare(old, new))


@cache
def changes_forth(edit: Edit) -> list[Change]:
    """Return the changes that an edit makes."""
    return compare(SPEC, edited(edit))


@cache
def changes_back(edit: Edit) -> list[Change]:
    """Return the changes that its undoing makes."""
    return compare(edited(edit), SPEC)


def gravest(verdicts: Iterable[Sequence[str]]) -> list[str]:
    """Return the gravest of some verdicts, for callers and for readers."""
    return [max(kinds, key=WORDS.index) for kinds in zip(*verdicts, strict=True)]


def are_apart(one: Edit, other: Edit) -> bool:
    """Tell whether two edits change different parts, so that each can be made after the other."""
    return not any(
        f"{left}/".startswith(f"{right}/")
        or f"{right}/".startswith(f"{left}/")
        or left.rpartition("/")[0] == right.rpartition("/")[0]
        for left in one.pointers
        for right in other.pointers
    )


def composites(edits: Iterable[Edit]) -> list[list[Edit]]:
    """Return the edits in groups that can be made together: each is apart from the others, and none hides another.

    What leaves something to decide has groups of its own, so that the others end with nothing to decide.
    """
    groups: list[list[Edit]] = []
    for edit in edits:
        for group in groups:
            if all(
                bool(edit.decide) == bool(other.decide)
                and are_apart(edit, other)
                and not taken_away(edit) & other.homes
                and not taken_away(other) & edit.homes
                and not (edit.is_of_security and other.is_of_security)
                for other in group
            ):
                group.append(edit)
                break
        else:
            groups.append([edit])
    return groups


@cache
def taken_away(edit: Edit) -> set[str]:
    """Return the components to which fewer lead after an edit: no callers, or no readers, any more."""
    return {pointer for _, pointer in REACHED - kept_by(edit)}


@cache
def kept_by(edit: Edit) -> set[tuple[Side, str]]:
    """Return what is reached in the contract before an edit and in that after."""
    return REACHED & reached(edited(edit))


def seen_among(edit: Edit, together: set[tuple[Side, str]], found: Sequence[str]) -> list[str]:
    """Return what is seen of an edit's verdict, if another edit may have taken away the way to what it changes.

    An edit of a component is seen by callers (by readers) while a request (a response) leads to it, in the contract
    before and in that after. If one does for the edit alone, and none does `together`, in the contract before and in
    that which has several edits, then callers (readers) cannot see it there.
    """
    alone = kept_by(edit)
    return [
        "-"
        if any((side, home) in alone for home in edit.homes)
        and not any((side, home) in together for home in edit.homes)
        else word
        for side, word in zip((Side.CALLERS, Side.READERS), found, strict=True)
    ]


def reached(spec: Spec) -> set[tuple[Side, str]]:
    """Return the pointers of the components to which the operations of a contract lead, and whom."""
    found: set[tuple[Side, str]] = set()
    for section, writes in (("paths", Side.CALLERS), ("webhooks", Side.READERS)):
        for item in (each for name, each in spec.get(section, {}).items() if not name.startswith("x-")):
            for node in item.values():
                operation = node if is_object(node) else {"parameters": node}
                for part, below in operation.items():
                    side = Side.READERS if part == "responses" else writes
                    found |= {(side, pointer) for pointer in leads_to(spec, below, set())}
    return found


def leads_to(spec: Spec, node: Any, known: set[str]) -> set[str]:
    """Add the pointers of the components to which a node leads to those that are known."""
    if (reference := reference_of(node)) and reference[1:] not in known:
        known.add(reference[1:])
        target: Any = spec
        for step in steps(reference):
            target = target[step]
        leads_to(spec, target, known)
    for below in node.values() if is_object(node) else node if is_array(node) else ():
        leads_to(spec, below, known)
    return known


REACHED = reached(SPEC)
