"""Send requests' bodies, for both drivers, in pieces that are worth a write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import cast

import httpx

from .sockets import WORTH_A_WRITE


class RequestBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A request's body, with small pieces joined, and awaited where a file is async.

    There are no async generators, which trio warns about if a broken connection leaves them open.
    """

    def __init__(self, inner: httpx.SyncByteStream) -> None:
        """Wrap a body that httpx has built."""
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        """Iterate the body from its start."""
        collected = bytearray()
        for piece in self._inner:
            collected += piece
            if len(collected) >= WORTH_A_WRITE:
                yield bytes(collected)
                collected.clear()
        if collected:
            yield bytes(collected)

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate the body from its start."""
        return _AsyncPieces(iter(self._inner))


class _AsyncPieces(AsyncIterator[bytes]):
    def __init__(self, inner: Iterator[bytes]) -> None:
        # `read` of an async file returns awaitables (`_uploads/content.py`), which httpx passes on as they are.
        self._inner = cast("Iterator[bytes | Awaitable[bytes]]", inner)

    async def __anext__(self) -> bytes:
        collected = bytearray()
        for piece in self._inner:
            collected += piece if isinstance(piece, bytes) else await piece
            if len(collected) >= WORTH_A_WRITE:
                break
        if not collected:
            raise StopAsyncIteration
        return bytes(collected)
