"""Hold a client's httpx client: make it when it is first used, and again after a fork or in another event loop.

To make an httpx client takes about 20 ms (TLS certificates), so neither an import nor a constructor makes one. Its
connections cannot be used after a fork, and async connections cannot be used in another event loop.
"""

from __future__ import annotations

import os
import threading
from typing import Any, cast

import anyio.lowlevel
import httpx

from .._errors import ConfigurationError

FORKED = (
    "This process was forked from the one that made the client, and the connections of your own http_client are shared "
    "with it; make a client in each process."
)
CLOSED = "The client is closed; make a new one, or keep it open for longer (`with OpenVideos() as client:`)."


class SyncTransport:
    """Hold a blocking httpx client."""

    def __init__(self, given: httpx.Client | None = None) -> None:
        """Use the caller's httpx client, or make one when it is first used."""
        self.given = given
        self.closed = False
        self._client: httpx.Client | None = given
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def client(self) -> httpx.Client:
        """Return the httpx client to use.

        Raises:
            ConfigurationError: The client is closed, or has the caller's httpx client and was made in another process.
        """
        client = self._client
        if client is not None and self._pid == os.getpid() and not self.closed and not client.is_closed:
            return client
        return self._another()

    def _another(self) -> httpx.Client:
        if self.closed or (self.given is not None and self.given.is_closed):
            raise ConfigurationError(CLOSED)
        if self._pid != os.getpid():  # pragma: no cover - runs only in a child process, which is not measured
            if self.given is not None:
                raise ConfigurationError(FORKED)
            # If another thread held the lock at the fork, it stays locked in the child process.
            self._lock = threading.Lock()
        with self._lock:
            if self.given is None and (self._client is None or self._pid != os.getpid()):
                # After a fork, the connections are shared with the parent process: do not use or close them here.
                from .deadline import bounded

                self._client = bounded(httpx.Client(timeout=None))  # noqa: S113 - each request has its own
            self._pid = os.getpid()
            return cast("httpx.Client", self._client)

    def close(self) -> None:
        """Close the connections. A second call does nothing."""
        self.closed = True
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()


class AsyncTransport:
    """Hold an async httpx client."""

    def __init__(self, given: httpx.AsyncClient | None = None) -> None:
        """Use the caller's httpx client, or make one when it is first used."""
        self.given = given
        self.closed = False
        self._client: httpx.AsyncClient | None = given
        self._pid = os.getpid()
        self._home: Any = None

    def client(self) -> httpx.AsyncClient:
        """Return the httpx client to use in this event loop and this process.

        Raises:
            ConfigurationError: The client is closed, or has the caller's httpx client and was made in another process.
        """
        if self.closed or (self.given is not None and self.given.is_closed):
            raise ConfigurationError(CLOSED)
        if self.given is not None:
            if self._pid != os.getpid():  # pragma: no cover - runs only in a child process, which is not measured
                raise ConfigurationError(FORKED)
            return self.given
        home = (os.getpid(), anyio.lowlevel.current_token())
        if self._client is None or self._home != home:
            self._client, self._home = httpx.AsyncClient(timeout=None), home  # noqa: S113 - each request has its own
        return self._client

    async def aclose(self) -> None:
        """Close the connections. A second call does nothing."""
        self.closed = True
        client, self._client = self._client, None
        if client is None:
            return
        if (self.given is not None and self._pid == os.getpid()) or self._home == (
            os.getpid(),
            anyio.lowlevel.current_token(),
        ):
            await client.aclose()
