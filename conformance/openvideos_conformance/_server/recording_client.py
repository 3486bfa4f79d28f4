"""Send requests to the server under test, and record every exchange."""

from __future__ import annotations

import contextlib
import json as json_module
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode, urlsplit

import httpx

from .._core.contract import contract
from .._core.exchange import Exchange, json_object
from .._core.operations import CREATING
from .._core.outcomes import NotReachedError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from .._core.target import Target

MAX_BODY: Final = 256 << 20
"""How many bytes of a response body are read; a longer one is a failure of the exchange."""

_UNSET: Final = object()
_CHUNK: Final = 1 << 16
_ATTEMPTS: Final = 5
_TOO_MANY: Final = 429
_LONGEST_PAUSE: Final = 10

File = tuple[str, bytes, str]
"""A file of a form: its name, its bytes, its media type."""


class RecordingClient:
    """An HTTP client for the server under test that records every exchange. Thread-safe."""

    def __init__(self, target: Target, transport: httpx.BaseTransport | None = None) -> None:
        """Connect to the server of a target, over `transport` if it is given."""
        self.target = target
        self.contract = contract()
        self._base = target.base_url.rstrip("/")
        self._prefix = urlsplit(self._base).path
        self._http = httpx.Client(
            transport=transport,
            timeout=target.timeout,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=32),
        )
        self._zero = time.monotonic()
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._started, self._pending, self._numbers = 0, 0, 0
        self._ids = set[str]()
        self.layer = "scenario"
        self.run_id = secrets.token_hex(8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def history(self) -> tuple[Exchange, ...]:
        """All exchanges so far, in the order in which they were sent."""
        with self._lock:
            return tuple(sorted(self._exchanges, key=lambda each: each.number))

    @property
    def videos_started(self) -> int:
        """How many jobs have been started."""
        return self._started

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
        max_body: int = MAX_BODY,
    ) -> Exchange:
        """Send a request, record the exchange and return it, also if there was no response.

        A request that returns 429 is sent again. Each exchange is recorded, and the last one is returned.

        `path` is below the base URL, and is sent unchanged. `form` is sent as multipart/form-data. `authorization` is
        the value of that header; an empty one means the key, and None means no header.

        Raises:
            NotReachedError: The request was not sent, since it would start a job beyond `max_videos`.

        """
        query_text = query if isinstance(query, str) else urlencode(query, doseq=True)
        operation, ids = self.contract.match(method, path)
        fields: dict[str, Any] = {}
        options: dict[str, Any] = {"headers": {"accept-encoding": "identity", **(headers or {})}}
        has_key = authorization == "" and "authorization" not in {name.lower() for name in headers or {}}
        if authorization == "":
            authorization = None if self.target.api_key is None else f"Bearer {self.target.api_key}"
        if authorization is not None:
            options["headers"]["authorization"] = authorization.encode("latin-1")  # httpx accepts only ASCII in texts
        if json is not _UNSET:
            options["content"] = json_module.dumps(json).encode()
            options["headers"].setdefault("content-type", "application/json")
            fields = json_object(json)
        elif form is not None:
            options["files"] = [
                (name, (None, value) if isinstance(value, str) else value) for name, value in form.items()
            ]
            fields = {name: value if isinstance(value, str) else value[1] for name, value in form.items()}
        elif content is not None:
            options["content"] = content
        elif method == "GET":
            fields = dict(query) if not isinstance(query, str) else {}
        url = f"{self._base}{path}" + (f"?{query_text}" if query_text else "")
        request = self._http.build_request(method, url, **options)
        known: dict[str, Any] = {"method": method, "path": path, "query": query_text}
        known.update(operation=operation, ids=ids, has_key=has_key)
        known.update(request_fields=fields, layer=layer or self.layer)
        exchange = self._send_within_budget(request, max_body, **known)
        for _ in range(_ATTEMPTS - 1):
            if exchange.status != _TOO_MANY:
                break
            time.sleep(_pause(exchange))
            exchange = self._send_within_budget(request, max_body, **known)
        return exchange

    def record(self, exchange: Exchange) -> None:
        """Record an exchange."""
        with self._lock:
            self._exchanges.append(exchange)
            if exchange.operation in CREATING and (exchange.is_ok or exchange.failure):
                # A create without a response may have started a job. A repeat with the same Idempotency-Key that
                # returned the earlier job has started none.
                video_id = exchange.object.get("id")
                is_repeat = exchange.request_header("idempotency-key") is not None and video_id in self._ids
                self._started += not is_repeat
                if exchange.is_ok and isinstance(video_id, str):
                    self._ids.add(video_id)

    def number(self) -> int:
        """Return the number for the next exchange."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def _send_within_budget(self, request: httpx.Request, max_body: int, **known: Any) -> Exchange:
        with self._budget(known["operation"]):
            return self._exchange(request, max_body, **known)

    @contextlib.contextmanager
    def _budget(self, operation: str | None) -> Generator[None]:
        if operation not in CREATING:
            yield
            return
        with self._lock:
            left = self.target.max_videos - self._started - self._pending
            if left <= 0:
                raise NotReachedError(
                    f"the limit of {self.target.max_videos} videos is reached; raise it with --max-videos"
                )
            self._pending += 1
        try:
            yield
        finally:
            with self._lock:
                self._pending -= 1

    def _exchange(self, request: httpx.Request, max_body: int, **known: Any) -> Exchange:
        number, began = self.number(), self.now()
        received: dict[str, Any] = {}
        sent = request.read()
        try:
            response = self._http.send(request, stream=True)
            with contextlib.closing(response):
                received = {"status": response.status_code, "headers": _headers(response)}
                received.update(self._body(response, max_body, began))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            received["failure"] = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        exchange = Exchange(
            number=number,
            began=began,
            ended=self.now(),
            at=time.time(),
            request_headers=_redacted(request),
            request_body=sent[:_CHUNK],
            **known,
            **received,
        )
        self.record(exchange)
        return exchange

    def _body(self, response: httpx.Response, max_body: int, began: float) -> dict[str, Any]:
        pieces: list[bytes] = []
        length, failure = 0, ""
        for piece in response.iter_bytes():
            pieces.append(piece)
            length += len(piece)
            if length > max_body:
                failure = f"the response is longer than {max_body} bytes"
                break
            if self.now() - began > 4 * self.target.timeout:
                failure = f"the response did not end within {4 * self.target.timeout:g} s"
                break
        return {"body": b"".join(pieces), "length": length, "failure": failure}


def _pause(exchange: Exchange) -> int:
    """Return how many seconds to wait, by Retry-After; 1 without it."""
    text = exchange.header("retry-after") or ""
    return min(int(text), _LONGEST_PAUSE) if text.isdecimal() and len(text) < 9 else 1  # noqa: PLR2004


def _headers(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw)


def _redacted(request: httpx.Request) -> tuple[tuple[str, str], ...]:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw]
    return tuple((name, "***" if name == "authorization" else value) for name, value in pairs)
