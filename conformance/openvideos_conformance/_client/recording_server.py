"""Serve an ASGI app to the command on loopback, record each exchange, and break connections for scenarios."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
import threading
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote

from .._core.contract import contract
from .._core.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    App = Callable[[Scope, Callable[[], Awaitable[Scope]], Callable[[Scope], Awaitable[None]]], Awaitable[None]]

PREFIX: Final = "/v1"
_PATIENCE: Final = 20.0
_LARGEST: Final = 1 << 26
_CUT: Final = struct.pack("ii", 1, 0)
"""The linger that makes a closed connection a reset one."""


@dataclass(frozen=True)
class Request:
    """A complete request. `path` is as it was sent."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    operation: str | None = None

    def header(self, name: str) -> str | None:
        """Return a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True)
class Response:
    """A complete response, and how it is sent."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    cut: int | None = None
    """After how many bytes of the body the connection breaks; None if it does not."""
    is_reset: bool = False
    """Whether the connection is reset, without a response."""
    is_broken: bool = True
    """Whether the scenario changed the response of the emulator."""

    def header(self, name: str) -> str | None:
        """Return a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def with_headers(self, **headers: str) -> Response:
        """Return the response with these headers set; an underscore in a name means a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = [(key, value) for key, value in self.headers if key.lower() not in named]
        return replace(self, headers=(*kept, *named.items()), is_broken=True)


class AppRunner:
    """Runs an ASGI app in a thread of its own, and sends it requests from any thread."""

    def __init__(self, app: App) -> None:
        """Start the event loop that the app runs in."""
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openvideos-conformance-emulator")
        self._thread.start()

    def close(self) -> None:
        """Stop the event loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def send(self, request: Request) -> Response:
        """Send a request to the app, and return its response."""
        return asyncio.run_coroutine_threadsafe(self._send(request), self._loop).result(_PATIENCE)

    async def _send(self, request: Request) -> Response:
        headers = [pair for pair in request.headers if pair[0].lower() not in {"transfer-encoding", "content-length"}]
        if request.body or request.method == "POST":
            headers.append(("content-length", str(len(request.body))))
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.path),
            "raw_path": request.path.encode("latin-1"),
            "root_path": "",
            "query_string": request.query.encode("latin-1"),
            "headers": [(key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in headers],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 80),
        }
        events: list[Scope] = [{"type": "http.request", "body": request.body, "more_body": False}]
        messages: list[Scope] = []

        async def receive() -> Scope:
            return events.pop() if events else {"type": "http.disconnect"}

        async def send(message: Scope) -> None:
            messages.append(message)

        await self._app(scope, receive, send)
        head = messages[0]
        headers_received = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in head["headers"])
        return Response(
            head["status"], headers_received, b"".join(each.get("body", b"") for each in messages[1:]), is_broken=False
        )


@dataclass
class RecordingServer:
    """An HTTP server on loopback that records each exchange; `respond` makes the responses."""

    respond: Callable[[Request], Response]
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    broken: set[int] = field(default_factory=set[int])

    def __post_init__(self) -> None:
        """Listen on a free port."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"recording_server": self}))
        self._server.daemon_threads = True  # a client may keep a connection open for ever
        self._server.block_on_close = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="openvideos-conformance-client"
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        """The origin of the server, such as http://127.0.0.1:8000."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def handle(self, request: Request) -> tuple[Response, Callable[[str], None]]:
        """Return the response to a request, and the function to call with the failure, or "", once it was sent."""
        with self._lock:
            number = next(self._numbers)
        began = time.monotonic()
        below = request.path.removeprefix(PREFIX) if request.path.startswith(f"{PREFIX}/") else request.path
        operation, ids = contract().match(request.method, below)
        if below == request.path:  # the path is not below the base URL
            operation = None
        request = replace(request, operation=operation)
        response = self.respond(request)

        def record(failure: str) -> None:
            exchange = Exchange(
                number=number,
                layer="client",
                began=began,
                ended=time.monotonic(),
                at=time.time(),
                method=request.method,
                path=below,
                query=request.query,
                operation=operation,
                ids=ids,
                request_headers=tuple((key.lower(), value) for key, value in request.headers),
                request_body=request.body,
                status=None if response.is_reset else response.status,
                headers=() if response.is_reset else response.headers,
                body=b"" if response.is_reset else response.body[: response.cut],
                length=0 if response.is_reset else len(response.body[: response.cut]),
                failure=failure,
            )
            with self._lock:
                self.exchanges.append(exchange)
                self.exchanges.sort(key=lambda each: each.number)
                if response.is_broken:
                    self.broken.add(number)

        return response, record


class _Handler(BaseHTTPRequestHandler):
    """Reads a request and sends the response of the recording server."""

    recording_server: RecordingServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        body = self._body()
        path, _, query = self.path.partition("?")
        headers = tuple((str(key), str(value)) for key, value in self.headers.items())
        response, record = self.recording_server.handle(Request(self.command, path, query, headers, body))
        if response.is_reset:
            record("the connection was reset")
            self._reset()
            return
        self.send_response_only(response.status)
        for key, value in response.headers:
            if key.lower() not in {"content-length", "connection"}:
                self.send_header(key, value)
        if response.status != 204:  # noqa: PLR2004 - HTTP's own
            self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        # Record before the response is sent: so its end is certain to be before the next request of the client.
        record("" if response.cut is None else "the connection broke off")
        self.wfile.write(response.body[: response.cut])
        self.wfile.flush()
        if response.cut is not None:
            self.close_connection = True

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("transfer-encoding") or "").lower():
            pieces: list[bytes] = []
            while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(pieces)
        return self.rfile.read(min(int(self.headers.get("content-length") or 0), _LARGEST))

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
        self.connection.close()

    def handle(self) -> None:
        # A client may go away, and a scenario may have reset its connection; neither is an error.
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing, since the exchanges are in the reports."""

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - as http.server wants them
