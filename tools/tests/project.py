"""A copy of the project, in which a test edits the contract and runs the tools as a contributor does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from contract_diff.overlay_files import VERSION

from .cheap import Cheap

PROJECT = Path(__file__).parents[2]
PARTS = [
    *("CHANGELOG.md", "contract", "generated", "generator-config.yaml", "generator-templates", "openapi.yaml"),
    *("conformance/openvideos_conformance", "conformance/openvideos_emulator"),
    *("overlay/openvideos", "overlay/uncovered.toml", "pyproject.toml", "tools/contract_diff"),
]
"""What regeneration reads and writes."""
LONGEST_PROMPT = "maxLength: 32000\n      description: >-\n        The text from"
SHORTER_PROMPT = LONGEST_PROMPT.replace("32000", "1000")
"""The limit of `Prompt` in the contract, and a smaller one."""
VIDEO = "generated/openvideos_raw/models/video.py"
FIRST = "0.1.0"
"""The version of a copy, and of the release that `release` makes of it."""


@dataclass(frozen=True)
class Project:
    """A copy of the project below a directory."""

    root: Path
    mypy_cache: Path
    """Copies that are used beside each other need a cache each."""
    cheap: Cheap

    def regenerate(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Run the command in this process, with further environment variables, from a directory (`cwd`)."""
        variables = {name: str(value) for name, value in options.items() if name != "cwd"}
        variables = {"MYPY_CACHE_DIR": str(self.mypy_cache), **variables}
        return self.cheap.regenerate(self.root, arguments, str(options.get("cwd", self.root)), variables)

    def regenerate_in_a_process(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Run the command as a contributor does: the script of the copy, in a Python of its own."""
        variables = {name: str(value) for name, value in options.items() if name != "cwd"}
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "MYPY_CACHE_DIR": str(self.mypy_cache),
            **variables,
        }
        command = [sys.executable, str(self.root / "tools" / "regenerate.py"), *arguments]
        cwd = str(options.get("cwd", self.root))
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
        )

    def change(self, path: str, old: str, new: str, count: int = -1) -> None:
        """Replace a text that stands in a file."""
        text = self.read(path)
        assert old in text, path
        (self.root / path).write_text(text.replace(old, new, count), "utf-8")

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return (self.root / path).read_text("utf-8")

    def git(self, *arguments: str) -> str:
        """Run git; return what it says."""
        return git(self.root, *arguments)

    def release(self) -> None:
        """Commit everything, and make it the release."""
        release(self.root)


def copy_project(root: Path) -> None:
    """Copy what regeneration needs to a directory, of which git knows nothing."""
    copy_parts(PARTS, root)
    copy_parts([f"tools/{script.name}" for script in (PROJECT / "tools").glob("*.py")], root)
    # The tests count from this version, whichever is next.
    (root / VERSION).write_text(f'__version__ = "{FIRST}"\n', "utf-8")


def copy_parts(parts: Iterable[str], root: Path, *, ignored: Iterable[str] = ("__pycache__", ".*_cache")) -> None:
    """Copy files and directories of the project to the same places below another root."""
    for part in parts:
        source, target = PROJECT / part, root / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            # The contract within the packages is a link to the project's.
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(*ignored))
        else:
            shutil.copyfile(source, target)


def git(root: Path, *arguments: str) -> str:
    """Run git in a directory with an author that it would otherwise ask for; return what it says."""
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def release(root: Path) -> None:
    """Commit everything in a directory, and make it the release v0.1.0."""
    if not (root / ".git").exists():
        git(root, "init", "-q")
        (root / ".gitignore").write_text("__pycache__/\n", "utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "Release")
    git(root, "tag", "-f", f"v{FIRST}")
