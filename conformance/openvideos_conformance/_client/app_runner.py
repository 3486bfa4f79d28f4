"""Run an ASGI app in a thread of its own, and send it requests from any thread."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from .large_file import LargeFile

    Scope = MutableMapping[str, Any]
    App = Callable[[Scope, Callable[[], Awaitable[Scope]], Callable[[Scope], Awaitable[None]]], Awaitable[None]]

_PATIENCE: Final = 20.0


@dataclass(frozen=True)
class Request:
    """A complete request. `path` is as it was sent."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    operation: str | None = None
    ids: dict[str, str] = field(default_factory=dict[str, str])

    def header(self, name: str) -> str | None:
        """Return a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def without(self, *names: str) -> Request:
        """Return the request without these headers."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in names))


@dataclass(frozen=True)
class Response:
    """A complete response, and how it is sent."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | LargeFile = b""
    cut: int | None = None
    """After how many bytes of the body the connection breaks; None if it does not."""
    delay: float = 0.0
    """For how many seconds nothing is sent: before the head of the response, or after the part of one that is cut."""
    is_reset: bool = False
    """Whether the connection is reset, without a response."""
    is_changed: bool = True
    """Whether the scenario changed the response of the emulator."""
    is_lost: bool = False
    """Whether the request started a job, and the response does not say so."""

    def header(self, name: str) -> str | None:
        """Return a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def with_headers(self, **headers: str) -> Response:
        """Return the response with these headers set; an underscore in a name means a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = [(key, value) for key, value in self.headers if key.lower() not in named]
        return replace(self, headers=(*kept, *named.items()), is_changed=True)


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
        headers = [*request.without("transfer-encoding", "content-length").headers]
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
        body = b"".join(each.get("body", b"") for each in messages[1:])
        return Response(head["status"], headers_received, body, is_changed=False)
