"""Give each test, in each flavour, a server with a script and a client of it."""

from __future__ import annotations

import pytest

from . import clients
from .flavours import BACKENDS, OVER_OTHERS, anyio_backend

__all__ = ["against", "anyio_backend", "flavour"]


@pytest.fixture(params=[*BACKENDS, *OVER_OTHERS])
def flavour(request: pytest.FixtureRequest) -> str:
    """Say which client is tested, and over which HTTP client."""
    return str(request.param)


@pytest.fixture
def against(flavour: str) -> clients.Against:
    """Give a server with a script, and a client of it."""
    return clients.against(flavour)
