"""Convert callers' files to parts of a form, with content, file name and media type.

One rule holds for all files: one that can seek is sent whole, from its start, wherever the caller has left it; one that
cannot is sent from where it is, and once. Its length is sent only where it is sure. An exception of the caller's own
file becomes an InvalidArgumentError that names the form field.
"""

from __future__ import annotations

import inspect
import io
import mimetypes
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PureWindowsPath
from typing import Any, Final, cast

from openvideos_raw.types import File

from .._errors import InvalidArgumentError
from .._headers import check_header
from .._types import FileTypes
from .content import WRAPPED, Content, callers_errors, is_awaitable

_UNKNOWN: Final = "application/octet-stream"
_HEAD: Final = 64
"""How many bytes of a file tell its media type."""

_MAGIC: Final = (
    (0, rb"\x89PNG\r\n\x1a\n", "image/png"),
    (0, rb"\xff\xd8\xff", "image/jpeg"),
    (0, rb"RIFF....WEBP", "image/webp"),
    (0, rb"GIF8[79]a", "image/gif"),
    (0, rb"BM....\0\0\0\0", "image/bmp"),
    (0, rb"II\*\0|MM\0\*", "image/tiff"),
    (0, rb"\x1aE\xdf\xa3.*webm", "video/webm"),
    (4, rb"ftypavi[fs]|ftyp(mif1|msf1).*avi[fs]", "image/avif"),
    (4, rb"ftyphe(i[cxms]|v[cxms])|ftyp(mif1|msf1).*he(i[cxms]|v[cxms])", "image/heic"),
    (4, rb"ftyp(mif1|msf1)", "image/heif"),
    (4, rb"ftypqt  ", "video/quicktime"),
    (4, rb"ftyp", "video/mp4"),
)
"""Where the bytes that tell a media type begin, and the bytes, as a pattern."""

_EXTENSIONS: Final = {
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/webp": ".webp",
}
"""The extensions that not every version of Python, or system, knows."""

_MAKERS: Final = {
    "PIL.Image": ("a PIL image", 'image.save(file, format="PNG")'),
    "numpy.ndarray": ("a numpy array", 'PIL.Image.fromarray(array).save(file, format="PNG")'),
}
"""Types of pictures that are no files, by package and name, and how a file is made of one."""


def upload(name: str, value: FileTypes) -> File:
    """Prepare a file to upload as the form field `name`. A path is opened and closed again: it is read when it is sent.

    Raises:
        InvalidArgumentError: The value is not a file, or the file cannot be read.
    """
    parts: tuple[Any, ...] = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (None, value)
    if not 2 <= len(parts) <= 4:  # noqa: PLR2004 - the forms of FileTypes
        raise InvalidArgumentError(
            f"{name} is a tuple of {len(parts)}; it is (file name, content[, media type[, headers]])."
        )
    file_name, source, media_type, headers = (*parts, None, None)[:4]
    with callers_errors(name, "the file"):
        content, head = _content(name, source)
        file_name = _text(name, "file name", _name_of(source) if file_name is None else file_name) or name
        media_type = _text(name, "media type", media_type) or _media_type(source, file_name, head)
        if "." not in file_name and media_type != _UNKNOWN:
            # Some servers check the extension.
            file_name += _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ""
        check_header("Content-Type", media_type)
        if headers is not None:
            if not isinstance(headers, Mapping):
                raise InvalidArgumentError(
                    f"{name}: the headers are of the type {type(headers).__name__}; pass a dict."
                )
            content.headers = dict(cast("Mapping[str, str]", headers))
            for header, text in content.headers.items():
                check_header(header, text)
    return File(payload=cast("Any", content), file_name=file_name, mime_type=media_type)


def is_file(value: object) -> bool:
    """Return whether a value is a file as FileTypes allows it, and so no text, number or JSON; a picture counts."""
    if isinstance(value, tuple):
        parts = cast("tuple[object, ...]", value)
        return 2 <= len(parts) <= 4 and not isinstance(parts[1], tuple) and is_file(parts[1])  # noqa: PLR2004
    if isinstance(value, (bytes, bytearray, memoryview, os.PathLike)) or _maker(value) is not None:
        return True
    with suppress(Exception):
        return hasattr(value, "read")
    return False


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


def _content(name: str, source: Any) -> tuple[Content, bytes]:
    """Return a file's content, and its first bytes, if they can be read without a loss.

    Raises:
        InvalidArgumentError: The source is not a file, or the file cannot be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(cast("bytes", source))
        return Content(name, io.BytesIO(data), len(data), rewindable=True), data[:_HEAD]
    if isinstance(source, os.PathLike):
        path = Path(os.fsdecode(cast("os.PathLike[str]", source)))
        with callers_errors(name, f"the file {str(path)!r}"):
            mode = path.stat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                # A named pipe is opened once, when it is sent: what is read from it is gone.
                return Content(name, path), b""
            with path.open("rb") as file:
                return Content(name, path, _length(file), rewindable=_can_seek(file)), file.read(_HEAD)
    _check_is_file(name, source)
    content = Content(name, source, is_async=inspect.iscoroutinefunction(source.read))
    if content.is_async:
        # The file inside tells the length and the media type without a wait.
        source = next((getattr(source, inner) for inner in WRAPPED if hasattr(source, inner)), None)
    head: object = b""
    if _can_seek(source):
        content.rewindable, head = True, source.read(_HEAD)
        if is_awaitable(head):
            content.is_async, head = True, b""
        else:
            content.length = _length(source)
    if content.is_async:
        content.rewindable = hasattr(content.source, "seek")
    return content, content.as_bytes(head)


def _check_is_file(name: str, source: object) -> None:
    if isinstance(source, str):
        raise InvalidArgumentError(
            f"{name} is a str, which may be a path, a URL or an id; pass pathlib.Path(…) for a file."
        )
    if not hasattr(source, "read"):
        maker = _maker(source)
        if maker is not None:
            kind, line = maker
            raise InvalidArgumentError(
                f"{name} is {kind}, not a file; make a file of it, and pass that:\n    file = io.BytesIO()\n    {line}"
            )
        raise InvalidArgumentError(
            f"{name} is of the type {type(source).__name__}; pass a pathlib.Path, bytes, an open binary file, or a "
            "tuple of a file name and one of these."
        )
    if isinstance(source, io.TextIOBase):
        raise InvalidArgumentError(f"{name} is open as text; open it with mode 'rb', or pass its .buffer.")
    if _attribute(source, "closed") is True:
        raise InvalidArgumentError(f"{name} is a closed file; open it again.")


def _maker(value: object) -> tuple[str, str] | None:
    """Return what a picture that is no file is, and the line that writes it into one; None for any other value."""
    kinds = [f"{str(kind.__module__).partition('.')[0]}.{kind.__name__}" for kind in type(value).__mro__]
    return next((_MAKERS[kind] for kind in kinds if kind in _MAKERS), None)


def _can_seek(file: Any) -> bool:
    """Return whether a file can be read again, and go to its start."""
    with suppress(Exception):
        if not hasattr(file, "seekable") or file.seekable():
            return not is_awaitable(file.seek(0))
    return False


def _length(file: Any) -> int | None:
    """Return a file's length; None if it is not sure.

    What `seek` tells counts, but not against the file descriptor: that of `gzip.open` is the compressed file's.
    """
    length: int | None = None
    with suppress(Exception):
        file.seek(0, os.SEEK_END)
        end = file.tell()
        length = end if isinstance(end, int) else None
        status = os.fstat(file.fileno())  # raises if there is no descriptor
        length = length if stat.S_ISREG(status.st_mode) and status.st_size == length else None
    return length


def _name_of(source: object) -> str | None:
    if isinstance(source, os.PathLike):
        return Path(os.fsdecode(cast("os.PathLike[str]", source))).name
    if hasattr(source, "content_type"):
        # It is an upload of a web framework, whose name may be the form field's.
        file_name = _attribute(source, "filename")
        if isinstance(file_name, str):
            return PureWindowsPath(file_name).name  # some browsers send the whole path
    name = _attribute(source, "name")
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    # The standard streams have names such as <stdin>.
    return Path(name).name if isinstance(name, str) and not name.startswith("<") else None


def _attribute(source: object, name: str) -> object:
    """Return an attribute of a file that it may do without; None if it has none, or raises."""
    with suppress(Exception):
        return getattr(source, name, None)
    return None


def _media_type(source: object, file_name: str, head: bytes) -> str:
    """Return a file's media type: its own, that of its name or, if that is unknown, that of its first bytes."""
    own = _attribute(source, "content_type")
    if isinstance(own, str) and "/" in own and own != _UNKNOWN:
        return own
    guessed, encoding = mimetypes.guess_type(file_name)
    if guessed and not encoding:
        return guessed
    return next((kind for at, magic, kind in _MAGIC if re.match(magic, head[at:], re.DOTALL)), _UNKNOWN)


def _text(name: str, what: str, value: object) -> str | None:
    """Return a text of the caller's.

    Raises:
        InvalidArgumentError: It is neither text nor None, or not valid Unicode.
    """
    if value is not None and not isinstance(value, str):
        raise InvalidArgumentError(f"{name}: the {what} is of the type {type(value).__name__}; it must be text.")
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{name}: the {what} is not valid Unicode text: {error.reason}.") from error
    return value
