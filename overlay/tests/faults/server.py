"""A server on loopback that does to each request what a script says: answer, break off, stall, drip.

    with FaultServer(resets(), answers(200, b"{}")) as server:
        ...  # the first request is reset, the second answered

A behaviour takes the next request, except for the eager ones, which act as soon as the connection is there and no
request is being handled. The server keeps what arrived (`requests`) and what became of each connection.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlsplit

WAIT_S: Final = 30.0
"""How long an event may take that is certain to come; a test that waits so long has failed."""

Headers: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Received:
    """A request, as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


class Exchange:
    """One request on its connection, and what a behaviour can do to it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.open = True

    def send(self, data: bytes) -> bool:
        """Send bytes; tell whether the client was still there."""
        try:
            self.connection.sendall(data)
        except OSError:
            self.open = False
        return self.open

    def close(self) -> None:
        """End the connection in order (FIN)."""
        self.open = False

    def reset(self) -> None:
        """End the connection with a RST: nothing that is still under way counts."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.open = False

    def until_left(self) -> None:
        """Wait until the client closes the connection."""
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            pass
        self.open = False


@dataclass(frozen=True)
class Behaviour:
    """What to do with a request; with `eager`, before one is read."""

    act: Callable[[Exchange], None] = field(repr=False)
    eager: bool = False


def head(status: int, headers: Headers = (), reason: str = "Whatever") -> bytes:
    """Return a status line and headers, with nothing added."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in pairs)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def message(status: int, body: bytes, headers: Headers = ()) -> bytes:
    """Return a whole response, its Content-Length right."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    return head(status, [("content-length", str(len(body))), *pairs]) + body


def sends(data: bytes, *, close: bool = False) -> Behaviour:
    """Send these bytes and nothing else, then keep the connection for the next request, or close it."""

    def act(exchange: Exchange) -> None:
        exchange.send(data)
        if close:
            exchange.close()

    return Behaviour(act)


def responses(status: int, body: bytes = b"", headers: Headers = ()) -> Behaviour:
    """Answer in order."""
    return sends(message(status, body, headers))


def answers_json(value: Any, status: int = 200, headers: Headers = ()) -> Behaviour:
    """Answer in order, with JSON."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    return responses(status, json.dumps(value).encode(), [("content-type", "application/json"), *pairs])


def resets(after: bytes = b"") -> Behaviour:
    """Read the request, send these bytes, and reset the connection."""

    def act(exchange: Exchange) -> None:
        exchange.send(after)
        exchange.reset()

    return Behaviour(act)


def resets_at_once() -> Behaviour:
    """Reset the connection before a request is read."""
    return Behaviour(Exchange.reset, eager=True)


def closes_at_once() -> Behaviour:
    """Close the connection before a request is read: the end of a kept connection."""
    return Behaviour(Exchange.close, eager=True)


def closes(after: bytes = b"") -> Behaviour:
    """Read the request, send these bytes, and close the connection."""
    return sends(after, close=True)


def stalls(after: bytes = b"") -> Behaviour:
    """Read the request, send these bytes, and say nothing more until the client leaves."""

    def act(exchange: Exchange) -> None:
        if exchange.send(after):
            exchange.until_left()

    return Behaviour(act)


def drips(before: bytes, piece: bytes, pause_s: float = 0.02) -> Behaviour:
    """Read the request, send these bytes, then one more piece every so often, for as long as the client stays."""

    def act(exchange: Exchange) -> None:
        exchange.connection.settimeout(pause_s)
        exchange.send(before)
        while exchange.open and exchange.send(piece):
            try:
                exchange.open = exchange.connection.recv(1) != b""
            except TimeoutError:
                continue
            except OSError:
                exchange.close()

    return Behaviour(act)


def floods(before: bytes, piece: bytes) -> Behaviour:
    """Read the request, send these bytes, then the piece again and again until the client leaves."""

    def act(exchange: Exchange) -> None:
        exchange.send(before)
        while exchange.open:
            exchange.send(piece)

    return Behaviour(act)


class FaultServer:
    """A server on a port of its own that plays a script, one behaviour a request."""

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.script = deque(script)
        self.requests: list[Received] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Condition()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name="fault server", daemon=True)

    @property
    def origin(self) -> str:
        host, port = self._listener.getsockname()
        return f"{'http' if self._tls is None else 'https'}://{host}:{port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def methods(self) -> list[str]:
        """The methods of the requests that arrived."""
        return [request.method for request in self.requests]

    @property
    def open_connections(self) -> int:
        """How many connections neither side has closed."""
        return len(self._open)

    def wait_until_closed(self) -> bool:
        """Wait until every connection is closed; tell whether that came true."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._open, WAIT_S)

    def add(self, *script: Behaviour) -> None:
        """Go on with this when the script is through."""
        self.script.extend(script)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing = True
        # A blocked accept() is woken by a connection more surely than by closing its socket.
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join(WAIT_S)
        self._listener.close()
        with self._lock:
            threads = list(self._open.items())
            for _, connection in threads:
                with contextlib.suppress(OSError):  # the client has left meanwhile
                    connection.shutdown(socket.SHUT_RDWR)
        for thread, _ in threads:
            thread.join(WAIT_S)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=[connection], name="fault connection", daemon=True)
            with self._lock:
                self.connections += 1
                self._open[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            exchange = Exchange(connection)
            while exchange.open:
                self._next(exchange)
        except OSError:
            pass
        finally:
            with self._lock:
                del self._open[threading.current_thread()]
                connection.close()
                self._lock.notify_all()

    def _next(self, exchange: Exchange) -> None:
        if self.script and self.script[0].eager:
            self.script.popleft().act(exchange)
            return
        request = read_request(exchange.connection)
        if request is None:
            exchange.close()
            return
        self.requests.append(request)
        behaviour = self.script.popleft() if self.script else responses(599, b"the script is at its end")
        behaviour.act(exchange)


def read_request(connection: socket.socket) -> Received | None:
    """Read one request, None when the client leaves before it is whole."""
    with connection.makefile("rb", buffering=0) as raw:
        lines: list[bytes] = []
        while not lines or lines[-1] not in {b"\r\n", b""}:
            lines.append(raw.readline())
        if lines[-1] == b"":
            return None
        method, target, _ = lines[0].decode("latin-1").split(" ", 2)
        fields = [line.decode("latin-1").rstrip("\r\n").split(":", 1) for line in lines[1:-1]]
        headers = {name.lower(): value.strip() for name, value in fields}
        body = b""
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int(raw.readline() or _left(), 16):
                body += _exactly(raw, size)
                raw.readline()
            raw.readline()
        else:
            body = _exactly(raw, int(headers.get("content-length", "0")))
        return Received(method, target, headers, body)


def _exactly(raw: Any, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = raw.read(size - len(data))
        data += piece or _left()
    return data


def _left() -> bytes:
    raise ConnectionError("the client left in the middle of its request")
