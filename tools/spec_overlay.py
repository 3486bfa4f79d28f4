"""Tell what the overlay's author must decide, from the contract and the source of the overlay's methods."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spec_changes import operations, parameters
from spec_model import follow

FILES = ("overlay/openvideos/_videos.py", "overlay/openvideos/_async_videos.py")
STATUSES = "overlay/openvideos/_status.py"
COMMON = frozenset({"self", "extra_headers", "extra_query", "extra_body", "timeout"})


@dataclass(frozen=True)
class Decision:
    """Something that a person must write or decide, and where."""

    what: str
    file: str
    line: int


@dataclass(frozen=True)
class Method:
    """A method of the overlay that says in its docstring which operation it is."""

    operation: str
    line: int
    arguments: frozenset[str]


def decisions(spec: dict[str, Any], root: Path) -> list[Decision]:
    """Return what is left to decide in the overlay below a project's root."""
    found: list[Decision] = []
    known = {operation["operationId"]: operation for _, operation in operations(spec, "paths").values()}
    excused = tomllib.loads((root / "overlay/uncovered.toml").read_text("utf-8"))["uncovered"]
    for file in FILES:
        methods, last = read_methods((root / file).read_text("utf-8"))
        for name in known.keys() - {method.operation for method in methods} - excused.keys():
            what = f"{name} has no method: write one, or give the reason in overlay/uncovered.toml"
            found.append(Decision(what, file, last))
        for method in methods:
            if method.operation in known:
                fields = inputs(spec, known[method.operation])
                new, gone = sorted(fields - method.arguments), sorted(method.arguments - fields)
                found += [Decision(f"{method.operation} takes `{name}`: add it", file, method.line) for name in new]
                found += [Decision(f"{method.operation} no longer takes `{name}`", file, method.line) for name in gone]
            else:
                found.append(Decision(f"{method.operation} is no longer in the contract", file, method.line))
    statuses = (root / STATUSES).read_text("utf-8")
    for word in spec["components"]["schemas"].get("VideoStatus", {}).get("enum", []):
        if not re.search(rf"\b{re.escape(word)}\b", statuses):
            what = f'the status "{word}" is unknown: say whether it is terminal'
            found.append(Decision(what, STATUSES, line_of_assignment(statuses)))
    return sorted(found, key=lambda decision: (decision.file, decision.line, decision.what))


def line_of_assignment(source: str) -> int:
    """Return the line of the first assignment of a module."""
    nodes = ast.parse(source).body
    return next((node.lineno for node in nodes if isinstance(node, (ast.Assign, ast.AnnAssign))), 1)


def inputs(spec: dict[str, Any], operation: dict[str, Any]) -> frozenset[str]:
    """Return the names that an operation takes in its path, its query and its bodies."""
    names = {one["name"] for one in parameters(operation, spec).values() if one["in"] in {"path", "query"}}
    body = follow(spec, operation.get("requestBody", {}))
    for content in body.get("content", {}).values():
        names |= follow(spec, content.get("schema", {})).get("properties", {}).keys()
    return frozenset(names)


def read_methods(source: str) -> tuple[list[Method], int]:
    """Return the methods that name an operation, and the last line of the class that has them."""
    methods: list[Method] = []
    last = 1
    for kind in (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)):
        for node in kind.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                named = re.search(r"\(openapi\.yaml, (\w+)\)", ast.get_docstring(node) or "")
                if named:
                    arguments = {each.arg for each in (*node.args.args, *node.args.kwonlyargs)}
                    methods.append(Method(named[1], node.lineno, frozenset(arguments - COMMON)))
                    last = kind.end_lineno or last
    return methods, last
