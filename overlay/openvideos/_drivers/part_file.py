"""Write a file completely or not at all: first into a part file in the same directory, which is then renamed.

A symbolic link is followed, as `open` follows it, and a file that is replaced hands its mode on. What is no file, such
as a pipe or a device, is refused: a rename would put a file in its place.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from .._errors import DownloadError, InvalidArgumentError, repr_of


class PartFile:
    """The part file of `target`. Every method may block on the disk."""

    def __init__(self, target: str | os.PathLike[str]) -> None:
        """Set the target; nothing is created yet.

        Raises:
            InvalidArgumentError: The target is not a valid path.
        """
        self.target = _path(target)
        # The name is short, so that it is valid wherever the target's is, and random, so that downloads do not collide.
        self.path = self.target.parent / f".openvideos-{secrets.token_hex(8)}.part"
        self.size = 0
        self._real = self.target
        """The target behind its symbolic links."""
        self._descriptor: int | None = None

    def open(self) -> None:
        """Create the part file.

        Raises:
            InvalidArgumentError: The target is a directory, or no file at all.
            DownloadError: The part file cannot be created.
        """
        try:
            mode = self._mode()
            self._real = Path(os.path.realpath(self.target))
            self.path = self._real.parent / self.path.name
            self._descriptor = os.open(
                self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
            )
        except OSError as error:
            raise self._unwritable(error) from error
        if mode is not None:
            with contextlib.suppress(OSError):  # not every file system has modes
                self.path.chmod(mode)

    def _mode(self) -> int | None:
        """Return the permissions of the file at the target; None if there is none.

        Raises:
            InvalidArgumentError: Something else is there.
            OSError: The target cannot be a file.
        """
        try:
            mode = self.target.stat().st_mode
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(mode):
            raise InvalidArgumentError(f"{str(self.target)!r} is a directory; name the file to write.")
        if not stat.S_ISREG(mode):
            raise InvalidArgumentError(
                f"{str(self.target)!r} is a pipe, a device or a socket, which a file would replace; name a file, or "
                "write the bytes of download_content there yourself."
            )
        return mode & 0o777

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            DownloadError: The bytes cannot be written.
        """
        view = memoryview(data)
        try:
            while view:
                written = os.write(self._open(), view)
                self.size += written
                view = view[written:]
        except OSError as error:
            raise self._unwritable(error) from error

    def restart(self) -> None:
        """Discard the written bytes.

        Raises:
            DownloadError: The part file cannot be truncated.
        """
        try:
            os.ftruncate(self._open(), 0)
            os.lseek(self._open(), 0, os.SEEK_SET)
        except OSError as error:
            raise self._unwritable(error) from error
        self.size = 0

    def commit(self) -> Path:
        """Sync the part file to disk, rename it to the target, and return that path. An existing file is replaced.

        Raises:
            DownloadError: The file cannot be synced or renamed.
        """
        try:
            descriptor = self._open()
            os.fsync(descriptor)
            self._descriptor = None
            os.close(descriptor)
            self.path.replace(self._real)
        except OSError as error:
            raise self._unwritable(error) from error
        # Syncing the directory makes the rename survive a power cut; not every system can do that.
        with contextlib.suppress(OSError):
            directory = os.open(self._real.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        return self.target

    def discard(self) -> None:
        """Remove the part file if it still exists."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with contextlib.suppress(OSError):
                os.close(descriptor)
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _open(self) -> int:
        if self._descriptor is None:
            raise DownloadError(f"{self.target}: the part file is closed.")
        return self._descriptor

    def _unwritable(self, error: OSError) -> DownloadError:
        reason = error.strerror or str(error)
        result = DownloadError(f"{self.target} cannot be written: {reason}. Nothing was left there.")
        result.bytes_received = self.size
        return result


def _path(target: str | os.PathLike[str]) -> Path:
    """Convert a target to a path.

    Raises:
        InvalidArgumentError: The target is not a valid path of a file.
    """
    try:
        path = Path(target).expanduser()
        # pathlib accepts a NUL and a lone surrogate, which the system would refuse only at the rename.
        nul = b"\0" in os.fsencode(path)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidArgumentError(f"{repr_of(target)} is not a path that a file can have: {error}.") from error
    if nul:
        raise InvalidArgumentError(f"{target!r} is not a path that a file can have: it contains a NUL.")
    # pathlib drops the slash by which a caller names a directory, and a file would stand in its place.
    if os.path.basename(os.fspath(target)) in {"", "."}:  # noqa: PTH119 - as said
        raise InvalidArgumentError(f"{str(target)!r} names a directory; name the file to write.")
    return path


def write_whole(target: str | os.PathLike[str], content: bytes) -> Path:
    """Write bytes to a path, completely or not at all, and return the path.

    Raises:
        InvalidArgumentError: The target is a directory, or not a valid path.
        DownloadError: The file cannot be written.
    """
    part = PartFile(target)
    part.open()
    try:
        part.write(content)
        return part.commit()
    finally:
        # After the commit there is nothing left to discard.
        part.discard()
