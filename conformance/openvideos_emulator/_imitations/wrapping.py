"""Wrap an ASGI app so that complete requests and responses can be changed."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, quote, urlencode

from .._http.body import media_type_of
from .._http.connection import CONNECTION_KEY
from .._http.media_urls import FILES_PREFIX
from .._http.router import subject_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

    Handler = Callable[["Request"], Awaitable["ServerResponse"]]
    Change = Callable[["Request", Handler], Awaitable["ServerResponse"]]
    """Takes a request and a function that asks the right server; returns a response."""

FORM: Final = "multipart/form-data"
JSON: Final = "application/json"
BOUNDARY: Final = b"openvideos-wrapped"
PREFIX: Final = "/v1"

Part = tuple[str | None, str, bytes]
"""A part of a form: its file name, its media type, its bytes."""


def as_part(value: Any) -> Part | None:
    """Return a value if it is a part of a form, else None."""
    return cast("Part", value) if isinstance(value, tuple) else None


def as_text(value: Any) -> str | None:
    """Return the text of a field; None if it is a file, or not text."""
    part = as_part(value)
    if part is not None:
        return part[2].decode("utf-8", "replace") if part[0] is None else None
    return value if isinstance(value, str) else None


def as_object(value: Any) -> dict[str, Any]:
    """Return a value if it is a JSON object, else an empty object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


@dataclass
class Request:
    """A complete request. `path` is as it was sent, with the prefix."""

    scope: Scope
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: bytes
    is_changed: bool = False

    @property
    def operation(self) -> str | None:
        """The id of the request's operation; None outside of the API, and for HEAD."""
        return None if self.method == "HEAD" else subject_of(self.method, self.path).operation

    @property
    def steps(self) -> tuple[str, ...] | None:
        """The steps of the path below `/v1/videos`. The URL of a file is another path of the content of its job."""
        if self.path.startswith(f"{FILES_PREFIX}/"):
            return self.path.removeprefix(f"{FILES_PREFIX}/").removesuffix(".mp4"), "content"
        if not (self.path + "/").startswith(f"{PREFIX}/videos/"):
            return None
        return tuple(step for step in self.path.removeprefix(f"{PREFIX}/videos").split("/")[1:])

    @property
    def id(self) -> str:
        """The id of the video that the path names."""
        steps = self.steps or ()
        return steps[0] if steps else ""

    def header(self, name: str) -> str | None:
        """Return a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def with_header(self, name: str, value: str | None) -> Request:
        """Return the request with another header, or without it."""
        headers = [(key, old) for key, old in self.headers if key.lower() != name]
        return self._copy(headers=headers if value is None else [*headers, (name, value)])

    def parameter(self, name: str) -> str | None:
        """Return a parameter of the query."""
        return next((value for key, value in self.query if key == name), None)

    def with_parameter(self, name: str, value: str | None) -> Request:
        """Return the request with another parameter, or without it."""
        query = [(key, old) for key, old in self.query if key != name]
        return self._copy(query=query if value is None else [*query, (name, value)])

    @property
    def media_type(self) -> str:
        """The media type of the body."""
        return media_type_of(self.header("content-type") or "")

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the body: of a JSON object, or the parts of a form."""
        if self.media_type == "multipart/form-data":
            return dict(self.parts)
        try:
            value: Any = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return as_object(value)

    @property
    def parts(self) -> dict[str, Part]:
        """The parts of a form."""
        head = f"content-type: {self.header('content-type')}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        found: dict[str, Part] = {}
        for part in message.iter_parts() if message.is_multipart() else ():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            found[str(name)] = (
                part.get_filename(),
                part.get_content_type(),
                content if isinstance(content, bytes) else b"",
            )
        return found

    def text(self, name: str) -> str | None:
        """Return a field's text; None if it is missing, or not text."""
        return as_text(self.fields.get(name))

    def with_fields(self, fields: dict[str, Any]) -> Request:
        """Return the request with these fields in its body, in the same media type: text, parts or JSON values."""
        if self.media_type != "multipart/form-data":
            return self.with_body(json.dumps(fields).encode(), JSON)
        pieces: list[bytes] = []
        for name, value in fields.items():
            filename, media_type, content = as_part(value) or (None, "text/plain", str(value).encode())
            disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
            kind = f"\r\ncontent-type: {media_type}" if filename else ""
            pieces.append(f"content-disposition: {disposition}{kind}\r\n\r\n".encode() + content)
        body = b"".join(b"--" + BOUNDARY + b"\r\n" + piece + b"\r\n" for piece in pieces) + b"--" + BOUNDARY + b"--\r\n"
        media_type = f"multipart/form-data; boundary={BOUNDARY.decode()}"
        return self.with_body(body, media_type)

    def at(self, path: str, method: str | None = None) -> Request:
        """Return the request at another path."""
        return self._copy(path=path, method=method or self.method)

    def with_body(self, body: bytes, media_type: str) -> Request:
        """Return the request with another body."""
        headers = [(key, old) for key, old in self.headers if key.lower() != "content-type"]
        return self._copy(headers=[*headers, ("content-type", media_type)], body=body)

    def _copy(self, **changes: Any) -> Request:
        return replace(self, is_changed=True, **changes)


@dataclass
class ServerResponse:
    """A complete response."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body: bytes = b""
    has_length: bool = True
    """Whether the response has a Content-Length; otherwise it is sent in chunks."""
    told_length: int | None = None
    """The Content-Length that is sent instead of the right one."""
    is_last: bool = False
    """Whether the server closes the connection after the response, without saying so in it."""

    @property
    def json(self) -> Any:
        """The body as JSON; None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def object(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is not one."""
        return as_object(self.json)

    def with_json(self, value: Any, status: int | None = None) -> ServerResponse:
        """Return the response with another body."""
        body = json.dumps(value, ensure_ascii=False).encode()
        headers = [(key, old) for key, old in self.headers if key.lower() != "content-type"]
        return replace(
            self,
            status=self.status if status is None else status,
            headers=[*headers, ("content-type", "application/json")],
            body=body,
        )

    def with_fields(self, **fields: Any) -> ServerResponse:
        """Return the response with other fields in its JSON object."""
        return self.with_json({**self.object, **fields})

    def without(self, *names: str) -> ServerResponse:
        """Return the response without fields of its JSON object."""
        return self.with_json({name: value for name, value in self.object.items() if name not in names})

    def with_status(self, status: int) -> ServerResponse:
        """Return the response with another status."""
        return replace(self, status=status)

    def header(self, name: str) -> str | None:
        """Return a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def with_header(self, name: str, value: str | None) -> ServerResponse:
        """Return the response with another header, or without it."""
        headers = [(key, old) for key, old in self.headers if key.lower() != name]
        return replace(self, headers=headers if value is None else [*headers, (name, value)])

    @property
    def is_ok(self) -> bool:
        """Whether it is a 2XX."""
        return 200 <= self.status < 300


def error(
    status: int, message: str = "This is wrong.", *, param: str | None = None, code: str | None = "wrong"
) -> ServerResponse:
    """Return an error with the contract's envelope."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    return named(ServerResponse(status).with_json(body))


def named(response: ServerResponse) -> ServerResponse:
    """Return the response with a new request id."""
    return response.with_header("x-request-id", f"req_{secrets.token_hex(8)}")


def wrapped(app: App, change: Change, *, max_body_bytes: int | None = None) -> App:
    """Wrap an app with a change. Of a body that is larger than it may be, the app gets enough to see that it is."""

    async def changed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith((PREFIX, f"{FILES_PREFIX}/")):
            await app(scope, receive, send)
            return
        request = await _read(scope, receive, max_body_bytes)
        if request is not None:
            await _write(await change(request, lambda changed: ask(app, changed)), request, send)

    return changed


async def ask(app: App, request: Request) -> ServerResponse:
    """Pass a complete request to an app, and return the complete response."""
    scope = dict(request.scope)
    scope["method"], scope["raw_path"] = request.method, request.path.encode("latin-1")
    scope["path"] = request.path
    scope["query_string"] = urlencode(request.query).encode() if request.is_changed else request.scope["query_string"]
    headers = [
        (key.lower(), value) for key, value in request.headers if key.lower() not in {"content-length", "expect"}
    ]
    if request.body or request.method == "POST":
        headers.append(("content-length", str(len(request.body))))
    scope["headers"] = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers]
    messages = [{"type": "http.request", "body": request.body, "more_body": False}]
    response = ServerResponse(500)
    pieces: list[bytes] = []

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in message["headers"]]
        else:
            pieces.append(message.get("body", b""))

    await app(scope, receive, send)
    response.body = b"".join(pieces)
    return response


async def _read(scope: Scope, receive: Receive, max_body_bytes: int | None) -> Request | None:
    """Return the request; None if the client went away."""
    pieces: list[bytes] = []
    more, length = True, 0
    while more and (max_body_bytes is None or length <= max_body_bytes):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        length += len(pieces[-1])
        more = message.get("more_body", False)
    raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
    return Request(
        scope=scope,
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        query=parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
        headers=[(key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]],
        body=b"".join(pieces),
    )


async def _write(response: ServerResponse, request: Request, send: Send) -> None:
    headers = [(key, value) for key, value in response.headers if key.lower() != "content-length"]
    length = response.header("content-length") if request.method == "HEAD" else str(len(response.body))
    if response.has_length and length is not None and response.status != 204:
        headers.append(("content-length", length if response.told_length is None else str(response.told_length)))
    raw = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    body = b"" if request.method == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body, "more_body": False})
    connection = request.scope.get("state", {}).get(CONNECTION_KEY)
    if response.is_last and connection is not None:
        connection.close()
