"""Serve a wrapped emulator on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, Final

from openvideos_emulator._imitations.servers import IMITATIONS

from . import (
    _access,
    _broad,
    _content,
    _creating,
    _deleting,
    _deriving,
    _discovering,
    _errors,
    _hooks,
    _listing,
    _ranges,
    _reading,
)
from ._odd import ODD
from ._registry import KEY, MUTANTS, OTHER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from openvideos_emulator._imitations.wrapping import App, Receive, Scope, Send

MODULES: Final = (
    _access,
    _broad,
    _content,
    _creating,
    _deleting,
    _deriving,
    _discovering,
    _errors,
    _hooks,
    _listing,
    _ranges,
    _reading,
)
"""The modules of the mutants; importing them registers the mutants."""

# Ports below the range of ephemeral ports, so that the system does not give one to another process before its use.
# Processes that are started one after the other, as the workers of pytest-xdist, begin far from one another.
_PORTS: Final = iter(range(20_000 + os.getpid() * 97 % 8_000, 32_000))

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


def _by_key(apps: Mapping[str, App], default: App) -> App:
    """Return an app in which the caller with each of these keys has an emulator of his own."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        authorization = dict(scope.get("headers", ())).get(b"authorization", b"").decode("latin-1")
        await apps.get(authorization.removeprefix("Bearer "), default)(scope, receive, send)

    return respond


def serve(
    name: str, port: int, hook_port: int, *, pace: str | None = None, ready: Callable[[], object] | None = None
) -> None:
    """Serve a mutant, an odd server, an imitation, or the emulator itself, until the process ends."""
    import uvicorn

    from openvideos_emulator import create_app
    from openvideos_emulator._http.uvicorn_protocol import UvicornProtocol

    hook_url = f"http://127.0.0.1:{hook_port}/"
    relay = _hooks.Relay(hook_url, SECRET, _hooks.RELAYS.get(name))
    chosen = pace or (ODD[name].pace if name in ODD else "polls:3")
    imitated = name in IMITATIONS  # none of those servers sends webhooks
    emulator = create_app(
        api_key=KEY,
        pace=chosen,
        webhook_url=None if imitated else relay.url,
        webhook_secret=None if imitated else SECRET,
        imitate=name if imitated else None,
    )
    app: Any = _by_key({OTHER_KEY: create_app(api_key=OTHER_KEY, pace=chosen)}, emulator)
    if name in MUTANTS:
        app = MUTANTS[name].wrap(app, {"hook": (hook_url, SECRET)})
    elif name in ODD:
        app = ODD[name].wrap(app)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if ready is not None:
                ready()

    http: Any = UvicornProtocol if imitated else "auto"  # by which an imitation closes a connection without a word
    Server(uvicorn.Config(app, host="127.0.0.1", port=port, http=http, log_level="critical", access_log=False)).run()
