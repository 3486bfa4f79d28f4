"""Respond to one request in the contract's form, whatever happens: with a request id, and with an error envelope."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request

from .._model.refusals import Reason, RefusalError, is_no_space
from .._storage.database import is_damage
from .responses import refusal_response

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

_DRAIN_SECONDS: Final = 5.0
_LOG = logging.getLogger("openvideos_emulator")


class Responder:
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
            elif is_damage(error):
                _LOG.error("request %s failed: the database is damaged (%s)", self._request_id, error)
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


def _internal_refusal(error: Exception) -> RefusalError:
    if is_no_space(error):
        message = "The emulator's disk is full; no data was lost. Free some space, and send the request again."
        return RefusalError(Reason.NO_SPACE, message, code="storage_full")
    if is_damage(error):
        message = "The emulator's database is damaged here; to go on, stop it, and move the file of --db away."
        return RefusalError(Reason.INTERNAL, message, code="internal_error")
    message = "The emulator failed to handle the request; see its log for the reason. Please report it."
    return RefusalError(Reason.INTERNAL, message, code="internal_error")
