"""Run emulators as processes of their own for tests, one for each API key, and end them with all they have stored.

In a process of its own the emulator is out of reach of what tests do to theirs: a clock that is frozen, sockets or
warnings that are forbidden, an event loop that is blocked.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from ..testing import EmulatorError

_NEW_GROUP: Final = 0x200  # subprocess.CREATE_NEW_PROCESS_GROUP, which there is on Windows alone
_PATIENCE: Final = 60.0  # seconds; it starts in less than one
_GREETING: Final = re.compile(r"openvideos-emulator: listening on (\S+)")
# What tells a Python how to watch the tests, or to judge them, is not meant for the emulator.
_DROPPED: Final = re.compile(r"COV_CORE_.*|COVERAGE_PROCESS_.*|PYTHONWARNINGS|PYTHONINSPECT")


class EmulatorProcess:
    """An emulator that runs until it is closed, or this process ends, however it does."""

    def __init__(self, *, api_key: str, cwd: Path) -> None:
        """Start it, and wait until it listens; EmulatorError if it does not. An empty key stands for any, and none."""
        with contextlib.ExitStack() as stack:
            directory = Path(tempfile.mkdtemp(prefix="openvideos-emulator-"))
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            log = stack.enter_context((directory / "log.txt").open("w+b"))
            self._process = stack.enter_context(_started(directory, log.fileno(), api_key, cwd))
            stack.callback(self._process.kill)
            greeting = self._greeting()
            match = _GREETING.match(greeting)
            if match is None:
                self._process.kill()
                self._process.wait()
                log.seek(0)
                said = log.read().decode("utf-8", "replace").strip() or "it says nothing"
                reason = said if "Traceback" in said else said.splitlines()[-1]
                raise EmulatorError(f"the emulator does not start: {reason.removeprefix('openvideos-emulator: ')}")
            self.base_url: Final = match[1]
            self._stack = stack.pop_all()

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it at once, and remove what it has stored."""
        self._stack.close()

    def _greeting(self) -> str:
        impatience = threading.Timer(_PATIENCE, self._process.kill)
        impatience.daemon = True
        impatience.start()
        try:
            return "" if self._process.stdout is None else self._process.stdout.readline()
        finally:
            impatience.cancel()
            impatience.join()


class Processes:
    """The emulators of a test run, by their API keys."""

    def __init__(self, cwd: Path) -> None:
        """Begin with none; they run in this directory."""
        self._cwd = cwd
        self._running: dict[str, EmulatorProcess] = {}

    def of(self, api_key: str) -> EmulatorProcess:
        """Give the emulator that takes this key, which is started if it does not run, or no longer."""
        process = self._running.get(api_key)
        if process is None or not process.is_alive:
            if process is not None:
                process.close()
            process = self._running[api_key] = EmulatorProcess(api_key=api_key, cwd=self._cwd)
        return process

    def close(self) -> None:
        """End them all."""
        for process in self._running.values():
            process.close()
        self._running.clear()


def _started(directory: Path, log: int, api_key: str, cwd: Path) -> subprocess.Popen[str]:
    # -P: the directory of the tests may hold modules of the names of ours.
    command = [sys.executable, "-P", "-m", "openvideos_emulator._process.child", str(directory), "--port", "0"]
    command += ["--db", str(directory / "jobs.db"), *(["--api-key", api_key] if api_key else [])]
    environment = {name: value for name, value in os.environ.items() if _DROPPED.fullmatch(name) is None}
    environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(directory))
    return subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        encoding="utf-8",
        errors="replace",
        # A group of its own: Ctrl-C is meant for the tests, which may use the emulator until they have ended.
        process_group=None if sys.platform == "win32" else 0,
        creationflags=_NEW_GROUP if sys.platform == "win32" else 0,
    )
