"""A blocking exchange is bounded as a whole, over every way that the SDK's own client connects by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
import pytest

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
