"""Wrap the raw responses of all methods."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any, Final, Generic, TypeVar

import httpx
from attrs import frozen

from .._drivers.attempt import broken_body_error
from .._drivers.body import with_decoded_stream
from .._drivers.part_file import PartFile
from .._drivers.threads import in_thread
from .._errors import OpenVideosError
from .._parsing.responses import decoded
from .file_content import for_pickle

T = TypeVar("T")


@frozen
class _Parsed:
    """What `parse()` came to before a response was pickled. To parse again would take the client, for the next page."""

    outcome: Any

    def __call__(self, _: httpx.Response) -> Any:
        if isinstance(self.outcome, OpenVideosError):
            raise self.outcome
        return self.outcome


_UNREADABLE: Final[dict[type[Exception], str]] = {
    httpx.ResponseNotRead: "The body of the response is not read yet: `await response.read()` first.",
    httpx.StreamConsumed: "The body of the response was read in pieces, which are not kept; call the method again.",
    httpx.StreamClosed: "The response is closed, and its body was not read; read it inside the `with` block.",
}


class APIResponse(Generic[T]):
    """A response with its status and headers; `parse()` returns what the method itself would have returned."""

    def __init__(self, response: httpx.Response, parse: Callable[[httpx.Response], T]) -> None:
        """Wrap a response, and the function that parses it."""
        self.http_response = with_decoded_stream(response)
        self._parse = parse

    def __repr__(self) -> str:
        """Show the status and the media type."""
        return f"<APIResponse [{self.status_code}] {self.headers.get('content-type', 'no content type')}>"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the response without the secrets of its request, and what `parse()` returns or raises.

        Raises:
            ConfigurationError: The body is not read yet.
        """
        response = for_pickle(self.http_response)
        try:
            return type(self), (response, _Parsed(self._parse(self.http_response)))
        except OpenVideosError as error:
            return type(self), (response, _Parsed(error))

    @property
    def status_code(self) -> int:
        """The status of the response."""
        return self.http_response.status_code

    @property
    def headers(self) -> httpx.Headers:
        """The headers of the response."""
        return self.http_response.headers

    @property
    def http_request(self) -> httpx.Request:
        """The request, with the API key in its headers."""
        return self.http_response.request

    @property
    def method(self) -> str:
        """The method of the request."""
        return self.http_request.method

    @property
    def url(self) -> httpx.URL:
        """The URL of the request."""
        return self.http_request.url

    @property
    def http_version(self) -> str:
        """The version of HTTP, such as "HTTP/1.1"."""
        return self.http_response.http_version

    @property
    def is_closed(self) -> bool:
        """Whether the response is closed, as it is once its body has been read."""
        return self.http_response.is_closed

    @property
    def request_id(self) -> str | None:
        """The server's id of the request (`x-request-id`)."""
        value: str | None = self.headers.get("x-request-id")
        return value

    @property
    def content(self) -> bytes:
        """The body. An async response that is streamed must be read first; a blocking one is read now."""
        self._ensure_read()
        return self.http_response.content

    @property
    def text(self) -> str:
        """The body as text, read as `content` is."""
        self._ensure_read()
        return self.http_response.text

    def json(self) -> Any:
        """Return the body as JSON, read as `content` is.

        Raises:
            APIResponseValidationError: The body is not JSON.
        """
        self._ensure_read()
        return decoded(self.http_response)

    def parse(self) -> T:
        """Return what the method itself would have returned; read the body first if it is streamed.

        Raises:
            APIConnectionError: The body breaks off.
            OpenVideosError: The body was read in pieces, or the response is closed.
            APIResponseValidationError: The response breaks the contract.
        """
        self.read()
        return self._parse(self.http_response)

    def read(self) -> bytes:
        """Read the body, unless it was read already, and return it.

        Raises:
            APIConnectionError: The body breaks off.
        """
        with self._translating():
            return self.http_response.read()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the body in pieces.

        Raises:
            APIConnectionError: The body breaks off.
        """
        with self._translating():
            yield from self.http_response.iter_bytes(chunk_size)

    def iter_lines(self) -> Iterator[str]:
        """Yield the body as text, line by line.

        Raises:
            APIConnectionError: The body breaks off.
        """
        with self._translating():
            yield from self.http_response.iter_lines()

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Yield the body as text in pieces.

        Raises:
            APIConnectionError: The body breaks off.
        """
        with self._translating():
            yield from self.http_response.iter_text(chunk_size)

    def stream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a path as it arrives, completely or not at all.

        `client.videos.download` does more: it checks what arrives, and goes on after a break.

        Raises:
            APIConnectionError: The body breaks off.
            DownloadError: The file cannot be written.
        """
        part = PartFile(file)
        try:
            part.open()
            for piece in self.iter_bytes(chunk_size):
                part.write(piece)
            part.commit()
        finally:
            part.discard()

    def _ensure_read(self) -> None:
        self.read()

    @contextmanager
    def _translating(self) -> Generator[None]:
        try:
            yield
        except tuple(_UNREADABLE) as error:
            raise OpenVideosError(_UNREADABLE[type(error)]) from error
        except Exception as error:  # noqa: BLE001 - only the transport's code runs here, and httpx's
            broken = broken_body_error(error, self.http_response)
            try:
                raise broken
            finally:
                # The cause is a copy without secrets; httpx's exception itself has the request with its headers.
                broken.__context__ = None

    def close(self) -> None:
        """Close the response without reading the rest of it."""
        self.http_response.close()


class AsyncAPIResponse(APIResponse[T]):
    """The response of a streamed asynchronous call. The methods that read the body are async."""

    async def parse(self) -> T:  # type: ignore[override] # the body must be awaited
        """Read the body, and return what the method itself would have returned.

        Raises:
            APIConnectionError: The body breaks off.
            APIResponseValidationError: The response breaks the contract.
        """
        await self.read()
        return self._parse(self.http_response)

    async def read(self) -> bytes:  # type: ignore[override] # the body must be awaited
        """Read the body, unless it was read already, and return it.

        Raises:
            APIConnectionError: The body breaks off.
        """
        with self._translating():
            return await self.http_response.aread()

    async def iter_bytes(self, chunk_size: int | None = None) -> AsyncGenerator[bytes]:  # type: ignore[override]
        """Yield the body in pieces.

        Raises:
            APIConnectionError: The body breaks off.
        """
        with self._translating():
            async for piece in self.http_response.aiter_bytes(chunk_size):
                yield piece

    async def iter_lines(self) -> AsyncIterator[str]:  # type: ignore[override]
        """Yield the body as text, line by line.

        Raises:
            APIConnectionError: The body breaks off.
        """
        with self._translating():
            async for line in self.http_response.aiter_lines():
                yield line

    async def iter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:  # type: ignore[override]
        """Yield the body as text in pieces.

        Raises:
            APIConnectionError: The body breaks off.
        """
        with self._translating():
            async for piece in self.http_response.aiter_text(chunk_size):
                yield piece

    async def stream_to_file(  # type: ignore[override] # the body must be awaited
        self, file: str | os.PathLike[str], *, chunk_size: int | None = None
    ) -> None:
        """Write the body to a path as it arrives, completely or not at all.

        `client.videos.download` does more: it checks what arrives, and goes on after a break.

        Raises:
            APIConnectionError: The body breaks off.
            DownloadError: The file cannot be written.
        """
        part = PartFile(file)
        try:
            await in_thread(part.open)
            async with aclosing(self.iter_bytes(chunk_size)) as pieces:
                async for piece in pieces:
                    await in_thread(partial(part.write, piece))
            await in_thread(part.commit)
        finally:
            part.discard()

    def _ensure_read(self) -> None:
        with self._translating():
            _ = self.http_response.content

    async def close(self) -> None:  # type: ignore[override] # closing is awaited
        """Close the response without reading the rest of it."""
        await self.http_response.aclose()
