"""Run each test in three flavours: the blocking client, and the asynchronous one on asyncio and on trio."""

from __future__ import annotations

from ..faults.flavours import anyio_backend, flavour

__all__ = ["anyio_backend", "flavour"]
