"""Give each test, in three flavours, a server with a script and a client of it."""

from __future__ import annotations

import pytest

from . import clients
from .flavours import anyio_backend, flavour

__all__ = ["against", "anyio_backend", "flavour"]


@pytest.fixture
def against(flavour: str) -> clients.Against:
    """Give a server with a script, and a client of it."""
    return clients.against(flavour)
