"""Read a caller's file for a form: whole, as long as it said, and with no exception but ours."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import Awaitable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import define

from .._errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

WRAPPED: Final = ("wrapped", "file")
"""Where anyio's, trio's and Starlette's async files have the file that is read without await."""

_BROKEN_OFF: Final = " The request was broken off, and is not sent again."


@define(eq=False)
class Content:
    """The content of a file, as httpx reads it for a form.

    httpx asks `tell` and `seek` for the length, and calls `read` until it returns nothing. If the file is async, `read`
    returns awaitables, which `_drivers/request_body.py` awaits.
    """

    name: str
    """The name of the form field."""
    source: Any
    """The caller's file, or the path of one, which is open only while it is read."""
    length: int | None = None
    """The length in bytes; None if it is not sure, and the content is sent in chunks."""
    rewindable: bool = False
    """Whether the content can be sent a second time."""
    is_async: bool = False
    headers: Mapping[str, str] | None = None
    """The part's headers beside its name and its media type."""
    _awaits: bool = False
    _file: Any = None
    _at_start: bool = True
    _ended: bool = False
    _was_read: bool = False
    _sent: int = 0

    def check_client(self, *, awaits: bool) -> None:
        """Check that a client can read the file: one that awaits, or a blocking one.

        Raises:
            InvalidArgumentError: The file is async, and the client is blocking.
        """
        self._awaits = awaits
        if self.is_async and not awaits:
            raise self._cannot_await()

    def tell(self) -> int:
        """Return 0, where every content starts. If the length is not sure, raise what httpx expects of a pipe."""
        if self.length is None:
            raise io.UnsupportedOperation
        return 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to the start, or return the length. The file itself is touched by the first `read` only."""
        if whence == os.SEEK_END:
            return self.length or 0
        self._at_start = True
        return offset

    def read(self, size: int) -> Any:
        """Return the next bytes, none at the end; or an awaitable of them, if the file is async.

        Raises:
            InvalidArgumentError: The file cannot be read, or its length has changed.
        """
        if self._ended and not self._at_start:
            return b""
        if self.is_async:
            return self._read_async(size)
        with callers_errors(self.name, "the file", _BROKEN_OFF):
            if self._begins():
                self._file.seek(0)
            piece = self._file.read(size)
            if self._awaits and inspect.isawaitable(piece):
                self.is_async = True
                return self._finish(piece)
            return self._checked(piece)

    def close(self) -> None:
        """Close what was opened here; a caller's own file stays open."""
        if isinstance(self.source, Path) and self._file is not None:
            self._file.close()
            self._file = None

    async def _read_async(self, size: int) -> bytes:
        with callers_errors(self.name, "the file", _BROKEN_OFF):
            if self._begins():
                sought = self._file.seek(0)
                if inspect.isawaitable(sought):
                    await sought
            piece = self._file.read(size)
        return await self._finish(piece)

    async def _finish(self, piece: Awaitable[object]) -> bytes:
        with callers_errors(self.name, "the file", _BROKEN_OFF):
            return self._checked(await piece)

    def _begins(self) -> bool:
        """Begin to read, if httpx has gone to the start; return whether the file has to be rewound first."""
        if not self._at_start:
            return False
        if self._was_read and not self.rewindable:
            raise InvalidArgumentError(f"{self.name} can be read once, and was; read it into bytes to send it again.")
        self.close()
        self._file = self.source.open("rb") if isinstance(self.source, Path) else self.source
        self._at_start, self._ended, self._was_read, self._sent = False, False, True, 0
        return self.rewindable

    def _checked(self, piece: object) -> bytes:
        data = self.as_bytes(piece)
        self._sent += len(data)
        self._ended = not data
        if self.length is not None and (self._sent > self.length or (self._ended and self._sent < self.length)):
            raise InvalidArgumentError(
                f"{self.name}: the file has changed its length: it had {self.length} bytes, and now has "
                f"{'more' if data else self._sent}.{_BROKEN_OFF}"
            )
        return data

    def as_bytes(self, piece: object) -> bytes:
        """Return what the file's `read` has returned.

        Raises:
            InvalidArgumentError: It is not bytes.
        """
        if is_awaitable(piece):
            raise self._cannot_await()
        if isinstance(piece, str):
            raise InvalidArgumentError(f"{self.name} is open as text; open it with mode 'rb', or pass its .buffer.")
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise InvalidArgumentError(
                f"{self.name}: the file's read() returned a {type(piece).__name__}; it must return bytes."
            )
        return bytes(cast("bytes", piece))

    def _cannot_await(self) -> InvalidArgumentError:
        inner = next((f"its .{name}" for name in WRAPPED if hasattr(self.source, name)), "its content as bytes")
        return InvalidArgumentError(
            f"{self.name} is an async file, which OpenVideos does not await; pass {inner}, or use AsyncOpenVideos."
        )


def contents(files: Iterable[tuple[str, Any]]) -> list[Content]:
    """Return the contents of the files among a form's parts."""
    return [part[1] for _, part in files if isinstance(part[1], Content)]


def is_awaitable(value: object) -> bool:
    """Return whether a value is awaitable. A coroutine is closed, since Python warns about one that is not awaited."""
    if inspect.iscoroutine(value):
        value.close()
    return inspect.isawaitable(value)


@contextmanager
def callers_errors(name: str, what: str, consequence: str = "") -> Generator[None]:
    """Raise an exception of the caller's file as an InvalidArgumentError, which nobody takes for the server's."""
    try:
        yield
    except InvalidArgumentError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}".removesuffix(": ")
        raise InvalidArgumentError(f"{name}: {what} cannot be read: {reason}.{consequence}") from error
