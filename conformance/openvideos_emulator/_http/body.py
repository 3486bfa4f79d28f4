"""Parse a request's body as it arrives: strict JSON, or a form whose large parts are stored on disk.

This module does not know what the fields mean. It refuses a body that is malformed or too large as soon as it can.

Python parses JSON without letting other threads run, the event loop's among them. So long texts, such as data URLs, are
kept apart, and only the rest is parsed, which must be short.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn, cast

from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from .._model.refusals import Reason, RefusalError, invalid, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Sequence

FORM: Final = "multipart/form-data"
JSON: Final = "application/json"
_SPOOLED: Final = 1 << 20  # a part larger than this is stored on disk
_MAX_PARTS: Final = 100
_MAX_DEPTH: Final = 32
SMALL_JSON: Final = 1 << 16
"""The bytes of JSON up to which it is parsed so fast that no thread is needed."""

_LONG: Final = 1 << 12  # a text in larger JSON is kept apart from this length on
_MAX_REST: Final = 1 << 20  # beside long texts: more than the contract's other texts, however they are escaped
_PIECE: Final = 1 << 20


@dataclass(slots=True)
class Part:
    """One part of a form. `file` is at its start; the caller of `read_form` closes it. `length` is in bytes."""

    name: str
    filename: str | None
    media_type: str | None
    file: BinaryIO
    length: int = 0


class LongText(str):
    """A text whose repr is short, since jsonschema writes the repr of a wrong value into its errors."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the repr of the first characters."""
        return repr(f"{self[:60]}…")


@dataclass(slots=True)
class Form:
    """The parts of a form, in their order."""

    parts: list[Part] = field(default_factory=list[Part])

    def close(self) -> None:
        """Close the parts' files."""
        for part in self.parts:
            part.file.close()


def media_type_of(content_type: str) -> str:
    """Return the media type in the value of a Content-Type, without parameters and in lower case."""
    return content_type.partition(";")[0].strip().lower()


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


def parse_json(chunks: Sequence[bytes]) -> dict[str, Any]:
    """Parse a JSON object from the pieces of a body; if it is not small, its long texts are of the type `LongText`.

    Raises:
        RefusalError: The body is not a JSON object in UTF-8, has a name twice, NaN or infinity, is nested too deep, or
            has too much beside its long texts.
    """
    texts: dict[str, str] = {}
    if sum(map(len, chunks)) <= SMALL_JSON:
        body = b"".join(chunks)
    else:
        body, texts = _separated(chunks)
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
    return with_texts(fields, lambda text: texts.get(text, text)) if texts else fields


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Change the texts in a JSON value, the names of its fields too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {change(name): with_texts(child, change) for name, child in fields.items()}
    if isinstance(value, list):
        return [with_texts(child, change) for child in cast("list[object]", value)]
    return value


async def read_form(chunks: AsyncIterable[bytes], content_type: str) -> Form:
    """Read multipart/form-data as it arrives; the caller closes the form.

    Raises:
        RefusalError: The form is malformed.
    """
    with _collector(content_type) as collector:
        async for chunk in chunks:
            collector.write(chunk)
        return collector.finish()


def parse_form(chunks: Iterable[bytes], content_type: str) -> Form:
    """Read multipart/form-data that has arrived; the caller closes the form.

    Raises:
        RefusalError: The form is malformed.
    """
    with _collector(content_type) as collector:
        for chunk in chunks:
            collector.write(chunk)
        return collector.finish()


@contextlib.contextmanager
def _collector(content_type: str) -> Generator[_Collector]:
    """Collect a form; if that fails, close it."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise invalid(
            "The Content-Type of the form has no boundary; let the HTTP client write that header.", code="invalid_form"
        )
    form = Form()
    try:
        yield _Collector(form, boundary)
    except FormParserError as error:
        form.close()
        raise invalid(f"The form cannot be read: {shown(str(error), limit=120)}", code="invalid_form") from error
    except BaseException:
        form.close()
        raise


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


def _separated(chunks: Sequence[bytes]) -> tuple[bytes, dict[str, str]]:
    """Take the long texts out of JSON; return the rest, and the texts by the names that stand for them in it."""
    separator = _Separator()
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            separator.write(chunk[start : start + _PIECE])
    return separator.finish()


class _Separator:
    """Keep the long texts of a JSON body apart from the rest, if they are plain: printable ASCII without escapes."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._names: dict[str, str] = {}  # of the long texts; equal ones share a name, as a field's name may be one
        self._mark = secrets.token_hex(8)  # so that no text of a client is taken for the name of another
        self._is_inside = False
        self._is_escaped = False  # whether the next character in the text is escaped
        self._plain: list[str] | None = None  # the pieces of the text that is being read, as long as it is plain

    def write(self, chunk: bytes) -> None:
        start = 0
        while start < len(chunk):
            quote = chunk.find(b'"', start)
            end = len(chunk) if quote < 0 else quote
            if start < end:
                self._add(chunk[start:end])
            if quote >= 0:
                self._add_quote()
            if len(self._rest) > _MAX_REST:
                raise RefusalError(
                    Reason.TOO_LARGE,
                    f"The JSON has more than {_MAX_REST} bytes beside long texts without escapes, such as data URLs.",
                    code="body_too_large",
                )
            start = end + 1

    def finish(self) -> tuple[bytes, dict[str, str]]:
        self._give_up()
        return bytes(self._rest), {name: text for text, name in self._names.items()}

    def _add(self, piece: bytes) -> None:
        if (
            self._plain is not None
            and piece.isascii()
            and b"\\" not in piece
            and (text := piece.decode()).isprintable()
        ):
            self._plain.append(text)
            return
        self._give_up()
        self._rest += piece
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        self._is_escaped = (backslashes + (self._is_escaped and backslashes == len(piece))) % 2 == 1

    def _add_quote(self) -> None:
        if not self._is_inside:
            self._is_inside, self._plain = True, []
        elif self._is_escaped:
            self._is_escaped = False
        else:
            if self._plain is not None and sum(map(len, self._plain)) >= _LONG:
                text = LongText("".join(self._plain))
                name = self._names.setdefault(text, f"{self._mark}-{len(self._names)}")
                self._plain = [name]
            self._give_up()
            self._is_inside = False
        self._rest += b'"'

    def _give_up(self) -> None:
        """Leave a text in its place, as it is not plain, or short."""
        if self._plain:
            self._rest += "".join(self._plain).encode()
        self._plain = None


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

    def finish(self) -> Form:
        self._parser.finalize()
        if not self._is_finished:
            raise MultipartParseError("it ends before its closing boundary")
        return self._form

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
