"""Connections live as long as their event loop; threads of a wait end with it, and have the caller's context."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio

from openvideos import APIConnectionError, AsyncOpenVideos, ConfigurationError, OpenVideos
from openvideos._drivers.async_ import AsyncDriver
from openvideos._drivers.sync import SyncDriver
from openvideos._drivers.transport import AsyncTransport, SyncTransport
from openvideos._flows.effects import Do, Flow, Gather, Sleep

from .calls import COMPLETED, ID
from .server import WAIT_S, FaultServer, answers_json, stalls

RUNS: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "asyncio": lambda main: asyncio.run(main()),
    "uvloop": lambda main: pytest.importorskip("uvloop").run(main()),  # which Windows has not
    "trio": trio.run,
}


class TestLoops:
    @pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
    def test_the_connections_of_a_loop_close_with_it(self, run: Callable[[Callable[[], Any]], Any]) -> None:
        with FaultServer(*[answers_json(COMPLETED)] * 4) as server, warnings.catch_warnings():
            warnings.simplefilter("error")
            client = AsyncOpenVideos(base_url=server.base_url)

            async def main() -> None:
                await client.videos.retrieve(ID)
                await client.videos.retrieve(ID)
                assert 1 == server.open_connections

            run(main)
            assert server.wait_until_closed()
            gc.collect()
            run(main)
            assert 2 == server.connections
            assert server.wait_until_closed()

    def test_loops_in_threads_do_not_disturb_each_other(self) -> None:
        loops, reads = 4, 10
        with FaultServer(*[answers_json(COMPLETED)] * loops * reads) as server:
            client = AsyncOpenVideos(base_url=server.base_url)
            together = threading.Barrier(loops)

            async def main() -> None:
                for _ in range(reads):
                    together.wait(WAIT_S)
                    await client.videos.retrieve(ID)

            threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(loops)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert (loops, loops * reads) == (server.connections, len(server.requests))
            assert server.wait_until_closed()

    def test_a_client_that_is_dropped_closes_its_connections(self) -> None:
        with FaultServer(answers_json(COMPLETED)) as server:

            async def main() -> None:
                client = AsyncOpenVideos(base_url=server.base_url)
                await client.videos.retrieve(ID)
                del client
                gc.collect()
                assert await asyncio.to_thread(server.wait_until_closed)

            asyncio.run(main())

    @pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
    def test_own_sockets_are_kept_alive(self, run: Callable[[Callable[[], Any]], Any]) -> None:
        """NAT forgets a connection on which a create is silent for minutes."""
        with FaultServer(*[answers_json(COMPLETED)] * 2) as server:

            def check(response: httpx.Response) -> None:
                kept = response.extensions["network_stream"].get_extra_info("socket")
                assert kept.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

            async def main() -> None:
                async with AsyncOpenVideos(base_url=server.base_url) as client:
                    raw = await client.videos.with_raw_response.retrieve(ID)
                    check(raw.http_response)

            run(main)
            with OpenVideos(base_url=server.base_url) as client:
                check(client.videos.with_raw_response.retrieve(ID).http_response)


class TestClosing:
    def test_a_client_that_another_thread_closes_says_so(self) -> None:
        with FaultServer(*[answers_json(COMPLETED)] * 100_000) as server:
            client = OpenVideos(base_url=server.base_url, max_retries=0, timeout=WAIT_S)
            errors: list[Exception] = []

            def read() -> None:
                while not errors or errors[-1].__class__ is not ConfigurationError:
                    try:
                        client.videos.retrieve(ID)
                    except APIConnectionError:
                        continue  # it was in the middle of it
                    except ConfigurationError as error:
                        errors.append(error)
                        return

            threads = [threading.Thread(target=read) for _ in range(4)]
            for thread in threads:
                thread.start()
            while len(server.requests) < 20:
                time.sleep(0)
            client.close()
            for thread in threads:
                thread.join(WAIT_S)
            assert {"The client is closed"} == {str(error).partition(";")[0] for error in errors}

    def test_a_create_that_is_under_way_may_have_started_its_job(self) -> None:
        with FaultServer(stalls()) as server:
            client = OpenVideos(base_url=server.base_url, max_retries=0, timeout=httpx.Timeout(1.0))
            errors: list[Exception] = []

            def create() -> None:
                try:
                    client.videos.create(prompt="p")
                except APIConnectionError as error:
                    errors.append(error)

            thread = threading.Thread(target=create)
            thread.start()
            while not server.requests:
                time.sleep(0)
            client.close()
            thread.join(WAIT_S)
            assert [True] == ["may have started the job" in str(error) for error in errors]


class OwnError(Exception):
    """What no part of the SDK raises."""


def failing() -> Flow[None]:
    yield Sleep(0)
    raise OwnError("mine")


def endless() -> Flow[None]:
    while True:
        yield Sleep(0.01)


def gathering(*flows: Flow[Any]) -> Flow[list[Any]]:
    results: list[Any] = yield Gather(flows, 4)
    return results


class TestGather:
    def test_an_error_that_is_not_the_sdks_ends_all_of_it(self) -> None:
        with pytest.raises(OwnError, match="mine"):
            SyncDriver(SyncTransport()).run(gathering(endless(), failing(), endless()))

    @pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
    def test_an_error_that_is_not_the_sdks_is_no_group(self, run: Callable[[Callable[[], Any]], Any]) -> None:
        async def main() -> None:
            await AsyncDriver(AsyncTransport()).run(gathering(endless(), failing(), endless()))

        with pytest.raises(OwnError, match="mine"):
            run(main)

    def test_context_variables_are_those_of_the_caller(self) -> None:
        variable = contextvars.ContextVar[str]("span")
        variable.set("the caller's")

        def reading() -> Flow[str]:
            value: str = yield Do(variable.get)
            return value

        assert ["the caller's"] * 9 == SyncDriver(SyncTransport()).run(gathering(*[reading() for _ in range(9)]))

    def test_flows_that_were_not_begun_are_closed(self) -> None:
        flows = [failing(), *[endless() for _ in range(9)]]
        with pytest.raises(OwnError):
            SyncDriver(SyncTransport()).run(gathering(*flows))
        for flow in flows[5:]:
            assert [] == list(flow)


PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background may ignore it
from openvideos import OpenVideos
client = OpenVideos(base_url=sys.argv[1])
print("begun", flush=True)
try:
    for video in client.videos.wait_many([f"v{n}" for n in range(9)], poll_interval_ms=60_000):
        pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_a_wait_at_once() -> None:
    """The threads wait for a server that says nothing, or for the time to try again."""
    busy = answers_json({"error": {"message": "busy"}}, 503, {"retry-after": "40"})
    with FaultServer(answers_json({"error": {"message": "no list"}}, 404), *[busy, stalls()] * 8) as server:
        command = [sys.executable, "-c", PROGRAM, server.base_url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert "begun\n" == process.stdout.readline()
            while len(server.requests) < 5:
                time.sleep(0.01)
            begun = time.perf_counter()
            process.send_signal(signal.SIGINT)
            assert ("interrupted\n", 0) == (process.stdout.read(), process.wait(WAIT_S))
            assert time.perf_counter() - begun < WAIT_S
