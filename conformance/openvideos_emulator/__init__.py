"""Emulate a Videos API server, so that applications can be written and tested without a GPU and without cost.

The emulator follows the contract `openapi.yaml` and renders real, small clips. The public names are `create_app`, which
builds an ASGI app for a server or an in-memory transport, and `main`, the command `openvideos-emulator`.
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
