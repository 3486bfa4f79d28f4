"""The style that ruff has no rule for: where messages stand, how asserts read, what records are, which words we use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SOURCES = [
    path
    for directory in ("benchmarks", "conformance", "overlay", "tools")
    for path in sorted((PROJECT / directory).rglob("*.py"))
]


@cache
def trees() -> dict[str, ast.Module]:
    """Return the syntax of each source; reading all of them is slow, and a run may need none."""
    return {path.relative_to(PROJECT).as_posix(): ast.parse(path.read_text("utf-8")) for path in SOURCES}


def statements(tree: ast.AST) -> Iterator[tuple[ast.stmt, ast.stmt]]:
    """Yield each statement with the one after it."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, [])  # that of a lambda is an expression
            yield from pairwise(block if isinstance(block, list) else [])


def is_message_before_its_raise(one: ast.stmt, other: ast.stmt) -> bool:
    if not (isinstance(one, ast.Assign) and isinstance(other, ast.Raise) and isinstance(one.targets[0], ast.Name)):
        return False
    is_text = isinstance(one.value, ast.JoinedStr) or (
        isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)
    )
    arguments = other.exc.args if isinstance(other.exc, ast.Call) else []
    return is_text and any(isinstance(node, ast.Name) and node.id == one.targets[0].id for node in arguments)


def test_a_message_stands_in_its_raise() -> None:
    assert [] == [
        f"{path}:{one.lineno}"
        for path, tree in trees().items()
        for one, other in statements(tree)
        if is_message_before_its_raise(one, other)
    ]


def is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return all(map(is_literal, items))
        case ast.UnaryOp(operand=operand):
            return is_literal(operand)
        case _:
            return False


def test_an_assert_has_the_expected_value_first() -> None:
    wrong: list[str] = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            match node:
                case ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right])):
                    if is_literal(right) and not is_literal(left):
                        wrong.append(f"{path}:{node.lineno}")
                case _:
                    pass
    assert [] == wrong


def test_records_outside_the_overlay_are_dataclasses() -> None:
    assert [] == [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not path.startswith("overlay/")
        if {"attr", "attrs"} & {getattr(node, "module", None), *(alias.name for alias in node.names)}
    ]


BANNED = {
    r"strangers?": "unauthorized request",
    r"scenes?": "probe, check or scenario",
    r"knocks?": "request",
    r"page behind": "next page",
}
"""Words of the old dialect, each with what CONTRIBUTING.md's glossary says in its place."""


def test_no_text_has_a_word_of_the_old_dialect() -> None:
    banned = re.compile(rf"(?<![a-z])({'|'.join(BANNED)})(?![a-z])", re.IGNORECASE)
    files = [*SOURCES, *PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), *PROJECT.glob("conformance/*/*.yaml")]
    assert [] == [
        f"{path.relative_to(PROJECT)}:{number}: {found[0]}"
        for path in files
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (found := banned.search(line))
    ]
