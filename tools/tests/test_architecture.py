"""The architecture, as one table: which room of a package may import which. docs/architecture.md draws the same one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from architecture import PACKAGES, ROOMS, Room, drawing, may_import, room_of

PROJECT = Path(__file__).parents[2]
GENERATED = "openvideos_raw"
MOST_MODULES = 20
MOST_LINES = 400
LONG = {
    "overlay/openvideos/_videos.py": "the signatures of the seed's methods, and their raw twins",
    "overlay/openvideos/_async_videos.py": "likewise",
}
"""The modules that may be longer, each with its reason."""


def modules() -> dict[str, Path]:
    """Return the modules of the product by their dotted names."""
    found: dict[str, Path] = {}
    for package, directory in PACKAGES.items():
        base = PROJECT / directory
        if package == GENERATED:
            found[package] = base / "__init__.py"
            continue
        for path in base.rglob("*.py"):
            steps = path.relative_to(base).with_suffix("").parts
            found[".".join([package, *steps]).removesuffix(".__init__")] = path
    return found


MODULES = modules()
OURS = sorted(MODULES.keys() - {GENERATED})


def imports(name: str, path: Path) -> Iterator[str]:
    """Yield the modules of ours that a module imports: at its top, in its functions, and for type checkers."""
    around = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in PACKAGES)
        elif isinstance(node, ast.ImportFrom):
            base = around[: len(around) + 1 - node.level] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            if module.partition(".")[0] in PACKAGES:
                inner = [f"{module}.{alias.name}" for alias in node.names]
                yield from (each if each in MODULES else module for each in inner)


@cache
def syntax(path: Path) -> ast.Module:
    """Return the syntax of a module, which several tests look at."""
    return ast.parse(path.read_text("utf-8"))


@cache
def graph() -> dict[str, set[str]]:
    """Return the modules of ours, each with those that it imports."""
    return {name: {each for each in imports(name, MODULES[name]) if each != name} for name in OURS}


def test_every_module_has_its_room_and_every_room_a_module() -> None:
    assert [] == [name for name in OURS if room_of(name) is None]
    assert [] == [room for room in ROOMS if room not in map(room_of, MODULES)]
    assert [] == [(room, each) for room in ROOMS for each in room.modules if not is_there(room, each)]


def is_there(room: Room, module: str) -> bool:
    return f"{room.package}.{module}".removesuffix(".__init__") in MODULES


def test_a_module_imports_only_what_its_room_may() -> None:
    wrong = {
        (name, each)
        for name in OURS
        for each in graph()[name]
        if not ((room := room_of(name)) and (other := room_of(each)) and may_import(room, other))
    }
    assert set() == wrong, "mend the import, or the table in tools/architecture.py"


def test_every_arrow_of_the_table_is_used_and_runs_down() -> None:
    used = {(room_of(name), room_of(each)) for name, targets in graph().items() for each in targets}
    for index, room in enumerate(ROOMS):
        below = [other for other in ROOMS[index + 1 :] if other != room and may_import(room, other)]
        assert len(room.may_import) == len(
            {other.package if other.package != room.package else other.name for other in below}
        )
        unused = [other for other in below if other.package == room.package and (room, other) not in used]
        assert [] == unused, room
        for package in set(room.may_import) & PACKAGES.keys():
            assert any(source == room and target and target.package == package for source, target in used), room


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = {name: targets & graph().keys() for name, targets in graph().items()}
    while ends := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets for name, targets in left.items() if name not in ends}
    assert {} == left


def test_nothing_imports_a_private_module_of_another_package() -> None:
    foreign = {(name, each) for name in OURS for each in graph()[name] if each.split(".")[0] != name.split(".")[0]}
    # The mutants are emulators that are wrong inside.
    assert set() == {
        (name, each) for name, each in foreign if "._" in each and not name.startswith("openvideos_mutants")
    }


def test_a_module_names_its_siblings_relatively() -> None:
    absolute = {
        (name, node.lineno)
        for name in OURS
        for node in ast.walk(syntax(MODULES[name]))
        if isinstance(node, ast.ImportFrom)
        and not node.level
        and (node.module or "").split(".")[0] == name.split(".")[0]
    }
    assert set() == absolute


def test_a_folder_holds_few_modules_and_a_module_few_lines() -> None:
    crowded: dict[Path, int] = {}
    for path in map(MODULES.__getitem__, OURS):
        if path.name != "__init__.py":
            crowded[path.parent] = crowded.get(path.parent, 0) + 1
    assert {} == {folder: count for folder, count in crowded.items() if count > MOST_MODULES}
    lines = {
        path.relative_to(PROJECT).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in map(MODULES.__getitem__, OURS)
    }
    assert set(LONG) == {path for path, count in lines.items() if count > MOST_LINES}


FOLDERS = [room for room in ROOMS if room.is_folder]


@pytest.mark.parametrize("room", FOLDERS, ids=lambda room: f"{room.package}.{room.name}")
def test_a_folder_says_what_it_may_import(room: Room) -> None:
    source = PROJECT.joinpath(PACKAGES[room.package], room.name, "__init__.py").read_text("utf-8")
    said = ast.get_docstring(ast.parse(source)) or ""
    assert set(room.may_import) == set(re.findall(r"`(\w+)`", said.rpartition("May import")[2])), said


IMPURE = {
    *("asyncio", "http.client", "http.server", "os", "random", "secrets", "shutil", "socket", "subprocess", "tempfile"),
    *("time", "urllib.request"),
}
"""Modules that a room which only decides does not import: what it needs of time and chance, it is given."""


def test_a_pure_room_imports_nothing_that_does_io() -> None:
    pure = {room for room in ROOMS if room.what.endswith("; pure") or "do no I/O" in room.what}
    assert {"_history", "_judging", "_model", "_flows"} == {room.name for room in pure}
    wrong = {
        (name, module)
        for name in OURS
        if room_of(name) in pure
        for module in at_run_time(syntax(MODULES[name]))
        if module in IMPURE
    }
    assert set() == wrong


def at_run_time(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a module imports when it runs, not only for type checkers."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def test_the_document_draws_the_same_table() -> None:
    document = (PROJECT / "docs/architecture.md").read_text("utf-8")
    assert drawing() in document, "run: python tools/architecture.py"


def test_the_document_names_files_that_are_there() -> None:
    documents = [(PROJECT / name).read_text("utf-8") for name in ("docs/architecture.md", "CONTRIBUTING.md")]
    document = "".join(documents).replace(drawing(), "")
    roots = [
        "",
        "overlay/openvideos/",
        "overlay/openvideos/_drivers/",
        "conformance/openvideos_conformance/",
        "conformance/openvideos_emulator/",
        "tools/contract_diff/",
    ]
    names = set(re.findall(r"`([\w/.-]+\.(?:py|md|yaml)|[\w/-]+/)`", document))
    assert len(names) > 30
    assert set() == {name for name in names if not any((PROJECT / root / name).exists() for root in roots)}
