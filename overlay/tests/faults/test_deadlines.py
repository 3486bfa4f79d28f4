"""A blocking exchange is bounded as a whole, over every way that the SDK's own client connects by."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
import pytest

from openvideos._drivers import network
from openvideos._drivers.network import within
from openvideos._drivers.own_transport import OwnTransport

from .clients import TLS


class Backend(httpcore.MockBackend):
    """Connects to nowhere, and keeps the timeouts and the options of sockets that it is given."""

    def __init__(self, *response: bytes) -> None:
        super().__init__(list(response))
        self.timeouts: list[float | None] = []
        self.options: list[Any] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.timeouts.append(timeout)
        self.options = [*(socket_options or ())]
        return super().connect_tcp(host, port, timeout, local_address, socket_options)


RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
CONNECTED = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("proxy", [None, "http://proxy.test:3128", "https://proxy.test:3128"])
@pytest.mark.parametrize("url", ["http://server.test/", "https://server.test/"])
def test_every_connection_heeds_the_deadline(url: str, proxy: str | None) -> None:
    tunnelled = proxy is not None and url.startswith("https")
    backend = Backend(*([CONNECTED] if tunnelled else []), RESPONSE)
    transport = OwnTransport(TLS, None if proxy is None else httpx.Proxy(proxy), backend)
    with httpx.Client(transport=transport) as client, within(5.0):
        assert {} == client.get(url, timeout=None).json()
    (timeout,) = backend.timeouts
    assert timeout is not None
    assert 4.0 < timeout <= 5.0


def test_a_shorter_timeout_counts() -> None:
    backend = Backend(RESPONSE)
    with httpx.Client(transport=OwnTransport(TLS, backend=backend)) as client, within(5.0):
        client.get("http://server.test/", timeout=1.0)
    assert [1.0] == backend.timeouts


def test_without_a_deadline_nothing_changes() -> None:
    backend = Backend(RESPONSE)
    with httpx.Client(transport=OwnTransport(TLS, backend=backend)) as client:
        client.get("http://server.test/", timeout=None)
    assert [None] == backend.timeouts


def test_nothing_is_done_after_the_deadline() -> None:
    backend = Backend(RESPONSE)
    with (
        httpx.Client(transport=OwnTransport(TLS, backend=backend)) as client,
        within(0.0),
        pytest.raises(httpx.ReadTimeout),
    ):
        client.get("http://server.test/")
    assert [] == backend.timeouts


def test_an_inner_deadline_leaves_the_outer_one() -> None:
    """A file that is uploaded may be read by another client of the SDK."""
    backend = Backend(RESPONSE)
    with httpx.Client(transport=OwnTransport(TLS, backend=backend)) as client, within(5.0):
        with within(60.0):
            pass
        client.get("http://server.test/", timeout=None)
    assert backend.timeouts[0] is not None
    assert backend.timeouts[0] <= 5.0


class Host:
    """A host with some addresses, of which none answers but the last; to wait takes no time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, addresses: int, *, lookup_s: float = 0.0) -> None:
        self.now = 0.0
        self.tried: list[tuple[str, float | None]] = []
        self.addresses, self.lookup_s = [f"127.0.0.{number + 1}" for number in range(addresses)], lookup_s
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(socket, "getaddrinfo", self.resolve)
        monkeypatch.setattr(socket.socket, "connect", lambda sock, address: self.connect(sock, *address))

    def resolve(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host == "server.test":
            self.now += self.lookup_s
        hosts = self.addresses if host == "server.test" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in hosts]

    def connect(self, sock: socket.socket, address: str, _: int) -> None:
        timeout = sock.gettimeout()
        self.tried.append((address, timeout))
        if address != self.addresses[-1]:
            self.now += timeout or 0.0
            raise TimeoutError


def connect() -> None:
    network.Backend().connect_tcp("server.test", 80, timeout=3.0).close()


def test_the_addresses_of_a_host_share_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, 4)
    with within(5.0), pytest.raises(httpcore.ConnectTimeout):  # which proves that nothing was sent
        connect()
    assert [("127.0.0.1", 3.0), ("127.0.0.2", 2.0)] == host.tried


def test_the_address_that_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, 3)
    connect()
    assert [("127.0.0.1", 3.0), ("127.0.0.2", 3.0), ("127.0.0.3", 3.0)] == host.tried


def test_nobody_is_connected_with_once_the_lookup_has_taken_all_time(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, 1, lookup_s=6.0)
    with within(5.0), pytest.raises(httpcore.ReadTimeout):
        connect()
    assert [] == host.tried


def test_a_host_without_an_address_is_not_connected_with(monkeypatch: pytest.MonkeyPatch) -> None:
    Host(monkeypatch, 0)
    with pytest.raises(httpcore.ConnectError, match=r"server\.test has no address"):
        connect()


def test_a_host_that_nobody_knows_is_not_connected_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(httpcore.ConnectError, match="not known"):
        connect()
