"""Every code block of README.md and docs/sdk.md works: Python on a real emulator, commands by what they name."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
README = PROJECT.joinpath("README.md").read_text("utf-8")
NOXFILE = PROJECT.joinpath("noxfile.py").read_text("utf-8")
SDK = PROJECT.joinpath("docs", "sdk.md").read_text("utf-8")


def blocks(page: str) -> list[tuple[str, int, str]]:
    """Return language, line and code of each block."""
    return [
        (match["language"], page.count("\n", 0, match.start()) + 2, match["code"])
        for match in re.finditer(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ]


BLOCKS = blocks(README)
PYTHON = [
    pytest.param(code, id=f"{name} line {line}")
    for name, page in (("README", README), ("sdk", SDK))
    for language, line, code in blocks(page)
    if language == "python"
]
COMMANDS = [command for language, _, code in BLOCKS if language == "console" for command in code.splitlines()]
MAGIC = {".mp4": (b"ftyp", 4), ".webp": (b"WEBP", 8)}


def test_every_block_is_of_a_language_that_is_tested() -> None:
    assert {"console", "python"} == {language for language, _, _ in BLOCKS}


@pytest.mark.slow
@pytest.mark.usefixtures("in_environment")
@pytest.mark.parametrize("code", PYTHON)
def test_a_python_block_runs(code: str, tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stderr)
    named = set(re.findall(r'"([\w-]+\.(?:mp4|webp))"', code))
    saved = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert named <= set(saved)
    for name, content in saved.items():
        magic, offset = MAGIC[Path(name).suffix]
        assert content[offset:].startswith(magic), f"{name} is no {Path(name).suffix}"


class TestCommands:
    def test_each_is_of_a_program_that_is_tested(self) -> None:
        programs = {shlex.split(part)[0] for command in COMMANDS for part in command.split("&&")}
        assert {"export", "nox", "openvideos-conformance", "openvideos-emulator", "python"} == programs

    def test_the_first_two_set_up_everything(self) -> None:
        start = "python -m pip install nox uv && nox"
        assert [f"{start} -s demo", start] == COMMANDS[:2]

    def test_the_sessions_exist(self) -> None:
        wanted = {name for command in COMMANDS for name in re.findall(r"nox -s (\w+)", command)}
        noxfile = ast.parse(PROJECT.joinpath("noxfile.py").read_text("utf-8"))
        assert wanted <= {
            node.name for node in noxfile.body if isinstance(node, ast.FunctionDef) if node.decorator_list
        }

    def test_the_extras_exist(self) -> None:
        project = tomllib.loads(PROJECT.joinpath("pyproject.toml").read_text("utf-8"))["project"]
        wanted = {name for command in COMMANDS for name in re.findall(r"'\.\[(\w+)\]'", command)}
        assert wanted
        assert wanted <= set(project["optional-dependencies"])
        assert "openvideos-emulator" in project["scripts"]

    def test_the_emulator_knows_its_options(self) -> None:
        wanted = {
            option
            for command in COMMANDS
            if command.startswith("openvideos-emulator")
            for option in shlex.split(command)[1:]
            if option.startswith("--")
        }
        reported = subprocess.run(
            [sys.executable, "-m", "openvideos_emulator", "--help"],
            env=os.environ | {"COLUMNS": "120"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert wanted
        assert wanted <= set(re.findall(r"--[a-z-]+", reported.stdout))
