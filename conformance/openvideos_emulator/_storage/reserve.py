"""Keep some room on the disk, which is given up when the disk is full, so that jobs can be deleted then."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from pathlib import Path

_BYTES: Final = 4 << 20
"""As much as it takes to write the log of changes into the database, which then makes room of the log."""


class Reserve:
    """The file `NAME-reserve` beside a database; none for a database in memory.

    `is_released` is true from when the room was given up, or could not be taken, until it is taken again.
    """

    is_released: bool

    def __init__(self, database: Path | None) -> None:
        """Take the room."""
        self.is_released = False
        self._path = None if database is None else database.with_name(f"{database.name}-reserve")
        self.take()

    def take(self) -> None:
        """Take the room, unless it is taken, or the disk has none."""
        if self._path is None:
            return
        try:
            if self._path.exists() and self._path.lstat().st_size == _BYTES:  # a killed process has left it
                self.is_released = False
                return
            self._path.unlink(missing_ok=True)  # a part of it, or a link
            with self._path.open("xb") as file:
                _fill(file)
        except OSError:
            self.release()
        else:
            self.is_released = False

    def release(self) -> None:
        """Give the room up, also at the end."""
        if self._path is not None:
            self.is_released = True
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _fill(file: BinaryIO) -> None:
    if sys.platform == "linux":
        os.posix_fallocate(file.fileno(), 0, _BYTES)  # as quick as can be, also where zeros would take no room
    else:
        file.write(bytes(_BYTES))
