"""Convert callers' files to parts of a form, with content, file name and media type."""

from __future__ import annotations

import io
import mimetypes
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, cast

from attrs import field, frozen

from openvideos_raw.types import File

from ._calls import check_header
from ._errors import InvalidArgumentError
from ._types import FileContent, FileTypes

_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"WEBP", 8, "image/webp"),
    (b"ftyp", 4, "video/mp4"),
)
_UNKNOWN: Final = "application/octet-stream"


@frozen
class Upload:
    """A file that can be sent as a part of a form."""

    file: File
    headers: Mapping[str, str] | None
    rewindable: bool
    """Whether the content can be sent a second time."""
    opened: tuple[IO[bytes], ...] = field(repr=False)
    """The files that were opened for it, and are closed after the call."""

    def part(self, name: str) -> tuple[str, Any]:
        """Return the part in httpx's form."""
        part = self.file.to_tuple()
        return name, (*part, dict(self.headers)) if self.headers else part


def upload(name: str, value: FileTypes) -> Upload:
    """Prepare a file to upload as the form field `name`; open it if it is a path.

    Raises:
        InvalidArgumentError: The value is not a file, or the file cannot be read.
    """
    file_name: str | None = None
    media_type: str | None = None
    headers: Mapping[str, str] | None = None
    content: FileContent
    if isinstance(value, tuple):
        if not 2 <= len(value) <= 4:  # noqa: PLR2004 - the forms of FileTypes
            raise InvalidArgumentError(
                f"{name} is a tuple of {len(value)}; it is (file name, content[, media type[, headers]])."
            )
        padded: tuple[Any, ...] = (*cast("tuple[Any, ...]", value), None, None)
        file_name, content, media_type, headers = padded[:4]
    else:
        content = value
    payload, opened = _opened(name, content)
    try:
        file_name = file_name or _name_of(content) or name
        media_type = media_type or _media_type(file_name, payload)
        if "." not in file_name:
            # Some servers check the extension.
            file_name += mimetypes.guess_extension(media_type) or "" if media_type != _UNKNOWN else ""
        check_header("Content-Type", media_type)
        for header, text in (headers or {}).items():
            check_header(header, text)
        _check_text(name, file_name)
    except BaseException:
        for file in opened:
            file.close()
        raise
    return Upload(
        file=File(payload=cast("Any", payload), file_name=file_name, mime_type=media_type),
        headers=headers,
        rewindable=payload.seekable(),
        opened=opened,
    )


def named_reference(number: int, reference: object) -> tuple[str, Mapping[str, object]]:
    """Return the role of a reference, and its other keys.

    Raises:
        InvalidArgumentError: It has no role, or `image` beside another key.
    """
    if not isinstance(reference, Mapping) or "role" not in reference:
        raise InvalidArgumentError(f"references[{number}] has no role; pass such as {{'role': 'first_frame', …}}.")
    said = cast("Mapping[str, object]", reference)
    if "image" in said and len(said) > 2:  # noqa: PLR2004 - a role and an image
        raise InvalidArgumentError(
            f"references[{number}] has the keys {sorted(map(str, said))}; it has a role and exactly one image."
        )
    role = said["role"]
    is_in_a_name = "image" in said  # of a field of a form, which brackets and quotes would break
    if not isinstance(role, str) or not role or (is_in_a_name and not re.fullmatch(r"[\w.-]+", role)):
        raise InvalidArgumentError(f"references[{number}].role is {role!r}; pass a word such as 'first_frame'.")
    return role, {key: said[key] for key in said if key != "role"}


def _opened(name: str, content: object) -> tuple[IO[bytes], tuple[IO[bytes], ...]]:
    """Return the content as a binary file, and the files that were opened for it.

    Raises:
        InvalidArgumentError: The content is not a file, or the file cannot be read.
    """
    if isinstance(content, (bytes, bytearray, memoryview)):
        return io.BytesIO(cast("bytes", content)), ()
    if isinstance(content, str):
        raise InvalidArgumentError(
            f"{name} is a str, which may be a path, a URL or an id; pass pathlib.Path(…) for a file."
        )
    if isinstance(content, os.PathLike):
        path = cast("os.PathLike[str]", content)
        try:
            file = Path(path).open("rb")  # noqa: SIM115 - it is closed after the call
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise InvalidArgumentError(f"{name}: the file {os.fspath(path)!r} cannot be read: {reason}.") from error
        return file, (file,)
    if not hasattr(content, "read"):
        raise InvalidArgumentError(
            f"{name} is of the type {type(content).__name__}; pass a pathlib.Path, bytes, an open binary file, or a "
            "tuple of a file name and one of these."
        )
    if isinstance(content, io.TextIOBase):
        raise InvalidArgumentError(f"{name} is open as text; open it with mode 'rb'.")
    stream = cast("IO[bytes]", content)
    if getattr(stream, "closed", False):
        raise InvalidArgumentError(f"{name} is a closed file; open it again.")
    if not hasattr(stream, "seekable"):
        return cast("IO[bytes]", _Unseekable(stream)), ()
    return stream, ()


class _Unseekable:
    """A file that has only `read`, extended by `seekable`, which says that it cannot be rewound."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.read = stream.read

    def seekable(self) -> bool:
        return False


def _name_of(content: object) -> str | None:
    if isinstance(content, os.PathLike):
        return Path(cast("os.PathLike[str]", content)).name
    name = getattr(content, "name", None)
    return Path(name).name if isinstance(name, str) else None


def _media_type(file_name: str, payload: IO[bytes]) -> str:
    """Return a file's media type, by its name or, if that is unknown, by its first bytes."""
    guessed = mimetypes.guess_type(file_name)[0]
    if guessed:
        return guessed
    if payload.seekable():
        start = payload.tell()
        head = cast("object", payload.read(16))
        payload.seek(start)
        for magic, offset, media_type in _MAGIC:
            if isinstance(head, bytes) and head[offset : offset + len(magic)] == magic:
                return media_type
    return _UNKNOWN


def _check_text(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{name}: the file name is not valid Unicode text: {error.reason}.") from error
