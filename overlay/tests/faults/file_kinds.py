"""What callers give as a file, of every kind: those that can be sent, once or often, and those that cannot."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import mmap
import os
import socket
import tempfile
import threading
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import anyio
import PIL.Image
from attrs import define
from starlette.datastructures import UploadFile


@define
class Given:
    """What a kind is made of: the bytes, the position that the caller leaves it at, a folder, and what is closed."""

    content: bytes
    position: int
    folder: Path
    closing: contextlib.ExitStack
    error: Exception

    def path(self, name: str = "file.bin", content: bytes | None = None) -> Path:
        path = self.folder / name
        path.write_bytes(self.content if content is None else content)
        return path

    def at_position(self, file: Any) -> Any:
        """Return a file that is closed at the end, at the caller's position."""
        file = self.closing.enter_context(file)
        file.seek(self.position)
        return file


Kind: TypeAlias = Callable[[Given], Any]


class Reader:
    """A file that has `read`, and what a test adds."""

    def __init__(self, content: bytes, **more: Any) -> None:
        self.inner = io.BytesIO(content)
        vars(self).update(more)

    def read(self, size: int = -1) -> Any:
        return self.inner.read(size)


class Seeker(Reader):
    """A file that can seek as well."""

    def seek(self, offset: int, whence: int = 0) -> Any:
        return self.inner.seek(offset, whence)

    def tell(self) -> Any:
        return self.inner.tell()


class SilentSeeker(Seeker):
    def seek(self, offset: int, whence: int = 0) -> None:
        self.inner.seek(offset, whence)


class Converting(Reader):
    """A file whose `read` returns something else than bytes."""

    def __init__(self, content: bytes, convert: Callable[[bytes], Any]) -> None:
        super().__init__(content)
        self.convert = convert

    def read(self, size: int = -1) -> Any:
        return self.convert(super().read(size))


class Greedy(Reader):
    """A file whose `read` returns all that is left."""

    def read(self, size: int = -1) -> bytes:
        return self.inner.read(-abs(size))


class Closed(io.BytesIO):
    """A file that is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.close()


class Raising(Reader):
    """A file that breaks after its first pieces."""

    def __init__(self, error: Exception, pieces: int) -> None:
        super().__init__(bytes(200_000))
        self.error, self.pieces = error, pieces

    def read(self, size: int = -1) -> Any:
        if self.pieces == 0:
            raise self.error
        self.pieces -= 1
        return super().read(size)


class Changing(Seeker):
    """A file that has another length when it is sent."""

    def __init__(self, content: bytes, later: bytes) -> None:
        super().__init__(content)
        self.later = later

    def tell(self) -> int:
        length: int = super().tell()
        if length:
            self.inner = io.BytesIO(self.later)
        return length


class AsyncReader(Reader):
    async def read(self, size: int = -1) -> Any:
        await anyio.lowlevel.checkpoint()
        return super().read(size)


class AsyncSeeker(AsyncReader):
    async def seek(self, offset: int) -> int:
        return self.inner.seek(offset)


class Promising(Reader):
    """A file whose `read` is a plain function that returns an awaitable."""

    def read(self, size: int = -1) -> Awaitable[bytes]:
        async def later() -> bytes:
            return self.inner.read(size)

        return later()


class PromisingSeeker(Promising):
    def seek(self, offset: int) -> int:
        return self.inner.seek(offset)


class Nameless(Seeker):
    @property
    def name(self) -> str:
        raise RuntimeError("no")


class PathOf(os.PathLike[str]):
    def __init__(self, path: Any) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        if isinstance(self.path, Exception):
            raise self.path
        return self.path


class Unreadable:
    @property
    def read(self) -> Any:
        raise RuntimeError("no")


def writing(given: Given, file: Any) -> None:
    """Write the content in a thread, and close the file."""

    def write() -> None:
        with contextlib.suppress(OSError), file:
            file.write(given.content)

    thread = threading.Thread(target=write)
    thread.start()
    given.closing.callback(thread.join)


def pipe(given: Given) -> Any:
    reading, other = os.pipe()
    writing(given, os.fdopen(other, "wb"))
    return given.closing.enter_context(os.fdopen(reading, "rb"))


def of_socket(given: Given) -> Any:
    one, other = socket.socketpair()
    with one, other:
        writing(given, other.makefile("wb"))
        return given.closing.enter_context(one.makefile("rb"))


def named_pipe(given: Given) -> Any:
    path = given.folder / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with contextlib.suppress(OSError), path.open("wb") as file:
            file.write(given.content)

    thread = threading.Thread(target=write)
    thread.start()

    def end() -> None:
        while thread.is_alive():  # it waits until somebody reads, which nobody does if the call is refused
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            thread.join(0.01)

    given.closing.callback(end)
    return path


def of_server(given: Given) -> Any:
    """Return what urlopen returns, read from memory."""

    class Connection:
        def makefile(self, _: str) -> Any:
            return io.BytesIO(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(given.content), given.content))

    response = http.client.HTTPResponse(Connection())  # type: ignore[arg-type]
    response.begin()
    return given.closing.enter_context(response)


def of_gzip(given: Given) -> Any:
    return given.at_position(gzip.open(given.path(content=gzip.compress(given.content))))


def of_zip(given: Given) -> Any:
    path = given.folder / "file.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/cat.bin", given.content)
    return given.at_position(given.closing.enter_context(zipfile.ZipFile(path)).open("a/cat.bin"))


def of_memory_map(given: Given) -> Any:
    file = given.closing.enter_context(given.path(content=given.content or b"\0").open("rb"))
    return given.closing.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) if given.content else b""


def temporary(given: Given, file: Any) -> Any:
    file.write(given.content)
    return given.at_position(file)


def starlettes(given: Given) -> Any:
    return UploadFile(temporary(given, tempfile.SpooledTemporaryFile(max_size=100)), filename="C:\\a\\cat.bin")


def anyios(given: Given) -> Any:
    return anyio.wrap_file(given.at_position(given.path().open("rb")))


WHOLE: Final[dict[str, Kind]] = {
    "bytes": lambda given: given.content,
    "bytearray": lambda given: bytearray(given.content),
    "memoryview": lambda given: memoryview(given.content),
    "memoryview with gaps": lambda given: memoryview(b"".join(bytes((byte, 0)) for byte in given.content))[::2],
    "BytesIO": lambda given: given.at_position(io.BytesIO(given.content)),
    "Path": lambda given: given.path(),
    "PathLike": lambda given: PathOf(str(given.path())),
    "PathLike of bytes": lambda given: PathOf(os.fsencode(given.path())),
    "open file": lambda given: given.at_position(given.path().open("rb")),
    "file open to append": lambda given: given.at_position(given.path().open("ab+")),
    "file without a buffer": lambda given: given.at_position(given.path().open("rb", buffering=0)),
    "file opened by bytes": lambda given: given.at_position(open(os.fsencode(given.path()), "rb")),  # noqa: PTH123, SIM115
    "temporary file": lambda given: temporary(given, tempfile.TemporaryFile()),  # noqa: SIM115
    "named temporary file": lambda given: temporary(given, tempfile.NamedTemporaryFile()),  # noqa: SIM115
    "spooled temporary file": lambda given: temporary(given, tempfile.SpooledTemporaryFile(max_size=100)),  # noqa: SIM115
    "memory map": of_memory_map,
    "gzip": of_gzip,
    "zip": of_zip,
    "seek, tell and read": lambda given: Seeker(given.content),
    "seek returns nothing": lambda given: SilentSeeker(given.content),
    "fileno of another file": lambda given: Seeker(given.content, fileno=given.at_position(of_gzip(given)).fileno),
    "fileno is no number": lambda given: Seeker(given.content, fileno=lambda: None),
    "fileno is closed": lambda given: Seeker(given.content, fileno=lambda: 1 << 30),
    "tell is no number": lambda given: Seeker(given.content, tell=lambda: "12"),
    "a length that lies": lambda given: Seeker(given.content, size=7, len=7, closed=lambda: True),
    "names of odd types": lambda given: Seeker(given.content, name=7, filename=b"x", content_type=None),
    "a name that raises": lambda given: Nameless(given.content),
    "a name of a standard stream": lambda given: Seeker(given.content, name="<stdin>"),
}
"""They are sent whole, wherever the caller has left them."""

STREAMS: Final[dict[str, Kind]] = {
    "pipe": pipe,
    "named pipe": named_pipe,
    "socket": of_socket,
    "urlopen": of_server,
    "read only": lambda given: Reader(given.content),
    "seek raises": lambda given: Seeker(given.content, seek=lambda *_: 1 // 0),
    "seekable is false": lambda given: Seeker(given.content, seekable=lambda: False),
    "read returns a bytearray": lambda given: Converting(given.content, bytearray),
    "read returns a memoryview": lambda given: Converting(given.content, memoryview),
    "read ignores the size": lambda given: Greedy(given.content),
}
"""They can be sent once, from where they are."""

ASYNC: Final[dict[str, Kind]] = {
    "Starlette's UploadFile": starlettes,
    "anyio's file": anyios,
    "async read": lambda given: AsyncReader(given.content),
    "async read and seek": lambda given: AsyncSeeker(given.content),
    "read returns an awaitable": lambda given: Promising(given.content),
    "read returns an awaitable, and seek": lambda given: PromisingSeeker(given.content),
}
"""The async client sends them whole, and the blocking one refuses them."""

REFUSED: Final[dict[str, Kind]] = {
    "StringIO": lambda _: io.StringIO("x"),
    "text file": lambda given: given.closing.enter_context(given.path().open()),
    "temporary text file": lambda given: given.closing.enter_context(tempfile.NamedTemporaryFile("w+")),  # noqa: SIM115
    "closed BytesIO": lambda _: Closed(),
    "missing path": lambda given: given.folder / "missing.png",
    "directory": lambda given: given.folder,
    "path with a NUL": lambda _: Path("a\0b"),
    "PathLike that raises": lambda given: PathOf(given.error),
    "PathLike of a number": lambda _: PathOf(7),
    "no gzip": lambda given: given.at_position(gzip.open(given.path(content=b"no gzip" * 100))),  # noqa: SIM115
    "raises at once": lambda given: Raising(given.error, 0),
    "raises later": lambda given: Raising(given.error, 2),
    "read returns text": lambda given: Converting(given.content, repr),
    "read returns nothing": lambda given: Converting(given.content, lambda _: None),
    "read returns numbers": lambda given: Converting(given.content, list),
    "read is no function": lambda given: Reader(given.content, read=7),
    "read is a property that raises": lambda _: Unreadable(),
    "grows": lambda given: Changing(given.content + b"0", given.content + b"01"),
    "shrinks": lambda given: Changing(given.content + b"0", given.content),
    "picture": lambda _: PIL.Image.new("RGB", (1, 1)),
    "text": lambda _: "cat.png",
    "number": lambda _: 7,
    "an object": lambda _: object(),
    "a class": lambda _: io.BytesIO,
    "tuple in a tuple": lambda given: ("a", ("b", given.content)),
}
"""No client sends them."""
