"""What happens in a race, on a crowded machine, or over a rare kind of connection."""

from __future__ import annotations

import re
import socket
import sys
import threading
from typing import Any

import httpcore
import httpx
import httpx2
import pytest

from openvideos import APIConnectionError, ConfigurationError, InvalidArgumentError, OpenVideos
from openvideos._calls import Call
from openvideos._drivers.attempt import failed_exchange
from openvideos._drivers.callers_client import blocking_client
from openvideos._drivers.network import within
from openvideos._drivers.own_transport import OwnTransport
from openvideos._drivers.routing import RoutingTransport
from openvideos._drivers.sockets import is_readable
from openvideos._drivers.sync import SyncDriver
from openvideos._drivers.transport import SyncTransport, _loop_of_asyncio
from openvideos._flows.effects import Do, Flow, Gather
from openvideos._parsing.responses import status_error, video
from openvideos._secrets import without_secrets

from .calls import COMPLETED, ID
from .clients import TLS
from .server import FaultServer, answers_json
from .test_deadlines import RESPONSE, Backend

REQUEST = httpx.Request("POST", "http://server.test/v1/videos")
CALL = Call(operation="create_video", method="POST", url=str(REQUEST.url), headers={}, parse=video)


def test_a_connection_over_socks_heeds_the_deadline() -> None:
    backend = Backend(b"\x05\x00", b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50", RESPONSE)
    transport = OwnTransport(TLS, httpx.Proxy("socks5://proxy.test:1080"), backend)
    with httpx.Client(transport=transport) as client, within(5.0):
        assert {} == client.get("http://server.test/", timeout=None).json()
    assert [True] == [timeout is not None and timeout <= 5.0 for timeout in backend.timeouts]


@pytest.mark.parametrize("proxy", ["https://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_a_proxy_of_another_kind_that_is_dead_is_named(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with (
        OpenVideos(base_url="http://server.test/v1", max_retries=0) as client,
        pytest.raises(APIConnectionError, match=rf"the proxy {proxy} \(ALL_PROXY\) fails") as caught,
    ):
        client.videos.create(prompt="p")
    assert caught.value.never_sent


def test_a_connection_that_is_made_while_the_client_closes_is_closed() -> None:
    transport = RoutingTransport()
    with FaultServer(answers_json(COMPLETED)) as server, httpx.Client(transport=transport) as client:
        transport._is_closed = True
        with client.stream("GET", f"{server.base_url}/videos/{ID}"):
            assert server.wait_until_closed()


def test_a_thread_that_comes_second_gets_the_client_of_the_first() -> None:
    transport = SyncTransport()
    assert transport.client() is transport._another()
    transport.close()


def test_a_client_that_is_closed_before_its_exchange_says_so() -> None:
    transport = SyncTransport()
    transport.close()
    with pytest.raises(ConfigurationError, match="closed"):
        failed_exchange(CALL, REQUEST, RuntimeError("Cannot send a request, as the client has been closed."), transport)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_flows_share_the_threads_that_are_to_be_had(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun = threading.Thread.start, list[threading.Thread]()

    def crowded(thread: threading.Thread) -> None:
        if len(begun) == most:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        start(thread)

    def reading(number: int) -> Flow[int]:
        value: int = yield Do(lambda: number)
        return value

    def gathering() -> Flow[list[int]]:
        results: list[int] = yield Gather([reading(number) for number in range(5)], 4)
        return results

    monkeypatch.setattr(threading.Thread, "start", crowded)
    driver = SyncDriver(SyncTransport())
    if most:
        assert [0, 1, 2, 3, 4] == driver.run(gathering())
    else:
        with pytest.raises(RuntimeError, match="new thread"):
            driver.run(gathering())


def test_a_function_for_the_key_that_ends_an_iterator_says_so() -> None:
    keys = iter(())
    client = OpenVideos(base_url="http://server.test/v1", api_key=lambda: next(keys))
    with pytest.raises(RuntimeError, match="api_key raised StopIteration"):
        client.videos.retrieve(ID)


def test_an_address_that_httpx2_does_not_take_is_one_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str) -> Any:
        raise httpx2.InvalidURL(f"no: {url}")

    with blocking_client(httpx2.Client()) as client:
        monkeypatch.setattr(httpx2, "URL", refuse)
        with pytest.raises(httpx.InvalidURL, match=r"no: http://server\.test/"):
            client.get("http://server.test/")


def test_a_number_that_python_does_not_write_is_no_query() -> None:
    client = OpenVideos(base_url="http://server.test/v1")
    with pytest.raises(InvalidArgumentError, match="cannot be written"):
        client.videos.retrieve(ID, extra_query={"a": 10**5000})


def test_a_redirect_to_no_address_is_told_as_it_is() -> None:
    error = status_error(httpx.Response(307, headers={"location": "http://[::1"}, request=REQUEST))
    assert "'http://[::1', which is no address" in str(error)


@pytest.mark.parametrize(("path", "has_id"), [("/v1/videos", False), ("/v1/videos/video_1", True)])
def test_an_id_that_was_not_sent_is_not_to_be_checked(path: str, has_id: bool) -> None:  # noqa: FBT001 - a parameter
    error = status_error(httpx.Response(404, request=httpx.Request("GET", f"http://server.test{path}")))
    assert "heck that the base URL ends where the API begins" in str(error) or has_id
    assert has_id == ("Check the id" in str(error))


@pytest.mark.parametrize("status", [402, 403])
def test_what_an_account_may_not_do_has_a_way_out(status: int) -> None:
    error = status_error(httpx.Response(status, json={"error": {"message": "No."}}, request=REQUEST))
    assert re.search(r"returned 40[23]: No\. The .+: (look at|try) ", str(error))


def test_a_host_that_holds_a_secret_is_hidden() -> None:
    request = httpx.Request("GET", "http://sk-very-secret-1.server.test/v1")
    assert "sk-very-secret-1" not in str(without_secrets(request, ("sk-very-secret-1",)).url)


def test_without_asyncio_no_loop_of_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program on trio may never import it."""
    monkeypatch.delitem(sys.modules, "asyncio")
    assert _loop_of_asyncio() is None


def test_a_socket_that_is_closed_is_at_its_end() -> None:
    connection = socket.socket()
    connection.close()
    assert is_readable(connection)


def test_httpcore_is_what_the_transport_is_built_on() -> None:
    """If httpx uses another pool one day, OwnTransport has to follow."""
    with httpx.HTTPTransport() as transport:
        assert isinstance(vars(transport)["_pool"], httpcore.ConnectionPool)


def test_a_user_and_a_password_in_an_address_are_left_out() -> None:
    """A redirect may lead to such an address."""
    request = httpx.Request("GET", "http://user:pass-word@server.test/v1")
    assert "http://server.test/v1" == str(without_secrets(request, ()).url)
