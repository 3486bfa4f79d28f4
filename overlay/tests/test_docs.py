"""Every code block of README.md and of docs/ works: Python on a real emulator, commands by what they name.

Those of docs/emulator.md are tested with the emulator, the commands of the suite with the suite.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Final

import pytest

import openvideos.batch
import openvideos_emulator
import openvideos_raw
from openvideos_emulator import testing
from openvideos_emulator._options import read_options
from openvideos_raw import errors, models

PROJECT: Final = Path(__file__).parents[2]
PAGES: Final = [
    PROJECT / "README.md",
    *(page for page in sorted((PROJECT / "docs").rglob("*.md")) if page != PROJECT / "docs" / "emulator.md"),
]
FENCE: Final = re.compile(r"^ *```(?P<language>[\w{}-]*)[^\n]*\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL)
NO_RELEASE: Final = "There is no release yet: clone the repository, and install from the clone."
MAGIC: Final = {".mp4": (b"ftyp", 4), ".webp": (b"WEBP", 8), ".jpg": (b"\xff\xd8", 0)}


@dataclass(frozen=True)
class Block:
    """A block of code in a page."""

    page: str
    line: int
    language: str
    code: str

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"{self.page} line {self.line}"


def blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of a page."""
    text = path.read_text("utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        yield Block(path.relative_to(PROJECT).as_posix(), line, match["language"], match["code"])


BLOCKS: Final = [block for path in PAGES for block in blocks(path)]
PROGRAMS: Final = [block for block in BLOCKS if block.language == "python" and "def test_" not in block.code]
TESTS: Final = [block for block in BLOCKS if block.language == "python" and "def test_" in block.code]
COMMANDS: Final = [
    (block, command)
    for block in BLOCKS
    if block.language == "console"
    for line in block.code.replace("\\\n", " ").splitlines()
    for command in re.sub(r"^\w+=\$\((.*)\)$", r"\1", line).split(" && ")
]
RUNNER: Final = """
import json, os, sys
from pathlib import Path
for name, code in json.load(sys.stdin):
    directory = Path(name.replace("/", "_"))
    directory.mkdir()
    os.chdir(directory)
    exec(compile(code, name, "exec"), {"__name__": "__main__"})
    os.chdir("..")
"""
"""Runs programs one after the other, each in a directory of its own: most of the time is the import of the SDK."""


def test_every_block_is_of_a_language_that_is_tested() -> None:
    shown = {"", "text", "yaml", "toml", "json", "markdown"}  # what a command prints, or is read by a test of its page
    of_the_site = {language for block in BLOCKS if (language := block.language).startswith("{")}
    assert {"{toctree}", "{literalinclude}", "{include}", "{eval-rst}"} >= of_the_site
    assert {"console", "python"} == {block.language for block in BLOCKS} - shown - of_the_site


@pytest.mark.slow
@pytest.mark.usefixtures("in_environment")
@pytest.mark.parametrize("page", sorted({block.page for block in PROGRAMS}))
def test_the_programs_of_a_page_run(page: str, tmp_path: Path) -> None:
    programs = [block for block in PROGRAMS if block.page == page]
    given = json.dumps([(block.name, block.code) for block in programs])
    command = [sys.executable, "-c", RUNNER]
    run = subprocess.run(command, cwd=tmp_path, input=given, capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stderr)
    for block in programs:
        directory = tmp_path / block.name.replace("/", "_")
        saved = {path.name: path.read_bytes() for path in directory.iterdir() if path.suffix in MAGIC}
        assert set(re.findall(r'to=(?:"|f")([\w-]+\.\w+)"', block.code)) <= set(saved), block.name
        for name, content in saved.items():
            magic, offset = MAGIC[Path(name).suffix]
            assert content[offset:].startswith(magic), f"{block.name}: {name} is no {Path(name).suffix}"


@pytest.mark.slow
def test_the_tests_of_all_pages_pass(tmp_path: Path) -> None:
    for number, block in enumerate(TESTS):
        (tmp_path / f"test_{number}.py").write_text(f"# {block.name}\n{block.code}")
    command = [sys.executable, "-m", "pytest", "-p", "openvideos_emulator.pytest_plugin", "-W", "error"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stderr), run.stdout
    assert f" {sum(block.code.count('def test_') for block in TESTS)} passed " in run.stdout


class TestCommands:
    def test_each_is_of_a_program_that_is_tested(self) -> None:
        known = {"cd", "export", "git", "nox", "openvideos", "openvideos-conformance", "openvideos-emulator", "pytest"}
        known |= {"python", "sha256sum", "uvicorn", "xargs"}
        of_others = {"docs/servers.md"}  # how servers are started, which only their machines can do
        assert [] == [
            f"{block.name}: {command}"
            for block, command in COMMANDS
            if shlex.split(command)[0] not in known and block.page not in of_others
        ]

    def test_the_sessions_exist(self) -> None:
        wanted = {name for _, command in COMMANDS for name in re.findall(r"nox -s (\w+)", command)}
        noxfile = ast.parse(PROJECT.joinpath("noxfile.py").read_text("utf-8"))
        sessions = {node.name for node in noxfile.body if isinstance(node, ast.FunctionDef) if node.decorator_list}
        assert wanted
        assert set() == wanted - sessions

    def test_the_emulator_takes_the_options(self) -> None:
        lines = [command for _, command in COMMANDS if command.startswith("openvideos-emulator")]
        assert lines
        for line in lines:
            read_options(shlex.split(line)[1:], {})

    def test_the_first_two_of_the_readme_set_up_everything(self) -> None:
        start = ["python -m pip install nox uv"]
        commands = [command for block, command in COMMANDS if block.page == "README.md"]
        assert [*start, "nox -s demo", *start, "nox"] == commands[:4]


class TestInstalling:
    """Until there is a release, every page says the same of how to install."""

    EXTRAS = tomllib.loads(PROJECT.joinpath("pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    LINES: Final = [
        (block, line)
        for path in (*PAGES, PROJECT / "docs" / "emulator.md")
        for block in blocks(path)
        for line in block.code.splitlines()
        if "pip install" in line and "openvideos" in line.replace("'.", "openvideos")
    ]

    def test_it_is_installed_from_a_clone(self) -> None:
        assert len(self.LINES) > 3
        for block, line in self.LINES:
            found = re.search(r"python -m pip install '\.(?:/openvideos)?\[([\w,]+)\]'", line)
            assert found, f"{block.name}: {line}"
            assert set() == set(found[1].split(",")) - set(self.EXTRAS)

    def test_the_start_tells_what_each_extra_brings(self) -> None:
        told = re.findall(
            r"^\| ((?:`\w+`(?:, )?)+) \|", PROJECT.joinpath("docs/start.md").read_text("utf-8"), re.MULTILINE
        )
        assert set(self.EXTRAS) == set(re.findall(r"\w+", " ".join(told)))

    def test_the_page_says_why_in_the_same_words(self) -> None:
        pages = {block.page for block, _ in self.LINES} | {"README.md", "docs/start.md"}
        assert [] == [page for page in sorted(pages) if NO_RELEASE not in without_breaks(page)]


def without_breaks(page: str) -> str:
    return " ".join(PROJECT.joinpath(page).read_text("utf-8").split())


class TestReadme:
    """PyPI shows README.md, where nothing lies beside it."""

    TEXT: Final = PROJECT.joinpath("README.md").read_text("utf-8")
    HOMES: Final = {
        "https://github.com/openvideos/openvideos/blob/main/": "",
        "https://raw.githubusercontent.com/openvideos/openvideos/main/": "",
        "https://openvideos.github.io/openvideos/": "docs/",
    }

    def test_its_links_are_absolute_and_lead_to_what_is_there(self) -> None:
        links = re.findall(r"\]\(([^)\s]+)\)", self.TEXT)
        assert len(links) > 10
        for link in links:
            home = next((home for home in self.HOMES if link.startswith(home)), None)
            assert home, link
            path, _, anchor = link.removeprefix(home).partition("#")
            place = PROJECT / self.HOMES[home] / re.sub(r"\.html$", ".md", path or "index.md")
            assert place.exists(), link
            assert not anchor or f"# {anchor}" in place.read_text("utf-8").lower().replace(" ", "-").replace(
                "-", " ", 0
            )

    def test_it_clones_and_installs_before_it_runs(self) -> None:
        assert "git clone " in self.TEXT.partition("```console")[0]
        for command, extra in {"openvideos-emulator ": "emulator", "openvideos create ": "cli"}.items():
            assert f"'.[{extra}]'" in self.TEXT.partition(f"\n{command}")[0]
        assert ["dashboard.png", "cli.svg"] == re.findall(r"^!\[.+\]\(\S+/docs/(\S+)\)$", self.TEXT, re.MULTILINE)

    def test_the_first_video_is_within_one_screen(self) -> None:
        assert self.TEXT.partition("create_and_poll(")[0].count("\n") < 50


class TestReference:
    """Each public name stands in the reference, and in an example of its page."""

    NAMES: Final = {
        "openvideos": openvideos.__all__,
        "openvideos.batch": openvideos.batch.__all__,
        "openvideos_emulator": openvideos_emulator.__all__,
        "openvideos_emulator.testing": testing.__all__,
        "openvideos_raw": openvideos_raw.__all__,
        "openvideos_raw.models": models.__all__,
        "openvideos_raw.errors": errors.__all__,
    }
    SHOWN: Final = {
        name: page
        for page in sorted((PROJECT / "docs" / "reference").glob("*.md"))
        for name in re.findall(r"^\.\. auto\w+:: ([\w.]+)$", page.read_text("utf-8"), re.MULTILINE)
    }

    @pytest.mark.parametrize("module", NAMES)
    def test_each_name_is_there(self, module: str) -> None:
        found = importlib.import_module(module)
        handed_on = {name for name in self.NAMES[module] if f"openvideos.{name}" in self.SHOWN}
        handed_on = {name for name in handed_on if getattr(found, name) is getattr(openvideos, name)}
        assert set() == {f"{module}.{name}" for name in {*self.NAMES[module]} - handed_on} - self.SHOWN.keys()

    def test_so_is_each_operation(self) -> None:
        api = Path(openvideos_raw.__file__).parent / "api"
        operations = {f"openvideos_raw.api.{path.parent.name}.{path.stem}" for path in api.glob("*/[a-z]*.py")}
        assert operations
        assert set() == operations - self.SHOWN.keys()

    def test_the_page_has_an_example_of_it(self) -> None:
        assert [] == [
            name
            for name, page in self.SHOWN.items()
            if not any(
                re.search(rf"\b{name.rpartition('.')[2]}\b", block.code)
                for block in blocks(page)
                if block.language == "python"
            )
        ]

    def test_the_page_or_the_docstring_has_an_example_of_each_method(self) -> None:
        lacking = set[str]()
        for name, page in self.SHOWN.items():
            module, _, attribute = name.rpartition(".")
            # What all objects and events can do is shown once.
            pages = {page, page.with_name("objects.md")}
            code = "".join(block.code for each in pages for block in blocks(each) if block.language == "python")
            for method, value in own_methods(getattr(importlib.import_module(module), attribute)).items():
                if "Example:" not in (inspect.getdoc(value) or "") and f".{method}(" not in code:
                    lacking.add(f"{page.name}: {attribute}.{method}")
        assert set() == lacking


def own_methods(kind: object) -> dict[str, object]:
    """Return the public methods of a class that the reference shows; exceptions are caught, and not called."""
    if not isinstance(kind, type) or issubclass(kind, Exception):
        return {}
    ours = [vars(base) for base in reversed(kind.__mro__) if base.__module__.startswith("openvideos")]
    named = {name: value for each in ours for name, value in each.items() if not name.startswith("_")}
    return {name: value for name, value in named.items() if isinstance(value, (FunctionType, classmethod))}
