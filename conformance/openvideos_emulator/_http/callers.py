"""Give each API key an emulator of its own, so that tests which share a process do not see each other's jobs.

An emulator is made, and closed, in threads of their own: meanwhile, the requests of all other keys are served.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._model.keys import key_of
from .._model.refusals import Reason, RefusalError, StartError
from .app import refuse, run_lifespan
from .media_urls import FILES_PREFIX
from .responder import Responder

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from starlette.types import Receive, Scope, Send

    from .app import EmulatorApp

_MOST: Final = 256
"""How many emulators are kept. When there are more, the one that was not used for longest is forgotten."""


@dataclass(slots=True, eq=False)
class _Caller:
    """The emulator of a key, once it is made, and how many of its requests are under way."""

    app: Future[EmulatorApp]
    under_way: int = 0

    @property
    def made(self) -> EmulatorApp | None:
        return _made(self.app)


class Callers:
    """An ASGI app that passes each request to the emulator of its API key; without a key, to one that refuses it."""

    def __init__(self, app_of: Callable[[str], EmulatorApp]) -> None:
        """Make the emulator of a key by `app_of` when the key is first sent."""
        self._app_of = app_of
        self._refusing = app_of(f"sk-{secrets.token_hex(32)}")  # a key that nobody knows
        self._callers: OrderedDict[str, _Caller] = OrderedDict()
        self._lock = threading.Lock()  # held for moments only: the event loop waits for it
        self._maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="make-emulator")
        self._closer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="close-emulator")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] == "lifespan":
            await run_lifespan(receive, send, self.close)
            return
        key = self._key_of(scope)
        if key is None:
            await self._refusing(scope, receive, send)
            return
        caller = self._begin(key)
        try:
            app = await asyncio.shield(asyncio.wrap_future(caller.app))  # others may wait for it, too
            await app(scope, receive, send)
        except StartError as error:
            message = f"An emulator for this key cannot start: {error}."
            refusal = RefusalError(Reason.NO_SPACE, message, code="storage_full")
            await Responder(scope, receive, send).run(functools.partial(refuse, refusal), 0)
        finally:
            self._end(key, caller)

    def serve_at(self, _url: str) -> None:
        """Tell nobody: there is no database that another could want."""

    def close(self) -> None:
        """Close all emulators."""
        self._maker.shutdown(wait=True, cancel_futures=True)
        self._closer.shutdown(wait=True)
        for app in filter(None, (self._refusing, *(caller.made for caller in self._callers.values()))):
            app.close()
        self._callers.clear()

    def _begin(self, key: str) -> _Caller:
        with self._lock:
            caller = self._callers.get(key)
            if caller is None:
                caller = self._callers[key] = _Caller(self._maker.submit(self._app_of, key))
                self._forget_the_idle()
            self._callers.move_to_end(key)
            caller.under_way += 1
        return caller

    def _end(self, key: str, caller: _Caller) -> None:
        with self._lock:
            caller.under_way -= 1
            if caller.app.done() and caller.made is None and self._callers.get(key) is caller:
                del self._callers[key]  # the next request tries again

    def _forget_the_idle(self) -> None:
        for key in [each for each, caller in self._callers.items() if not caller.under_way][:-1]:
            if len(self._callers) <= _MOST:
                return
            self._callers.pop(key).app.add_done_callback(self._close_made)

    def _close_made(self, future: Future[EmulatorApp]) -> None:
        app = _made(future)
        if app is not None:
            self._closer.submit(app.close)

    def _key_of(self, scope: Scope) -> str | None:
        path = scope["path"]
        if path.startswith(f"{FILES_PREFIX}/"):  # such a URL has a signature, and who fetches it may have another key
            with self._lock:
                made = [(known, caller.made) for known, caller in self._callers.items()]
            for known, app in made:
                with contextlib.suppress(RefusalError):
                    if app is not None and app.urls.video_id(path, scope["query_string"]):
                        return known
        return key_of(scope["headers"]) or None


def _made(future: Future[EmulatorApp]) -> EmulatorApp | None:
    is_made = future.done() and not future.cancelled() and future.exception() is None
    return future.result() if is_made else None
