"""Reach the client below HTTP: to reset its connection, or to send what breaks the framing."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

CONNECTION_KEY: Final = "openvideos_emulator.connection"
"""Where a scope's state has the connection, if the server lets the app reach it."""

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
