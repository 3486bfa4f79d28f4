"""Pass bodies in pieces, as the drivers do, and notice what httpx does not: gzip that ends early.

What is kept in memory has a limit. The SDK asks for gzip or for no encoding at all (`_calls`), so that no other one
needs to be understood.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any, Final, cast

import anyio
import httpx

from .._calls import LARGEST_ANSWER, Call
from .._errors import APIConnectionError
from .._parsing import started_id, video
from .attempt import attempt_failed

PIECE: Final = 1 << 20
"""How many bytes of a body are in memory at once: a kilobyte of gzip may hold a megabyte, and a thread costs time."""

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_NOT_ASKED_FOR: Final = frozenset({"br", "compress", "deflate", "zstd"})
_LAST_PIECES: Final = 64


class _Gunzip:
    """Undo gzip (RFC 1952), one or more members, and raise httpx.DecodingError for what is none or is not whole."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        self._member = zlib.decompressobj(wbits=31)
        self._inside = False

    def feed(self, data: bytes) -> Generator[bytes]:
        """Yield what these bytes hold, in pieces of a bounded size."""
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            try:
                piece = self._member.decompress(data, PIECE)
            except zlib.error as error:
                raise self._error(f"the body is no gzip: {error}") from error
            self._inside = not self._member.eof
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            yield piece

    def finish(self) -> None:
        """Check that the last member is whole: its checksum and length stand at its end."""
        if self._inside:
            raise self._error("the gzip data end early")

    def _error(self, problem: str) -> httpx.DecodingError:
        return httpx.DecodingError(problem, request=self._request)


def _gunzip(response: httpx.Response) -> _Gunzip | None:
    """Return how the body is decoded, None if it is not encoded; a word that names no encoding is none."""
    named = response.headers.get("content-encoding", "").lower().split(",")
    encodings = {word.strip() for word in named} & (_GZIP | _NOT_ASKED_FOR)
    if not encodings:
        return None
    if len(named) > 1 or not encodings <= _GZIP:
        # Several layers of gzip make a kilobyte a gigabyte.
        raise httpx.DecodingError(
            f"the body's encoding is {', '.join(sorted(encodings))}, and gzip or none was asked for",
            request=response.request,
        )
    return _Gunzip(response.request)


def pieces(response: httpx.Response) -> Generator[bytes]:
    """Yield an open response's body, decoded.

    Raises what httpx raises, and httpx.DecodingError for a body that cannot be decoded to its end.
    """
    if response.is_stream_consumed:
        # A transport in memory may give a response that was read, and so decoded, before.
        yield response.content
        return
    gunzip = _gunzip(response)
    for data in response.iter_raw():
        if gunzip is None:
            yield data
        else:
            yield from gunzip.feed(data)
    if gunzip is not None:
        gunzip.finish()


async def pieces_async(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Yield an open response's body as `pieces` does, and close the response. To be closed, whether it ended or not."""
    if response.is_stream_consumed:
        yield response.content
        return
    raw = cast("AsyncGenerator[bytes]", response.aiter_raw())
    try:
        gunzip = _gunzip(response)
        async for data in raw:
            if gunzip is None:
                yield data
            else:
                for piece in gunzip.feed(data):
                    yield piece
        if gunzip is not None:
            gunzip.finish()
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()
            await _unwind(raw)


async def _unwind(raw: AsyncGenerator[bytes]) -> None:
    """End the generators below a body that was not read to its end.

    httpx nests several, which `aclose` leaves to the garbage collector; trio warns of each. Reading on from the closed
    connection makes them all raise, and so end.
    """
    with contextlib.suppress(Exception):
        for _ in range(_LAST_PIECES):
            await anext(raw)
    with contextlib.suppress(Exception):
        await raw.aclose()


class Body:
    """A body on its way into memory: how much of it there may be, and what a break leaves of it."""

    def __init__(self, call: Call[Any], response: httpx.Response) -> None:
        """Start with nothing. An error's body has a limit also where a good answer's has none."""
        self._call, self._response = call, response
        self._largest = call.largest if response.is_success else LARGEST_ANSWER
        self._pieces: list[bytes] = []
        self._size = 0

    def is_small(self) -> bool:
        """Tell whether it may be read at once: its length is known and within the limit, and a break loses nothing."""
        if self._call.is_post or "content-encoding" in self._response.headers:
            return False
        length = self._response.headers.get("content-length", "")
        return length.isdecimal() and (self._largest is None or int(length) <= self._largest)

    def add(self, piece: bytes) -> None:
        """Take a piece.

        Raises httpx.DecodingError when it is one too many.
        """
        self._size += len(piece)
        self._pieces.append(piece)
        if self._largest is not None and self._size > self._largest:
            raise httpx.DecodingError(f"the body is larger than {self._largest} bytes", request=self._response.request)

    def whole(self) -> httpx.Response:
        """Return the response with the body that was read."""
        return reread(self._response, b"".join(self._pieces))

    def broken(self, error: Exception) -> APIConnectionError:
        """Return the error of a body that broke off, with the id of the job that was started if it had arrived."""
        result = attempt_failed(self._call, self._response.request, error)
        if self._call.parse is video and self._call.is_post and self._response.is_success:
            result.about(started_id(b"".join(self._pieces)))
        return result


def reread(response: httpx.Response, content: bytes) -> httpx.Response:
    """Return a response like the one given, with a body that was read in pieces."""
    hidden = {b"content-encoding", b"transfer-encoding", b"content-length"}
    # As bytes: a header that is not ASCII cannot be written again as text.
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in hidden]
    return httpx.Response(
        response.status_code,
        headers=headers,
        content=content,
        request=response.request,
        extensions=response.extensions,
        history=response.history,
    )


class Outgoing(httpx.AsyncByteStream):
    """A request's body. httpx has async generators here; trio warns of those that a broken connection leaves open."""

    def __init__(self, inner: httpx.SyncByteStream) -> None:
        """Wrap a body that httpx made."""
        self._inner = inner

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Begin it, each time anew."""
        return _Steps(iter(self._inner))


class _Steps(AsyncIterator[bytes]):
    def __init__(self, inner: Iterator[bytes]) -> None:
        self._inner = inner

    async def __anext__(self) -> bytes:
        for piece in self._inner:
            return piece
        raise StopAsyncIteration
