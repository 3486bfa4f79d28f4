"""Connections of the SDK's own clients: encrypted, slow, crowded or closed; blocking, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpcore
import httpx
import pytest

from openvideos import AsyncOpenVideos, OpenVideos
from openvideos._drivers import asyncio_stream, sockets
from openvideos._drivers.asyncio_stream import AsyncioBackend, AsyncioStream
from openvideos._drivers.network import Backend
from openvideos._drivers.own_transport import AsyncOwnTransport, OwnTransport
from openvideos._drivers.request_body import RequestBody

from .calls import COMPLETED, ID
from .clients import TLS
from .flavours import BACKENDS, is_blocking
from .server import WAIT_S, Behaviour, Exchange, FaultServer, answers_json, floods, head, message, read_request, stalls

pytestmark = pytest.mark.anyio

PEM = Path(__file__).with_name("localhost.pem")
TRUSTING = ssl.create_default_context(cafile=str(PEM))
SERVING = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
SERVING.load_cert_chain(PEM)


@pytest.fixture(params=list(BACKENDS))
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def exchanged(
    flavour: str,
    url: str,
    *,
    tls: ssl.SSLContext = TRUSTING,
    proxy: str | None = None,
    timeout: httpx.Timeout | None = None,
    body: bytes = b"",
) -> httpx.Response:
    """Send a request over a transport of its own."""
    via = None if proxy is None else httpx.Proxy(proxy)
    if is_blocking(flavour):
        return exchanged_blocking(OwnTransport(tls, via), url, timeout, body)
    async with httpx.AsyncClient(transport=AsyncOwnTransport(tls, via), timeout=timeout) as client:
        request = client.build_request("POST", url, content=body)
        request.stream = RequestBody(cast("httpx.SyncByteStream", request.stream))
        return await client.send(request)


def exchanged_blocking(transport: OwnTransport, url: str, timeout: httpx.Timeout | None, body: bytes) -> httpx.Response:
    with httpx.Client(transport=transport, timeout=timeout) as client:
        return client.post(url, content=body)


async def test_a_connection_is_encrypted(flavour: str) -> None:
    body = b"v" * 1_000_000
    with FaultServer(Behaviour(lambda exchange: void(exchange.send(message(200, body)))), tls=SERVING) as server:
        url = server.origin.replace("127.0.0.1", "localhost")  # a name, which may have several addresses
        assert body == (await exchanged(flavour, url)).content
        assert server.wait_until_closed()


def void(_: object) -> None:
    """Return nothing."""


async def test_a_tunnel_of_a_proxy_is_encrypted(flavour: str) -> None:
    def tunnel(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
        with SERVING.wrap_socket(exchange.connection, server_side=True) as inner:
            assert read_request(inner) is not None
            inner.sendall(message(200, b"inside"))
            exchange.close()

    with FaultServer(Behaviour(tunnel)) as proxy:
        assert b"inside" == (await exchanged(flavour, "https://localhost/", proxy=proxy.origin)).content
        assert ["CONNECT"] == proxy.methods


async def test_a_certificate_that_nobody_trusts_is_the_cause(flavour: str) -> None:
    with FaultServer(tls=SERVING) as server:
        with pytest.raises(httpx.ConnectError) as caught:
            await exchanged(flavour, server.origin, tls=TLS)
        assert server.wait_until_closed()
    assert "certificate verify failed" in str(caught.value)
    assert isinstance(caught.value.__cause__, httpcore.ConnectError)


async def test_a_handshake_that_stalls_ends_in_time(flavour: str) -> None:
    with FaultServer(Behaviour(Exchange.until_left, eager=True)) as server:
        url, timeout = server.origin.replace("http:", "https:"), httpx.Timeout(WAIT_S, connect=0.01)
        with pytest.raises(httpx.ConnectTimeout):
            await exchanged(flavour, url, timeout=timeout)
        assert server.wait_until_closed()


async def test_a_body_that_the_server_does_not_take_ends_in_time(flavour: str) -> None:
    with FaultServer(Behaviour(waits_for_the_end, eager=True)) as server:
        body, timeout = bytes(32 << 20), httpx.Timeout(WAIT_S, write=0.01)
        with pytest.raises(httpx.WriteTimeout):
            await exchanged(flavour, server.origin, timeout=timeout, body=body)


def waits_for_the_end(exchange: Exchange) -> None:
    """Take nothing, until the connection is reset or closed."""
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    exchange.connection.settimeout(0.05)
    while exchange.open:
        try:
            exchange.open = exchange.connection.recv(1) != b""
        except TimeoutError:
            continue


async def test_cookies_are_sent_again_and_few_are_kept(flavour: str) -> None:
    def named(turn: int) -> Behaviour:
        cookies = [("set-cookie", f"session={turn}"), *(("set-cookie", f"c{turn}-{each}=x") for each in range(30))]
        return answers_json(COMPLETED, headers=[*cookies, ("set-cookie", f"long={'x' * 4096}")])

    with FaultServer(*map(named, range(4))) as server:
        if is_blocking(flavour):
            with OpenVideos(base_url=server.base_url) as client:
                for _ in range(4):
                    client.videos.retrieve(ID)
        else:
            async with AsyncOpenVideos(base_url=server.base_url) as awaited:
                for _ in range(4):
                    await awaited.videos.retrieve(ID)
    sent = [request.headers.get("cookie", "").split("; ") for request in server.requests]
    assert [1, 31, 50, 50] == [*map(len, sent)]
    assert "session=2" in sent[3]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestAsyncio:
    async def test_a_server_that_sends_more_than_is_read_has_to_wait(self) -> None:
        with FaultServer(floods(head(200), bytes(1 << 16))) as server:
            client = httpx.AsyncClient(transport=AsyncOwnTransport(TLS))
            async with client, client.stream("GET", server.origin) as response:
                stream = cast("AsyncioStream", response.extensions["network_stream"])
                while not stream._is_paused:
                    await anyio.lowlevel.checkpoint()
                pieces = aiter(response.aiter_raw())
                for _ in range(64):
                    await anext(pieces)
                    assert stream._size <= 4 * asyncio_stream._MOST_UNREAD
                await cast("Any", pieces).aclose()
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    async def test_a_body_waits_until_the_server_takes_it(self) -> None:
        with FaultServer(answers_json({})) as server:
            async with httpx.AsyncClient(transport=AsyncOwnTransport(TLS), timeout=WAIT_S) as client:
                assert 200 == (await client.post(server.origin, content=bytes(32 << 20))).status_code
            assert 32 << 20 == len(server.requests[0].body)

    async def test_a_read_of_a_connection_that_is_closed_ends(self) -> None:
        with FaultServer(stalls()) as server:
            transport = AsyncOwnTransport(TLS)
            client = httpx.AsyncClient(transport=transport, timeout=None)  # noqa: S113 - closing it is the end

            async def read() -> None:
                with pytest.raises(httpx.ReadError, match="the connection is closed"):
                    await client.get(server.origin)

            async with anyio.create_task_group() as group:
                group.start_soon(read)
                while not server.requests:
                    await anyio.lowlevel.checkpoint()
                await transport.aclose()

    async def test_what_is_known_of_a_connection(self) -> None:
        with FaultServer(answers_json({})) as server:
            host, port = server.origin.removeprefix("http://").split(":")
            stream = await AsyncioBackend().connect_tcp(host, int(port))
            assert (host, int(port)) == stream.get_extra_info("server_addr")
            assert stream.get_extra_info("client_addr")[1] != int(port)
            assert stream.get_extra_info("ssl_object") is None
            assert not stream.get_extra_info("is_readable")
            await stream.aclose()
            assert stream.get_extra_info("is_readable")
            with pytest.raises(httpcore.WriteError, match="the connection is closed"):
                await stream.write(bytes(sockets.WORTH_A_WRITE))
            await stream.write(b"what a server may have answered before")
            with pytest.raises(httpcore.ReadError):
                await stream.read(1)

    async def test_a_loop_without_the_options_of_asyncio_connects(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        with FaultServer() as server:
            port = int(server.origin.rpartition(":")[2])
            monkeypatch.setattr(asyncio, "get_running_loop", lambda: Other(loop))
            stream = await AsyncioBackend().connect_tcp("localhost", port)
            monkeypatch.undo()
            await stream.aclose()
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    async def test_an_attempt_to_connect_that_is_cancelled_at_any_time_leaves_no_socket(self) -> None:
        with FaultServer() as server:
            host, port = server.origin.removeprefix("http://").split(":")
            for turns in range(30):
                await connect_and_cancel(host, int(port), turns)
            gc.collect()
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    @pytest.mark.parametrize("most", [1, 3, 4, 10])
    async def test_what_arrives_is_read_in_pieces_of_any_size(self, most: int) -> None:
        stream = AsyncioStream(asyncio.get_running_loop())
        for piece in (b"abcd", b"e", b"fghijkl"):
            stream.data_received(piece)
        stream.eof_received()
        read = [piece async for piece in read_all(stream, most)]
        assert b"abcdefghijkl" == b"".join(read)
        assert all(0 < len(piece) <= most for piece in read)
        assert 0 == stream._size

    async def test_a_stream_that_was_not_connected_is_closed(self) -> None:
        stream = AsyncioStream(asyncio.get_running_loop())
        await stream.aclose()
        assert stream.get_extra_info("socket") is None

    async def test_tls_that_ends_in_the_moment_of_its_handshake_is_closed_in_both_directions(self) -> None:
        stream = AsyncioStream(asyncio.get_running_loop())
        assert not stream.eof_received()
        assert b"" == await stream.read(1)

    async def test_a_connection_whose_options_the_system_refuses_is_closed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asyncio_stream, "SOCKET_OPTIONS", [(socket.SOL_SOCKET, -1, 1)])
        with FaultServer() as server:
            with pytest.raises(httpx.ConnectError):
                await exchanged("asyncio", server.origin)
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    async def test_a_wait_that_is_over_twice_ends_once(self) -> None:
        """The timer of a wait may be due in the turn in which the bytes arrive."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        future.set_result(None)
        asyncio_stream._expire(future, httpcore.ReadTimeout)
        assert future.result() is None

    async def test_a_create_is_one_write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        writes: list[bytes] = []
        flush = AsyncioStream._flush

        async def flushed(stream: AsyncioStream) -> None:
            writes.append(bytes(stream._unsent))
            await flush(stream)

        monkeypatch.setattr(AsyncioStream, "_flush", flushed)
        with FaultServer(answers_json(COMPLETED)) as server:
            async with AsyncOpenVideos(base_url=server.base_url) as client:
                await client.videos.create(prompt="A cat", seconds="4", size="720x1280")
        assert 1 == len(writes)
        assert writes[0].startswith(b"POST /v1/videos HTTP/1.1\r\n")
        assert writes[0].endswith(b"--\r\n")


class Other:
    """A loop that is not asyncio's own, and takes only the arguments that all of them take, as uvloop's does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(self, factory: Any, host: str, port: int) -> Any:
        return await self._loop.create_connection(factory, host, port)


async def connect_and_cancel(host: str, port: int, turns: int) -> None:
    """Cancel an attempt to connect after so many turns of the loop."""
    task = asyncio.ensure_future(AsyncioBackend().connect_tcp(host, port))
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    task.cancel()
    [stream] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(stream, httpcore.AsyncNetworkStream):
        await stream.aclose()


async def read_all(stream: AsyncioStream, most: int) -> AsyncIterator[bytes]:
    while piece := await stream.read(most):
        yield piece


class Inner(httpcore.MockBackend):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__([message(200, b'{"id": "video_1", "status": "completed"}')])
        self.writes: list[bytes] = []

    def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.NetworkStream:
        stream, writes = super().connect_tcp(host, 80), self.writes
        cast("Any", stream).write = lambda buffer, _=None: writes.append(buffer)
        return stream


def test_a_blocking_create_is_one_write() -> None:
    inner = Inner()
    http = httpx.Client(transport=OwnTransport(TLS, backend=inner))
    OpenVideos(base_url="http://server.test/v1", http_client=http).videos.create(prompt="A cat")
    assert 1 == len(inner.writes)


def test_a_large_body_is_written_in_pieces() -> None:
    inner = Inner()
    stream = Backend(inner).connect_tcp("server.test", 80)
    for _ in range(5):
        stream.write(bytes(sockets.WORTH_A_WRITE // 2))
    assert [sockets.WORTH_A_WRITE] * 2 == [*map(len, inner.writes)]
    stream.read(1)
    assert [sockets.WORTH_A_WRITE // 2] == [*map(len, inner.writes[2:])]
