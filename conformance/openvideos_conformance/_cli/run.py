"""Run the suite in this process, apart from whatever pytest is set up for here: `openvideos-conformance run`."""

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
from .._pytest.fixtures import RUN
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
_USED_UP: Final = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
_LAST_WORDS: Final = 300


def judged(state: RunState, stream: TextIO, *, is_coloured: bool) -> RunResult:
    """Run the suite and return what it came to; the progress goes to a stream."""
    progress = Progress(state, stream, is_coloured=is_coloured, is_live=stream.isatty())
    noise = io.StringIO()
    code: int | pytest.ExitCode | None = None
    # A second interrupt, while pytest ends what the first broke off, leaves pytest in the middle.
    with contextlib.suppress(KeyboardInterrupt), _apart() as directory, _stopping(), _quiet(noise):
        code = pytest.main(_arguments(directory), plugins=[_Registrar(SuitePlugin(state)), progress])
    progress.stop()
    if code is None:
        state.is_interrupted = True
    elif code not in _USED_UP and state.problem is None and not state.is_interrupted:
        state.problem = f"the suite itself failed: {one_line(noise.getvalue())[-_LAST_WORDS:] or code}"
    state.end()
    return state.result()


def finish(run: RunResult, stream: TextIO, directory: Path | None, *, is_coloured: bool) -> int:
    """Write the reports, tell the run, and return the exit code."""
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


class _Registrar:
    """Registers the plugin of a run under the name by which its fixtures find it."""

    def __init__(self, plugin: SuitePlugin) -> None:
        self._plugin = plugin

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self._plugin, RUN)


def _arguments(directory: Path) -> list[str]:
    nothing = directory / "pytest.ini"
    nothing.write_text("[pytest]\n", encoding="utf-8")
    return [
        "--pyargs",
        "openvideos_conformance.suite",
        f"--config-file={nothing}",
        f"--rootdir={directory}",
        f"--basetemp={directory / 'tmp'}",
        "--noconftest",
        "--import-mode=importlib",
        "--assert=plain",  # rewriting would write files
        "--capture=no",  # all output is taken by us
        "--tb=no",
        "-pno:cacheprovider",
        "-pno:faulthandler",  # it would take the stderr that is not there
        "-Wignore",
    ]


@contextlib.contextmanager
def _apart() -> Generator[Path]:
    """Give a directory of the run's own, and hide what the environment tells pytest."""
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
def _quiet(noise: TextIO) -> Generator[None]:
    with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise):
        yield


@contextlib.contextmanager
def _stopping() -> Generator[None]:
    """Take SIGTERM, by which CI ends a job, for an interrupt: the videos are deleted then, too."""
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
