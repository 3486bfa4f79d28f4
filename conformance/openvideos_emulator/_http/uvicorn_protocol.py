"""Give the app access to the connection of a request under uvicorn, so that it can reset it or break its framing.

ASGI has no message for either. `UvicornProtocol` puts a `Connection` into the state of each request's scope. Other
servers do not, and faults then do what ASGI allows.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .connection import CONNECTION_KEY, Connection

if TYPE_CHECKING:
    import asyncio


class UvicornProtocol(H11Protocol):
    """Uvicorn's h11 protocol, with access to the connection, and the contract's error envelope for malformed HTTP."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the connection in the state of the scopes of its requests."""
        stream = cast("asyncio.Transport", transport)
        super().connection_made(stream)
        self.app_state = {**self.app_state, CONNECTION_KEY: Connection(stream)}

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is not valid HTTP, and close the connection."""
        error: dict[str, Any] = {
            "message": f"{msg} The connection is closed.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_http",
        }
        body = json.dumps({"error": error}).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("x-request-id", f"req_{secrets.token_hex(12)}"),
            ("connection", "close"),
        ]
        with contextlib.suppress(h11.LocalProtocolError):  # another response is being sent on this connection already
            events = (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage())
            self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.close()
