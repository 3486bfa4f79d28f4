"""Serve one engine over HTTP, as an ASGI app.

Each request goes through the same steps: find its operation, check the API key, validate the parameters, read and
validate the body, carry it out. Each step may raise RefusalError. `_Exchange.run` turns every refusal, and every
unexpected exception, into a response with the contract's error envelope.
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
from .._engine.idempotency import IdempotentRequest
from .._model.refusals import Reason, RefusalError, invalid, is_no_space, shown
from .body import limited, parse_json, read_bytes, read_form, too_large
from .control_handlers import Controls
from .dashboard_assets import Dashboard
from .fault_injection import inject, planned_response
from .handlers import Call, Operations, handlers_of
from .responses import refusal_response
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
"""The default size limit of a request's body."""

_DRAIN_SECONDS: Final = 5.0
_LARGE_BYTES: Final = 1 << 16  # a larger JSON body is validated in a thread, so that it does not delay other requests
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
        """Serve this engine; with an `api_key`, only requests that carry it. `close` closes engine and dispatcher."""
        self._engine = engine
        self._dispatcher, self._dispatcher_lock = dispatcher, threading.Lock()
        self._api_key = api_key
        self._max_body_bytes = max_body_bytes
        self._sleep = anyio.sleep
        self._operations = Operations(engine)
        self._videos = _Api(contract(), PREFIX, self._operations)
        controls = Controls(engine, contract(), self._operations.download_video_content, self.deliver_to)
        self._control = _Api(control(), CONTROL_PREFIX, controls)
        self._dashboard = Dashboard(needs_key=api_key is not None)

    def deliver_to(self, endpoint: Endpoint | None) -> None:
        """Deliver the events of jobs to this endpoint from now on; if it is None, write and deliver no events."""
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
        """Handle one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await anyio.to_thread.run_sync(self.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._planned_fault(scope)
        if fault is None:
            await self._respond_over(scope, receive, send)
        elif fault.status is None:
            await inject(fault, scope, receive, send, self._respond_over, self._sleep)
        else:
            respond = functools.partial(self._respond_as_planned, fault)
            await inject(fault, scope, receive, send, respond, self._sleep)

    async def _respond_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _Exchange(scope, receive, send).run(self._respond, self._max_body_bytes)

    async def _respond_as_planned(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        async def respond(request: Request) -> Response:
            if fault.carried_out:
                with contextlib.suppress(RefusalError):
                    response = await self._respond(request)
                    await response(scope, receive, _discard)
            return planned_response(fault)

        await _Exchange(scope, receive, send).run(respond, self._max_body_bytes)

    def _planned_fault(self, scope: Scope) -> Fault | None:
        path = _raw_path(scope)
        if not self._engine.faults or not path.startswith(f"{PREFIX}/"):
            return None
        operation = self._videos.operation_id(scope["method"], path)
        return self._engine.faults.take(operation=operation, method=scope["method"], path=path)

    async def _respond(self, request: Request) -> Response:
        path = _raw_path(request.scope)
        asset = self._dashboard.respond(request.method, path, request.headers)
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
            body = await self._read_body(api, operation, request, uploads) if operation.bodies else {}
            return await self._carry_out(api, operation, request, parameters, body)

    async def _read_body(
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
            if len(body) > _LARGE_BYTES:
                return await anyio.to_thread.run_sync(api.validate_json, body, address)
            return api.validate_json(body, address)
        form = await read_form(chunks, content_type)
        uploads.callback(form.close)
        return await anyio.to_thread.run_sync(api.validator.form_fields, form, address)

    async def _carry_out(
        self, api: _Api, operation: Operation, request: Request, parameters: Fields, body: Fields
    ) -> Response:
        key = parameters.get("Idempotency-Key")
        idempotent = None
        if key is not None:
            arguments = {name: value for name, value in parameters.items() if name != "Idempotency-Key"}
            # To leave a field out, and to send what the emulator then takes, is the same request.
            implied = self._operations.defaults if operation.id == "create_video" else {}
            idempotent = IdempotentRequest(key, fingerprint(operation, {**implied, **arguments, **body}))
        call = Call(parameters=parameters, body=body, idempotent=idempotent, is_read=request.method == "GET")
        response: Response = await api.handlers[operation.id](call)
        return response

    def _authorize(self, method: str, headers: Headers) -> None:
        if self._api_key is None:
            # Any page open in a browser on this machine can send a form here, though it cannot read the response.
            if method != "GET" and headers.get("sec-fetch-site") == "cross-site":
                raise RefusalError(
                    Reason.UNAUTHORIZED,
                    "A page of another site cannot change anything; to allow it, start the emulator with --api-key.",
                    code="cross_site",
                )
            return
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode("latin-1"), self._api_key.encode()):
            return
        raise RefusalError(
            Reason.UNAUTHORIZED,
            "The API key is not valid." if key else "There is no API key; send Authorization: Bearer KEY.",
            code="invalid_api_key",
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
    """The operations of one OpenAPI document under one path prefix: their router, validator and handlers."""

    def __init__(self, document: Contract, prefix: str, operations: object) -> None:
        """Use the methods of `operations` as the handlers of the document's operations."""
        self.router = Router(document.operations, prefix=prefix)
        self.validator = Validator(document)
        self.handlers = handlers_of(operations, document)

    def validate_json(self, body: bytes, address: str) -> Fields:
        """Parse and validate a JSON body by the schema at `address`.

        Raises:
            RefusalError: The body is not JSON, or breaks its schema.
        """
        return self.validator.json_fields(parse_json(body), address)

    def operation_id(self, method: str, path: str) -> str | None:
        """Return the id of the operation with this method and path; None if there is none."""
        try:
            operation = self.router.match(method, path).operation
        except RefusalError:
            return None
        return None if operation is None else operation.id


class _Exchange:
    """One request and its response: adds the headers that every response has, and turns exceptions into responses."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive_raw, self._send_raw = scope, receive, send
        self._request_id = f"req_{secrets.token_hex(12)}"
        self._is_started = False
        self._is_body_read = False

    async def run(self, respond: Any, drain_bytes: int) -> None:
        request = Request(self._scope, self._receive)
        try:
            response: Response = await respond(request)
        except ClientDisconnect:
            return
        except RefusalError as refusal:
            response = refusal_response(refusal)
        except Exception as error:  # noqa: BLE001 - whatever the exception is, the client gets the error envelope
            if is_no_space(error):
                _LOG.error("request %s failed: the disk is full (%s)", self._request_id, error)
            else:
                _LOG.exception("request %s failed", self._request_id)
            response = refusal_response(_internal_refusal(error))
        # A client that is still sending would see a reset connection instead of the response.
        await self._drain(drain_bytes)
        await response(self._scope, self._receive, self._send)

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


async def _discard(_message: Message) -> None:
    """Discard a part of a response."""


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


def _joined(headers: Headers) -> dict[str, str]:
    """Return each header once; repeated headers are joined with commas, in their order (RFC 9110, section 5.3)."""
    return {name: ", ".join(headers.getlist(name)) for name in headers}


def _internal_refusal(error: Exception) -> RefusalError:
    if is_no_space(error):
        message = "The emulator's disk is full; no data was lost. Free some space, and send the request again."
        return RefusalError(Reason.NO_SPACE, message, code="storage_full")
    message = "The emulator failed to handle the request; see its log for the reason. Please report it."
    return RefusalError(Reason.INTERNAL, message, code="internal_error")
