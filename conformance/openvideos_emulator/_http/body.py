"""Parse a request's body as it arrives: strict JSON, or a form whose large parts are stored on disk.

This module does not know what the fields mean. It refuses a body that is malformed or too large as soon as it can.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn, cast

from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from .._model.refusals import Reason, RefusalError, invalid, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

_SPOOLED: Final = 1 << 20  # a part larger than this is stored on disk
_MAX_PARTS: Final = 100
_MAX_DEPTH: Final = 32


@dataclass(slots=True)
class Part:
    """One part of a form. `file` is at its start; the caller of `read_form` closes it. `length` is in bytes."""

    name: str
    filename: str | None
    media_type: str | None
    file: BinaryIO
    length: int = 0


@dataclass(slots=True)
class Form:
    """The parts of a form, in their order."""

    parts: list[Part] = field(default_factory=list[Part])

    def close(self) -> None:
        """Close the parts' files."""
        for part in self.parts:
            part.file.close()


async def limited(chunks: AsyncIterable[bytes], limit: int) -> AsyncIterator[bytes]:
    """Yield the chunks of a body.

    Raises:
        RefusalError: The body is larger than `limit` bytes.
    """
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise too_large(limit)
        yield chunk


def too_large(limit: int) -> RefusalError:
    """Build the refusal of a body that is larger than `limit` bytes."""
    return RefusalError(Reason.TOO_LARGE, f"The body is larger than {limit} bytes.", code="body_too_large")


async def read_bytes(chunks: AsyncIterable[bytes]) -> bytes:
    """Read a whole body into memory."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
    return bytes(body)


def parse_json(body: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        RefusalError: The body is not a JSON object in UTF-8, has a name twice, NaN or infinity, or is nested too deep.
    """
    try:
        value: object = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_without_repetition,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise invalid(
            f"The body is not UTF-8: the byte at {error.start} cannot be read.", code="invalid_json"
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise invalid(
            f"The body is not JSON that can be read: {shown(str(error), limit=120)}.", code="invalid_json"
        ) from error
    if not isinstance(value, dict):
        raise invalid('The body must be a JSON object, such as {"prompt": "..."}.', code="invalid_json")
    fields = cast("dict[str, Any]", value)
    _check_depth(fields)
    return fields


async def read_form(chunks: AsyncIterable[bytes], content_type: str) -> Form:
    """Read multipart/form-data; the caller closes the form.

    Raises:
        RefusalError: The form is malformed.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise invalid(
            "The Content-Type of the form has no boundary; let the HTTP client write that header.", code="invalid_form"
        )
    form = Form()
    try:
        collector = _Collector(form, boundary)
        async for chunk in chunks:
            collector.write(chunk)
        collector.finish()
    except FormParserError as error:
        form.close()
        raise invalid(f"The form cannot be read: {shown(str(error), limit=120)}", code="invalid_form") from error
    except BaseException:
        form.close()
        raise
    return form


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise invalid(
                f"{shown(name)} is in the body more than once; send it once.",
                param=printable(name),
                code="duplicate_parameter",
            )
        fields[name] = value
    return fields


def printable(name: str) -> str:
    """Make a field's name fit for a response: at most 255 characters, all of which UTF-8 can encode."""
    return name[:255].encode("utf-8", "replace").decode("utf-8")


def _refuse_constant(name: str) -> NoReturn:
    raise invalid(f"The body holds {name}, which is not JSON.", code="invalid_json")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise invalid(f"The body holds the number {shown(text)}, which is too large.", code="invalid_json")
    return number


def _check_depth(fields: dict[str, Any]) -> None:
    level: list[object] = [fields]
    for _ in range(_MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise _too_deep()


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def _too_deep() -> RefusalError:
    return invalid(f"The body is nested deeper than {_MAX_DEPTH} levels.", code="invalid_json")


class _Collector:
    """Collect the parts of a form from the multipart parser's callbacks."""

    def __init__(self, form: Form, boundary: bytes) -> None:
        self._form = form
        self._header = (bytearray(), bytearray())
        self._headers: dict[str, bytes] = {}
        self._is_finished = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._open_part,
                "on_part_data": self._add_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def write(self, chunk: bytes) -> None:
        self._parser.write(chunk)

    def finish(self) -> None:
        self._parser.finalize()
        if not self._is_finished:
            raise MultipartParseError("it ends before its closing boundary")

    def _begin_part(self) -> None:
        self._headers = {}
        if len(self._form.parts) >= _MAX_PARTS:
            raise MultipartParseError(f"it has more than {_MAX_PARTS} parts")

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _open_part(self) -> None:
        disposition, options = parse_options_header(self._headers.get("content-disposition", b""))
        name, filename = options.get(b"name"), options.get(b"filename")
        if disposition != b"form-data" or name is None:
            raise MultipartParseError("a part has no Content-Disposition: form-data with a name")
        media_type = self._headers.get("content-type")
        name_text = _decoded(name)  # raises if the name is not UTF-8, so it comes before the file is opened
        file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115 - the form closes it
        part = Part(
            name=name_text,
            filename=None if filename is None else filename.decode("utf-8", "replace"),
            media_type=None if media_type is None else media_type.decode("latin-1"),
            file=cast("BinaryIO", file),
        )
        self._form.parts.append(part)

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        part = self._form.parts[-1]
        part.file.write(data[start:end])
        part.length += end - start

    def _end_part(self) -> None:
        self._form.parts[-1].file.seek(0)

    def _end(self) -> None:
        self._is_finished = True


def _decoded(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MultipartParseError("the name of a part is not UTF-8") from error
