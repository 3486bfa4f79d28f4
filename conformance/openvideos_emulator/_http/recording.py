"""Record a request and its response as they pass, without a change and without a wait, and without a key."""

from __future__ import annotations

import codecs
import json
import time
from typing import TYPE_CHECKING, Any, Final, cast

from .._model.keys import Hider, value_of
from .._model.request_log import MOST_BODY, SentPart
from .body import with_texts
from .media_urls import address_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Message, Receive, Scope, Send

    from .._model.keys import Pairs
    from .._model.request_log import Record, RequestLog
    from .body import Part

_KEY: Final = "openvideos_emulator.recording"
_BEGINNING: Final = 100  # characters of a text that has no room
_MOST_BYTES: Final = 4  # of a character in UTF-8
_TEXTS: Final = (b"application/json", b"application/problem+json", b"application/x-www-form-urlencoded", b"text/")


class Recording:
    """The record of one exchange: `receive` and `send` take the place of the server's."""

    def __init__(
        self, log: RequestLog, scope: Scope, receive: Receive, send: Send, *, path: str, api_key: str | None, now: float
    ) -> None:
        """Begin the record; `api_key` is the server's, `now` the time that jobs see."""
        self._log, self._receive, self._send = log, receive, send
        self._began = time.perf_counter()
        headers: Pairs = scope["headers"]
        query = scope["query_string"].decode("latin-1")
        self._hider = Hider(headers, query=query, api_key=api_key)
        self._is_text, self._is_response_text = _is_text(headers), False
        # A key may be in two pieces of a body, so a body is recorded once all of it has passed.
        self._body, self._response_body = bytearray(), bytearray()
        self.record: Record = log.begin(
            at=time.time(),
            job_time=now,
            method=scope["method"],
            path=self._hider.text(path),
            query=self._hider.query(query),
            headers=self._hider.headers(headers),
            origin=address_of(scope),  # not that of the header Host, to which the command for curl would send the key
        )
        scope[_KEY] = self

    async def receive(self) -> Message:
        """Pass a message of the request on."""
        message = await self._receive()
        body = message.get("body", b"")
        self.record.length += len(body)
        if self._is_text:
            self._body += body[: MOST_BODY - len(self._body)]
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._record_body(is_whole=True)
        return message

    async def send(self, message: Message) -> None:
        """Pass a message of the response on. The record is complete before its last one is."""
        if message["type"] == "http.response.start":
            headers: Pairs = list(message["headers"])
            self.record.status, self.record.response_headers = message["status"], self._hider.headers(headers)
            self._is_response_text = _is_text(headers)
        else:
            body = message.get("body", b"")
            self.record.response_length += len(body)
            if self._is_response_text:
                self._response_body += body[: MOST_BODY - len(self._response_body)]
            if not message.get("more_body", False):
                self._end()
        await self._send(message)

    def close(self) -> None:
        """Complete the record of an exchange whose response did not end."""
        if self.record.seconds is None:
            self.record.is_cut = True
            self._end()

    def note_fields(self, fields: Mapping[str, Any]) -> None:
        """Add the fields of a JSON body that is not kept whole: the short ones whole, of the others the beginnings."""
        if self.record.length <= MOST_BODY:
            return
        left, kept = MOST_BODY, dict[str, Any]()
        for name, value in sorted(fields.items(), key=lambda field: _characters(field[1])):
            if _characters(value) > left:
                value = with_texts(value, self._beginning)  # noqa: PLW2901 - of the same field
            length = len(_json({name: value}))
            if length <= left:
                kept[name] = value
                left -= length
        self.record.fields = self._hider.data(_json({name: kept[name] for name in fields if name in kept}))

    def note_parts(self, parts: Sequence[Part]) -> None:
        """Add the parts of a form: the short texts whole, of the others the beginnings, of files what they are."""
        left, texts, cut = MOST_BODY, dict[int, str](), set[int]()
        for number, part in sorted(enumerate(parts), key=lambda item: item[1].length):
            if part.filename is not None:
                continue
            if part.length <= left:
                texts[number] = self._hider.text(_text_of(part, part.length))
                left -= part.length
            else:
                texts[number] = self._beginning(_text_of(part, _MOST_BYTES * (_BEGINNING + 1)))
                cut.add(number)
        self.record.parts = tuple(
            SentPart(
                self._beginning(part.name),
                part.length,
                texts.get(number),
                None if part.filename is None else self._beginning(part.filename),
                None if part.media_type is None else self._beginning(part.media_type),
                is_cut=number in cut,
            )
            for number, part in enumerate(parts)
        )

    def _beginning(self, text: str) -> str:
        is_cut = len(text) > _BEGINNING
        return self._hider.text(text[:_BEGINNING], is_cut=is_cut) + ("…" if is_cut else "")

    def _record_body(self, *, is_whole: bool) -> None:
        if self._body:
            self.record.is_body_whole = is_whole and len(self._body) == self.record.length
            self.record.body = self._hider.data(bytes(self._body), is_cut=not self.record.is_body_whole)
            self._body = bytearray()

    def _end(self) -> None:
        self._record_body(is_whole=False)
        is_cut = self.record.is_cut or len(self._response_body) < self.record.response_length
        self.record.response_body = self._hider.data(bytes(self._response_body), is_cut=is_cut)
        self._log.end(self.record, seconds=time.perf_counter() - self._began)


def note_fields(scope: Scope, fields: Mapping[str, Any]) -> None:
    """Add the fields of JSON to the record of its request, if it is recorded, and its body is not kept whole."""
    recording = _recording_of(scope)
    if recording is not None:
        recording.note_fields(fields)


def note_parts(scope: Scope, parts: Sequence[Part]) -> None:
    """Add the parts of a form to the record of its request, if it is recorded."""
    recording = _recording_of(scope)
    if recording is not None:
        recording.note_parts(parts)


def note_started(scope: Scope, body: bytes | memoryview) -> None:
    """Add the job that a request has started to its record, if it is recorded: the response may be lost on its way."""
    recording = _recording_of(scope)
    if recording is not None:
        recording.record.started = str(json.loads(bytes(body))["id"])


def _recording_of(scope: Scope) -> Recording | None:
    return cast("Recording | None", scope.get(_KEY))


def _is_text(headers: Pairs) -> bool:
    return value_of(headers, b"content-type").lower().startswith(_TEXTS)


def _text_of(part: Part, most: int) -> str:
    """Return the text of a part, of at most this many bytes; half a character at the end is left out."""
    content = part.file.read(most)
    part.file.seek(0)
    return codecs.getincrementaldecoder("utf-8")("replace").decode(content, final=len(content) == part.length)


def _characters(value: object) -> int:
    """Return how many characters the texts in a JSON value have."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, cast("dict[str, object]", value).values()))
    return sum(map(_characters, cast("list[object]", value))) if isinstance(value, list) else 0


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
