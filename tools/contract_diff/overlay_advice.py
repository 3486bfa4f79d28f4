"""Find what the overlay's author must decide, from the contract and the source of the overlay's methods."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .changes import operations, parameters
from .model import KNOWN_VALUES, follow
from .overlay_files import BUILDERS, METHODS, PACKAGE, STATUSES, UNCOVERED

RAW = "openvideos_raw"
COMMON = frozenset({"self", "extra_headers", "extra_query", "extra_body", "timeout"})


@dataclass(frozen=True)
class Decision:
    """Something that a person must write or decide, and where."""

    what: str
    file: str
    line: int
    word: str = ""
    """The quoted name in the change that causes it."""
    operation: str = ""
    """The operation that change must touch, if it does not name it."""


@dataclass(frozen=True)
class Method:
    """A method of the overlay that says in its docstring which operation it is."""

    name: str
    operation: str
    line: int
    arguments: frozenset[str]


def decisions(spec: dict[str, Any], root: Path) -> list[Decision]:
    """Return what is left to decide in the overlay below a project's root."""
    found: list[Decision] = []
    known = {operation["operationId"]: operation for _, operation in operations(spec, "paths").values()}
    modules = read_modules(root)
    excused = tomllib.loads((root / UNCOVERED).read_text("utf-8"))["uncovered"]
    for file in METHODS:
        methods, last = read_methods(modules[file])
        for name in known.keys() - {method.operation for method in methods} - excused.keys():
            what = f"{name} has no method: write one, or give the reason in {UNCOVERED}"
            found.append(Decision(what, file, last, f"`{name}`"))
        for method in methods:
            name = method.operation
            if name not in known:
                remedy = f"remove `{method.name}`, or name its operation in its docstring"
                what = f"{name} is no longer in the contract: {remedy}"
                found.append(Decision(what, file, method.line, f"`{name}`"))
                continue
            found += differences(spec, name, known[name], set(method.arguments), file, method.line, "takes")
        found += unwrapped(modules[file], methods, file)
    statuses = modules[STATUSES]
    understood = {node.value for node in ast.walk(statuses) if isinstance(node, ast.Constant)}
    for word in spec["components"]["schemas"].get("VideoStatus", {}).get(KNOWN_VALUES, []):
        if word not in understood:
            what = f'the status "{word}" is unknown: say whether it is terminal'
            found.append(Decision(what, STATUSES, line_of_assignment(statuses), f'"{word}"'))
    found += unsent_fields(spec, known, modules)
    found += missing_imports(root, modules)
    return sorted(found, key=lambda decision: (decision.file, decision.line, decision.what))


def unwrapped(module: ast.Module, methods: Sequence[Method], file: str) -> Iterator[Decision]:
    """Yield the methods that a class of responses lacks, which has an attribute for each: `self.create = ...`."""
    for kind in module.body:
        if isinstance(kind, ast.ClassDef) and kind.name.endswith("Response"):
            targets = [target for node in ast.walk(kind) if isinstance(node, ast.Assign) for target in node.targets]
            has = {target.attr for target in targets if isinstance(target, ast.Attribute)}
            for method in [method for method in methods if method.name not in has]:
                what = f"{kind.name} has no `{method.name}`: add it"
                yield Decision(what, file, kind.end_lineno or kind.lineno, f"`{method.operation}`")


def read_modules(root: Path) -> dict[str, ast.Module]:
    """Return the modules of the overlay, by their paths from the project's root."""
    paths = sorted((root / PACKAGE).rglob("*.py"))
    return {path.relative_to(root).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def unsent_fields(spec: dict[str, Any], known: dict[str, Any], modules: dict[str, ast.Module]) -> list[Decision]:
    """Return the fields of bodies that a function which builds requests does not take, or a caller does not pass."""
    found: list[Decision] = []
    builders = {
        name: each for name, each in builders_of(known, modules[BUILDERS]).items() if "requestBody" in known[each]
    }
    for node in modules[BUILDERS].body:
        if isinstance(node, ast.FunctionDef) and node.name in builders:
            operation = builders[node.name]
            taken = {argument.arg for argument in node.args.kwonlyargs}
            found += differences(spec, operation, known[operation], taken, BUILDERS, node.lineno, "takes")
    for file, module in modules.items():
        for call in [node for node in ast.walk(module) if isinstance(node, ast.Call)]:
            match call.func:
                case ast.Attribute(value=ast.Name(id="operations"), attr=name) if name in builders:
                    operation = builders[name]
                    passed = {keyword.arg for keyword in call.keywords if keyword.arg}
                    found += differences(spec, operation, known[operation], passed, file, call.lineno, "is passed")
                case _:
                    pass
    return found


def builders_of(known: Mapping[str, Any], module: ast.Module) -> dict[str, str]:
    """Return the functions that build requests, each with its operation, which it names."""
    found: dict[str, str] = {}
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            words = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
            for operation in [name for name in known if name in words]:
                found[node.name] = operation
    return found


def differences(
    spec: dict[str, Any], name: str, operation: dict[str, Any], has: set[str], file: str, line: int, verb: str
) -> list[Decision]:
    """Return what an operation's inputs have more or less than what a piece of the overlay has."""
    fields = inputs(spec, operation)
    return [
        Decision(
            f"{name} {verb} `{field}`: add it" if field in fields else f"{name} no longer {verb} `{field}`: remove it",
            file,
            line,
            f"`{field}`",
            name,
        )
        for field in sorted(fields ^ has)
    ]


def missing_imports(root: Path, modules: dict[str, ast.Module]) -> list[Decision]:
    """Return the imports of the overlay that the raw client no longer has.

    A type checker finds them, too, but not if another copy of the raw client is on its path, which has the module.
    """
    found: list[Decision] = []
    for file, module in modules.items():
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == RAW:
                gone = [alias.name for alias in node.names if not is_there(root, str(node.module), alias.name)]
                found += [
                    Decision(f"{node.module}.{name} is gone: use what took its place", file, node.lineno, f"`{name}`")
                    for name in gone
                ]
    return found


def is_there(root: Path, module: str, name: str) -> bool:
    """Return whether a module of the raw client has a name."""
    base = root.joinpath("generated", *module.split("."))
    source = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if (base / name).with_suffix(".py").exists() or (base / name).is_dir():
        return True
    return source.exists() and re.search(rf"\b{re.escape(name)}\b", source.read_text("utf-8")) is not None


def line_of_assignment(module: ast.Module) -> int:
    """Return the line of the first assignment of a module."""
    return next((node.lineno for node in module.body if isinstance(node, (ast.Assign, ast.AnnAssign))), 1)


def inputs(spec: dict[str, Any], operation: dict[str, Any]) -> frozenset[str]:
    """Return the names that an operation takes in its path, its query and its bodies."""
    names = {one["name"] for one in parameters(operation, spec).values() if one["in"] in {"path", "query"}}
    body = follow(spec, operation.get("requestBody", {}))
    for content in body.get("content", {}).values():
        fields = follow(spec, content.get("schema", {})).get("properties", {})
        names |= {field.partition("[")[0] for field in fields}  # `video[id]` is a key of the argument `video`
    return frozenset(names)


def read_methods(module: ast.Module) -> tuple[list[Method], int]:
    """Return the methods that name an operation, and the last line of the class that has them."""
    methods: list[Method] = []
    last = 1
    for kind in (node for node in module.body if isinstance(node, ast.ClassDef)):
        for node in kind.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                named = re.search(r"\(openapi\.yaml, (\w+)\)", ast.get_docstring(node) or "")
                if named:
                    arguments = {each.arg for each in (*node.args.args, *node.args.kwonlyargs)}
                    methods.append(Method(node.name, named[1], node.lineno, frozenset(arguments - COMMON)))
                    last = kind.end_lineno or last
    return methods, last
