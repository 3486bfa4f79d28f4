"""Make a file that is larger than the memory that a client should need, without holding it in memory. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class LargeFile:
    """The bytes of a file from `start` to `end`. It begins with `head`, and goes on with numbered pieces."""

    head: bytes
    end: int
    start: int = 0

    def __len__(self) -> int:
        """Return how many bytes there are."""
        return self.end - self.start

    def pieces(self, most: int | None = None) -> Iterator[bytes]:
        """Yield the bytes, `most` at the most."""
        place, end = self.start, self.end if most is None else min(self.end, self.start + most)
        while place < end:
            number, offset = divmod(place, _PIECE)
            piece = self._piece(number)[offset : offset + end - place]
            yield piece
            place += len(piece)

    def _piece(self, number: int) -> bytes:
        filled = number.to_bytes(8, "big") * (_PIECE // 8)
        return self.head + filled[len(self.head) :] if number == 0 else filled


@lru_cache(maxsize=4)
def digest_of(file: LargeFile) -> bytes:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    for piece in file.pieces():
        digest.update(piece)
    return digest.digest()
