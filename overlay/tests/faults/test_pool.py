"""Requests wait for connections, have them and give them back, whatever ends them: blocking, on asyncio, on trio."""

from __future__ import annotations

import asyncio
import gc
import ssl
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest

from openvideos._drivers import asyncio_stream
from openvideos._drivers.network import within
from openvideos._drivers.own_transport import AsyncOwnTransport, OwnTransport

from .clients import TLS
from .server import WAIT_S, Behaviour, Exchange, FaultServer, closes, head, message, responses, sends, stalls
from .test_network import SERVING, TRUSTING

pytestmark = pytest.mark.anyio

FULL = "all connections were in use for too long"
CLOSED = "the client was closed before there was a connection"

MORE = {"another response": message(413, b"{}"), "more of the body": b"{}", "the end of a line": b"\r\n"}
"""What a server may send behind its response."""


class Layer:
    """TLS of a server over what sends and receives bytes, such as other TLS."""

    def __init__(self, send: Callable[[bytes], object], receive: Callable[[], bytes]) -> None:
        self._send, self._receive = send, receive
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = SERVING.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def receive(self) -> bytes:
        """Return the next bytes, after the handshake."""
        while True:
            try:
                return self._tls.read(1 << 16)
            except ssl.SSLWantReadError:
                if self._outgoing.pending:
                    self._send(self._outgoing.read())
                self._incoming.write(self._receive())

    def record(self, data: bytes) -> bytes:
        """Return a record with these bytes."""
        self._tls.write(data)
        return self._outgoing.read()


def in_two_layers(*sent: bytes, is_one: bool) -> Behaviour:
    """Be a proxy with TLS, and the server behind it; send records of the inner layer in one of the outer, or in two."""

    def act(exchange: Exchange) -> None:
        outer = Layer(exchange.connection.sendall, lambda: exchange.connection.recv(1 << 16))
        assert outer.receive().startswith(b"CONNECT ")
        exchange.send(outer.record(b"HTTP/1.1 200 OK\r\n\r\n"))
        inner = Layer(lambda data: exchange.send(outer.record(data)), outer.receive)
        assert inner.receive().startswith(b"GET ")
        records = [inner.record(each) for each in sent]
        exchange.send(b"".join(map(outer.record, [b"".join(records)] if is_one else records)))
        exchange.until_left()

    return Behaviour(act, eager=True)


class TwoLayers(FaultServer):
    """A proxy that sends two responses to the first request."""

    def __init__(self, *, is_one: bool) -> None:
        first, second, third = (message(status, b"{}") for status in (200, 413, 201))
        super().__init__(in_two_layers(first, second, is_one=is_one), in_two_layers(third, is_one=is_one))

    @property
    def via(self) -> httpx.Proxy:
        """The way over it."""
        url = self.origin.replace("http://127.0.0.1", "https://localhost")
        return httpx.Proxy(url, ssl_context=TRUSTING)


def narrow(transport: Any, most: int = 1) -> Any:
    """Let a transport have so few connections."""
    transport._pool._connections._most = most
    return transport


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(*[responses(200, b"{}")] * 100) as server:
        yield server
        assert server.wait_until_closed()


@contextmanager
def waiting(transport: Any, ask: Callable[[], object]) -> Generator[list[Any]]:
    """Ask in a thread, and go on once that waits; what came of it is in the list at the end."""
    results: list[Any] = []

    def work() -> None:
        try:
            results.append(ask())
        except httpx.HTTPError as error:
            results.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not transport._pool._connections._waiting:
        assert thread.is_alive()
    yield results
    thread.join(WAIT_S)


class TestBlocking:
    def test_who_waits_has_the_connection_of_the_response_that_is_closed(self, server: FaultServer) -> None:
        transport = narrow(OwnTransport(TLS))
        with httpx.Client(transport=transport) as client, client.stream("GET", server.origin) as response:
            with waiting(transport, lambda: client.get(server.origin).status_code) as found:
                response.read()
            assert ([200], 1) == (found, server.connections)

    def test_who_waits_too_long_is_told_and_takes_nobodys_place(self, server: FaultServer) -> None:
        patience = httpx.Timeout(WAIT_S, pool=0.001)
        with httpx.Client(transport=narrow(OwnTransport(TLS)), timeout=patience) as client:
            with client.stream("GET", server.origin), pytest.raises(httpx.PoolTimeout, match=FULL):
                client.get(server.origin)
            assert 200 == client.get(server.origin).status_code

    def test_a_wait_heeds_the_deadline(self, server: FaultServer) -> None:
        client = httpx.Client(transport=narrow(OwnTransport(TLS)), timeout=None)  # noqa: S113 - the deadline ends it
        with client, client.stream("GET", server.origin), within(0.01), pytest.raises(httpx.PoolTimeout):
            client.get(server.origin)

    def test_ctrl_c_ends_a_wait(self, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: object) -> bool:
            response.read()  # at the same moment, so that there is a connection
            raise KeyboardInterrupt

        transport = narrow(OwnTransport(TLS))
        with httpx.Client(transport=transport) as client:
            with client.stream("GET", server.origin) as response, monkeypatch.context() as patch:
                patch.setattr(threading.Event, "wait", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    client.get(server.origin)
            assert (200, 1) == (client.get(server.origin).status_code, server.connections)

    def test_who_waits_while_the_client_closes_is_told(self, server: FaultServer) -> None:
        transport = narrow(OwnTransport(TLS))
        client = httpx.Client(transport=transport)
        with client.stream("GET", server.origin), waiting(transport, lambda: client.get(server.origin)) as found:
            transport.close()
        assert [(httpx.ConnectError, CLOSED)] == [(type(error), str(error)) for error in found]

    def test_there_is_no_connection_after_the_end(self, server: FaultServer) -> None:
        transport = OwnTransport(TLS)
        client = httpx.Client(transport=transport)
        transport.close()
        with pytest.raises(httpx.ConnectError, match=CLOSED):
            client.get(server.origin)

    def test_a_body_that_breaks_off_leaves_its_place(self) -> None:
        short = head(200, {"content-length": "9"}) + b"{"
        with FaultServer(closes(short), responses(200, b"{}")) as server:
            with httpx.Client(transport=narrow(OwnTransport(TLS))) as client:
                with pytest.raises(httpx.RemoteProtocolError):
                    client.get(server.origin)
                assert 200 == client.get(server.origin).status_code
            assert server.wait_until_closed()

    def test_a_connection_that_rests_makes_room_for_another_server(self, server: FaultServer) -> None:
        with FaultServer(responses(200, b"{}")) as other:
            with httpx.Client(transport=narrow(OwnTransport(TLS))) as client:
                client.get(server.origin)
                client.get(other.origin)
                assert server.wait_until_closed()
            assert other.wait_until_closed()

    @pytest.mark.parametrize("more", MORE.values(), ids=MORE)
    def test_what_a_server_sends_beyond_its_response_is_not_the_next_one(self, more: bytes) -> None:
        with FaultServer(sends(message(200, b"{}") + more), responses(201, b"{}")) as server:
            with httpx.Client(transport=OwnTransport(TLS)) as client:
                codes = [client.get(server.origin).status_code for _ in range(2)]
            assert ([200, 201], 2) == (codes, server.connections)
            assert server.wait_until_closed()

    @pytest.mark.parametrize("is_one", [True, False], ids=["one record", "two records"])
    def test_what_is_left_of_tls_inside_of_tls_is_not_the_next_one(self, *, is_one: bool) -> None:
        with TwoLayers(is_one=is_one) as proxy, httpx.Client(transport=OwnTransport(TRUSTING, proxy.via)) as client:
            assert [200, 201] == [client.get("https://localhost/").status_code for _ in range(2)]

    def test_many_threads_share_few_connections(self, server: FaultServer) -> None:
        client = httpx.Client(transport=narrow(OwnTransport(TLS), 2), timeout=WAIT_S)
        with client, ThreadPoolExecutor(16) as threads:
            assert [200] * 100 == [response.status_code for response in threads.map(client.get, [server.origin] * 100)]
        assert 2 == server.connections


class TestAsync:
    async def test_who_waits_has_the_connection_of_the_response_that_is_closed(self, server: FaultServer) -> None:
        codes: list[int] = []
        async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS))) as client:

            async def get() -> None:
                codes.append((await client.get(server.origin)).status_code)

            async with anyio.create_task_group() as group, client.stream("GET", server.origin) as response:
                group.start_soon(get)
                await anyio.wait_all_tasks_blocked()
                assert [] == codes
                await response.aread()
            assert ([200], 1) == (codes, server.connections)

    @pytest.mark.parametrize("more", MORE.values(), ids=MORE)
    async def test_what_a_server_sends_beyond_its_response_is_not_the_next_one(self, more: bytes) -> None:
        with FaultServer(sends(message(200, b"{}") + more), responses(201, b"{}")) as server:
            async with httpx.AsyncClient(transport=AsyncOwnTransport(TLS)) as client:
                codes = [(await client.get(server.origin)).status_code for _ in range(2)]
            assert ([200, 201], 2) == (codes, server.connections)
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    async def test_a_record_of_tls_behind_a_response_is_not_the_next_one(self) -> None:
        sent = threading.Event()

        def act(exchange: Exchange) -> None:
            exchange.send(message(200, b"{}"))
            exchange.send(message(413, b"{}"))
            sent.set()

        with FaultServer(Behaviour(act), responses(201, b"{}"), tls=SERVING) as server:
            url = server.origin.replace("127.0.0.1", "localhost")
            async with httpx.AsyncClient(transport=AsyncOwnTransport(TRUSTING)) as client:
                first = await client.get(url)
                assert await anyio.to_thread.run_sync(sent.wait, WAIT_S)
                codes = [first.status_code, (await client.get(url)).status_code]
            assert ([200, 201], 2) == (codes, server.connections)
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    @pytest.mark.parametrize("is_one", [True, False], ids=["one record", "two records"])
    async def test_what_is_left_of_tls_inside_of_tls_is_not_the_next_one(self, *, is_one: bool) -> None:
        with TwoLayers(is_one=is_one) as proxy:
            async with httpx.AsyncClient(transport=AsyncOwnTransport(TRUSTING, proxy.via)) as client:
                assert [200, 201] == [(await client.get("https://localhost/")).status_code for _ in range(2)]

    async def test_many_tasks_share_few_connections(self, server: FaultServer) -> None:
        async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS), 2), timeout=WAIT_S) as client:
            codes: list[int] = []

            async def get() -> None:
                codes.append((await client.get(server.origin)).status_code)

            async with anyio.create_task_group() as group:
                for _ in range(100):
                    group.start_soon(get)
        assert ([200] * 100, 2) == (codes, server.connections)

    async def test_who_waits_too_long_is_told_and_takes_nobodys_place(self, server: FaultServer) -> None:
        patience = httpx.Timeout(WAIT_S, pool=0.001)
        async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS)), timeout=patience) as client:
            async with client.stream("GET", server.origin):
                with pytest.raises(httpx.PoolTimeout, match=FULL):
                    await client.get(server.origin)
            assert 200 == (await client.get(server.origin)).status_code

    async def test_who_is_cancelled_takes_nobodys_place(self, server: FaultServer) -> None:
        async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS))) as client:

            async def get() -> None:
                await client.get(server.origin)
                raise AssertionError("it was cancelled")

            async with anyio.create_task_group() as group, client.stream("GET", server.origin) as response:
                group.start_soon(get)
                await anyio.wait_all_tasks_blocked()
                group.cancel_scope.cancel()
                # At the same moment, so that there is a connection already.
                with anyio.CancelScope(shield=True):
                    await response.aread()
            assert (200, 1) == ((await client.get(server.origin)).status_code, server.connections)

    @pytest.mark.parametrize("end", ["aread", "aclose"])
    async def test_ctrl_c_ends_a_wait(self, server: FaultServer, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
        class Interrupted:
            def set(self) -> None: ...

            async def wait(self) -> None:
                await getattr(response, end)()  # at the same moment, so that there is a connection
                raise KeyboardInterrupt

        async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS))) as client:
            async with client.stream("GET", server.origin) as response:
                with monkeypatch.context() as patch:
                    patch.setattr(anyio, "Event", Interrupted)
                    with pytest.raises(KeyboardInterrupt):
                        await client.get(server.origin)
            assert 200 == (await client.get(server.origin)).status_code
            assert (1 if end == "aread" else 2) == server.connections

    async def test_a_connection_that_is_given_back_makes_room_for_another_server(self, server: FaultServer) -> None:
        with FaultServer(responses(200, b"{}")) as other:
            async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS))) as client:
                async with anyio.create_task_group() as group, client.stream("GET", server.origin) as response:
                    group.start_soon(client.get, other.origin)
                    await anyio.wait_all_tasks_blocked()
                    await response.aread()
                assert await anyio.to_thread.run_sync(server.wait_until_closed)
            assert (1, 1) == (server.connections, other.connections)
            assert await anyio.to_thread.run_sync(other.wait_until_closed)

    async def test_who_is_cancelled_before_there_is_a_connection_is_forgotten(self, server: FaultServer) -> None:
        transport = narrow(AsyncOwnTransport(TLS))
        async with httpx.AsyncClient(transport=transport) as client, client.stream("GET", server.origin):
            with anyio.move_on_after(0):
                await client.get(server.origin)
            assert not transport._pool._connections._waiting

    async def test_who_waits_while_the_client_closes_is_told(self, server: FaultServer) -> None:
        transport = narrow(AsyncOwnTransport(TLS))
        client = httpx.AsyncClient(transport=transport)

        async def get() -> None:
            with pytest.raises(httpx.ConnectError, match=CLOSED):
                await client.get(server.origin)

        async with client.stream("GET", server.origin), anyio.create_task_group() as group:
            group.start_soon(get)
            await anyio.wait_all_tasks_blocked()
            await transport.aclose()

    async def test_there_is_no_connection_after_the_end(self, server: FaultServer) -> None:
        transport = AsyncOwnTransport(TLS)
        client = httpx.AsyncClient(transport=transport)
        await transport.aclose()
        with pytest.raises(httpx.ConnectError, match=CLOSED):
            await client.get(server.origin)

    async def test_a_request_that_is_cancelled_leaves_its_place(self) -> None:
        with FaultServer(stalls(), responses(200, b"{}")) as server:
            async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS))) as client:
                async with anyio.create_task_group() as group:
                    group.start_soon(client.get, server.origin)
                    while not server.requests:
                        await anyio.lowlevel.checkpoint()
                    group.cancel_scope.cancel()
                assert 200 == (await client.get(server.origin)).status_code
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    async def test_a_body_that_breaks_off_leaves_its_place(self) -> None:
        short = head(200, {"content-length": "9"}) + b"{"
        with FaultServer(closes(short), responses(200, b"{}")) as server:
            async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS))) as client:
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.get(server.origin)
                assert 200 == (await client.get(server.origin)).status_code
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    async def test_a_connection_that_rests_makes_room_for_another_server(self, server: FaultServer) -> None:
        with FaultServer(responses(200, b"{}")) as other:
            async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TLS))) as client:
                await client.get(server.origin)
                await client.get(other.origin)
                assert await anyio.to_thread.run_sync(server.wait_until_closed)
            assert await anyio.to_thread.run_sync(other.wait_until_closed)

    async def test_who_was_given_a_connection_that_is_closed_before_it_is_used_is_told(
        self, server: FaultServer
    ) -> None:
        transport = narrow(AsyncOwnTransport(TLS))
        client = httpx.AsyncClient(transport=transport)

        async def get() -> None:
            with pytest.raises(httpx.ConnectError, match=CLOSED):
                await client.get(server.origin)

        async with anyio.create_task_group() as group, client.stream("GET", server.origin) as response:
            group.start_soon(get)
            await anyio.wait_all_tasks_blocked()
            await response.aread()
            await transport.aclose()

    @pytest.mark.parametrize(
        "tls", [pytest.param(None, id="plain"), pytest.param(SERVING, id="encrypted", marks=pytest.mark.full)]
    )
    async def test_a_request_that_is_cancelled_at_any_time_leaves_its_place(
        self, tls: ssl.SSLContext | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # asyncio loses a socket when an attempt at one of several addresses is cancelled.
        monkeypatch.setattr(asyncio_stream, "_NEXT_ADDRESS_S", None)
        with FaultServer(*[responses(200, b"{}")] * 1000, tls=tls) as server:
            url = server.origin.replace("127.0.0.1", "localhost") if tls else server.origin
            for turns in range(40):
                async with httpx.AsyncClient(transport=narrow(AsyncOwnTransport(TRUSTING)), timeout=WAIT_S) as client:
                    async with anyio.create_task_group() as group:
                        group.start_soon(client.get, url)
                        for _ in range(turns):
                            await anyio.lowlevel.checkpoint()
                        group.cancel_scope.cancel()
                    assert 200 == (await client.get(url)).status_code
            gc.collect()
            assert await anyio.to_thread.run_sync(server.wait_until_closed)

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_all_connections_are_closed_though_asyncio_cancels_who_closes_them(self, server: FaultServer) -> None:
        transport = AsyncOwnTransport(TLS)
        client = httpx.AsyncClient(transport=transport)
        async with client.stream("GET", server.origin), client.stream("GET", server.origin):
            closing = asyncio.ensure_future(transport.aclose())
            await anyio.lowlevel.checkpoint()
            closing.cancel()  # which heeds no shield of anyio
            with pytest.raises(asyncio.CancelledError):
                await closing
            assert await anyio.to_thread.run_sync(server.wait_until_closed)
