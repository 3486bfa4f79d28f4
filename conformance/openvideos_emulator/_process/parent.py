"""Run emulators in separate processes for tests, one for each API key and imitated server.

When one ends, its files are removed.

In a separate process, the emulator is not affected by what tests do to their own process: freeze the clock, forbid
sockets or warnings, or block the event loop.
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

from .._options import PREFIX
from ..testing import EmulatorError

_NEW_GROUP: Final = 0x200  # subprocess.CREATE_NEW_PROCESS_GROUP, which exists on Windows only
_START_SECONDS: Final = 60.0  # the time limit for the start, which usually takes less than a second
_GREETING: Final = re.compile(r"openvideos-emulator: listening on (\S+)")
# These variables configure coverage and warnings for the tests' process, and emulators that a developer starts by hand;
# they must not affect this emulator.
_DROPPED: Final = re.compile(rf"COV_CORE_.*|COVERAGE_PROCESS_.*|PYTHONWARNINGS|PYTHONINSPECT|{PREFIX}.*")


class EmulatorProcess:
    """An emulator process that runs until `close`, or until this process ends for any reason."""

    def __init__(self, *, api_key: str | None, imitate: str = "", cwd: Path) -> None:
        """Start the process, and wait until it accepts connections.

        With an empty `api_key`, requests need no key; with None, each key has jobs of its own. With an empty `imitate`,
        no server is imitated.

        Raises:
            EmulatorError: The emulator does not start.
        """
        with contextlib.ExitStack() as stack:
            directory = Path(tempfile.mkdtemp(prefix="openvideos-emulator-"))
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            log = stack.enter_context((directory / "log.txt").open("w+b"))
            self._process = stack.enter_context(_started(directory, log.fileno(), api_key, imitate, cwd))
            stack.callback(self._process.kill)
            greeting = self._greeting()
            match = _GREETING.match(greeting)
            if match is None:
                self._process.kill()
                self._process.wait()
                log.seek(0)
                output = log.read().decode("utf-8", "replace").strip() or "it printed no reason"
                reason = output if "Traceback" in output else output.splitlines()[-1]
                raise EmulatorError(f"the emulator does not start: {reason.removeprefix('openvideos-emulator: ')}")
            self.base_url: Final = match[1]
            self._stack = stack.pop_all()

    @property
    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """Kill the process, and remove its files."""
        self._stack.close()

    def _greeting(self) -> str:
        timer = threading.Timer(_START_SECONDS, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            return "" if self._process.stdout is None else self._process.stdout.readline()
        finally:
            timer.cancel()
            timer.join()


class Processes:
    """The emulator processes of a test run, by their API keys and the servers that they imitate."""

    def __init__(self, cwd: Path) -> None:
        """Start without processes; those to come run in this directory."""
        self._cwd = cwd
        self._running: dict[tuple[str | None, str], EmulatorProcess] = {}

    def of(self, api_key: str | None, imitate: str = "") -> EmulatorProcess:
        """Return the emulator with this API key that imitates this server; start it if it does not run.

        With None as the key, each key that is sent to it has jobs of its own.

        Raises:
            EmulatorError: The emulator does not start.
        """
        process = self._running.get((api_key, imitate))
        if process is None or not process.is_alive:
            if process is not None:
                process.close()
            process = EmulatorProcess(api_key=api_key, imitate=imitate, cwd=self._cwd)
            self._running[api_key, imitate] = process
        return process

    def close(self) -> None:
        """Kill all processes."""
        for process in self._running.values():
            process.close()
        self._running.clear()


def _started(directory: Path, log: int, api_key: str | None, imitate: str, cwd: Path) -> subprocess.Popen[str]:
    # -P: the directory of the tests may contain modules with the same names as ours.
    command = [sys.executable, "-P", "-m", "openvideos_emulator._process.child", str(directory), "--port", "0"]
    command += ["--quiet", "--db", str(directory / "jobs.db")] if api_key is not None else ["--quiet", "--isolate-keys"]
    command += ["--imitate", imitate] if imitate else []
    environment = {name: value for name, value in os.environ.items() if _DROPPED.fullmatch(name) is None}
    environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(directory))
    # Other users of the machine can read the arguments of a process.
    environment |= {f"{PREFIX}API_KEY": api_key} if api_key else {}
    return subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        encoding="utf-8",
        errors="replace",
        # A separate group: Ctrl-C must reach only the tests, which may use the emulator until they end.
        process_group=None if sys.platform == "win32" else 0,
        creationflags=_NEW_GROUP if sys.platform == "win32" else 0,
    )
