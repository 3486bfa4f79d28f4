"""Read and decode responses' bodies in pieces, for both drivers, and detect gzip that ends early, unlike httpx.

The size of a body in memory is limited. The SDK accepts gzip or no encoding (see `_calls.py`), so other encodings are
not decoded. A file's own encoding is none; one that a server gives it all the same is decoded on its way to a disk, and
refused in memory.
"""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any, Final, cast

import anyio
import httpx

from .._calls import LARGEST_RESPONSE, Call
from .._errors import APIConnectionError
from .._parsing.responses import job_id_in_partial_body, video
from .attempt import failed_attempt_error

PIECE: Final = 1 << 20
"""The most bytes of a body to decode or write at once: a kilobyte of gzip can decode to a megabyte."""

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_NOT_ACCEPTED: Final = frozenset({"br", "compress", "deflate", "zstd"})
_MOST_NESTED_GENERATORS: Final = 64


class _GzipDecoder:
    """Decodes gzip (RFC 1952) with one or more members; raises httpx.DecodingError if it is invalid or incomplete."""

    def __init__(self, request: httpx.Request, largest: float) -> None:
        self._request, self._largest = request, largest
        self._size = 0
        self._member = zlib.decompressobj(wbits=31)
        self._inside = False

    def feed(self, data: bytes) -> Generator[bytes]:
        """Decode these bytes, and yield the result in pieces of at most PIECE bytes.

        Raises:
            httpx.DecodingError: The bytes are not gzip, or become more than the largest body.
        """
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            try:
                piece = self._member.decompress(data, PIECE)
            except zlib.error as error:
                raise self._error(f"the body is not gzip: {error}") from error
            self._size += len(piece)
            if self._size > self._largest:
                raise self._error(f"the body is larger than {self._largest} bytes")
            self._inside = not self._member.eof
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            yield piece

    def finish(self) -> None:
        """Check that the last member is complete; its checksum and length are at its end.

        Raises:
            httpx.DecodingError: The last member is incomplete.
        """
        if self._inside:
            raise self._error("the gzip data end early")

    def _error(self, problem: str) -> httpx.DecodingError:
        return httpx.DecodingError(problem, request=self._request)


def _decoder_for(response: httpx.Response, *, in_memory: bool) -> _GzipDecoder | None:
    """Return the decoder for a body; None if it is not encoded. Unknown words in Content-Encoding are ignored.

    Raises:
        httpx.DecodingError: The body has another encoding, or several, or one that may not be decoded in memory.
    """
    named = response.headers.get("content-encoding", "").lower().split(",")
    encodings = {word.strip() for word in named} & (_GZIP | _NOT_ACCEPTED)
    if not encodings:
        return None
    if len(named) > 1 or not encodings <= _GZIP:
        # With several layers of gzip, a kilobyte could decode to a gigabyte.
        raise httpx.DecodingError(
            f"the body's encoding is {', '.join(sorted(encodings))}, but only gzip or none is accepted",
            request=response.request,
        )
    if not in_memory:
        return _GzipDecoder(response.request, math.inf)
    if response.is_success and "gzip" not in response.request.headers.get("accept-encoding", "gzip"):
        raise httpx.DecodingError(
            "the body's encoding is gzip, which was not asked for; videos.download decodes it into a file",
            request=response.request,
        )
    return _GzipDecoder(response.request, LARGEST_RESPONSE)


def pieces(response: httpx.Response, *, in_memory: bool = True) -> Generator[bytes]:
    """Yield an open response's body, decoded. Without `in_memory`, the caller does not keep the pieces.

    Raises:
        httpx.HTTPError: The body cannot be read, or not be decoded to its end.
    """
    if response.is_stream_consumed:
        # An in-memory transport may return a response that was read, and so decoded, already.
        yield response.content
        return
    gunzip = _decoder_for(response, in_memory=in_memory)
    for data in response.iter_raw():
        if gunzip is None:
            yield data
        else:
            yield from gunzip.feed(data)
    if gunzip is not None:
        gunzip.finish()


async def pieces_async(response: httpx.Response, *, in_memory: bool = True) -> AsyncGenerator[bytes]:
    """Yield an open response's body as `pieces` does, and close the response. The caller must close this generator."""
    if response.is_stream_consumed:
        yield response.content
        return
    raw = cast("AsyncGenerator[bytes]", response.aiter_raw())
    try:
        gunzip = _decoder_for(response, in_memory=in_memory)
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
            await _end_generators(raw)


async def _end_generators(raw: AsyncGenerator[bytes]) -> None:
    """End httpx's nested generators of a body that was not read to its end.

    `aclose` leaves the inner generators to the garbage collector, and trio warns about each of them. Reading from the
    closed connection makes them raise, and so end.
    """
    with contextlib.suppress(Exception):
        for _ in range(_MOST_NESTED_GENERATORS):
            await anext(raw)
    with contextlib.suppress(Exception):
        await raw.aclose()


class ResponseBody:
    """A response's body that is read into memory, up to a size limit."""

    def __init__(self, call: Call[Any], response: httpx.Response) -> None:
        """Start without pieces. An error's body is always limited, even if the call has no limit."""
        self._call, self._response = call, response
        self._largest = call.largest if response.is_success else LARGEST_RESPONSE
        self._pieces: list[bytes] = []
        self._size = 0

    def is_small(self) -> bool:
        """Return whether the body may be read at once: its length is known and within the limit."""
        fields = {name.lower(): value for name, value in self._response.headers.raw}
        # A body in chunks ends where they do, whatever length a server has sent with it (RFC 9112, 6.3).
        if b"content-encoding" in fields or b"transfer-encoding" in fields:
            return False
        length = fields.get(b"content-length", b"")
        return length.isdigit() and (self._largest is None or int(length) <= self._largest)

    def keep(self) -> None:
        """Keep what arrives of a POST's response, so that the job's id is not lost if the body breaks off."""
        if self._call.is_post:
            self._response.stream = _KeptStream(self._response.stream, self._pieces.append)

    def add(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            httpx.DecodingError: The body is larger than the limit.
        """
        self._size += len(piece)
        self._pieces.append(piece)
        if self._largest is not None and self._size > self._largest:
            raise httpx.DecodingError(f"the body is larger than {self._largest} bytes", request=self._response.request)

    def whole(self) -> httpx.Response:
        """Return the response with the complete body."""
        return with_content(self._response, b"".join(self._pieces))

    def broken(self, error: Exception) -> APIConnectionError:
        """Build the error of a body that broke off; it carries the id of the started job if the id has arrived."""
        result = failed_attempt_error(self._call, self._response.request, error)
        if self._call.parse is video and self._call.is_post and self._response.is_success:
            result.about(job_id_in_partial_body(b"".join(self._pieces)))
        return result


def with_content(response: httpx.Response, content: bytes) -> httpx.Response:
    """Return a copy of a response with this decoded body."""
    return _decoded(response, content=content)


def with_decoded_stream(response: httpx.Response) -> httpx.Response:
    """Return an open response whose body is decoded in pieces as it is read; httpx would decode without a limit."""
    if response.is_stream_consumed or "content-encoding" not in response.headers:
        return response
    return _decoded(response, stream=_DecodedStream(response))


def _decoded(response: httpx.Response, **body: Any) -> httpx.Response:
    hidden = {b"content-encoding", b"transfer-encoding", b"content-length"}
    # Headers are copied as bytes, because a header that is not ASCII cannot be encoded again from text.
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in hidden]
    return httpx.Response(
        response.status_code,
        headers=headers,
        request=response.request,
        extensions=response.extensions,
        history=response.history,
        **body,
    )


class _KeptStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body whose pieces are kept beside those who read it."""

    def __init__(self, inner: httpx.SyncByteStream | httpx.AsyncByteStream, keep: Callable[[bytes], object]) -> None:
        self._inner: Any = inner
        self._keep = keep

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            self._keep(piece)
            yield piece

    def close(self) -> None:
        self._inner.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            self._keep(piece)
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


class _DecodedStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The decoded body of an open response."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._pieces = pieces_async(response)

    def __iter__(self) -> Iterator[bytes]:
        return pieces(self._response)

    def close(self) -> None:
        self._response.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        await self._pieces.aclose()
        await self._response.aclose()
