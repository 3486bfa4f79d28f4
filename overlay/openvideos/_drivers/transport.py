"""Hold the httpx client that a client sends through: made when it is needed, and anew where the old one is of no use.

An httpx client takes some 20 ms to make (TLS certificates), so importing and constructing cost nothing. Its
connections do not survive a fork, and its async ones do not survive their event loop.
"""

from __future__ import annotations

import os
import threading
from typing import Any, cast

import anyio.lowlevel
import httpx

from .._errors import ConfigurationError

CLOSED = "The client is closed; make a new one, or keep it open for longer (`with OpenVideos() as client:`)."


class SyncTransport:
    """Hold a blocking httpx client."""

    def __init__(self, given: httpx.Client | None = None) -> None:
        """Take the caller's httpx client, or make one when it is first needed."""
        self.given = given
        self.closed = False
        self._client: httpx.Client | None = given
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def client(self) -> httpx.Client:
        """Return the httpx client to send through.

        Raises ConfigurationError when it is closed.
        """
        client = self._client
        if client is not None and self._pid == os.getpid() and not self.closed and not client.is_closed:
            return client
        return self._another()

    def _another(self) -> httpx.Client:
        if self.closed or (self.given is not None and self.given.is_closed):
            raise ConfigurationError(CLOSED)
        if self._pid != os.getpid():
            # A lock that another thread held at the fork stays locked in the child.
            self._lock = threading.Lock()  # pragma: no cover - runs in a child alone, where nothing is measured
        with self._lock:
            if self.given is None and (self._client is None or self._pid != os.getpid()):
                # The parent's connections are shared after a fork: leave them to it, unclosed and unused.
                from .deadline import bounded

                self._client = bounded(httpx.Client(timeout=None))  # noqa: S113 - each request brings its own
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
        """Take the caller's httpx client, or make one when it is first needed."""
        self.given = given
        self.closed = False
        self._client: httpx.AsyncClient | None = given
        self._home: Any = None

    def client(self) -> httpx.AsyncClient:
        """Return the httpx client to send through, on this event loop and in this process.

        Raises ConfigurationError when it is closed.
        """
        if self.closed or (self.given is not None and self.given.is_closed):
            raise ConfigurationError(CLOSED)
        if self.given is not None:
            return self.given
        home = (os.getpid(), anyio.lowlevel.current_token())
        if self._client is None or self._home != home:
            self._client, self._home = httpx.AsyncClient(timeout=None), home  # noqa: S113 - each request brings its own
        return self._client

    async def aclose(self) -> None:
        """Close the connections. A second call does nothing."""
        self.closed = True
        client, self._client = self._client, None
        if client is None:
            return
        if self.given is not None or self._home == (os.getpid(), anyio.lowlevel.current_token()):
            await client.aclose()
