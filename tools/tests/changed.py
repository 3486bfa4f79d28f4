"""A copy of the project whose contract a test changes, and whose programs it runs as they then are."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from .edits import SPEC, Spec, written
from .project import PROJECT, copy_parts

PARTS = (
    "contract",
    *("conftest.py", "openapi.yaml", "pyproject.toml", "generator-config.yaml", "generator-templates", "generated"),
    *("conformance/openvideos_conformance", "conformance/openvideos_emulator", "conformance/schemathesis.toml"),
    *("conformance/tests/emulator", "overlay", "tools"),
)
KEY = "sk-openvideos-changed-0123456789"


class Copy:
    """A copy of the project below a directory."""

    def __init__(self, root: Path, edit: Callable[[Spec], None]) -> None:
        """Make the copy, and change its contract."""
        self.root = root
        # What Python has compiled is copied, too: to compile it again takes longer than most tests.
        copy_parts(PARTS, root, ignored=[".*_cache"])
        spec = copy.deepcopy(SPEC)
        edit(spec)
        (root / "openapi.yaml").write_text(written(spec), "utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the copy's packages are found, and no others of the project."""
        packages = [str(self.root / name) for name in ("generated", "overlay", "conformance")]
        others = [path for path in sys.path if path and not Path(path).is_relative_to(PROJECT)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENVIDEOS_")}
        return kept | {"PYTHONPATH": os.pathsep.join([*packages, *others])}

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    @contextmanager
    def emulator(self) -> Generator[str]:
        """Run the copy's emulator; give its base URL."""
        command = [sys.executable, "-m", "openvideos_emulator", "--port", "0", "--pace", "polls:2", "--api-key", KEY]
        with subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                assert process.stdout is not None
                found = re.search(r"http://\S+/v1", process.stdout.readline())
                assert found is not None
                yield found[0]
            finally:
                process.kill()

    def judge(self, base_url: str, *requirements: str) -> dict[str, tuple[str, str]]:
        """Let the copy's suite judge a server by some requirements; give the verdict and the message of each."""
        arguments = ["--base-url", base_url, "--size", "64x48", "--seconds", "1", "--report", "report"]
        arguments += ["--examples", "1"]  # each field has its own in any case
        ran = self.run(
            "-m", "openvideos_conformance", "run", *arguments, "--only", ",".join(requirements), OPENVIDEOS_API_KEY=KEY
        )
        assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
        results = json.loads((self.root / "report" / "report.json").read_text("utf-8"))["results"]
        return {each["id"]: (each["verdict"], each["message"]) for each in results if each["id"] in requirements}
