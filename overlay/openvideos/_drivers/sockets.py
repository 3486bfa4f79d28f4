"""What all connections have in common, blocking and async."""

from __future__ import annotations

import select
import socket
from typing import Final

_SILENT_S: Final = 60

SOCKET_OPTIONS: Final = [
    # Gateways and NAT forget connections that are silent for minutes, as a create may be.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", _SILENT_S), ("TCP_KEEPINTVL", _SILENT_S), ("TCP_KEEPCNT", 5))
        if hasattr(socket, name)  # not every system has all of them
    ),
]

WORTH_A_WRITE: Final = 1 << 16
"""How many bytes are collected before they are sent: but on trio, the head and a small body are one write."""


def is_readable(connection: socket.socket) -> bool:
    """Return whether a read would not wait: at rest, a connection can only have ended."""
    number = connection.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):  # pragma: no cover - Windows, where `select` takes sockets of any number
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))
