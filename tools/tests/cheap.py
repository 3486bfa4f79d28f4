"""Run `tools/regenerate.py` in this process, and do what is slow once for each different input.

The slow parts are the reading of a contract, the generator, mypy and griffe. Their results depend on nothing but the
contract and the files that are read here; so the second run with the same ones is given the first one's results.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import overlay_caller
import overlay_checks
import regenerate
from contract_diff import document, release, surface

from .warm import IS_POSSIBLE, MODULES, Warm

INPUTS = {
    "openapi_python_client": ("openapi.yaml", "generator-config.yaml", "generator-templates"),
    "mypy": ("generated", "overlay/openvideos", "pyproject.toml"),
}
"""What the result of a module depends on, beside its arguments."""
OF_RESPONSES = {"video.py", "video_error.py", "video_list.py"}
"""The models of the raw client that most edits change, and no request is built of."""


@dataclass(frozen=True)
class Result:
    """What a program printed and wrote."""

    run: subprocess.CompletedProcess[str]
    files: Mapping[str, bytes]


@dataclass
class Cheap:
    """Runs the command, and keeps what the slow parts of it have come to."""

    warm: Warm = field(default_factory=Warm)
    results: dict[str, Result] = field(default_factory=dict[str, Result])
    lines: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    contracts: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def regenerate(
        self, root: Path, arguments: tuple[str, ...], cwd: str, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run the command for the project at a root."""
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.object(regenerate, "ROOT", root),
            mock.patch.object(regenerate, "subprocess", SimpleNamespace(run=self.run)),
            mock.patch.object(overlay_checks, "subprocess", SimpleNamespace(run=self.run)),
            mock.patch.object(document, "parse", self.parse),
            self.surfaces(),
            mock.patch.dict(os.environ, variables),
            mock.patch.object(tempfile, "tempdir", None),  # the variables may name another
            contextlib.chdir(cwd),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = regenerate.main(list(arguments))
        return subprocess.CompletedProcess(list(arguments), code, out.getvalue(), err.getvalue())

    @contextlib.contextmanager
    def surfaces(self) -> Generator[None]:
        """Compare the surface of a package once for each content that it has and had."""
        with mock.patch.object(release, "broken_surface", self.broken_surface):
            yield

    def broken_surface(
        self, root: Path, package: Path, reference: str, compare: Any = surface.broken_surface
    ) -> list[str]:
        """Return what a package no longer offers as it did in a release."""
        old = release.git(root, "rev-parse", f"{reference}:{package.as_posix()}")
        key = repr((package, old, digest(root / package)))
        if key not in self.lines:
            self.lines[key] = compare(root, package, reference)
        return self.lines[key]

    def parse(self, name: str, text: str, parse: Any = document.parse) -> dict[str, Any]:
        """Read a contract, if its text is a new one. Raises InvalidSpecError."""
        if text not in self.contracts:
            self.contracts[text] = parse(name, text)
        return copy.deepcopy(self.contracts[text])  # nobody changes what the next run is given

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Do what subprocess.run does; the generator, mypy and the calls of the overlay run once for each input."""
        options.pop("check", None)
        if command[1] == overlay_caller.__file__:
            return self.called(command, options)
        if command[:2] != [sys.executable, "-m"] or not IS_POSSIBLE:
            return subprocess.run(command, check=False, **options)
        module, cwd = command[2], Path(options["cwd"])
        scratch = cwd if module == "openapi_python_client" else None  # mypy writes nothing but its cache
        key = self.key(module, [each.replace(str(cwd), "CWD") for each in command])
        if key not in self.results:
            run = self.warm.run(module, command[3:], str(cwd), options.get("env", os.environ))
            self.results[key] = Result(run, bytes_below(scratch) if scratch else {})
        elif scratch:
            write(self.results[key].files, scratch)
        return self.results[key].run

    def called(self, command: list[str], options: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """Call the overlay once for each plan, overlay and raw client, but for what no request is built of."""
        generated = bytes_below(regenerate.ROOT / "generated")
        requests = {path: content for path, content in generated.items() if Path(path).name not in OF_RESPONSES}
        overlay = bytes_below(regenerate.ROOT / "overlay" / "openvideos")
        overlay.pop("_version.py", None)
        inputs = (Path(command[2]).read_text("utf-8"), sorted(overlay.items()), sorted(requests.items()))
        key = hashlib.sha256(repr(inputs).encode()).hexdigest()
        if key not in self.results:
            self.results[key] = Result(subprocess.run(command, check=False, **options), {})
        return self.results[key].run

    def key(self, module: str, command: list[str]) -> str:
        """Return what is the same for the same command with the same inputs."""
        assert module in MODULES
        root = regenerate.ROOT
        inputs = {name: digest(root / name) for name in INPUTS[module]}
        return repr(([each.replace(str(root), "ROOT") for each in command], inputs))


def digest(path: Path) -> str:
    """Return what is the same for a file or a directory of the same content."""
    files = {"": path.read_bytes()} if path.is_file() else bytes_below(path)
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def bytes_below(root: Path) -> dict[str, bytes]:
    """Return the content of each file below a directory, without what Python keeps of the modules it has read."""
    files = (path for path in root.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def write(files: Mapping[str, bytes], root: Path) -> None:
    """Write files below a directory."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
