"""Find what no contract may hold before a validator does, whose words are long and whose place is another. Pure.

A fault is a sentence and the path to what it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import regress

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


def faults(document: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with references, with ids that stand twice, and with patterns."""
    anchors = {node[key] for _, node in objects(document) for key in ("$anchor", "$dynamicAnchor") if key in node}
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
