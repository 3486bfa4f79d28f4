"""Emulate a Videos API server, so that applications are written and tested with no GPU and no bill.

It keeps the contract of `openapi.yaml` and renders real, small clips. The public surface is `create_app`, for an ASGI
server or an in-memory transport, and `main`, the command `openvideos-emulator`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._factory import create_app

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["create_app", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `openvideos-emulator`; return its exit code."""
    from .__main__ import main as run

    return run(argv)
