"""Test that released revisions of the contract stay as they are, and that a new one says what it adds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from contract_diff.changes import compare
from contract_diff.document import load
from contract_diff.release import with_entry

ROOT = Path(__file__).parents[2]
REVISIONS = sorted(path.parent.name for path in ROOT.glob("contract/*/openapi.yaml"))
SUMS = dict(line.split("  ")[::-1] for line in (ROOT / "contract/SHA256SUMS").read_text("utf-8").splitlines())
METHODS = {"get", "post", "delete"}
ADDED = "x-added-in"


def read(revision: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(
        (ROOT / "contract" / revision / "openapi.yaml").read_text("utf-8"), yaml.CSafeLoader
    )
    return document


def parts(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what a revision can add: operations, components, and the properties of schemas."""
    for path, item in document["paths"].items():
        yield from ((f"{method.upper()} {path}", item[method]) for method in item if method in METHODS)
    for kind in ("parameters", "headers", "responses", "schemas"):
        for name, component in document["components"][kind].items():
            yield f"{kind} {name}", component
            for key, schema in component.get("properties", {}).items():
                # Some generators mistake a field that has a keyword beside a reference, so the mark is at its end.
                reference = schema.get("$ref", "").rpartition("/")[2]
                yield f"{kind} {name} {key}", document["components"][kind].get(reference, schema)


@pytest.mark.parametrize("name", SUMS)
def test_a_released_revision_stays_as_it_is(name: str) -> None:
    assert SUMS[name] == hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def test_the_contract_is_its_revision() -> None:
    current = (ROOT / "openapi.yaml").read_bytes()
    version = yaml.load(current, yaml.CSafeLoader)["info"]["version"]
    assert version == REVISIONS[-1]
    assert (ROOT / "contract" / version / "openapi.yaml").read_bytes() == current, "run `nox -s regenerate`"


@pytest.mark.parametrize(("before", "after"), [*pairwise(REVISIONS)])
def test_what_a_revision_adds_is_marked_with_its_date(before: str, after: str) -> None:
    old, new = dict(parts(read(before))), dict(parts(read(after)))
    added = new.keys() - old.keys()
    parts_of_added = {name for name in added if name.rpartition(" ")[0] in added}
    marked = {name for name, part in new.items() if part.get(ADDED) == after}
    lacking = sorted(added - parts_of_added - marked)
    assert [] == lacking, f"openapi.yaml: give {', '.join(lacking)} the mark {ADDED}: '{after}'"
    # What was there before may refer to what is new: a field of a request may have got a schema of its own.
    assert all(name in added or name.count(" ") > 1 for name in marked)


@pytest.mark.parametrize(("before", "after"), [*pairwise(REVISIONS)])
def test_each_change_of_a_revision_is_in_the_changelog(before: str, after: str) -> None:
    """Those that break nobody and add nothing, such as another description, are not told."""
    old, new = (load(str(ROOT / "contract" / revision / "openapi.yaml")) for revision in (before, after))
    entries = with_entry("## [Unreleased]\n", compare(old, new))
    told = {line for line in entries.splitlines() if line.startswith("- ")}
    assert told
    assert told <= set((ROOT / "CHANGELOG.md").read_text("utf-8").splitlines())
