"""Run the suite in this process, isolated from any configuration of pytest: `openvideos-conformance run`."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

import pytest

from .._core.sanitize import one_line
from .._pytest.plugin import SuitePlugin
from .._pytest.run_state import RunState
from .._reports.terminal import summary
from .._reports.write import write
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from .._core.run_result import RunResult

_ENVIRONMENT: Final = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
_COMPLETED: Final = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
_SHOWN_OUTPUT: Final = 300


def run_suite(state: RunState, stream: TextIO, *, is_coloured: bool, is_verbose: bool = False) -> RunResult:
    """Run the suite, write the progress to a stream, and return the result."""
    progress = Progress(state, stream, is_coloured=is_coloured, is_live=stream.isatty(), is_verbose=is_verbose)
    output = io.StringIO()
    code: int | pytest.ExitCode | None = None
    # A second interrupt, while pytest handles the first, escapes from pytest.
    with (
        contextlib.suppress(KeyboardInterrupt),
        _isolated() as directory,
        interrupted_by_sigterm(),
        _redirected(output),
    ):
        try:
            code = pytest.main(_arguments(directory), plugins=[SuitePlugin(state), progress])
        except Exception:
            # pytest cannot show the traceback of an interrupt that met Python between two lines. It has cleaned up.
            if not state.is_interrupted:
                raise
    progress.stop()
    if code is None:
        state.is_interrupted = True
    elif code not in _COMPLETED and state.problem is None and not state.is_interrupted:
        state.problem = f"the suite itself failed: {one_line(output.getvalue())[-_SHOWN_OUTPUT:] or code}"
    state.end()
    return state.result()


def finish(run: RunResult, stream: TextIO, directory: Path | None, *, is_coloured: bool) -> int:
    """Print the summary, write the reports into a directory if one is given, and return the exit code."""
    stream.write("\n" + summary(run, is_coloured=is_coloured))
    code = run.exit_code
    if directory is not None:
        try:
            files = write(run, directory)
        except OSError as problem:
            sys.stderr.write(f"openvideos-conformance: the reports cannot be written to {directory}: {problem}\n")
            return 2
        stream.write(f"reports: {', '.join(str(file) for file in files)}\n")
    stream.flush()
    return code


def _arguments(directory: Path) -> list[str]:
    empty = directory / "pytest.ini"
    empty.write_text("[pytest]\n", encoding="utf-8")
    return [
        "--pyargs",
        "openvideos_conformance.suite",
        f"--config-file={empty}",
        f"--rootdir={directory}",
        f"--basetemp={directory / 'tmp'}",
        "--noconftest",
        "--import-mode=importlib",
        "--assert=plain",  # assertion rewriting would write files
        "--capture=no",  # the output is redirected in this module
        "--tb=no",
        "-pno:cacheprovider",
        "-pno:unraisableexception",  # it collects garbage, which takes a second, for warnings that are ignored
        "-pno:faulthandler",  # it needs a real stderr, which is redirected here
        "-Wignore",
    ]


@contextlib.contextmanager
def _isolated() -> Generator[Path]:
    """Yield a temporary directory, and hide the settings of pytest in the environment meanwhile."""
    kept = dict(os.environ)
    for name in _ENVIRONMENT:
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    writes_nothing, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with tempfile.TemporaryDirectory(prefix="openvideos-conformance-", ignore_cleanup_errors=True) as directory:
            yield Path(directory)
    finally:
        sys.dont_write_bytecode = writes_nothing
        os.environ.clear()
        os.environ.update(kept)


@contextlib.contextmanager
def _redirected(output: TextIO) -> Generator[None]:
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        yield


@contextlib.contextmanager
def interrupted_by_sigterm() -> Generator[None]:
    """Handle SIGTERM, by which CI ends a job, as an interrupt, so that what was started is ended then, too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
