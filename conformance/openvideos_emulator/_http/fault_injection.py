"""Find out to which prompt a request belongs, and inject a planned fault into the response to it.

Under uvicorn, the app can reach the connection (see `connection.py`), and resets or closes it. Under another server it
cannot, since ASGI has no message for that. There, a reset raises ConnectionResetError out of the app, which an
in-memory client raises as it is; and a truncated response ends regularly, with fewer bytes than its Content-Length.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from .._model.fault_plan import ConnectionReset, Fault
from .._model.refusals import RefusalError
from .body import FORM, media_type_of, parse_form, parse_json
from .connection import CONNECTION_KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message, Receive, Scope, Send

    from .connection import Connection

    Respond = Callable[[Scope, Receive, Send], Awaitable[None]]
    Sleep = Callable[[float], Awaitable[None]]
    InTime = Callable[[int, Callable[[], Any]], Awaitable[Any]]

_MAX_DRAINED_BYTES: Final = 64 << 20


class _ConnectionCutError(Exception):
    """The response ends here: reset the connection (`is_reset`), or close it."""

    def __init__(self, *, is_reset: bool) -> None:
        super().__init__()
        self.is_reset = is_reset


async def prompt_of(scope: Scope, receive: Receive, limit: int, *, in_time: InTime) -> tuple[str | None, Receive]:
    """Return the prompt in a body of at most `limit` bytes, and what receives that body again; None without one.

    `in_time` is given the length of a body, and a function to call that takes the longer, the longer it is.
    """
    messages: list[Message] = []
    length = 0
    while not messages or (messages[-1].get("more_body", False) and length <= limit):
        messages.append(await receive())
        length += len(messages[-1].get("body", b""))
    chunks = [message.get("body", b"") for message in messages]
    content_type = Headers(scope=scope).get("content-type", "")

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    try:
        prompt = await in_time(length, lambda: _prompt_in(content_type, chunks))
    except RefusalError:  # the request will be refused for the same reason, unless a fault happens to it
        prompt = None
    return (prompt if isinstance(prompt, str) else None), again


async def inject(fault: Fault, scope: Scope, receive: Receive, send: Send, respond: Respond, sleep: Sleep) -> None:
    """Call `respond` to send the response to a request, and inject the fault into that response."""
    connection = cast("Connection | None", scope.get("state", {}).get(CONNECTION_KEY))
    if fault.delay:
        await sleep(fault.delay)
    faulty_send = _FaultInjectingSend(fault, send, receive, connection, sleep)
    try:
        await faulty_send.begin()
        await respond(scope, receive, faulty_send)
    except _ConnectionCutError as cut:
        if connection is None:
            await faulty_send.end_without_connection(is_reset=cut.is_reset)
            return
        if cut.is_reset:
            connection.reset()
        else:
            connection.close()
        while (await receive())["type"] != "http.disconnect":
            pass


def _prompt_in(content_type: str, chunks: list[bytes]) -> Any:
    if media_type_of(content_type) != FORM:
        return parse_json(chunks).get("prompt")
    form = parse_form(chunks, content_type)
    try:
        texts = [part.file.read() for part in form.parts if part.name == "prompt" and part.filename is None]
    finally:
        form.close()
    return texts[0].decode("utf-8", "replace") if texts else None


def planned_response(fault: Fault) -> Response:
    """Build the response that a fault sends instead of the right one."""
    status = fault.status or 500
    body, media_type = _content(fault, status)
    response = Response(body, status_code=status, media_type=media_type)
    for name, value in fault.headers.items():
        response.headers[name] = value
    return response


def _content(fault: Fault, status: int) -> tuple[bytes, str | None]:
    if isinstance(fault.body, str):
        return fault.body.encode(), "text/plain; charset=utf-8"
    if fault.body is not None:
        return json.dumps(fault.body, ensure_ascii=False).encode(), "application/json"
    if status < 400:  # noqa: PLR2004 - HTTP's own number
        return b"", None
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(
        status,
        "server_error" if status >= 500 else "invalid_request_error",  # noqa: PLR2004
    )
    error = {"message": "This response was planned.", "type": kind, "param": None, "code": "planned_fault"}
    return json.dumps({"error": error}).encode(), "application/json"


class _FaultInjectingSend:
    """An ASGI `send` that injects a fault into the response that passes through it."""

    def __init__(self, fault: Fault, send: Send, receive: Receive, connection: Connection | None, sleep: Sleep) -> None:
        self._fault, self._send, self._receive, self._sleep = fault, send, receive, sleep
        self._connection = connection
        self._sent = 0
        self._has_stalled = False
        # The body is sent in pieces that end at these numbers of bytes, where the fault happens.
        stall_at = None if fault.stall is None else fault.stall.at
        self._marks = {mark for mark in (fault.truncate, fault.content_length, stall_at) if mark is not None}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        else:
            await self._continue(message.get("body", b""), is_last=not message.get("more_body", False))

    async def begin(self) -> None:
        """Inject the fault that happens before the request is carried out, if that is the fault's kind."""
        if self._fault.reset is not ConnectionReset.BEFORE_REQUEST:
            return
        # Read the request first: many clients that see a reset while they still send report a regular end.
        left = _MAX_DRAINED_BYTES
        while left > 0:
            message = await self._receive()
            left -= len(message.get("body", b""))
            if not message.get("more_body", False):
                break
        self._cut_connection(is_reset=True)

    async def end_without_connection(self, *, is_reset: bool) -> None:
        """Do what ASGI allows instead of cutting the connection: raise, or end the response early.

        Raises:
            ConnectionResetError: With `is_reset`.
        """
        if is_reset:
            raise ConnectionResetError("the emulator resets the connection, as planned")
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, message: Message) -> None:
        fault = self._fault
        if fault.reset is ConnectionReset.BEFORE_ANSWER:
            self._cut_connection(is_reset=True)
        headers = MutableHeaders(raw=message["headers"])
        for name, value in fault.headers.items():
            headers[name] = value
        if "date" in headers and self._connection is not None:
            self._connection.leave_out_date()
        if fault.content_length is not None:
            headers["content-length"] = str(fault.content_length)
        await self._send(message)
        if fault.reset is ConnectionReset.BEFORE_BODY:
            self._cut_connection(is_reset=True)

    async def _continue(self, body: bytes, *, is_last: bool) -> None:
        fault = self._fault
        while True:
            if fault.stall is not None and self._sent == fault.stall.at and not self._has_stalled:
                self._has_stalled = True
                await self._stall(fault.stall.seconds)
            if fault.truncate == self._sent:
                self._cut_connection(is_reset=False)
            if not body:
                break
            size = min((mark - self._sent for mark in self._marks if mark > self._sent), default=len(body))
            piece, body = body[:size], body[size:]
            await self._write(piece)
        if not is_last:
            return
        if fault.content_length not in {None, self._sent}:
            self._cut_connection(is_reset=False)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if fault.reset is ConnectionReset.AFTER_BODY:
            self._cut_connection(is_reset=True)

    async def _write(self, piece: bytes) -> None:
        limit, connection = self._fault.content_length, self._connection
        if limit is not None and self._sent >= limit and connection is not None:
            connection.write(piece)  # more bytes than Content-Length says; uvicorn would refuse to send them
        elif piece:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._sent += len(piece)

    async def _stall(self, seconds: float | None) -> None:
        if seconds is not None:
            await self._sleep(seconds)
            return
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _cut_connection(self, *, is_reset: bool) -> NoReturn:
        raise _ConnectionCutError(is_reset=is_reset)
