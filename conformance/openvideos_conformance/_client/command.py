"""Run a command with bounds of time and output, and end what it has started."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from .._core.redaction import redacted, secrets_of_key
from .command_run import MOST_CONTENT, File

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUN_VARIABLE: Final = "OPENVIDEOS_RUN"
"""The environment variable by which the processes of a command are found, also those that have left its group."""

_POLL_S: Final = 0.01
_MEASURING_S: Final = 0.05
_PIECE: Final = 1 << 16
_KEPT: Final = 1 << 20
"""How many bytes of the output are kept of its beginning, and as many of its end."""
_PATIENCE: Final = 2.0
"""For how many seconds the output is read on after the command has ended."""
_MOST_FILES: Final = 50
_LARGEST_FILE: Final = 1 << 30
"""The size from which a file is not read; no right one is so large."""


class CommandError(Exception):
    """The command could not be started; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit code, None if it was killed; its output without the key; its memory in bytes."""

    exit_code: int | None
    output: str
    has_shown_key: bool
    memory: int


def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    key: str,
    limit: float,
    stop: threading.Event,
    is_measured: bool = False,
) -> Ended:
    """Run a command for `limit` seconds at most, or until `stop` is set, and return how it ended.

    `is_measured` says whether the memory of its processes is looked at meanwhile, which takes some time.

    Raises:
        CommandError: The command cannot be started.

    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is what the caller wants to run
            [*command],
            env={**environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as problem:
        raise CommandError(
            f"the command {command[0]!r} cannot be started: {getattr(problem, 'strerror', None) or problem}"
        ) from None
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    output = _Output(key)
    reader = threading.Thread(target=output.read, args=(process.stdout,), daemon=True, name="openvideos-client-output")
    reader.start()
    memory = 0
    try:
        memory = _wait(process, limit, stop, is_measured=is_measured)
    finally:
        has_ended = process.returncode is not None
        _kill(process, environment[RUN_VARIABLE])
        reader.join(_PATIENCE)
        with contextlib.suppress(OSError, ValueError):
            process.stdout.close()
    text = output.text  # to look for all spellings of the key takes time
    return Ended(
        exit_code=process.returncode if has_ended else None,
        output=text,
        has_shown_key=output.has_key or text != output.raw,
        memory=memory,
    )


def _wait(process: subprocess.Popen[bytes], limit: float, stop: threading.Event, *, is_measured: bool) -> int:
    """Wait for a process for a limited time; return the most memory that it was seen to use, in bytes."""
    end, memory = time.monotonic() + limit, 0
    while process.poll() is None and time.monotonic() < end and not stop.is_set():
        if is_measured:
            memory = max(memory, _memory_of(process.pid))
        time.sleep(_MEASURING_S if is_measured else _POLL_S)
    return memory


def _memory_of(session: int) -> int:
    """Return the most memory of its own that a process of a session uses, in bytes; 0 where the system does not tell.

    Pages of files are not counted. What the system tells of a process that has ended may be the memory of the one that
    started it.
    """
    found = 0
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = (path / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == session:
                status = (path / "status").read_text(encoding="utf-8", errors="replace")
                found = max(found, int(status.partition("RssAnon:")[2].split()[0]) << 10)
    return found


def _kill(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kill the command, and the processes that it has started, also those that have left its group."""
    killpg = getattr(os, "killpg", None)
    with contextlib.suppress(OSError):
        if killpg is not None:
            killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    if process.returncode is None:
        process.wait()
    for pid in _marked(mark):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _marked(mark: str) -> list[int]:
    """Return the ids of the processes whose environment has the mark, where the system tells."""
    entry = f"{RUN_VARIABLE}={mark}".encode()
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(path.name) != os.getpid() and entry in (path / "environ").read_bytes().split(b"\0"):
                found.append(int(path.name))
    return found


class _Output:
    """The beginning and the end of an output, without the key. What is between them is not kept."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._head, self._tail, self._rest = b"", b"", b""
        self._is_cut = False
        self.has_key = False

    def read(self, stream: IO[bytes]) -> None:
        """Read a stream to its end."""
        with contextlib.suppress(OSError, ValueError):
            while piece := os.read(stream.fileno(), _PIECE):
                self._add(piece)
        self._keep(self._rest)
        self._rest = b""

    def _add(self, piece: bytes) -> None:
        # The key may be in two pieces, so the end of each waits for the next.
        text = self._rest + piece
        self.has_key = self.has_key or self._key in text
        text = text.replace(self._key, b"***")
        cut = max(0, len(text) - len(self._key))
        self._rest = text[cut:]
        self._keep(text[:cut])

    def _keep(self, piece: bytes) -> None:
        room = _KEPT - len(self._head)
        self._head += piece[:room]
        tail = self._tail + piece[room:]
        self._is_cut = self._is_cut or len(tail) > _KEPT
        self._tail = tail[-_KEPT:]

    @property
    def raw(self) -> str:
        """What was kept, without the key as it is."""
        return (self._head + (b"\n[...]\n" if self._is_cut else b"") + self._tail).decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """What was kept, in which the key is hidden, however it is spelled."""
        return redacted(self.raw, secrets_of_key(self._key.decode()))


def files_in(directory: Path) -> dict[str, File]:
    """Return the files in a directory, without holding a large one in memory."""
    found: dict[str, File] = {}
    if directory.is_symlink():
        return found  # it leads to what is not the command's
    for folder, _, names in os.walk(directory):
        for name in sorted(names):
            path = Path(folder, name)
            with contextlib.suppress(OSError):  # a command may take away what it has written
                is_within = path.resolve().is_relative_to(directory.resolve())
                if len(found) < _MOST_FILES and path.is_file() and is_within:
                    found[path.relative_to(directory).as_posix()] = _file(path)
    return found


def _file(path: Path) -> File:
    digest = hashlib.sha256()
    size = path.stat().st_size
    with path.open("rb") as file:
        if size > _LARGEST_FILE:
            return File(size=size, digest=b"", content=file.read(MOST_CONTENT))
        content = file.read(MOST_CONTENT)
        digest.update(content)
        while piece := file.read(1 << 20):
            digest.update(piece)
        return File(size=file.tell(), digest=digest.digest(), content=content)
