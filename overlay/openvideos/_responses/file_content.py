"""Hold the content of a download in memory."""

from __future__ import annotations

import base64
import html
import os
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, Final, TypeVar

import httpx

from .._drivers.part_file import write_whole
from .._drivers.threads import in_thread
from .._errors import ConfigurationError
from .._headers import media_type
from .._parsing.responses import secrets_of
from .._secrets import response_without_secrets

T = TypeVar("T")

LARGEST_SHOWN: Final = 8 * 2**20
"""The largest file that a notebook gets to show, in bytes: it keeps a copy of what it shows."""


def for_pickle(response: httpx.Response) -> httpx.Response:
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
        return type(self), (for_pickle(self.response),)

    def _repr_html_(self) -> str:
        """Show the player or the picture in a notebook, with the file in it, if it is not larger than 8 MiB."""
        kind = media_type(self.response.headers) or ""
        tag = re.match(r"(video|image)/[a-z0-9.+-]+$", kind)
        if tag is None or len(self.response.content) > LARGEST_SHOWN:
            return html.escape(repr(self))
        source = f"data:{kind};base64,{base64.b64encode(self.response.content).decode()}"
        shown = f'<img alt="A picture ({kind})" src="{source}">'
        return f'<video controls src="{source}"></video>' if tag[1] == "video" else shown

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
