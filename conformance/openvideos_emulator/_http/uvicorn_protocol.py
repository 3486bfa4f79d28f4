"""Speak HTTP under uvicorn, with what ASGI has no message for.

`UvicornProtocol` puts a `Connection` into the state of each request's scope, so that the app can reset it or break its
framing; under other servers, faults do what ASGI allows. It closes connections that wait too long for the rest of a
request (`_model/waiting.py`), and tells a client that speaks TLS so.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import secrets
import sys
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .._model.waiting import Missing, Waiting
from .connection import CONNECTION_KEY, Connection

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle
    from uvicorn.server import ServerState

_TLS_HANDSHAKE: Final = b"\x16"  # the first byte of what a TLS client sends (RFC 8446, section 5.1)
_TLS_ALERT: Final = bytes((21, 3, 1, 0, 2, 2, 70))  # fatal: protocol_version (section 6)
_NOTICE_SECONDS: Final = 60.0
_SWEEP_SECONDS: Final = 1.0
_SWEPT: Final = 200  # by one sweep
_MAX_FILES: Final = 8192
_OTHER_FILES: Final = 256  # the database, uploads, and connections that are being accepted or closed
_MALFORMED: Final = 400
_TIMEOUT: Final = 408
_UVICORN_CUTS: Final = "Cancel %s running task(s), timeout graceful shutdown exceeded"
_CUTS: Final = "requests that did not end in time are cut off"
_LOG = logging.getLogger("openvideos_emulator")


class _Shared:
    """What all connections of a server have in common."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        _allow_files()
        self._most = _most_connections()
        self._waiting: Waiting[UvicornProtocol] = Waiting()
        self._stalled: dict[UvicornProtocol, float] = {}  # since when clients do not read, in the order of the times
        self._sweep: asyncio.TimerHandle | None = None
        self._noticed_at: float | None = None

    def admit(self, connection: UvicornProtocol) -> None:
        """Wait for the first request of a connection; if there are too many, close the one that has waited longest.

        It waits for a head, or for its client to read.
        """
        self.note(connection, Missing.HEAD)
        if len(connection.connections) <= self._most:
            return
        waiting = [*self._waiting.oldest_head(), *itertools.islice(self._stalled.items(), 1)]
        if waiting:
            oldest, _ = min(waiting, key=lambda item: item[1])
            self.note(oldest, None)
            self.note_stall(oldest, is_stalled=False)
            oldest.transport.abort()  # what its client does not read must not keep it open

    def note(self, connection: UvicornProtocol, part: Missing | None) -> None:
        """Store what a connection waits for."""
        self._waiting.note(connection, part, self._loop.time())
        self._plan_sweep()

    def note_stall(self, connection: UvicornProtocol, *, is_stalled: bool) -> None:
        """Store whether a client has stopped to read its response."""
        if is_stalled:
            self._stalled[connection] = self._loop.time()
        else:
            self._stalled.pop(connection, None)

    def notice_tls(self, host: str, port: int) -> None:
        """Log that a client speaks TLS, unless that was logged a moment ago: a client may try again and again."""
        now = self._loop.time()
        if self._noticed_at is None or now - self._noticed_at >= _NOTICE_SECONDS:
            self._noticed_at = now
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            _LOG.warning("a client spoke TLS (https://), which this server does not; use http://%s", address)

    def _plan_sweep(self) -> None:
        if self._sweep is None and len(self._waiting):
            self._sweep = self._loop.call_later(_SWEEP_SECONDS, self._close_overdue)

    def _close_overdue(self) -> None:
        self._sweep = None
        # Thousands at once would hold up other requests.
        for connection, part in itertools.islice(self._waiting.overdue(self._loop.time()), _SWEPT):
            connection.give_up(part)
        self._plan_sweep()


_SHARED: Final[WeakKeyDictionary[ServerState, _Shared]] = WeakKeyDictionary()


class UvicornProtocol(H11Protocol):
    """Uvicorn's h11 protocol, with access to the connection, and the contract's error envelope for malformed HTTP."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the connection in the state of the scopes of its requests."""
        stream = cast("asyncio.Transport", transport)
        super().connection_made(stream)
        self.app_state = {**self.app_state, CONNECTION_KEY: Connection(stream)}
        self._is_fresh = self._is_waiting = True
        shared = _SHARED.get(self.server_state)
        if shared is None:
            shared = _SHARED[self.server_state] = _Shared(self.loop)
        self._shared = shared
        self._shared.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        self._shared.note(self, None)
        self._shared.note_stall(self, is_stalled=False)

    def pause_writing(self) -> None:
        """Send no more until the client has read."""
        super().pause_writing()
        self._shared.note_stall(self, is_stalled=True)

    def resume_writing(self) -> None:
        """Send on."""
        super().resume_writing()
        self._shared.note_stall(self, is_stalled=False)

    def data_received(self, data: bytes) -> None:
        """Handle what the client has sent, and note what it has still to send."""
        if self._is_fresh and data.startswith(_TLS_HANDSHAKE):
            self._refuse_tls()
            return
        self._is_fresh = False
        super().data_received(data)
        part = self._missing_part()
        if part is not None or self._is_waiting:
            self._is_waiting = part is not None
            self._shared.note(self, part)

    def give_up(self, part: Missing) -> None:
        """Close the connection, as the rest of a request does not come; unless the client waits for this server."""
        if self.transport.is_closing():
            return
        if self._is_fresh:  # a browser connects ahead of need, and asked for nothing
            self.transport.close()
        elif part is Missing.BODY and (self.flow.read_paused or self.cycle.waiting_for_100_continue):
            self._shared.note(self, part)
        else:
            self._refuse(_TIMEOUT, f"The {part.value} of the request did not arrive in time.", "request_timeout")

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is not valid HTTP, and close the connection."""
        self._refuse(_MALFORMED, msg, "invalid_http")

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        return self.cycle  # uvicorn's annotation leaves out that there is none at first

    def _missing_part(self) -> Missing | None:
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            return Missing.BODY
        # After a response, an idle connection is uvicorn's to close.
        is_idle = self._cycle is not None and not self.conn.trailing_data[0]
        return None if is_idle or state is not h11.IDLE else Missing.HEAD

    def _refuse_tls(self) -> None:
        host, port = self.server or ("localhost", None)
        self._shared.notice_tls(host, port or 0)
        self.transport.write(_TLS_ALERT)
        self.transport.close()

    def _refuse(self, status: int, message: str, code: str) -> None:
        error: dict[str, Any] = {
            "message": f"{message} The connection is closed.",
            "type": "invalid_request_error",
            "param": None,
            "code": code,
        }
        body = json.dumps({"error": error}).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("x-request-id", f"req_{secrets.token_hex(12)}"),
            ("connection", "close"),
        ]
        with contextlib.suppress(h11.LocalProtocolError):  # another response is being sent on this connection already
            events = (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage())
            self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        if self._cycle is not None:  # the app must not respond as well
            self._cycle.disconnected = True
            self._cycle.message_event.set()
        self.transport.close()


def is_told(record: logging.LogRecord) -> bool:
    """Filter what uvicorn logs: a request that the end of the server cuts off is no failure with a traceback."""
    if record.msg == _UVICORN_CUTS:
        record.msg, record.args = _CUTS, None  # not how many: the last bytes of a response are no task
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _allow_files() -> None:
    """Have the system allow as many open files as there may be connections, if it can."""
    if sys.platform == "win32":
        return
    import resource

    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < _MAX_FILES:
        wanted = _MAX_FILES if most == resource.RLIM_INFINITY else min(_MAX_FILES, most)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _most_connections() -> int:
    """Return how many connections there may be.

    Each connection is an open file, and the media file that is sent on it is another.
    """
    allowed = _MAX_FILES
    if sys.platform != "win32":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        allowed = _MAX_FILES if limit == resource.RLIM_INFINITY else min(_MAX_FILES, limit)
    return max(allowed - _OTHER_FILES, allowed // 2) // 2
