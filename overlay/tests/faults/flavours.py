"""Fixtures that run a test in several flavours: blocking and async, on asyncio and trio, over other HTTP clients."""

from __future__ import annotations

import pytest

BACKENDS = {"sync": "asyncio", "asyncio": "asyncio", "trio": "trio"}
"""The flavours of the SDK with httpx, and the event loop that the test itself runs on."""

OVER_OTHERS = {"httpx2": "asyncio", "httpx2 async": "asyncio", "aiohttp": "asyncio"}
"""The flavours with another HTTP client, given as `http_client`."""


@pytest.fixture(params=list(BACKENDS))
def flavour(request: pytest.FixtureRequest) -> str:
    """Say which client is tested, and on which event loop."""
    return str(request.param)


@pytest.fixture
def anyio_backend(flavour: str) -> str:
    """Say which event loop the test itself runs on."""
    return (BACKENDS | OVER_OTHERS)[flavour]


def is_blocking(flavour: str) -> bool:
    """Return whether the client of a flavour is OpenVideos, and not AsyncOpenVideos."""
    return flavour in {"sync", "httpx2"}
