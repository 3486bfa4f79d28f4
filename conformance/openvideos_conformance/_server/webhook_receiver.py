"""Receive the webhooks of the server under test on loopback, and verify each signature."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self

from .._core.operations import video_path
from .._judging.webhook_events import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message
    from io import BufferedIOBase

    from .recording_client import RecordingClient

_MAX_BODY: Final = 1 << 20
_MAX_LINE: Final = 1 << 10
_PATIENCE: Final = 10.0
"""How long a sender may pause, in seconds."""


class WebhookReceiver:
    """A webhook endpoint that records every delivery. It returns 500 to the first one, to see it delivered again."""

    def __init__(self, client: RecordingClient, port: int, secret: str) -> None:
        """Listen on a port of loopback.

        Raises:
            OSError: The port cannot be used.
            ValueError: The secret has the wrong form.

        """
        self._client = client
        self._verify = _verifier(secret)
        self._changed = threading.Condition()
        self._deliveries: list[Delivery] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = False  # so that closing waits for deliveries that are still being read
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="openvideos-conformance-webhooks"
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """All deliveries so far."""
        with self._changed:
            return tuple(self._deliveries)

    def wait_for(self, is_wanted: Callable[[Delivery], bool], seconds: float) -> Delivery | None:
        """Wait for a delivery of this kind, and return the first; None if none arrives in time."""
        with self._changed:
            self._changed.wait_for(lambda: any(is_wanted(each) for each in self._deliveries), max(0.0, seconds))
            return next((each for each in self._deliveries if is_wanted(each)), None)

    def receive(self, path: str, headers: tuple[tuple[str, str], ...], body: bytes) -> Delivery:
        """Record a delivery, with the status to return, and return it."""
        flaw = self._verify(body, dict(headers))
        with self._changed:
            delivery = Delivery(
                at=self._client.now(),
                wall=time.time(),
                path=path,
                headers=headers,
                body=body,
                response_status=200 if self._deliveries else 500,
                flaw=flaw,
            )
            self._deliveries.append(delivery)
            self._changed.notify_all()
        return delivery

    def read_job(self, delivery: Delivery) -> None:
        """Retrieve the job of an event, to see whether it has ended."""
        if isinstance(delivery.video_id, str) and delivery.video_id:
            self._client.get(video_path(delivery.video_id), layer="following")


def _verifier(secret: str) -> Callable[[bytes, dict[str, str]], str]:
    """Return a function that returns why a signature is invalid, or "" if it is valid.

    Raises:
        ValueError: The secret has the wrong form.

    """
    from standardwebhooks import Webhook
    from standardwebhooks.webhooks import EmptyWebhookSecretError

    try:
        webhook = Webhook(secret)
    except (ValueError, EmptyWebhookSecretError):
        raise ValueError("it must be whsec_ and base64, as in the configuration of the server under test") from None

    def verify(body: bytes, headers: dict[str, str]) -> str:
        try:
            webhook.verify(body, headers, json_parse=False)
        except Exception as problem:  # noqa: BLE001 - on hostile headers the library raises any error
            return str(problem) or type(problem).__name__
        return ""

    return verify


def _handler(receiver: WebhookReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE

        def do_POST(self) -> None:
            try:
                body = _body(self.headers, self.rfile)
            except (ValueError, OSError):
                self.close_connection = True
                return
            headers = tuple((name.lower(), value) for name, value in self.headers.items())
            delivery = receiver.receive(self.path, headers, body)
            try:
                self.send_response(delivery.response_status)
                self.send_header("content-length", "0")
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.flush()
            except OSError:
                return  # the sender has gone, but the delivery is recorded
            receiver.read_job(delivery)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing, since deliveries are in the reports."""

    return Handler


def _body(headers: Message, source: BufferedIOBase) -> bytes:
    """Read and return the body of a delivery.

    Raises:
        OSError: The connection failed.
        ValueError: The body is malformed, or longer than an event can be.

    """
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunks(source)
    length = int(headers.get("content-length", "0"))
    return _read(source, length, _MAX_BODY)


def _chunks(source: BufferedIOBase) -> bytes:
    body = b""
    while True:
        length = int(source.readline(_MAX_LINE).split(b";")[0], 16)
        if length == 0:
            return body
        body += _read(source, length, _MAX_BODY - len(body))
        source.readline(_MAX_LINE)


def _read(source: BufferedIOBase, length: int, most: int) -> bytes:
    if not 0 <= length <= most:
        raise ValueError(f"the body has more than {_MAX_BODY} bytes")
    return source.read(length)
