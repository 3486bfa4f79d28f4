"""Break requirements about webhooks, by a relay between the emulator and the receiver that changes the deliveries."""

from __future__ import annotations

import datetime as dt
import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from standardwebhooks.webhooks import Webhook

from openvideos_emulator._imitations.wrapping import Request, ServerResponse

from ._odd import TAIL
from ._registry import mutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

    Relaying = Callable[["Delivery", str], "Delivery"]

RELAYS: Final[dict[str, Relaying]] = {}
"""How the relay changes deliveries, by the names of the mutants."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver an event. `is_hushed` hides the receiver's refusal from the emulator."""

    id: str
    timestamp: str
    signature: str
    body: bytes
    is_hushed: bool = False

    def signed(self, secret: str) -> Delivery:
        """Return the delivery with the right signature."""
        at = dt.datetime.fromtimestamp(int(self.timestamp), dt.UTC)
        return replace(self, signature=Webhook(secret).sign(self.id, at, self.body.decode()))

    def with_type(self, kind: str, secret: str) -> Delivery:
        """Return the delivery of an event of another type."""
        return replace(self, body=json.dumps({**json.loads(self.body), "type": kind}).encode()).signed(secret)


def _relayed(requirement: str) -> Callable[[Relaying], Relaying]:
    """Register a change of deliveries as a mutant."""

    def register(relaying: Relaying) -> Relaying:
        async def untouched(request: Request, ask: Handler, _: Memory) -> ServerResponse:
            return await ask(request)

        untouched.__name__, untouched.__doc__ = relaying.__name__, relaying.__doc__
        mutant(requirement)(untouched)
        RELAYS[relaying.__name__] = relaying
        return relaying

    return register


@_relayed("VID-HOOK-001")
def completion_is_called_done(delivery: Delivery, secret: str) -> Delivery:
    """Send video.done instead of video.completed."""
    is_meant = json.loads(delivery.body)["type"] == "video.completed"
    return delivery.with_type("video.done", secret) if is_meant else delivery


@_relayed("VID-HOOK-002")
def failure_is_called_completion(delivery: Delivery, secret: str) -> Delivery:
    """Send video.completed instead of video.failed."""
    is_meant = json.loads(delivery.body)["type"] == "video.failed"
    return delivery.with_type("video.completed", secret) if is_meant else delivery


@_relayed("VID-HOOK-003")
def signatures_leave_the_time_out(delivery: Delivery, secret: str) -> Delivery:
    """Sign another time than is sent."""
    return replace(
        replace(delivery, timestamp=str(int(delivery.timestamp) - 1)).signed(secret), timestamp=delivery.timestamp
    )


@_relayed("VID-HOOK-004")
def attempts_have_ids_of_their_own(delivery: Delivery, secret: str) -> Delivery:
    """Send each attempt under another webhook-id."""
    return replace(delivery, id=f"{delivery.id}-{next(_COUNT)}").signed(secret)


@_relayed("VID-HOOK-004")
def events_are_sent_once(delivery: Delivery, secret: str) -> Delivery:
    """Never send an event again."""
    del secret
    return replace(delivery, is_hushed=True)


def _with_long_ids(delivery: Delivery, secret: str) -> Delivery:
    event = json.loads(delivery.body)
    event["data"]["id"] += TAIL
    return replace(delivery, body=json.dumps(event).encode()).signed(secret)


RELAYS["long_winded"] = _with_long_ids


@mutant(
    "VID-HOOK-005",
    along={
        "VID-HOOK-002": "a job that fails has the event, too",
        "VID-HOOK-004": "the event at the end of the job has another id",
    },
)
async def completion_is_told_at_once(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send video.completed when a job is created."""
    response = await ask(request)
    if request.operation == "create_video" and response.is_ok and "hook" in memory:
        url, secret = memory["hook"]
        now = int(dt.datetime.now(dt.UTC).timestamp())
        event = {"id": f"evt_{response.object['id']}", "object": "event", "created_at": now}
        body = json.dumps({**event, "type": "video.completed", "data": {"id": response.object["id"]}}).encode()
        early = Delivery(f"msg_{response.object['id']}", str(now), "", body).signed(secret)
        threading.Thread(target=_send, args=(early, url), daemon=True).start()
    return response


class Relay:
    """A server on loopback that passes deliveries on to `url`, changed."""

    def __init__(self, url: str, secret: str, relaying: Relaying | None) -> None:
        """Listen on a free port."""

        class Handling(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                reported = [self.headers.get(f"webhook-{name}") or "" for name in ("id", "timestamp", "signature")]
                delivery = Delivery(reported[0], reported[1], reported[2], body)
                changed = delivery if relaying is None else relaying(delivery, secret)
                status = _send(changed, url)
                self.send_response(200 if changed.is_hushed else status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handling)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _send(delivery: Delivery, url: str) -> int:
    headers = {
        "content-type": "application/json",
        "webhook-id": delivery.id,
        "webhook-timestamp": delivery.timestamp,
        "webhook-signature": delivery.signature,
    }
    request = urllib.request.Request(url, delivery.body, headers)  # noqa: S310 - loopback
    try:
        with _OPENER.open(request, timeout=10) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return 503


_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_COUNT: Final = iter(range(1_000_000))
