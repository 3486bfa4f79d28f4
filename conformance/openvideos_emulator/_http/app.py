"""Speak HTTP (as an ASGI app) for one engine: the way of a request, from its path to its answer.

Each request walks down one ladder: route it, check the key, judge its parameters, read and judge its body, do it. Any
rung may refuse; every refusal, and every fault of our own, leaves by the same door with the same envelope.
"""

from __future__ import annotations

import contextlib
import functools
import hmac
import logging
import secrets
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .._contract import Contract, contract, control
from .._engine.engine import Engine
from .._engine.idempotency import Once
from .._model.refusals import Reason, RefusalError, invalid, is_no_space, shown
from .body import limited, parse_json, read_bytes, read_form, too_large
from .control_handlers import Controls
from .dashboard_assets import Dashboard
from .fault_injection import planned_answer, suffer
from .handlers import Call, Operations, handlers_of
from .responses import refusal_answer
from .router import CONTROL_PREFIX, PREFIX, Router
from .validation import Fields, Validator, fingerprint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message, Receive, Scope, Send

    from .._contract import Operation
    from .._model.fault_plan import Fault
    from .._webhooks.dispatcher import Dispatcher
    from .._webhooks.endpoint import Endpoint

MAX_BODY_BYTES: Final = 64 << 20
"""How large a body may be unless told otherwise."""

_DRAIN_SECONDS: Final = 5.0
_LARGE: Final = 1 << 16  # bytes of JSON that take long enough to read that other requests would notice
_LOG = logging.getLogger("openvideos_emulator")


class EmulatorApp:
    """The emulator as an ASGI app. It closes its engine at the end of its lifespan, or by `close`."""

    def __init__(
        self,
        engine: Engine,
        *,
        api_key: str | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        dispatcher: Dispatcher | None = None,
    ) -> None:
        """Answer from this engine; with an `api_key`, only to requests that carry it. Both are closed with the app."""
        self._engine = engine
        self._dispatcher, self._dispatcher_lock = dispatcher, threading.Lock()
        self._api_key = api_key
        self._max_body_bytes = max_body_bytes
        self._sleep = anyio.sleep
        self._operations = Operations(engine, contract())
        self._videos = _Api(contract(), PREFIX, self._operations)
        controls = Controls(engine, contract(), self._operations.download_video_content, self.deliver_to)
        self._control = _Api(control(), CONTROL_PREFIX, controls)
        self._dashboard = Dashboard(needs_key=api_key is not None)

    def deliver_to(self, endpoint: Endpoint | None) -> None:
        """Deliver the events of jobs to this endpoint from now on; if it is None, write and deliver none."""
        with self._dispatcher_lock:
            if self._dispatcher is not None:
                self._dispatcher.close()
                self._dispatcher = None
            self._engine.write_events(is_wanted=endpoint is not None)
            if endpoint is not None:
                from .._webhooks.dispatcher import Dispatcher

                self._dispatcher = Dispatcher(self._engine.outbox, endpoint, now=self._engine.now)
                self._dispatcher.start()

    def close(self) -> None:
        """Stop delivering and rendering, and close the database."""
        with self._dispatcher_lock:
            if self._dispatcher is not None:
                self._dispatcher.close()
        self._operations.close()
        self._engine.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._take(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await anyio.to_thread.run_sync(self.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._fault_of(scope)
        if fault is None:
            await self._exchange(scope, receive, send)
        elif fault.status is None:
            await suffer(fault, scope, receive, send, self._exchange, self._sleep)
        else:
            exchange = functools.partial(self._exchange_planned, fault)
            await suffer(fault, scope, receive, send, exchange, self._sleep)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _Exchange(scope, receive, send).run(self._answer, self._max_body_bytes)

    async def _exchange_planned(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        async def planned(request: Request) -> Response:
            if fault.carried_out:
                with contextlib.suppress(RefusalError):
                    answer = await self._answer(request)
                    await answer(scope, receive, _nowhere)
            return planned_answer(fault)

        await _Exchange(scope, receive, send).run(planned, self._max_body_bytes)

    def _fault_of(self, scope: Scope) -> Fault | None:
        path = _raw_path(scope)
        if not self._engine.faults or not path.startswith(f"{PREFIX}/"):
            return None
        operation = self._videos.operation_id(scope["method"], path)
        return self._engine.faults.take(operation=operation, method=scope["method"], path=path)

    async def _answer(self, request: Request) -> Response:
        path = _raw_path(request.scope)
        asset = self._dashboard.answer(request.method, path, request.headers)
        if asset is not None:
            return asset
        api = self._control if path.startswith(f"{CONTROL_PREFIX}/") else self._videos
        match = api.router.match(request.method, path)
        if match.operation is None:
            return Response(status_code=204, headers={"allow": match.allowed})
        self._authorize(request.method, request.headers)
        operation = match.operation
        parameters = api.validator.parameters(
            operation,
            path=match.values,
            query=request.scope["query_string"],
            headers=_joined(request.headers),
        )
        with contextlib.ExitStack() as uploads:
            body = await self._body_of(api, operation, request, uploads) if operation.bodies else {}
            return await self._handle(api, operation, request, parameters, body)

    async def _body_of(
        self, api: _Api, operation: Operation, request: Request, uploads: contextlib.ExitStack
    ) -> Fields:
        content_type = request.headers.get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        self._check_length(request.headers)
        if media_type not in operation.bodies:
            await self._refuse_media_type(operation, request, media_type)
            return api.validator.json_fields({}, next(iter(operation.bodies.values())))
        address = operation.bodies[media_type]
        chunks = limited(_chunks(request), self._max_body_bytes)
        if media_type != "multipart/form-data":
            body = await read_bytes(chunks)
            if len(body) > _LARGE:
                return await anyio.to_thread.run_sync(api.judge_json, body, address)
            return api.judge_json(body, address)
        form = await read_form(chunks, content_type)
        uploads.callback(form.close)
        return await anyio.to_thread.run_sync(api.validator.form_fields, form, address)

    async def _handle(
        self, api: _Api, operation: Operation, request: Request, parameters: Fields, body: Fields
    ) -> Response:
        key = parameters.get("Idempotency-Key")
        once = None
        if key is not None:
            asked = {name: value for name, value in parameters.items() if name != "Idempotency-Key"}
            once = Once(key, fingerprint(operation, {**asked, **body}))
        call = Call(parameters=parameters, body=body, once=once, is_read=request.method == "GET")
        answer: Response = await api.handlers[operation.id](call)
        return answer

    def _authorize(self, method: str, headers: Headers) -> None:
        if self._api_key is None:
            # Any page that is open in a browser of this machine can send a form here, though not read the answer.
            if method != "GET" and headers.get("sec-fetch-site") == "cross-site":
                raise RefusalError(
                    Reason.UNAUTHORIZED,
                    "A page of another site may change nothing here; start the emulator with --api-key for that.",
                    code="cross_site",
                )
            return
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode("latin-1"), self._api_key.encode()):
            return
        raise RefusalError(
            Reason.UNAUTHORIZED,
            "The API key is not valid." if key else "There is no API key; send Authorization: Bearer KEY.",
            code="invalid_api_key" if key else "missing_api_key",
            headers={"www-authenticate": "Bearer"},
        )

    def _check_length(self, headers: Headers) -> None:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:18]) > self._max_body_bytes:
            raise too_large(self._max_body_bytes)

    async def _refuse_media_type(self, operation: Operation, request: Request, media_type: str) -> None:
        taken = " or ".join(operation.bodies)
        if not media_type and not await anext(_chunks(request), b""):
            if not operation.body_required:
                return
            raise invalid(f"The body is missing; send {taken}.", code="missing_body")
        raise RefusalError(
            Reason.UNSUPPORTED_MEDIA_TYPE,
            f"The body is {shown(media_type) or 'of no media type'}; send {taken}.",
            code="unsupported_media_type",
        )


class _Api:
    """The operations of one document behind one prefix: where they are, what they take, and who does them."""

    def __init__(self, document: Contract, prefix: str, operations: object) -> None:
        """Let `operations` do what the document describes."""
        self.router = Router(document.operations, prefix=prefix)
        self.validator = Validator(document)
        self.handlers = handlers_of(operations, document)

    def judge_json(self, body: bytes, address: str) -> Fields:
        """Read and judge a JSON body."""
        return self.validator.json_fields(parse_json(body), address)

    def operation_id(self, method: str, path: str) -> str | None:
        """Name the operation that a request means; None if it is none."""
        try:
            operation = self.router.match(method, path).operation
        except RefusalError:
            return None
        return None if operation is None else operation.id


class _Exchange:
    """One request and its answer: what every answer has, and what happens when something goes wrong."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive_raw, self._send_raw = scope, receive, send
        self._request_id = f"req_{secrets.token_hex(12)}"
        self._is_started = False
        self._is_body_read = False

    async def run(self, answer_to: Any, drain_bytes: int) -> None:
        request = Request(self._scope, self._receive)
        try:
            answer: Response = await answer_to(request)
        except ClientDisconnect:
            return
        except RefusalError as refusal:
            answer = refusal_answer(refusal)
        except Exception as error:  # noqa: BLE001 - the last door: whatever it is, the client gets the envelope
            if is_no_space(error):
                _LOG.error("request %s failed: the disk is full (%s)", self._request_id, error)
            else:
                _LOG.exception("request %s failed", self._request_id)
            answer = refusal_answer(_fault(error))
        # A client that is still sending would see a reset connection in place of the answer.
        await self._drain(drain_bytes)
        await answer(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        message = await self._receive_raw()
        self._is_body_read = not message.get("more_body", False)
        return message

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_started = True
            MutableHeaders(raw=message["headers"])["x-request-id"] = self._request_id
        elif self._scope["method"] == "HEAD":
            message = {**message, "body": b""}
        await self._send_raw(message)

    async def _drain(self, limit: int) -> None:
        expects_go_ahead = Headers(scope=self._scope).get("expect", "").lower() == "100-continue"
        if expects_go_ahead and not self._is_body_read:
            return
        with anyio.move_on_after(_DRAIN_SECONDS):
            while not self._is_body_read and limit > 0:
                limit -= len((await self._receive()).get("body", b""))


def _raw_path(scope: Scope) -> str:
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw_path.decode("latin-1")


async def _nowhere(_message: Message) -> None:
    """Lose a part of an answer."""


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


def _joined(headers: Headers) -> dict[str, str]:
    """Give each header once; several of one name are one list, in their order (RFC 9110, section 5.3)."""
    return {name: ", ".join(headers.getlist(name)) for name in headers}


def _fault(error: Exception) -> RefusalError:
    if is_no_space(error):
        message = "The emulator's disk is full; nothing was lost. Make room, and send the request again."
        return RefusalError(Reason.NO_SPACE, message, code="storage_full")
    message = "The emulator failed to handle the request; its log says more. Please report it."
    return RefusalError(Reason.INTERNAL, message, code="internal_error")
