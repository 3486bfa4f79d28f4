"""Say who has a database, to the others that are refused.

The file `NAME-owner` beside the database is locked while its owner lives. A lock ends with its process, however that
ends, so what an owner that was killed has left is never taken for the owner.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from .._model.refusals import shown

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform != "win32":
    import fcntl

_READ_BYTES: Final = 4096


class Owner:
    """The note about this process, which has a database. Where it cannot be kept, there is none."""

    def __init__(self, database: Path | None) -> None:
        """Note that this process has the database, which it must have locked before."""
        self._path = None if database is None else _path(database)
        self._file: int | None = None
        if self._path is None or sys.platform == "win32":
            return
        with contextlib.suppress(OSError):
            # Emptied before it is locked: locked, it never has the note of another.
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            self.tell(None)

    def tell(self, url: str | None) -> None:
        """Note the URL that the process serves the database at."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                # Each time: another process may have looked for the owner, with a lock of its own, when this one began.
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                note = json.dumps({"pid": os.getpid(), "url": url}).encode()
                os.pwrite(self._file, note.ljust(_READ_BYTES), 0)  # in one piece, over the note before

    def close(self) -> None:
        """Remove the note; the database must be locked still."""
        if self._file is not None and self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None


def owner_of(database: Path) -> str:
    """Return who has a database, such as `pid 12, http://127.0.0.1:8000/v1`; empty if that is not known."""
    if sys.platform == "win32":
        return ""
    try:
        file = os.open(_path(database), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # the owner lives
        return _told(os.pread(file, _READ_BYTES, 0))
    else:
        return ""
    finally:
        os.close(file)


def _told(note: bytes) -> str:
    try:
        said = json.loads(note)
        pid, url = int(said["pid"]), said["url"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ""
    return f"pid {pid}" if url is None else f"pid {pid}, {shown(url)}"


def _path(database: Path) -> Path:
    database = database.resolve()  # by whatever link another names it
    return database.with_name(f"{database.name}-owner")
