"""Deliver events while the emulator runs: a thread with an event loop of its own, so that no receiver holds up the API.

What is due, and what an attempt comes to, is decided in `_events`. The receiver is as hostile as any: an attempt has a
deadline, an answer's body is read up to a limit and thrown away, and redirects are not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from .._model.refusals import shown
from .._model.webhook_events import MAX_ATTEMPTS, Delivery, Outcome, attempted, chosen, rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskGroup

    from .._model.webhook_events import Event
    from .._storage.event_outbox import Outbox
    from .endpoint import Endpoint

TIMEOUT: Final = 15.0
"""How long an attempt may take until the headers of its answer are there, in seconds."""

_SLOTS: Final = 32  # attempts at once
_DRAINED_BYTES: Final = 1 << 16
_DRAIN_SECONDS: Final = 1.0
_STORE_AGAIN: Final = 1.0
_CLOSE_SECONDS: Final = 5.0
_LOG = logging.getLogger("openvideos_emulator")


class Dispatcher:
    """Deliver the events of one outbox to one endpoint, from `start` to `close`."""

    def __init__(
        self,
        outbox: Outbox,
        endpoint: Endpoint,
        *,
        now: Callable[[], float],
        timeout: float = TIMEOUT,
    ) -> None:
        """Let `now` decide what is due, in the time that jobs see; what is signed is the real one."""
        self._outbox, self._endpoint = outbox, endpoint
        self._now, self._timeout = now, timeout
        self._busy: set[str] = set()  # the videos of which an attempt is running
        self._wakeup = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closing = False
        self._thread = threading.Thread(target=self._main, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._outbox.watch(self.wake)
        self._thread.start()

    def close(self) -> None:
        """Stop; an attempt that is under way is broken off, and made again after the next start."""
        self._is_closing = True
        self.wake()
        self._thread.join(_CLOSE_SECONDS)

    def wake(self) -> None:
        """Look at once whether anything is due; from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wakeup.set)

    def _main(self) -> None:
        # The bare transport: no proxies, no redirects, no cookies, and no log of URLs. It reads certificates first.
        transport = httpx.AsyncHTTPTransport()
        asyncio.run(self._run(transport))

    async def _run(self, transport: httpx.AsyncHTTPTransport) -> None:
        self._loop = asyncio.get_running_loop()
        async with transport, anyio.create_task_group() as tasks:
            while True:
                self._wakeup.clear()
                if self._is_closing:
                    break
                pause = self._start_due(transport, tasks)
                with anyio.move_on_after(pause):
                    await self._wakeup.wait()
            tasks.cancel_scope.cancel()

    def _start_due(self, transport: httpx.AsyncHTTPTransport, tasks: TaskGroup) -> float:
        """Start the attempts that are due, and tell how long to rest."""
        now = self._now()
        try:
            due = self._outbox.due(now=now, limit=2 * _SLOTS)
            next_at = self._outbox.next_at(now=now)
        except sqlite3.Error as error:
            _LOG.error("the events cannot be read (%s); trying again", error)
            return rest(None, now=now)
        for event in chosen(due, busy=self._busy, slots=_SLOTS):
            self._busy.add(event.video_id)
            tasks.start_soon(self._attempt, transport, event)
        return rest(next_at, now=now)

    async def _attempt(self, transport: httpx.AsyncHTTPTransport, event: Event) -> None:
        try:
            outcome = await self._outcome(transport, event)
            event = attempted(event, outcome, now=self._now())
            _tell(event)
            await self._record(event)
        finally:
            self._busy.discard(event.video_id)
            self._wakeup.set()

    async def _outcome(self, transport: httpx.AsyncHTTPTransport, event: Event) -> Outcome:
        try:
            return await self._send(transport, self._endpoint.request(event, at=time.time()))
        except TimeoutError:
            return Outcome(problem=f"no answer within {self._timeout:g} seconds")
        except Exception as error:  # noqa: BLE001 - whatever a receiver makes the libraries raise, it is no success
            return Outcome(problem=shown(f"{type(error).__name__}: {error}".removesuffix(": "), limit=200))

    async def _send(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> Outcome:
        with anyio.fail_after(self._timeout):
            answer = await transport.handle_async_request(request)
        try:
            await _drain(answer)
        finally:
            await answer.aclose()
        return Outcome(status=answer.status_code, retry_after=_seconds(answer.headers.get("retry-after", "")))

    async def _record(self, event: Event) -> None:
        # An attempt that is not recorded would be repeated at once, and without end.
        is_told = False
        while True:
            try:
                self._outbox.record(event)
            except sqlite3.Error as error:
                if not is_told:
                    _LOG.error("the delivery of the event %s cannot be stored (%s); trying on", event.id, error)
                is_told = True
                await anyio.sleep(_STORE_AGAIN)
            else:
                return


async def _drain(answer: httpx.Response) -> None:
    """Read a short body to its end, since a receiver that is still sending would see a reset connection."""
    left = _DRAINED_BYTES
    with contextlib.suppress(Exception), anyio.move_on_after(_DRAIN_SECONDS):  # the status has said all
        async for chunk in answer.aiter_raw():
            left -= len(chunk)
            if left < 0:
                break


def _seconds(text: str) -> float:
    """Read a Retry-After in seconds; anything else asks for nothing."""
    return float(text[:9]) if text.isascii() and text.isdecimal() else 0.0


def _tell(event: Event) -> None:
    if event.delivery is Delivery.DELIVERED:
        return
    about = f"the event {event.id} ({event.type} of {shown(event.video_id)})"
    problem = event.problem or f"it was answered with {event.status}"
    if event.delivery is Delivery.GIVEN_UP:
        _LOG.error("%s is given up after %d attempts: %s", about, event.attempts, problem)
        return
    level = logging.WARNING if event.attempts == 1 else logging.INFO  # once is enough to look for the reason
    _LOG.log(level, "%s is not delivered: %s; attempt %d of %d", about, problem, event.attempts, MAX_ATTEMPTS)
