"""The emulator stands alone: it is judged by the SDK, so it must not share the SDK's mistakes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import openvideos_emulator
from openvideos_emulator._contract import contract

PACKAGE = Path(openvideos_emulator.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_module_imports_the_sdk(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.split(".")[0] in {"openvideos", "openvideos_raw"}]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_each_module_is_short_and_says_what_it_decides(module: Path) -> None:
    text = module.read_text("utf-8")
    assert text.count("\n") < 400
    assert ast.get_docstring(ast.parse(text))


def test_the_public_surface_is_two_names_and_two_modules() -> None:
    assert ["create_app", "main"] == sorted(openvideos_emulator.__all__)
    public = {path.stem for path in MODULES if not path.stem.startswith("_")}
    assert {"pytest_plugin", "testing"} == public


def test_each_operation_of_the_contract_is_served() -> None:
    app = openvideos_emulator.create_app()
    try:
        assert {operation.id for operation in contract().operations} == app._videos.handlers.keys()
    finally:
        app.close()
