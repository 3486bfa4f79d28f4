"""Keep the bodies of responses: short ones in memory, the rest in one temporary file, all within a limit."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import weakref
from collections import deque
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_KEPT: Final = 512 << 20
"""How many bytes of different long bodies a run keeps. What comes after that is not judged."""

_SHORT: Final = 16 << 10
"""How long a body may be that stays in memory, and is always kept. A run has some thousands of them."""


class LimitError(Exception):
    """A run keeps no more bodies."""


class StoredBody:
    """A body in the file of a BodyStore, which is read anew each time, so that it takes no memory meanwhile."""

    def __init__(self, store: BodyStore, digest: bytes, place: int, length: int) -> None:
        """Refer to the bytes at a place in the file. `digest` is the same for equal bodies alone."""
        self._store, self.digest = store, digest
        self._place, self._length = place, length

    def read(self) -> bytes:
        """Return all bytes."""
        return self._store.read(self._place, self._length)


class BodyStore:
    """The bodies of a run. Thread-safe."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        """Keep this many bytes at most. The file exists, without a name, from the first long body on."""
        self._most, self._used = most, 0
        self._file: IO[bytes] | None = None
        self._known: dict[bytes, StoredBody] = {}
        self._lock = threading.Lock()

    def kept(self, pieces: Iterator[bytes], most: int) -> tuple[bytes | StoredBody, int]:
        """Read a body up to the first byte beyond `most`; return it, and how many bytes it has.

        Of a body that goes on after that, only the beginning is returned: no check looks further. The store has place
        for whole bodies alone, so one that breaks off takes none.

        Raises:
            LimitError: The store is full.

        """
        digest, length = hashlib.sha256(), 0
        with tempfile.SpooledTemporaryFile(_SHORT) as body:
            for piece in pieces:
                body.write(piece)
                digest.update(piece)
                length += len(piece)
                if length > most:
                    break
            body.seek(0)
            if length > most or length <= _SHORT:
                return body.read(_SHORT), length
            return self._stored(body, digest.digest(), length), length

    def read(self, place: int, length: int) -> bytes:
        """Return the bytes at a place in the file."""
        with self._lock:
            if self._file is None:
                return b""
            self._file.seek(place)
            return self._file.read(length)

    def _stored(self, body: IO[bytes], digest: bytes, length: int) -> StoredBody:
        """Return the equal body that was stored before; without one, copy this one to the end of the file."""
        with self._lock:
            if digest in self._known:
                return self._known[digest]
            if self._used + length > self._most:
                raise LimitError(f"the run keeps no more than {self._most} bytes of responses")
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the last body in it
                weakref.finalize(self, self._file.close)
            self._file.seek(self._used)
            shutil.copyfileobj(body, self._file)
            self._known[digest] = StoredBody(self, digest, self._used, length)
            self._used += length
            return self._known[digest]


class Body:
    """The descriptor of the field of an Exchange that gives a body as bytes, wherever they are kept."""

    def __get__(self, exchange: object, owner: type) -> bytes:
        """Return the bytes; the default of the field is none."""
        if exchange is None:
            return b""
        kept: bytes | StoredBody = vars(exchange)["_body"]
        return kept.read() if isinstance(kept, StoredBody) else kept

    def __set__(self, exchange: object, value: bytes | StoredBody) -> None:
        """Keep the bytes, or their place."""
        vars(exchange)["_body"] = value


class ParsedBodies:
    """Remembers the parsed JSON of the last exchanges, which has `most` bytes together. Thread-safe.

    Parsed JSON takes up to thirty times the memory of its text.
    """

    def __init__(self, most: int) -> None:
        """Remember nothing yet."""
        self._most, self._used = most, 0
        self._kept: deque[tuple[weakref.ref[object], int]] = deque()
        self._lock = threading.Lock()

    def remember(self, exchange: object, value: object, weight: int) -> None:
        """Remember the JSON of an exchange, and forget the oldest if there is too much."""
        with self._lock:
            vars(exchange)["_json"] = value
            self._kept.append((weakref.ref(exchange), weight))
            self._used += weight
            while self._used > self._most and len(self._kept) > 1:
                oldest, freed = self._kept.popleft()
                self._used -= freed
                found = oldest()
                if found is not None:
                    fields: dict[str, Any] = vars(found)
                    fields.pop("_json", None)
