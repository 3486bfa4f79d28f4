"""A server in memory for the raw client: it keeps what was sent and answers with what it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from openvideos_raw import AuthenticatedClient
from openvideos_raw.types import Response

if TYPE_CHECKING:
    from types import ModuleType


class MockServer:
    """The mock server, and the calls that reach it, blocking or async."""

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self.requests: list[httpx.Request] = []
        self.response = httpx.Response(
            400, json={"error": {"message": "No", "type": "invalid_request_error", "param": None, "code": None}}
        )
        self.client = self.new_client()

    def new_client(self, **options: Any) -> AuthenticatedClient:
        """Return a client whose requests end here."""
        transport = httpx.MockTransport(self.handle)
        return AuthenticatedClient(
            base_url="https://api.example.org/v1", token="sk-wire", httpx_args={"transport": transport}, **options
        )

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Keep a request, and answer it."""
        self.requests.append(request)
        return self.response

    def call(self, operation: ModuleType, *arguments: Any, **options: Any) -> Response[Any]:
        """Call an operation's `sync_detailed` or `asyncio_detailed`."""
        options.setdefault("client", self.client)
        if self.colour == "sync":
            response = operation.sync_detailed(*arguments, **options)
        else:
            response = asyncio.run(operation.asyncio_detailed(*arguments, **options))
        assert isinstance(response, Response)
        return response

    @property
    def sent(self) -> httpx.Request:
        """The one request that was sent."""
        (request,) = self.requests
        return request


@pytest.fixture(params=["sync", "async"])
def mock_server(request: pytest.FixtureRequest) -> MockServer:
    return MockServer(request.param)
