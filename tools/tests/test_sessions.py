"""The sessions of nox install what the tools that they run import, and CONTRIBUTING.md names each of them."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import runpy
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from .project import PROJECT

TOOLS = PROJECT / "tools"
SETTINGS: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
OWN = {"openvideos", "openvideos_raw", "openvideos_emulator", "openvideos_conformance", "openvideos_mutants"}


class SessionError(Exception):
    """A session has ended itself."""


class Session:
    """A session that writes down what it would install and run."""

    def __init__(self, *posargs: str) -> None:
        """Start with nothing."""
        self.posargs = [*posargs]
        self.installed: list[str] = []
        self.ran: list[tuple[str, ...]] = []
        self.virtualenv = SimpleNamespace(location="environment")

    def install(self, *words: str) -> None:
        """Write down what is installed."""
        self.installed += words

    def run(self, *words: str, **_: object) -> None:
        """Write down what is run."""
        self.ran.append(words)

    def log(self, message: str) -> None:
        """Say nothing."""

    def error(self, message: str) -> None:
        """End the session."""
        raise SessionError(message)


def group(name: str) -> Iterator[str]:
    """Yield the requirements of a dependency group, with those of the groups that it includes."""
    for each in SETTINGS["dependency-groups"][name]:
        yield from group(each["include-group"]) if isinstance(each, dict) else [each]


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Callable[[Session], None]]:
    """Return the sessions of noxfile.py, which has been given a nox that does nothing, by their names."""
    found: dict[str, Callable[[Session], None]] = {}

    def session(function: Any = None, **_: object) -> Any:
        if function is None:
            return session
        found[function.__name__] = function
        return function

    def groups(_: object, *names: str) -> list[str]:
        return [each for name in names for each in group(name)]

    nox: Any = ModuleType("nox")
    nox.session, nox.Session, nox.options = session, Session, SimpleNamespace()
    nox.project = SimpleNamespace(load_toml=lambda _: SETTINGS, dependency_groups=groups)
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.setattr("os.environ", {})
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(PROJECT / "noxfile.py"))
    return found


def imported(path: Path, known: set[Path]) -> Iterator[str]:
    """Yield the packages that a tool imports when it starts, and those that the tools import which it imports."""
    known.add(path)
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=module, names=names, level=level):
                above = path.relative_to(TOOLS).parts[:-level] if level else ()
                base = ".".join([*above, *([module] if module else [])])
                modules = [base, *(f"{base}.{alias.name}" for alias in names)]
            case _:
                modules = []
        for words in [module.split(".") for module in modules]:
            if not (TOOLS / words[0]).exists() and not (TOOLS / f"{words[0]}.py").exists():
                yield words[0]
            below = TOOLS.joinpath(*words)
            for ours in (below.with_suffix(".py"), below / "__init__.py"):
                if ours.exists() and ours not in known:
                    yield from imported(ours, known)


def named(requirements: Iterable[str]) -> set[str]:
    """Return the names of some requirements."""
    return {re.split(r"[^\w-]", each, maxsplit=1)[0].lower() for each in requirements}


def test_a_tool_imports_what_its_session_installs(sessions: dict[str, Callable[[Session], None]]) -> None:
    distributions = importlib.metadata.packages_distributions()
    judged = 0
    for name, session in sessions.items():
        if name in {"requirements", "release"}:  # they write files; the tool of the second is that of `regenerate`
            continue
        run = Session("1.0")
        try:
            session(run)
        except SessionError:  # it wants other words
            continue
        names = named(run.installed)
        if any(each.startswith(".") for each in run.installed):  # the project itself, with extras
            extras = SETTINGS["project"]["optional-dependencies"].values()
            names |= named([*SETTINGS["project"]["dependencies"], *(each for extra in extras for each in extra)])
        for tool in [word for words in run.ran if words[0] == "python" for word in words if word.startswith("tools/")]:
            judged += 1
            for module in set(imported(PROJECT / tool, set())) - sys.stdlib_module_names - OWN:
                theirs = {module, *(each.lower() for each in distributions.get(module, ()))}
                assert theirs & names, f"{name} runs {tool}, which imports {module}"
    assert judged > 8


@pytest.mark.parametrize("words", [[], ["--help"], ["1.0", "2.0"]])
def test_templates_wants_a_version(words: list[str], sessions: dict[str, Callable[[Session], None]]) -> None:
    run = Session(*words)
    with pytest.raises(SessionError, match="nox -s templates -- VERSION"):
        sessions["templates"](run)
    assert [] == run.installed


def test_the_table_has_each_session(sessions: dict[str, Callable[[Session], None]]) -> None:
    table = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("\n## Layout\n")[0]
    assert [] == [name for name in sessions if f"| `{name}` |" not in table]
