"""Serve an ASGI app to the command, record each exchange, and break connections for scenarios."""

from __future__ import annotations

import base64
import bisect
import contextlib
import itertools
import socket
import struct
import threading
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, Self

from .._core.contract import contract
from .._core.curl import credential
from .._core.exchange import Exchange
from .._core.target import KEY_VARIABLE
from .app_runner import Request, Response
from .command_run import MOST_RECORDED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

PREFIX: Final = "/v1"
LOOPBACK: Final = "127.0.0.1"
_LARGEST: Final = 1 << 26
_LONGEST_LINE: Final = 1 << 10
_SETTLING_S: Final = 5.0
_MOST_EXCHANGES: Final = 5_000
"""How many exchanges of a command are recorded; one that sends more is in a loop, which the first ones show."""
_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})
_CUT: Final = struct.pack("ii", 1, 0)
"""The linger that makes a closed connection a reset one."""


@dataclass
class RecordingServer:
    """An HTTP server that records each exchange; `respond` makes the responses.

    It listens on loopback. Where the command runs in a container, `host` is the name of this machine there, and the
    server listens on all of its addresses.
    """

    respond: Callable[[Request], Response]
    host: str = LOOPBACK
    key: str = ""
    problems: list[str] = field(default_factory=list[str])
    """What went wrong in the judge itself."""
    changed: set[int] = field(default_factory=set[int])
    """The numbers of the exchanges whose response the scenario changed."""
    lost: set[int] = field(default_factory=set[int])
    """The numbers of the exchanges that started a job, and do not say so."""

    def __post_init__(self) -> None:
        """Listen on a free port."""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._under_way = 0
        self._exchanges: list[Exchange] = []
        self._numbers = itertools.count(1)
        address = self.host if self.host in {LOOPBACK, "localhost"} else ""
        self._server = ThreadingHTTPServer((address, 0), type("Handler", (_Handler,), {"recording_server": self}))
        self._server.daemon_threads = True  # a client may keep a connection open for ever
        self._server.block_on_close = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="openvideos-conformance-client"
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        """The origin of the server, such as http://127.0.0.1:8000."""
        return f"http://{self.host}:{self._server.server_port}"

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges so far, in the order in which their requests came."""
        with self._lock:
            return tuple(self._exchanges)

    def wait(self, seconds: float) -> None:
        """Wait, or until the server is stopped."""
        if seconds:
            self._stopped.wait(seconds)

    @contextlib.contextmanager
    def counted(self) -> Generator[None]:
        """Count a request as being under way in the block."""
        with self._changed:
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def settle(self) -> None:
        """Keep no request waiting any longer, and return when all are recorded; the command has ended."""
        self._stopped.set()
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, _SETTLING_S)

    def handle(self, request: Request) -> tuple[Response, Callable[[str], None]]:
        """Return the response to a request, and the function to call with the failure, or "", when it is sent."""
        with self._lock:
            number = next(self._numbers)
        began = time.monotonic()
        below = request.path.removeprefix(PREFIX) if request.path.startswith(f"{PREFIX}/") else request.path
        operation, ids = contract().match(request.method, below)
        if below == request.path:  # the path is not below the base URL
            operation = None
        try:
            response = self.respond(replace(request, operation=operation, ids=dict(ids)))
        except Exception as problem:  # noqa: BLE001 - whatever it is, the client is not to blame
            self.problems.append(f"{type(problem).__name__}: {problem}")
            response = Response(500)
        authorization = request.header("authorization")

        def record(failure: str) -> None:
            is_silent = response.is_reset
            recorded = MOST_RECORDED if response.cut is None else min(response.cut, MOST_RECORDED)
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
                request_headers=self._without_other_keys(request.headers),
                request_body=request.body[:MOST_RECORDED],
                credential="" if authorization is None else self._credential(authorization),
                status=None if is_silent else response.status,
                headers=() if is_silent else response.headers,
                body=b"" if is_silent else _beginning(response, recorded),
                length=0
                if is_silent
                else min(len(response.body), len(response.body) if response.cut is None else response.cut),
                failure=failure,
            )
            with self._lock:
                if len(self._exchanges) < _MOST_EXCHANGES:
                    bisect.insort(self._exchanges, exchange, key=lambda each: each.number)
                self.changed |= {number} if response.is_changed else set()
                self.lost |= {number} if response.is_lost else set()

        return response, record

    def _credential(self, authorization: str) -> str:
        """Return how a shell makes the credential of a request; one that is not the key of the run is left out."""
        is_ours = self.key in _plain(authorization)
        return credential(authorization, {KEY_VARIABLE: self.key}) if is_ours else _masked(authorization)

    def _without_other_keys(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Return the headers of a request; a credential that is not the key of the run may be somebody's real one."""
        found: list[tuple[str, str]] = []
        for name, value in headers:
            is_secret = name.lower() in _CREDENTIALS and self.key not in _plain(value)
            found.append((name.lower(), _masked(value) if is_secret else value))
        return tuple(found)


def _plain(value: str) -> str:
    """Return a credential as it is, and what is behind its scheme as base64 decodes it."""
    with contextlib.suppress(ValueError):
        return f"{value} {base64.b64decode(value.rpartition(' ')[2], validate=True).decode('latin-1')}"
    return value


def _masked(value: str) -> str:
    """Return a credential with its scheme alone."""
    scheme, _, secret = value.partition(" ")
    return f"{scheme} ***" if secret else "***"


def _beginning(response: Response, most: int) -> bytes:
    if isinstance(response.body, bytes):
        return response.body[:most]
    return next(response.body.pieces(min(most, 1 << 16)), b"")


def _pieces(response: Response) -> Iterator[bytes]:
    if isinstance(response.body, bytes):
        yield response.body[: response.cut]
    else:
        yield from response.body.pieces(response.cut)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request and sends the response of the recording server."""

    recording_server: RecordingServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        body = self._body()
        with self.recording_server.counted():
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        headers = tuple((str(key), str(value)) for key, value in self.headers.items())
        response, record = self.recording_server.handle(Request(self.command, path, query, headers, body))
        if response.cut is None:
            self.recording_server.wait(response.delay)
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
        for piece in _pieces(response) if self.command != "HEAD" else ():
            self.wfile.write(piece)
        self.wfile.flush()
        if response.cut is not None:
            self.recording_server.wait(response.delay)
            self.close_connection = True

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("transfer-encoding") or "").lower():
            pieces: list[bytes] = []
            left = _LARGEST
            while size := int(self.rfile.readline(_LONGEST_LINE).partition(b";")[0] or b"0", 16):
                left -= size
                if size < 0 or left < 0:
                    raise ValueError("the body is too long")  # which ends the connection
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(pieces)
        left = max(0, int(self.headers.get("content-length") or 0))
        body = self.rfile.read(min(left, _LARGEST))
        left -= len(body)
        while left and (piece := self.rfile.read(min(left, 1 << 20))):  # or else it would be the next request
            left -= len(piece)
        return body

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
