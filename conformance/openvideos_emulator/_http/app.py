"""Serve one engine over HTTP, as an ASGI app.

Each request goes through the same steps, and each of them may be its last:

1. `__call__` puts up the fence: from now on, a reset is not for this request, which changes nothing after it.
2. `_serve` records it, unless it is for the control endpoints or the dashboard (`recording.py`).
3. `_admit` checks its host and its origin (`_model/neighbours.py`).
4. `_serve_api` lets a planned fault happen to it (`fault_injection.py`).
5. `_imitate` may change it and its response as an imitated server does (`_imitations/`).
6. `_respond` finds its operation, checks the API key, validates the parameters, reads and validates the body, and
   carries it out. Each step of that may raise RefusalError. `Responder.run` turns every refusal, and every unexpected
   exception, into a response with the contract's error envelope.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hmac
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from .._contract import contract, control
from .._engine.engine import Engine
from .._engine.idempotency import IdempotentRequest
from .._media.library import Variant
from .._model.fault_plan import Target
from .._model.keys import key_of
from .._model.neighbours import Neighbours
from .._model.refusals import Reason, RefusalError, invalid, shown
from .._model.request_log import RequestLog
from .api import Api
from .assets import Assets
from .body import FORM, JSON, SMALL_JSON, limited, media_type_of, parse_json, read_form, too_large
from .control_handlers import Controls
from .fault_injection import inject, planned_response, prompt_of
from .handlers import Call, Operations
from .media_urls import FILES_PREFIX, MediaUrls, in_origin_form, origin_of
from .recording import Recording, note_fields, note_parts, note_started
from .responder import Responder
from .responses import JsonResponse
from .router import CONTROL_PREFIX, PREFIX, check_method, subject_of
from .validation import Fields, fingerprint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .._contract import Operation
    from .._model.fault_plan import Fault
    from .._webhooks.dispatcher import Dispatcher
    from .._webhooks.endpoint import Endpoint

MAX_BODY_BYTES: Final = 64 << 20
"""The default size limit of a request's body."""

_Result = TypeVar("_Result")


class EmulatorApp:
    """The emulator as an ASGI app. It closes its engine at the end of its lifespan, or by `close`."""

    def __init__(
        self,
        engine: Engine,
        *,
        api_key: str | None = None,
        neighbours: Neighbours | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        dispatcher: Dispatcher | None = None,
        wrap: Callable[[ASGIApp], ASGIApp] | None = None,
        version: str = "unknown",
    ) -> None:
        """Serve this engine; with an `api_key`, only requests that carry it. `close` closes engine and dispatcher.

        `neighbours` says which requests may come from pages of other sites; by default, those that a browser says do.
        `wrap` changes what is responded, but for planned faults, which happen to the changed response. `version` is
        that of the emulator.
        """
        self._engine = engine
        self._dispatcher, self._dispatcher_lock = dispatcher, threading.Lock()
        self._api_key = api_key
        self._neighbours = neighbours or Neighbours(None, has_key=api_key is not None)
        self._max_body_bytes = max_body_bytes
        self._sleep = anyio.sleep
        # Large bodies are validated one at a time, so that the event loop has to wait for one other thread at most.
        self._parser = ThreadPoolExecutor(max_workers=1, thread_name_prefix="json")
        self.requests: RequestLog = RequestLog(secrets.token_hex(8))
        self._imitate: ASGIApp = wrap(self._respond_by_contract) if wrap else self._respond_by_contract
        self._operations = Operations(engine)
        self.urls: MediaUrls = self._operations.urls
        self._videos = Api(contract(), PREFIX, self._operations)
        controls = Controls(
            engine,
            contract(),
            self._operations,
            self.requests,
            deliver_to=self.deliver_to,
            webhook_url=self.webhook_url,
        )
        self._control = Api(control(), CONTROL_PREFIX, controls)
        self._assets = Assets(needs_key=api_key is not None, version=version)

    def deliver_to(self, endpoint: Endpoint | None) -> None:
        """Deliver the events of jobs to this endpoint from now on; if it is None, write and deliver no events."""
        with self._dispatcher_lock:
            self._engine.check_generation()
            if self._dispatcher is not None:
                self._dispatcher.close()
                self._dispatcher = None
            self._engine.write_events(is_wanted=endpoint is not None)
            if endpoint is not None:
                from .._webhooks.dispatcher import Dispatcher

                self._dispatcher = Dispatcher(self._engine.outbox, endpoint, now=self._engine.now)
                self._dispatcher.start()

    def serve_at(self, url: str) -> None:
        """Tell others who want the same database where it is served."""
        self._engine.serve_at(url)

    def webhook_url(self) -> str | None:
        """Return where webhooks are sent, as far as it may be shown; None if none are sent."""
        dispatcher = self._dispatcher
        return None if dispatcher is None else dispatcher.shown_url

    def close(self) -> None:
        """Stop delivering and rendering, and close the database."""
        with self._dispatcher_lock:
            if self._dispatcher is not None:
                self._dispatcher.close()
        self._parser.shutdown(wait=True)
        self._operations.close()
        self._engine.close()
        self.requests.clear()  # which takes room from the other emulators of this process

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] == "lifespan":
            await run_lifespan(receive, send, self.close)
        elif scope["type"] == "http":
            with self._engine.of_this_generation():
                await self._serve(in_origin_form(scope), receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _raw_path(scope)
        if path.startswith(f"{CONTROL_PREFIX}/") or self._assets.has(path):
            await self._admit(scope, receive, send, self._imitate)
            return
        now = self._engine.now()
        recording = Recording(self.requests, scope, receive, send, path=path, api_key=self._api_key, now=now)
        try:
            await self._admit(scope, recording.receive, recording.send, functools.partial(self._serve_api, recording))
        finally:
            recording.close()

    async def _admit(self, scope: Scope, receive: Receive, send: Send, serve: ASGIApp) -> None:
        try:
            is_counted = _raw_path(scope).startswith(f"{PREFIX}/")  # as a poll, or as a request that meets a fault
            self._neighbours.check(scope["method"], scope["headers"], is_counted=is_counted)
        except RefusalError as refusal:  # before a planned fault, which is for other requests
            await Responder(scope, receive, send).run(functools.partial(refuse, refusal), self._max_body_bytes)
        else:
            await serve(scope, receive, send)

    async def _serve_api(self, recording: Recording, scope: Scope, receive: Receive, send: Send) -> None:
        fault, receive = await self._planned_fault(scope, receive, _raw_path(scope))
        if fault is None:
            await self._imitate(scope, receive, send)
            return
        recording.record.fault = str(fault)
        respond = self._imitate if fault.status is None else functools.partial(self._respond_as_planned, fault)
        await inject(fault, scope, receive, send, respond, self._sleep)

    async def _respond_by_contract(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Responder(scope, receive, send).run(self._respond, self._max_body_bytes)

    async def _respond_as_planned(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        async def respond(request: Request) -> Response:
            with contextlib.suppress(RefusalError):
                if fault.carried_out:
                    response = await self._respond(request)
                    await response(scope, receive, _discard)
                else:
                    await self._note_body(request)
            return planned_response(fault)

        await Responder(scope, receive, send).run(respond, self._max_body_bytes)

    async def _planned_fault(self, scope: Scope, receive: Receive, path: str) -> tuple[Fault | None, Receive]:
        """Return the fault that happens to a request, and what receives its body, which may have been read for that."""
        faults = self._engine.faults
        if not faults or not path.startswith((f"{PREFIX}/", f"{FILES_PREFIX}/")):
            return None, receive
        if self._neighbours.are_of_a_page(scope["headers"]):  # it may show a file, and uses no fault up
            return None, receive
        subject, prompt = subject_of(scope["method"], path), None
        if faults.need_prompts:
            prompt, receive = await prompt_of(scope, receive, self._max_body_bytes, in_time=self._in_time)
            if prompt is None and subject.job is not None:
                prompt = await self._operations.prompt_of(subject.job)
        target = Target(subject.operation, scope["method"], path, subject.job, prompt)
        return await self._operations.take_fault(target), receive

    async def _respond(self, request: Request) -> Response:
        path = _raw_path(request.scope)
        asset = self._assets.respond(request.method, path, request.headers)
        if asset is not None:
            return asset
        if path.startswith(f"{FILES_PREFIX}/"):
            return await self._send_file(request, path)
        api = self._control if path.startswith(f"{CONTROL_PREFIX}/") else self._videos
        match = api.router.match(request.method, path)
        if match.operation is None:
            return Response(status_code=204, headers={"allow": match.allowed})
        self._authorize(request.headers)
        operation = match.operation
        parameters = api.validator.parameters(
            operation,
            path=match.values,
            query=request.scope["query_string"],
            headers=_joined(request.headers),
        )
        with contextlib.ExitStack() as uploads:
            body: Fields = {}
            length = 0
            if operation.bodies:
                body, length = await self._read_body(api, operation, request, uploads)
            return await self._carry_out(api, operation, request, parameters, body, length)

    async def _send_file(self, request: Request, path: str) -> Response:
        check_method(request.method, path, ("GET", "HEAD"))
        video_id = self._operations.urls.video_id(path, request.scope["query_string"])
        headers = request.headers if request.method == "GET" else Headers()
        range_header, if_range = headers.get("range"), headers.get("if-range")
        response = await self._operations.content(video_id, Variant.VIDEO, range_header=range_header, if_range=if_range)
        response.headers["referrer-policy"] = "no-referrer"  # the URL of this response is as good as a key
        return response

    async def _read_body(
        self, api: Api, operation: Operation, request: Request, uploads: contextlib.ExitStack
    ) -> tuple[Fields, int]:
        """Return the fields of a body, and how many bytes they have, but for files."""
        content_type = request.headers.get("content-type", "")
        media_type = media_type_of(content_type)
        self._check_length(request.headers)
        if media_type not in operation.bodies:
            await self._refuse_media_type(operation, request, media_type)
            return api.validator.json_fields({}, next(iter(operation.bodies.values()))), 0
        address = operation.bodies[media_type]
        chunks = limited(_chunks(request), self._max_body_bytes)
        if media_type != FORM:
            body = [chunk async for chunk in chunks]
            length = sum(map(len, body))
            note = functools.partial(note_fields, request.scope)
            return await self._in_time(length, lambda: api.validate_json(body, address, note=note)), length
        form = await read_form(chunks, content_type)
        uploads.callback(form.close)
        note_parts(request.scope, form.parts)
        length = sum(part.length for part in form.parts if part.filename is None)
        return await anyio.to_thread.run_sync(api.validator.form_fields, form, address), length

    async def _note_body(self, request: Request) -> None:
        """Read the body of a request that is not carried out, for its record."""
        content_type = request.headers.get("content-type", "")
        chunks = limited(_chunks(request), self._max_body_bytes)
        if media_type_of(content_type) == FORM:
            form = await read_form(chunks, content_type)
            note_parts(request.scope, form.parts)
            form.close()
        elif media_type_of(content_type) == JSON:
            body = [chunk async for chunk in chunks]
            await self._in_time(sum(map(len, body)), lambda: note_fields(request.scope, parse_json(body)))

    async def _carry_out(
        self, api: Api, operation: Operation, request: Request, parameters: Fields, body: Fields, length: int
    ) -> Response:
        key = parameters.get("Idempotency-Key")
        idempotent = None
        if key is not None:
            arguments = {name: value for name, value in parameters.items() if name != "Idempotency-Key"}
            # To leave a field out, and to send what the emulator then takes, is the same request.
            implied = self._operations.defaults if operation.id == "create_video" else {}
            digest = await self._in_time(length, lambda: fingerprint(operation, {**implied, **arguments, **body}))
            idempotent = IdempotentRequest(key, digest)
        call = Call(parameters, body, idempotent, is_read=request.method == "GET", origin=origin_of(request.scope))
        response: Response = await api.handlers[operation.id](call)
        if operation.starts_job and isinstance(response, JsonResponse):
            note_started(request.scope, response.body)
        return response

    async def _in_time(self, length: int, function: Callable[[], _Result]) -> _Result:
        """Call a function that takes long if a body is long: then in a thread, so that other requests do not wait."""
        if length <= SMALL_JSON:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self._parser, function)

    def _authorize(self, headers: Headers) -> None:
        if self._api_key is None:
            return
        key = key_of(headers.raw)
        if hmac.compare_digest(key.encode(), self._api_key.encode()):
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


async def run_lifespan(receive: Receive, send: Send, close: Callable[[], None]) -> None:
    """Handle the lifespan of an ASGI app; call `close`, which may block, at its end."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await anyio.to_thread.run_sync(close)
    await send({"type": "lifespan.shutdown.complete"})


def _raw_path(scope: Scope) -> str:
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw_path.decode("latin-1")


async def refuse(refusal: RefusalError, _request: Request) -> Response:
    """Respond to any request with a refusal."""
    raise refusal


async def _discard(_message: Message) -> None:
    """Discard a part of a response."""


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


def _joined(headers: Headers) -> dict[str, str]:
    """Return each header once; repeated headers are joined with commas, in their order (RFC 9110, section 5.3)."""
    return {name: ", ".join(headers.getlist(name)) for name in headers}
