"""Fixtures that run a test in three flavours: the blocking client, and the asynchronous one on asyncio and on trio."""

from __future__ import annotations

import pytest

BACKENDS = {"sync": "asyncio", "asyncio": "asyncio", "trio": "trio"}


@pytest.fixture(params=list(BACKENDS))
def flavour(request: pytest.FixtureRequest) -> str:
    """Say which client is tested, and on which event loop."""
    return str(request.param)


@pytest.fixture
def anyio_backend(flavour: str) -> str:
    """Say which event loop the test itself runs on."""
    return BACKENDS[flavour]
