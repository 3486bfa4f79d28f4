"""Keep the last requests and their responses, in a ring of bounded size.

A record never holds a key: `_http/recording.py` hides what a request carries as one before it is stored here.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from .keys import Pairs

MOST_BODY: Final = 1 << 16
"""How many bytes of a body are kept, and of the fields of one that is not kept whole."""

MOST_BYTES: Final = 16 << 20
"""How many bytes the records of all logs of this process may take."""

_MOST_RECORDS: Final = 5000
_RECORD_BYTES: Final = 832  # of a record, beside its texts, bodies and headers; measured
_PAIR_BYTES: Final = 130  # of a header, beside its name and its value
_PART_BYTES: Final = 96  # of a part of a form, beside its texts


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part of a form: a text, or a file (`filename` is not None), of which `length` is in bytes.

    With `is_cut`, `text` is only the beginning of the text, and an ellipsis.
    """

    name: str
    length: int
    text: str | None = None
    filename: str | None = None
    media_type: str | None = None
    is_cut: bool = False


@dataclass(slots=True, eq=False)
class Record:
    """One request and its response. `at` is in Unix seconds of the real time, `job_time` in those that jobs see.

    `seconds` is how long it took. Bodies are kept as far as they are text, up to MOST_BODY bytes, each once all of it
    has passed; `fields` are those of JSON that is longer, as JSON, with the beginnings of long texts; `parts` are those
    of a form. `started` is the id of the job that the request has started, if it has. `status` is None while there is
    no response, `seconds` while the request is under way. `version` grows with every change of the log.
    """

    number: int
    at: float
    job_time: float
    method: str
    path: str
    query: str
    headers: Pairs
    origin: str
    version: int = 0
    body: bytes = b""
    is_body_whole: bool = False
    length: int = 0
    fields: bytes | None = None
    parts: tuple[SentPart, ...] | None = None
    status: int | None = None
    response_headers: Pairs = field(default_factory=list[tuple[bytes, bytes]])
    response_body: bytes = b""
    response_length: int = 0
    seconds: float | None = None
    started: str | None = None
    fault: str | None = None
    is_cut: bool = False
    is_kept: bool = True
    size: int = 0
    """How many bytes the record takes, once it is complete."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Ring:
    """The records of one log, the oldest first, and how many bytes those that are complete take."""

    records: deque[Record] = field(default_factory=deque[Record])
    size: int = 0

    def drop_oldest(self) -> None:
        dropped = self.records.popleft()
        dropped.is_kept = False
        self.size -= dropped.size


_LOCK: Final = threading.Lock()
_RINGS: Final[WeakSet[_Ring]] = WeakSet()
"""The rings of all logs, which the lock is for."""


class RequestLog:
    """The last records, the oldest first; `id` tells the log from others, whose numbers and versions are their own.

    All logs of a process share one bound: where they take too much, the largest loses its oldest record.
    """

    id: Final[str]

    def __init__(self, id_: str = "") -> None:
        """Start without records."""
        self.id = id_
        self._ring = _Ring()
        self._number = self._version = 0
        self._watcher: Callable[[Record], None] | None = None
        with _LOCK:
            _RINGS.add(self._ring)

    def watch(self, watcher: Callable[[Record], None]) -> None:
        """Call `watcher` with each record that is complete; it must return quickly."""
        self._watcher = watcher

    def begin(
        self, *, at: float, job_time: float, method: str, path: str, query: str, headers: Pairs, origin: str
    ) -> Record:
        """Add the record of a request that begins."""
        with _LOCK:
            self._number += 1
            self._version += 1
            record = Record(self._number, at, job_time, method, path, query, headers, origin, version=self._version)
            self._ring.records.append(record)
            if len(self._ring.records) > _MOST_RECORDS:
                self._ring.drop_oldest()
        return record

    def end(self, record: Record, *, seconds: float) -> None:
        """Complete a record."""
        with _LOCK:
            self._version += 1
            record.seconds, record.version, record.size = seconds, self._version, _size_of(record)
            self._ring.size += record.size if record.is_kept else 0
            while self._taken() > MOST_BYTES:
                max(_RINGS, key=lambda ring: ring.size).drop_oldest()
        if self._watcher is not None:
            self._watcher(record)

    def _taken(self) -> int:
        return self._ring.size if len(_RINGS) == 1 else sum(ring.size for ring in _RINGS)

    def changed(self, since: int) -> list[Record]:
        """Return the records that were added or completed after this version, in the order of their changes."""
        with _LOCK:
            if since >= self._version:
                return []
            found = [record for record in self._ring.records if record.version > since]
        return sorted(found, key=lambda record: record.version)

    def first(self) -> int | None:
        """Return the number of the oldest record that is kept; None if there is none."""
        with _LOCK:
            return self._ring.records[0].number if self._ring.records else None

    def record(self, number: int) -> Record | None:
        """Find a record; None if it was never there, or is no longer kept."""
        with _LOCK:
            return next((record for record in self._ring.records if record.number == number), None)

    def clear(self) -> None:
        """Forget all records; the numbers go on."""
        with _LOCK:
            while self._ring.records:
                self._ring.drop_oldest()


def _size_of(record: Record) -> int:
    """Return how many bytes a record takes: its texts, and what Python's objects take beside them."""
    pairs = (*record.headers, *record.response_headers)
    size = _RECORD_BYTES + _PAIR_BYTES * len(pairs) + sum([len(name) + len(value) for name, value in pairs])
    size += len(record.method) + len(record.path) + len(record.query) + len(record.origin)
    size += len(record.body) + len(record.response_body) + len(record.fields or b"")
    for part in record.parts or ():  # whose texts may have characters of four bytes
        texts = (part.name, part.text or "", part.filename or "", part.media_type or "")
        size += _PART_BYTES + sum(map(sys.getsizeof, texts))
    return size
