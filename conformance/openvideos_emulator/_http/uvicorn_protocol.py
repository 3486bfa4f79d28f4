"""Let the app reach the connection that it answers on, under uvicorn: to reset it, or to break its framing.

ASGI has no word for either. `WireProtocol` puts a `Connection` into the state of each request's scope; under another
server there is none, and a fault does what ASGI allows.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, Final, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .fault_injection import CONNECTION_KEY

if TYPE_CHECKING:
    import asyncio

_LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Connection:
    """The way to the client, below HTTP."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Reach the client by this transport."""
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._transport.write(data)

    def close(self) -> None:
        """End the connection once all is sent, as a server does that has no more to say."""
        self._transport.close()

    def reset(self) -> None:
        """Break the connection off: the client sees a reset, not an end."""
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            with contextlib.suppress(OSError):  # the client was faster
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        self._transport.abort()


class WireProtocol(H11Protocol):
    """Uvicorn's protocol in Python, with a way to the wire, and with the contract's envelope for broken requests."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection, for the scopes of its requests."""
        stream = cast("asyncio.Transport", transport)
        super().connection_made(stream)
        self.app_state = {**self.app_state, CONNECTION_KEY: Connection(stream)}

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are no HTTP, and close the connection."""
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
        with contextlib.suppress(h11.LocalProtocolError):  # an answer is under way, and cannot be followed by another
            events = (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage())
            self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.close()
