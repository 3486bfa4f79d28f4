"""Wrap responses: the content of a download, and the raw responses of all methods."""

from __future__ import annotations

import base64
import html
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any, Final, Generic, TypeVar

import httpx
from attrs import frozen

from ._drivers.attempt import broken_body_error
from ._drivers.body import with_decoded_stream
from ._drivers.part_file import PartFile, write_whole
from ._drivers.threads import in_thread
from ._errors import ConfigurationError, OpenVideosError
from ._parsing import decoded, secrets_of
from ._secrets import response_without_secrets

T = TypeVar("T")

LARGEST_SHOWN: Final = 8 * 2**20
"""The largest file that a notebook gets to show, in bytes: it keeps a copy of what it shows."""


def _for_pickle(response: httpx.Response) -> httpx.Response:
    """Return a copy of a response without the secrets of its request, and with its content as it is.

    Raises:
        ConfigurationError: The body is not read yet.
    """
    try:
        content = response.content
    except httpx.ResponseNotRead as error:
        raise ConfigurationError("The body of this response is not read yet; read it before you pickle it.") from error
    head = httpx.Response(response.status_code, headers=response.headers, request=response.request)
    head = response_without_secrets(head, secrets_of(response))
    return httpx.Response(head.status_code, headers=head.headers, request=head.request, content=content)


@frozen
class _Parsed:
    """What `parse()` came to before a response was pickled. To parse again would take the client, for the next page."""

    outcome: Any

    def __call__(self, _: httpx.Response) -> Any:
        if isinstance(self.outcome, OpenVideosError):
            raise self.outcome
        return self.outcome


class HttpxBinaryResponseContent:
    """A file that was downloaded into memory. To stream a large file to a path, use `client.videos.download`."""

    def __init__(self, response: httpx.Response) -> None:
        """Wrap a response whose body has been read."""
        self.response = response

    def __repr__(self) -> str:
        """Show the media type and the length."""
        kind = self.response.headers.get("content-type", "no content type")
        return f"<HttpxBinaryResponseContent {kind}, {len(self.response.content)} bytes>"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the file and the headers, without the secrets of the request."""
        return type(self), (_for_pickle(self.response),)

    def _repr_html_(self) -> str:
        """Show the player or the picture in a notebook, with the file in it, if it is not larger than 8 MiB."""
        kind = self.response.headers.get("content-type", "").partition(";")[0].strip().lower()
        tag = re.match(r"(video|image)/[a-z0-9.+-]+$", kind)
        if tag is None or len(self.response.content) > LARGEST_SHOWN:
            return html.escape(repr(self))
        source = f"data:{kind};base64,{base64.b64encode(self.response.content).decode()}"
        return f'<video controls src="{source}"></video>' if tag[1] == "video" else f'<img src="{source}">'

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.response.content

    @property
    def text(self) -> str:
        """The body as text."""
        return self.response.text

    @property
    def encoding(self) -> str | None:
        """The character encoding of `text`."""
        return self.response.encoding

    def json(self, **kwargs: Any) -> Any:
        """Return the body as JSON, as httpx does."""
        return self.response.json(**kwargs)

    def read(self) -> bytes:
        """Return the bytes of the file."""
        return self.response.content

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of the file in pieces of `chunk_size` bytes (None: in one piece)."""
        content = self.response.content
        step = chunk_size or max(len(content), 1)
        for start in range(0, len(content), step):
            yield content[start : start + step]

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Yield the body as text in pieces."""
        return self.response.iter_text(chunk_size)

    def iter_lines(self) -> Iterator[str]:
        """Yield the body as text, line by line."""
        return self.response.iter_lines()

    def write_to_file(self, file: str | os.PathLike[str]) -> None:
        """Write the file to a path, completely or not at all.

        Raises:
            DownloadError: The file cannot be written.
        """
        write_whole(file, self.response.content)

    def stream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> None:  # noqa: ARG002
        """Do what `write_to_file` does. `chunk_size` has no effect, since the file is in memory."""
        self.write_to_file(file)

    def close(self) -> None:
        """Close the response. It is closed already; the method exists for code that calls it."""
        self.response.close()

    async def aread(self) -> bytes:
        """Return the bytes of the file."""
        return self.response.content

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of the file in pieces of `chunk_size` bytes (None: in one piece)."""
        for piece in self.iter_bytes(chunk_size):
            yield piece

    async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Yield the body as text in pieces."""
        for piece in self.iter_text(chunk_size):
            yield piece

    async def aiter_lines(self) -> AsyncIterator[str]:
        """Yield the body as text, line by line."""
        for line in self.iter_lines():
            yield line

    async def awrite_to_file(self, file: str | os.PathLike[str]) -> None:
        """Write the file to a path, completely or not at all, without blocking the event loop.

        Raises:
            DownloadError: The file cannot be written.
        """
        await in_thread(partial(write_whole, file, self.response.content))

    async def astream_to_file(
        self,
        file: str | os.PathLike[str],
        *,
        chunk_size: int | None = None,  # noqa: ARG002 - see stream_to_file
    ) -> None:
        """Do what `awrite_to_file` does. `chunk_size` has no effect, since the file is in memory."""
        await self.awrite_to_file(file)

    async def aclose(self) -> None:
        """Close the response. It is closed already; the method exists for code that calls it."""
        await self.response.aclose()


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
        response = _for_pickle(self.http_response)
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
