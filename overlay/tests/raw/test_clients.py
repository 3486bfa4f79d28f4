"""The raw client's own clients: they keep secrets, and a copy leaves the original alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_type_hints

import httpx
import pytest

from openvideos_raw import AuthenticatedClient, Client
from openvideos_raw.api.videos import create_video, list_videos, retrieve_video

if TYPE_CHECKING:
    from tests.raw.conftest import MockServer

TOKEN = "sk-secret-42"


@pytest.fixture
def client() -> AuthenticatedClient:
    return AuthenticatedClient(base_url="https://api.example.org/v1", token=TOKEN, headers={"X-Api-Key": TOKEN})


class TestSecrets:
    def test_a_repr_has_no_token(self, client: AuthenticatedClient) -> None:
        assert TOKEN not in repr(client) + str(client)

    def test_nor_once_the_client_is_connected(self, client: AuthenticatedClient) -> None:
        client.get_httpx_client()
        client.get_async_httpx_client()
        assert TOKEN not in repr(client) + str(client)

    def test_nor_in_headers_or_cookies_added_later(self, client: AuthenticatedClient) -> None:
        changed = client.with_headers({"Authorization": TOKEN}).with_cookies({"session": TOKEN})
        changed.get_httpx_client()
        assert TOKEN not in repr(changed)

    def test_the_token_is_sent(self, mock_server: MockServer) -> None:
        mock_server.call(retrieve_video, "video_1")
        assert "Bearer sk-wire" == mock_server.sent.headers["authorization"]


class TestCopies:
    """`with_headers`, `with_cookies` and `with_timeout` return another client."""

    @pytest.mark.parametrize("connected", [False, True])
    @pytest.mark.parametrize(
        ("method", "value"),
        [("with_headers", {"X-A": "1"}), ("with_cookies", {"a": "1"}), ("with_timeout", httpx.Timeout(60))],
    )
    def test_the_original_stays_as_it_is(
        self, client: AuthenticatedClient, method: str, value: Any, *, connected: bool
    ) -> None:
        if connected:
            client.get_httpx_client()
            client.get_async_httpx_client()
        getattr(client, method)(value)
        for inner in (client.get_httpx_client(), client.get_async_httpx_client()):
            assert "x-a" not in inner.headers
            assert {} == dict(inner.cookies)
            assert httpx.Timeout(5) == inner.timeout

    @pytest.mark.parametrize("connected", [False, True])
    def test_the_copy_has_what_was_requested(self, client: AuthenticatedClient, *, connected: bool) -> None:
        if connected:
            client.get_httpx_client()
            client.get_async_httpx_client()
        changed = client.with_headers({"X-A": "1"}).with_cookies({"a": "1"}).with_timeout(httpx.Timeout(60))
        for inner in (changed.get_httpx_client(), changed.get_async_httpx_client()):
            assert "1" == inner.headers["x-a"]
            assert TOKEN == inner.headers["x-api-key"]
            assert {"a": "1"} == dict(inner.cookies)
            assert httpx.Timeout(60) == inner.timeout


class TestTimeout:
    def test_a_timeout_that_is_not_given_is_that_of_httpx(self, client: AuthenticatedClient) -> None:
        assert httpx.Client().timeout == client.get_httpx_client().timeout
        assert httpx.AsyncClient().timeout == client.get_async_httpx_client().timeout

    def test_none_means_none(self) -> None:
        patient = AuthenticatedClient(base_url="https://api.example.org/v1", token=TOKEN, timeout=None)
        assert httpx.Timeout(None) == patient.get_httpx_client().timeout


@pytest.mark.parametrize("operation", [create_video, list_videos, retrieve_video])
@pytest.mark.parametrize("name", ["sync", "sync_detailed", "asyncio", "asyncio_detailed"])
def test_an_operation_takes_a_client_with_a_key_and_one_without(operation: Any, name: str) -> None:
    assert AuthenticatedClient | Client == get_type_hints(getattr(operation, name))["client"]


def test_a_client_without_a_key_sends_none(mock_server: MockServer) -> None:
    transport = httpx.MockTransport(mock_server.handle)
    client = Client(base_url="https://api.example.org/v1", httpx_args={"transport": transport})
    assert 400 == mock_server.call(retrieve_video, "video_1", client=client).status_code
    assert "authorization" not in mock_server.sent.headers
