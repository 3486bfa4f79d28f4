"""A Python that has imported the generator and mypy already, and runs them in processes that are forked from it.

Most of what a run of either takes is importing it. What is forked has arguments, a directory, an environment and
an output of its own, as a process has that is started. Only what Python reads at its start, such as PYTHONHASHSEED,
is this one's: the tests of that start Python anew.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path

MODULES = {"openapi_python_client": "openapi_python_client.cli", "mypy": "mypy.main"}
"""What can be run, each with what is imported beforehand."""
IS_POSSIBLE = hasattr(os, "fork")


class Warm:
    """The client's side of such a Python, which is started when it is first needed."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.process: subprocess.Popen[str] | None = None

    def run(
        self, module: str, arguments: list[str], cwd: str, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a module as `python -m` does."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with tempfile.TemporaryDirectory() as scratch:
            files = [Path(scratch, name) for name in ("stdout", "stderr")]
            order = [module, arguments, cwd, dict(environment), *map(str, files)]
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            code = int(self.process.stdout.readline())
            texts = [file.read_text("utf-8") for file in files]
        return subprocess.CompletedProcess([module, *arguments], code, *texts)

    def stop(self) -> None:
        """Stop it, if it was started."""
        if self.process is not None:
            self.process.communicate()
            self.process = None


def serve() -> None:
    """Run what each line of the input names, one after the other, and print the exit code of each."""
    for module in MODULES.values():
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            carry_out(*json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def carry_out(
    module: str, arguments: list[str], cwd: str, environment: dict[str, str], stdout: str, stderr: str
) -> None:
    """Be the process that runs the module; never return."""
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, stdout, os.O_WRONLY | os.O_CREAT),
        (2, stderr, os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(path, flags), number)
    code = 1
    try:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv, sys.path[0] = [module, *arguments], cwd
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    except BaseException:  # noqa: BLE001 - what Python would print of it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
