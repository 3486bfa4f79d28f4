"""A terminal whose screen can be read: a pseudo-terminal, and pyte, which understands what is written to it.

The tests of the command run on it, and its picture for the docs is taken of it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TextIO

import pyte

PATIENCE_S: Final = 60.0
"""How long it waits for what is expected; a busy machine is slow."""
IN_CONTROL: Final = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches the process
os.execv(sys.argv[1], sys.argv[1:])
"""
MARK: Final = b"\x1b[?9999h"
"""A sequence that terminals ignore, by which it is known that all before it was read."""
STRINGS: Final = re.compile(rb"\x1b[P_].*?\x1b\\", re.DOTALL)
STRING: Final = re.compile(rb"\x1b[P_]")


class Terminal:
    """A terminal, and what it has shown. `answers` has what it answers to what is written to it."""

    def __init__(self, columns: int, rows: int, answers: Mapping[bytes, bytes]) -> None:
        """Open the terminal."""
        self.screen = pyte.Screen(columns, rows)
        self.raw = b""
        """All that was written to it."""
        self.screens: list[str] = []
        """What it has shown, one after the other."""
        self._stream: Any = pyte.ByteStream(self.screen)
        self._unread = b""
        self._answers = answers
        self._changed = threading.Condition()
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, rows * 20, columns * 10))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return
            # Several queries may come at once; they are answered in their order.
            asked = sorted((data.find(query), answer) for query, answer in self._answers.items() if query in data)
            for _, answer in asked:
                os.write(self._master, answer)
            with self._changed:
                self.raw += data
                self._feed(data.replace(MARK, b""))
                if self.text not in self.screens[-1:]:
                    self.screens.append(self.text)
                self._changed.notify_all()

    def _feed(self, data: bytes) -> None:
        """Show what was written, without the strings of pictures, of which pyte knows nothing."""
        self._unread = STRINGS.sub(b"", self._unread + data)
        begun = STRING.search(self._unread)
        end = len(self._unread) if begun is None else begun.start()
        shown, self._unread = self._unread[:end], self._unread[end:]
        self._stream.feed(shown)

    @property
    def text(self) -> str:
        """What it shows."""
        return "\n".join(line.rstrip() for line in self.screen.display).strip()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on the screen holds.

        Raises:
            TimeoutError: It does not.
        """
        with self._changed:
            if not self._changed.wait_for(condition, PATIENCE_S):
                raise TimeoutError(f"The terminal shows something else: {self.text}")

    def drain(self) -> None:
        """Wait until all that was written is read."""
        os.write(self._slave, MARK)
        self.wait_for(lambda: self.raw.endswith(MARK))

    def show(self, text: str) -> None:
        """Show a text, as if it had been typed at a prompt of a shell."""
        os.write(self._slave, text.encode())
        self.drain()

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._master, text.encode())

    @contextmanager
    def files(self) -> Generator[tuple[TextIO, TextIO, TextIO]]:
        """Give the terminal as stdin, stdout and stderr."""
        opened = [os.fdopen(os.dup(self._slave), mode, encoding="utf-8") for mode in ("r", "w", "w")]
        try:
            yield opened[0], opened[1], opened[2]
        finally:
            for each in opened:
                each.close()

    @contextmanager
    def start(self, *argv: str) -> Generator[subprocess.Popen[bytes]]:
        """Run the command in a process of its own, which this terminal controls."""
        command = [sys.executable, "-c", IN_CONTROL, sys.executable, "-m", "openvideos", *argv]
        end = self._slave
        with subprocess.Popen(command, stdin=end, stdout=end, stderr=end, start_new_session=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def end_of(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the end of the command, and return its exit code."""
        code = process.wait(PATIENCE_S)
        self.drain()
        return code

    def close(self) -> None:
        """Close the terminal."""
        os.close(self._slave)
        self._thread.join(PATIENCE_S)
        os.close(self._master)
