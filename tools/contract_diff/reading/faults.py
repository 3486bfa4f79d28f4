"""Find what no contract may hold before a validator does, whose words are long and whose place is another. Pure.

A fault is a sentence and the path to what it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import regress

from ..digests import circles
from ..model import METHODS, Path, found, is_array, is_object, printable, steps
from ..model import reference_of as pointer_of

Fault = tuple[str, Path]

DATA = frozenset({"default", "example", "enum", "const", "value", "dataValue", "examples"})
"""Keys below which stands what a contract is about, not what it says; `examples` if it is a list."""
NAMES = frozenset(
    {
        *(
            "properties",
            "patternProperties",
            "dependentSchemas",
            "dependentRequired",
            "$defs",
            "definitions",
            "schemas",
        ),
        *("responses", "parameters", "requestBodies", "headers", "securitySchemes", "links", "callbacks", "pathItems"),
        *("examples", "mediaTypes", "paths", "webhooks", "content", "encoding", "variables", "mapping", "scopes"),
    }
)
"""Keys whose values have keys that are names, not words of OpenAPI."""
DEEPEST = 150
"""How deep a contract may be nested."""
COMBINING = ("allOf", "anyOf", "oneOf", "not")
MOST_COMBINED = 5000
"""How many schemas one may come to by what combines schemas: references can double them at each level."""
KINDS = {
    **{key: key for key in ("parameters", "responses", "headers", "callbacks", "requestBodies", "securitySchemes")},
    **dict.fromkeys(("paths", "webhooks", "pathItems"), "path items"),
}
"""What stands below a key, by which a reference may not lead to what is something else."""


def faults(document: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with references, with ids that stand twice, with patterns, and with what is combined."""
    names = [node.get(key) for _, node in objects(document) for key in ("$anchor", "$dynamicAnchor")]
    anchors = {name for name in names if isinstance(name, str)}
    ids: dict[str, Path] = {}
    for path, node in objects(document):
        if "$ref" in node:
            yield from reference_faults(document, node, path, anchors)
        patterns = [(node.get("pattern"), "pattern")]
        if is_object(node.get("patternProperties")):
            patterns += [(key, "patternProperties") for key in node["patternProperties"]]
        for pattern, key in patterns:
            if isinstance(pattern, str) and (problem := pattern_problem(pattern)):
                yield f"the pattern {short(pattern)} is no regular expression of ECMA-262: {problem}", (*path, key)
        if is_operation(path) and isinstance(name := node.get("operationId"), str):
            if name in ids:
                yield (
                    f"the operationId {name} stands here a second time; give each operation its own",
                    (*path, "operationId"),
                )
            ids.setdefault(name, path)
    yield from combining_faults(document)


def combining_faults(document: dict[str, Any]) -> Iterator[Fault]:
    """Yield the schemas that come to too many by references that multiply."""
    edges: dict[str, list[str]] = {}
    waiting = [each for _, node in objects(document) for each in combined(node)]
    for reference in waiting:
        if reference not in edges:
            try:
                edges[reference] = combined(found(document, steps(reference)))
            except LookupError:
                edges[reference] = []
            waiting += edges[reference]
    counts: dict[str, int] = {}
    for circle in circles({name: [*dict.fromkeys(some)] for name, some in edges.items()}):
        members = {*circle}
        inner = sum(each in members for name in circle for each in edges[name])
        # Of a circle there are as many ways as each crossing of it has branches.
        factor = 2 ** min(max(0, inner - len(circle)), 20)
        count: int = factor * sum(1 + sum(counts.get(each, 0) for each in edges[name]) for name in circle)
        for name in circle:
            counts[name] = min(count, 2 * MOST_COMBINED)
    for path, node in objects(document):
        if sum(counts[each] for each in combined(node)) > MOST_COMBINED:
            yield f"the schema comes to more than {MOST_COMBINED} by what it combines; combine fewer", path
            return


def combined(node: Any) -> list[str]:
    """Return what a schema refers to and combines, each as often as it does."""
    told: list[str] = []
    waiting = [node]
    for each in waiting:
        if is_object(each):
            told += [reference] if (reference := pointer_of(each)) else []
            for key in COMBINING:
                inner: Any = each.get(key)
                waiting += inner if is_array(inner) else [inner]
    return told


def kind_of(path: Path) -> str | None:
    """Return what stands at a path, None for schemas and what else may be anything."""
    if {"schema", "schemas", "itemSchema"} & {*path}:
        return None
    return "requestBodies" if path[-1:] == ("requestBody",) else KINDS.get(path[-2] if len(path) > 1 else "")


def reference_faults(document: Any, node: dict[str, Any], path: Path, anchors: set[Any]) -> Iterator[Fault]:
    """Yield what is wrong with a reference."""
    here, target = (*path, "$ref"), node["$ref"]
    if not isinstance(target, str):
        return  # the validator says so
    if not target.startswith("#"):
        yield f"refers to another document, which is not read: {short(target)}", here
    elif not target.startswith("#/"):
        if target[1:] not in anchors:
            yield f"refers to {short(target)}, which is not there", here
    else:
        seen: set[str] = set()
        step: Any = node
        while reference := pointer_of(step):
            if reference in seen:
                yield f"refers to itself, by {short(reference)}", here
                return
            seen.add(reference)
            try:
                step = found(document, steps(reference))
            except LookupError:
                yield f"refers to {short(reference)}, which is not there", here
                return
        if not is_object(step) and not isinstance(step, bool):
            yield f"refers to {short(target)}, which is no object", here
        elif (kind := kind_of(path)) and kind_of(steps(unquote(target))) != kind:
            yield f"refers to {short(target)}, which is none of the {kind}", here


def objects(document: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the objects by which a contract says something, and where they are."""
    waiting: list[tuple[Path, Any, bool]] = [((), document, False)]
    for path, node, is_of_names in waiting:
        if is_array(node):
            waiting += [((*path, str(index)), each, False) for index, each in enumerate(node)]
        elif is_object(node):
            if not is_of_names:
                yield path, node
            for key, each in node.items():
                if is_of_names or (
                    not (key in DATA and not (key == "examples" and is_object(each))) and key[:2] != "x-"
                ):
                    waiting.append(((*path, key), each, not is_of_names and key in NAMES))


def is_operation(path: Path) -> bool:
    """Return whether an operation stands at a path."""
    return path[-1:] != () and (path[-1] in METHODS or "additionalOperations" in path[-2:-1]) and "links" not in path


def pattern_problem(pattern: str) -> str:
    """Return why a pattern is no regular expression, in either of ECMA-262's modes; an empty text if it is one."""
    problem = ""
    for flags in ("u", ""):
        try:
            regress.Regex(pattern, flags)
        except regress.RegressError as error:
            problem = str(error)
        else:
            return ""
    return problem


def short(text: str) -> str:
    """Return a text that a person can read: on one line, and not all of a long one."""
    told = printable(text)
    return told if len(told) <= 100 else f"{told[:100]}…"  # noqa: PLR2004 - about a line
