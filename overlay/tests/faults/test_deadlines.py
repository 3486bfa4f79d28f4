"""A blocking exchange is bounded as a whole, over every way that httpx connects by."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
import pytest

from openvideos._drivers.deadline import bounded, within

from .clients import TLS


class Backend(httpcore.MockBackend):
    """Connects to nowhere, and keeps the timeouts that it is given."""

    def __init__(self, *response: bytes) -> None:
        super().__init__(list(response))
        self.timeouts: list[float | None] = []
        self.slept = 0.0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.timeouts.append(timeout)
        return super().connect_tcp(host, port, timeout, local_address, socket_options)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        self.timeouts.append(timeout)
        return super().connect_unix_socket(path, timeout, socket_options)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def transport_on(backend: httpcore.NetworkBackend, **options: object) -> httpx.HTTPTransport:
    """Return httpx's own transport, its connections made by a stand-in."""
    transport = httpx.HTTPTransport(verify=TLS)
    transport._pool = httpcore.ConnectionPool(network_backend=backend, ssl_context=TLS, **options)  # type: ignore[arg-type]
    return transport


ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@pytest.mark.parametrize("url", ["http://server.test/", "https://server.test/"])
@pytest.mark.parametrize("options", [{}, {"uds": "/tmp/socket"}], ids=["TCP", "a socket file"])  # noqa: S108 - no such file
def test_every_connection_heeds_the_deadline(url: str, options: dict[str, object]) -> None:
    backend = Backend(ANSWER)
    with bounded(httpx.Client(transport=transport_on(backend, **options))) as client, within(5.0):
        assert {} == client.get(url, timeout=None).json()
    (timeout,) = backend.timeouts
    assert timeout is not None
    assert 4.0 < timeout <= 5.0


def test_a_shorter_timeout_counts() -> None:
    backend = Backend(ANSWER)
    with bounded(httpx.Client(transport=transport_on(backend))) as client, within(5.0):
        client.get("http://server.test/", timeout=1.0)
    assert [1.0] == backend.timeouts


def test_without_a_deadline_nothing_changes() -> None:
    backend = Backend(ANSWER)
    with bounded(httpx.Client(transport=transport_on(backend))) as client, within(None):
        client.get("http://server.test/", timeout=None)
    assert [None] == backend.timeouts


def test_nothing_is_done_after_the_deadline() -> None:
    backend = Backend(ANSWER)
    with (
        bounded(httpx.Client(transport=transport_on(backend))) as client,
        within(0.0),
        pytest.raises(httpx.ReadTimeout),
    ):
        client.get("http://server.test/")
    assert [] == backend.timeouts


def test_httpx_may_wait_before_it_connects_again() -> None:
    class Refusing(Backend):
        def connect_tcp(self, *_: object, **__: object) -> httpcore.NetworkStream:
            raise httpcore.ConnectError("no")

    backend = Refusing()
    with (
        bounded(httpx.Client(transport=transport_on(backend, retries=2))) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get("http://server.test/")
    assert backend.slept > 0


def test_a_transport_of_another_kind_is_left_as_it_is() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(204))
    with bounded(httpx.Client(transport=transport)) as client, within(1.0):
        assert 204 == client.get("http://server.test/").status_code


def test_the_proxies_of_the_environment_heed_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    context = ssl.create_default_context()
    with bounded(httpx.Client(verify=context)) as client:
        pools = [transport._pool for transport in client._mounts.values() if isinstance(transport, httpx.HTTPTransport)]
        assert pools
        assert all(type(pool._network_backend).__module__ == "openvideos._drivers.deadline" for pool in pools)
