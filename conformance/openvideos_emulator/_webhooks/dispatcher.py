"""Deliver events while the emulator runs, in a thread with its own event loop, so that no receiver delays the API.

`_model/webhook_events.py` decides which events are due, and how an attempt changes them. Receivers are not trusted: an
attempt has a time limit, a response's body is read up to a limit and discarded, and redirects are not followed.
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
from .._model.webhook_events import MAX_ATTEMPTS, Delivery, Outcome, attempted, seconds_to_wait, to_attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskGroup

    from .._model.webhook_events import Event
    from .._storage.event_outbox import Outbox
    from .endpoint import Endpoint

TIMEOUT: Final = 15.0
"""The time limit of an attempt, in seconds, until the headers of the response arrive."""

_SLOTS: Final = 32  # concurrent attempts
_DRAINED_BYTES: Final = 1 << 16
_DRAIN_SECONDS: Final = 1.0
_STORE_AGAIN_SECONDS: Final = 1.0
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
        """Deliver events that are due at `now`, the time that jobs see; signatures use the real time.

        `timeout` is in seconds.
        """
        self._outbox, self._endpoint = outbox, endpoint
        self._now, self._timeout = now, timeout
        self._busy: dict[str, anyio.CancelScope] = {}  # by their videos, the attempts that run
        self._wakeup = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closing = False
        self._thread = threading.Thread(target=self._main, name="webhooks", daemon=True)

    @property
    def shown_url(self) -> str:
        """Return where events are delivered, as far as it may be shown."""
        return self._endpoint.shown_url

    def start(self) -> None:
        """Start to deliver."""
        self._outbox.watch(self.wake, canceller=self.cancel)
        self._thread.start()

    def close(self) -> None:
        """Stop; a running attempt is cancelled, and repeated after the next start."""
        self._is_closing = True
        self.wake()
        self._thread.join(_CLOSE_SECONDS)

    def cancel(self) -> None:
        """Stop the attempts that run, of events that were cleared; when this returns, they send nothing any more."""
        if self._loop is None:
            return
        done = threading.Event()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._cancel, done)
            done.wait(_CLOSE_SECONDS)

    def _cancel(self, done: threading.Event) -> None:
        for scope in self._busy.values():
            scope.cancel()
        done.set()

    def wake(self) -> None:
        """Check at once whether an event is due; may be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wakeup.set)

    def _main(self) -> None:
        # The bare transport has no proxies, redirects, cookies or logs of URLs. To make one is slow (certificates).
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
        """Start the attempts that are due, and return how many seconds to wait."""
        now = self._now()
        try:
            due = self._outbox.due(now=now, limit=2 * _SLOTS)
            next_at = self._outbox.next_at(now=now)
        except sqlite3.Error as error:
            _LOG.error("the events cannot be read (%s); trying again", error)
            return seconds_to_wait(None, now=now)
        for event in to_attempt(due, busy=self._busy, slots=_SLOTS):
            scope = self._busy[event.video_id] = anyio.CancelScope()
            tasks.start_soon(self._attempt, transport, event, scope)
        return seconds_to_wait(next_at, now=now)

    async def _attempt(self, transport: httpx.AsyncHTTPTransport, event: Event, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                outcome = await self._outcome(transport, event)
                event = attempted(event, outcome, now=self._now())
                _log_failure(event)
                await self._record(event)
        finally:
            del self._busy[event.video_id]
            self._wakeup.set()

    async def _outcome(self, transport: httpx.AsyncHTTPTransport, event: Event) -> Outcome:
        try:
            return await self._send(transport, self._endpoint.request(event, at=time.time()))
        except TimeoutError:
            return Outcome(problem=f"no response within {self._timeout:g} seconds")
        except Exception as error:  # noqa: BLE001 - whatever exception a receiver causes, the attempt has failed
            return Outcome(problem=shown(f"{type(error).__name__}: {error}".removesuffix(": "), limit=200))

    async def _send(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> Outcome:
        with anyio.fail_after(self._timeout):
            response = await transport.handle_async_request(request)
        try:
            await _drain(response)
        finally:
            await response.aclose()
        return Outcome(status=response.status_code, retry_after=_seconds(response.headers.get("retry-after", "")))

    async def _record(self, event: Event) -> None:
        # An attempt that is not recorded would be repeated at once, again and again.
        is_logged = False
        while True:
            try:
                self._outbox.record(event)
            except sqlite3.Error as error:
                if not is_logged:
                    _LOG.error("the delivery of the event %s cannot be stored (%s); trying again", event.id, error)
                is_logged = True
                await anyio.sleep(_STORE_AGAIN_SECONDS)
            else:
                return


async def _drain(response: httpx.Response) -> None:
    """Read a short body to its end; otherwise a receiver that is still sending would see a reset connection."""
    left = _DRAINED_BYTES
    with contextlib.suppress(Exception), anyio.move_on_after(_DRAIN_SECONDS):  # only the status matters
        async for chunk in response.aiter_raw():
            left -= len(chunk)
            if left < 0:
                break


def _seconds(text: str) -> float:
    """Parse a Retry-After in seconds; return 0 for anything else."""
    return float(text[:9]) if text.isascii() and text.isdecimal() else 0.0


def _log_failure(event: Event) -> None:
    if event.delivery is Delivery.DELIVERED:
        return
    about = f"the event {event.id} ({event.type} of {shown(event.video_id)})"
    problem = event.problem or f"the status of the response was {event.status}"
    if event.delivery is Delivery.GIVEN_UP:
        _LOG.error("%s is given up after %d attempts: %s", about, event.attempts, problem)
        return
    level = logging.WARNING if event.attempts == 1 else logging.INFO  # one warning for each event is enough
    _LOG.log(level, "%s is not delivered: %s; attempt %d of %d", about, problem, event.attempts, MAX_ATTEMPTS)
