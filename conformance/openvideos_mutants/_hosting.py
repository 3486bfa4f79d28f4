"""Serve a wrapped emulator on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, Final

from . import _access, _content, _creating, _deleting, _deriving, _discovering, _errors, _hooks, _listing, _reading
from ._odd import ODD
from ._registry import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES: Final = (_access, _content, _creating, _deleting, _deriving, _discovering, _errors, _hooks, _listing, _reading)
"""The modules of the mutants; importing them registers the mutants."""

# Ports below the range of ephemeral ports, so that the system does not give one to another process before its use.
# Processes that are started one after the other, as the workers of pytest-xdist, begin far from one another.
_PORTS: Final = iter(range(20_000 + os.getpid() * 97 % 8_000, 32_000))

KEY: Final = "sk-openvideos-mutants-4f1d"
SECRET: Final = "whsec_" + "bXV0YW50cy1vZi1vcGVudmlkZW9zLWFyZS13cm9uZw=="
FAILING: Final = "[fail:content_policy_violation] A prompt that fails"


EMULATOR: Final = "emulator"
"""The name of the unchanged emulator."""


def free_port() -> int:
    """Return a free port of loopback that this function has not returned before."""
    while True:
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", next(_PORTS)))
            port: int = listener.getsockname()[1]
            return port


def serve(
    name: str, port: int, hook_port: int, *, pace: str | None = None, ready: Callable[[], object] | None = None
) -> None:
    """Serve a mutant, an odd server, or the emulator itself, until the process ends."""
    import uvicorn

    from openvideos_emulator import create_app

    hook_url = f"http://127.0.0.1:{hook_port}/"
    relay = _hooks.Relay(hook_url, SECRET, _hooks.RELAYS.get(name))
    chosen = pace or (ODD[name].pace if name in ODD else "polls:3")
    emulator = create_app(api_key=KEY, pace=chosen, webhook_url=relay.url, webhook_secret=SECRET)
    app: Any = emulator
    if name in MUTANTS:
        app = MUTANTS[name].wrap(emulator, {"hook": (hook_url, SECRET)})
    elif name in ODD:
        app = ODD[name].wrap(emulator)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if ready is not None:
                ready()

    Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", access_log=False)).run()
