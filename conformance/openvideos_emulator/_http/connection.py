"""Control the connection to the client below HTTP: reset it, or send bytes that break HTTP's framing."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio

CONNECTION_KEY: Final = "openvideos_emulator.connection"
"""The key of the connection in a scope's state; it is absent if the server gives the app no access."""

_LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Connection:
    """The connection to the client, below HTTP."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Write to this transport."""
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._transport.write(data)

    def leave_out_date(self) -> None:
        """Send the response to come without the header Date that uvicorn adds."""
        cycle: Any = getattr(self._transport.get_protocol(), "cycle", None)
        if cycle is not None:
            cycle.default_headers = [(name, value) for name, value in cycle.default_headers if name != b"date"]

    def close(self) -> None:
        """Close the connection regularly, after all bytes are sent."""
        self._transport.close()

    def reset(self) -> None:
        """Reset the connection: the client sees a reset, not a regular end."""
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            with contextlib.suppress(OSError):  # the client has closed the connection already
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        self._transport.abort()
