"""Send one request, and receive all of its response within bounds of time and of bytes.

Requests of checks and generated ones both go through here, so that one verdict does not depend on who sent the request.
"""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpcore
import httpx

from .._core.bodies import BodyStore, LimitError

if TYPE_CHECKING:
    from collections.abc import Generator
    from ssl import SSLContext

    from .._core.bodies import StoredBody

_CONNECTIONS: Final = 32
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods of requests that share connections, and are sent once more if a shared one turns out to be closed."""

_SERVER_ERROR: Final = 500
_thread: Final = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came back: the fields of an Exchange that tell of the response."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | StoredBody = b""
    length: int = 0
    failure: str = ""
    is_kept: bool = True

    @property
    def fields(self) -> dict[str, Any]:
        """The fields by their names."""
        return {name: getattr(self, name) for name in self.__slots__}


class Wire:
    """The connections to a server. Thread-safe.

    A server may close a connection after any response, and need not say so before. The next request on it gets no
    response then, for which it is not to blame. A safe request is therefore sent once more, on a new connection (RFC
    9112, 9.3.1). One that changes something must not be sent twice, and a deletion has another response the second
    time: each of these has a connection of its own.
    """

    def __init__(self, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        """Wait `timeout` seconds for the next bytes of a response, and four times as long for all of it."""
        self._limit: Final = 4 * timeout
        self._store = BodyStore()
        context = httpx.create_ssl_context(trust_env=False) if transport is None else None
        self._shared, self._alone = (
            httpx.Client(
                transport=transport or _Transport(context, idle),
                timeout=timeout,
                follow_redirects=False,
                trust_env=False,
            )
            for idle in (_CONNECTIONS, 0)
        )

    def close(self) -> None:
        """Close all connections."""
        self._shared.close()
        self._alone.close()

    def request(self, method: str, url: str, **options: Any) -> httpx.Request:
        """Return a request; the options are those of httpx."""
        return self._shared.build_request(method, url, **options)

    def send(self, request: httpx.Request, max_body: int) -> Received:
        """Send a request and return what came back, also if that is nothing."""
        if request.method not in _SAFE:
            return self._sent(self._alone, request, max_body)[0]
        received, is_stale = self._sent(self._shared, request, max_body)
        return self._sent(self._alone, request, max_body)[0] if is_stale else received

    def _sent(self, client: httpx.Client, request: httpx.Request, max_body: int) -> tuple[Received, bool]:
        """Return what came back, and whether the connection had been closed before the request was sent."""
        known: dict[str, Any] = {}
        with _attempt(self._limit) as attempt:
            try:
                with contextlib.closing(client.send(request, stream=True)) as response:
                    known = {"status": response.status_code, "headers": _headers(response)}
                    if response.status_code >= _SERVER_ERROR:
                        attempt.spend()
                    known.update(self._body(response, max_body))
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                known["failure"] = attempt.failure(error)
                if _is_closed_here(error):
                    known.update(failure="the connection was closed on this side", is_kept=False)
                is_stale = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError) and attempt.is_stale
                return Received(**known), is_stale
        return Received(**known), False

    def _body(self, response: httpx.Response, max_body: int) -> dict[str, Any]:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"", "identity"}:
            # Some bytes would unpack to more than any memory.
            return {"failure": f"the response has the Content-Encoding {encoding[:40]!r}, which was not asked for"}
        try:
            # A response that a test has made was read before.
            pieces = iter((response.content,)) if response.is_stream_consumed else response.iter_raw()
            body, length = self._store.kept(pieces, max_body)
        except LimitError as problem:
            return {"failure": str(problem), "is_kept": False}
        failure = f"the response is longer than {max_body} bytes" if length > max_body else ""
        return {"body": body, "length": length, "failure": failure}


def _is_closed_here(error: BaseException) -> bool:
    """Tell whether the socket was closed on this side while it was used, which says nothing of the server."""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.errno == errno.EBADF):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _headers(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw)


# ---------------------------------------------------------------- connections
@dataclass(slots=True)
class _Attempt:
    """One attempt to send a request, as its thread knows it."""

    limit: float
    deadline: float
    is_new: bool = False
    """Whether a connection was opened for it."""
    stream: _Stream | None = None
    """The connection on which it was sent."""
    received: int = 0
    """How many bytes have come."""

    @property
    def is_stale(self) -> bool:
        """Whether it was sent on a connection that other requests had used, and got nothing."""
        return self.stream is not None and not self.is_new and not self.received

    def failure(self, error: Exception) -> str:
        """Return why there is no response."""
        if isinstance(error, httpx.TimeoutException) and time.monotonic() >= self.deadline:
            return f"{type(error).__name__}: the response did not end within {self.limit:g} s"
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

    def spend(self) -> None:
        """Use the connection no more after this. Many servers close it after an error, and do not say so."""
        if self.stream is not None:
            self.stream.is_spent = True


@contextlib.contextmanager
def _attempt(limit: float) -> Generator[_Attempt]:
    """Limit the total time of what this thread does over a _Transport; yield what becomes known of it."""
    attempt = _thread.attempt = _Attempt(limit, time.monotonic() + limit)
    try:
        yield attempt
    finally:
        _thread.attempt = None


def _current() -> _Attempt | None:
    return getattr(_thread, "attempt", None)


def _left(timeout: float | None) -> float | None:
    """Return how long a wait may take, in seconds: a timeout of httpx is that of each wait for the next bytes.

    Raises:
        httpcore.ReadTimeout: The attempt has taken too long.

    """
    attempt = _current()
    if attempt is None:
        return timeout
    left = attempt.deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)


class _Transport(httpx.HTTPTransport):
    """httpx's transport on connections that obey the limit of an attempt. httpcore has a parameter for them."""

    def __init__(self, context: SSLContext | None, idle: int) -> None:
        """Keep this many idle connections for later requests."""
        self._pool: httpcore.ConnectionPool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=idle,
            keepalive_expiry=5.0,
            network_backend=_Backend(),
        )


class _Backend(httpcore.SyncBackend):
    """Opens connections that obey the limit of an attempt."""

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        attempt = _current()
        if attempt is not None:
            attempt.is_new = True
        return _Stream(super().connect_tcp(host, port, _left(timeout), *args, **options))


class _Stream(httpcore.NetworkStream):
    """A connection that obeys the limit of the attempt that uses it."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self.is_spent = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, _left(timeout))
        attempt = _current()
        if attempt is not None:
            attempt.received += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        attempt = _current()
        if attempt is not None:
            attempt.stream = self
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        # The pool takes an idle connection for closed when there is something to read.
        return (info == "is_readable" and self.is_spent) or self._inner.get_extra_info(info)

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))
