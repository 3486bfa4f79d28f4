"""Send requests to the server under test, and record every exchange."""

from __future__ import annotations

import json as json_module
import math
import secrets
import threading
import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode

import httpx

from .._core.contract import contract
from .._core.curl import credential
from .._core.exchange import MOST_JSON, RECORDED, Exchange, json_object
from .._core.outcomes import NotReachedError
from .._core.run_mark import RunMark
from .._core.target import KEY_VARIABLE, OTHER_KEY_VARIABLE
from .gate import Gate
from .redirects import MOST_REDIRECTS, next_request, place
from .starts import Starts
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .._core.target import Target

_MOST: Final = {"download_video_content": 64 << 20, "list_videos": MOST_JSON}
"""How many bytes of a file and of a list are read; a longer response is a failure of the exchange."""

_MOST_OTHER: Final = 2 << 20
"""The same for any other response, of which several may be parsed at a time. That of the longest prompt has 0.4 MiB."""

CHECKS: Final = "scenario"
"""The layer of the requests of checks."""

_UNSET: Final = object()
_CHUNK: Final = 1 << 16
_KEYLESS_PAUSE: Final = 5.0
"""The longest pause, in seconds, after which a request without the right key is sent again. Servers that count wrong
keys ask for long ones, and have refused the key."""

File = tuple[str, bytes, str]
"""A file of a form: its name, its bytes, its media type."""


class RecordingClient:
    """An HTTP client for the server under test that records every exchange. Thread-safe."""

    def __init__(self, target: Target, transport: httpx.BaseTransport | None = None, gate: Gate | None = None) -> None:
        """Connect to the server of a target, over `transport` and at the pace of `gate` if these are given."""
        self.target = target
        self.contract = contract()
        self._base = target.base_url.rstrip("/")
        self.wire = Wire(target.timeout, transport)
        self.gate = gate or Gate(target.deadline, target.rate)
        self._zero = time.monotonic()
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._numbers = 0
        self.starts = Starts(target.max_videos, patience=target.timeout)
        self.layer = CHECKS
        self.run_id = secrets.token_hex(8)
        self.mark = RunMark(self.run_id, int(self.contract.schema("Prompt")["maxLength"]), target.failing_prompt)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    @property
    def history(self) -> tuple[Exchange, ...]:
        """All exchanges so far, in the order in which they were sent."""
        with self._lock:
            return tuple(sorted(self._exchanges, key=lambda each: each.number))

    @property
    def videos_started(self) -> int:
        """How many jobs may have been started."""
        return self.starts.count

    def now(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self._zero

    def get(self, path: str, **options: Any) -> Exchange:
        """Send a GET; see `send`."""
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> Exchange:
        """Send a POST; see `send`."""
        return self.send("POST", path, **options)

    def delete(self, path: str, **options: Any) -> Exchange:
        """Send a DELETE; see `send`."""
        return self.send("DELETE", path, **options)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | Sequence[tuple[str, Any]] | str = (),
        json: Any = _UNSET,
        form: Mapping[str, str | File] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        authorization: str | None = "",
        layer: str | None = None,
        max_body: int | None = None,
    ) -> Exchange:
        """Send a request, record the exchange and return it, also if there was no response.

        A request that a busy server refuses is sent again, and a download that is redirected is followed to its file.
        Each exchange is recorded, and the last one is returned. The run's mark is added to a prompt in `json` or
        `form`; `content` is sent as it is.

        `path` is below the base URL, and is sent unchanged. `form` is sent as multipart/form-data. `authorization` is
        the value of that header; an empty one means the key, and None means no header.

        Raises:
            NotReachedError: The request was not sent, since it would start a job beyond `max_videos`. Or a check sent
                it with the key, and the server stayed busy, or the run had no room for the response: that says nothing
                of what the server promises.

        """
        query_text = query if isinstance(query, str) else urlencode(query, doseq=True)
        operation, ids = self.contract.match(method, path)
        known: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        options: dict[str, Any] = {"headers": {"accept-encoding": "identity", **(headers or {})}}
        has_key = authorization == "" and "authorization" not in {name.lower() for name in headers or {}}
        if authorization == "":
            authorization = None if self.target.api_key is None else f"Bearer {self.target.api_key}"
        if authorization is not None:
            keys = {KEY_VARIABLE: self.target.api_key, OTHER_KEY_VARIABLE: self.target.other_api_key}
            known["credential"] = credential(authorization, keys)
            options["headers"]["authorization"] = authorization.encode("latin-1")  # httpx accepts only ASCII in texts
        if json is not _UNSET:
            json = self.mark.on_fields(json)
            options["content"] = json_module.dumps(json).encode()
            options["headers"].setdefault("content-type", "application/json")
            fields = json_object(json)
        elif form is not None:
            parts: Mapping[str, str | File] = self.mark.on_fields(form)
            options["files"] = [
                (name, (None, value) if isinstance(value, str) else value) for name, value in parts.items()
            ]
            fields = {name: value if isinstance(value, str) else value[1][:_CHUNK] for name, value in parts.items()}
        elif content is not None:
            options["content"] = content
        elif method == "GET":
            fields = dict(query) if not isinstance(query, str) else {}
        url = f"{self._base}{path}" + (f"?{query_text}" if query_text else "")
        request = self.wire.request(method, url, **options)
        known.update(method=method, path=path, query=query_text)
        known.update(operation=operation, ids=ids, has_key=has_key)
        known.update(request_fields=fields, layer=layer or self.layer)
        if max_body is None:
            max_body = _MOST.get(operation or "", _MOST_OTHER)
        exchange = self.patiently(lambda: self._send_within_budget(request, max_body, **known))
        exchange = self._followed(exchange, request, max_body, **known)
        if exchange.layer == CHECKS and has_key and exchange.is_busy:
            raise NotReachedError(f"the server is overloaded, or limits requests: {exchange.summary}", exchange)
        if exchange.layer == CHECKS and not exchange.is_kept:
            raise NotReachedError(f"{exchange.method} {exchange.target} is not judged: {exchange.failure}", exchange)
        return exchange

    def fetch(self, url: str) -> Exchange:
        """Send a GET without the key to the absolute URL of a file, and follow its redirects; see `send`."""
        request = self.wire.request("GET", url, headers={"accept-encoding": "identity"})
        max_body = _MOST["download_video_content"]
        known: dict[str, Any] = {"method": "GET", "path": request.url.path, "has_key": False, "layer": self.layer}
        send = partial(self._exchange, request, max_body, elsewhere=place(request.url), **known)
        return self._followed(self.patiently(send), request, max_body, **known)

    def patiently(self, send: Callable[[], Exchange]) -> Exchange:
        """Send a request when the pace allows it, and again while the server is busy; return the last exchange."""
        for turn in count():
            with self.gate.passage():
                exchange = send()
            most = math.inf if exchange.has_key else _KEYLESS_PAUSE
            if not exchange.is_busy or not self.gate.pause(exchange, turn, most):  # which gives up after ATTEMPTS
                if exchange.has_key:
                    is_overdue = bool(exchange.failure) and exchange.ended - exchange.began >= self.target.timeout
                    self.gate.ended(is_in_vain=exchange.is_busy or is_overdue)
                return exchange
        raise AssertionError

    def record(self, exchange: Exchange) -> bool:
        """Record an exchange; return whether it may have started a job."""
        has_cost = self.starts.settle(exchange)
        with self._lock:
            self._exchanges.append(exchange)
        return has_cost

    def number(self) -> int:
        """Return the number for the next exchange."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def _send_within_budget(self, request: httpx.Request, max_body: int, **known: Any) -> Exchange:
        self.starts.take(known["method"], known["operation"])
        return self._exchange(request, max_body, **known)

    def _followed(self, exchange: Exchange, request: httpx.Request, max_body: int, **known: Any) -> Exchange:
        for _ in range(MOST_REDIRECTS):
            following = next_request(exchange, request, self.contract)
            if following is None:
                break
            request = following
            send = partial(self._exchange, request, max_body, elsewhere=place(request.url), **known)
            exchange = self.patiently(send)
        return exchange

    def _exchange(self, request: httpx.Request, max_body: int, **known: Any) -> Exchange:
        number, began = self.number(), self.now()
        sent = request.read()
        received = self.wire.send(request, max_body)
        exchange = Exchange(
            number=number,
            began=began,
            ended=self.now(),
            at=time.time(),
            request_headers=_redacted(request),
            request_body=sent[:RECORDED],
            **known,
            **received.fields,
        )
        self.record(exchange)
        return exchange


def _redacted(request: httpx.Request) -> tuple[tuple[str, str], ...]:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw]
    return tuple((name, "***" if name == "authorization" else value) for name, value in pairs)
