"""Run flows blocking.

The driver decides nothing. Every exception of an effect is raised inside the flow, so that the flow can add the job.
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, TypeVar, cast

import httpx

from .._errors import APIConnectionError, InvalidArgumentError, OpenVideosError
from .._flows.effects import Close, Do, Effect, Emit, Flow, Gather, Notify, Save, Send, Sleep
from .attempt import (
    authorized,
    broken_body_error,
    build,
    check_time,
    failed_exchange,
    log_attempt,
    redirect_history,
    redirect_request,
    time_limit,
    watch,
)
from .body import ResponseBody, pieces, with_content
from .transport import SyncTransport

T = TypeVar("T")


class SyncDriver:
    """Run flows blocking."""

    def __init__(self, transport: SyncTransport, sleep: Callable[[float], object] | None = None) -> None:
        """Send requests over this transport; tests that control the clock replace `sleep`."""
        self.transport = transport
        self.stopped = threading.Event()
        """Set to end the flows of this driver, each at its next effect."""
        self.sleep = sleep

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end, and return its result."""
        items = self.iterate(flow)
        try:
            while True:
                next(items)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def iterate(self, flow: Flow[T]) -> Generator[Any, Any, T]:
        """Run a flow, and yield the items that it emits; the generator's return value is the flow's result."""
        try:
            effect = next(flow)
            while True:
                try:
                    if isinstance(effect, Emit):
                        outcome = yield effect.item
                    else:
                        outcome = self.perform(effect)
                except BaseException as error:  # noqa: BLE001 - the flow adds the job and raises it again
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            flow.close()

    def perform(self, effect: Effect) -> Any:  # noqa: PLR0911 - one return for each effect
        """Carry out one effect, and return its outcome."""
        if self.stopped.is_set():
            raise _StoppedError
        match effect:
            case Send():
                return self._send(effect)
            case Sleep():
                (self.sleep or self.stopped.wait)(effect.seconds)
                return None
            case Do():
                return effect.function()
            case Notify():
                _call_back(effect.function, *effect.arguments)
                return None
            case Save():
                return self._save(effect)
            case Close():
                return self._close(effect)
            case Gather():
                return self._gather(effect)
            case Emit():
                raise AssertionError("a flow emitted an item outside of iterate()")

    def _send(self, send: Send) -> httpx.Response | APIConnectionError:
        send = authorized(send)
        call, started, limit = send.call, time.perf_counter(), time_limit(send)
        http = self.transport.client()
        request = build(http, send)
        if call.is_post:
            watch(request)
        outcome: httpx.Response | APIConnectionError | None = None
        failure: Exception | None = None
        try:
            with call.closing():
                if limit is None:
                    outcome = self._exchange(http, request, send, started)
                else:
                    from .network import within  # imported late, because it imports httpcore

                    with within(limit):
                        outcome = self._exchange(http, request, send, started)
        except Exception as error:  # noqa: BLE001 - raised again if it is not about the exchange
            failure = error
        # Outside of the block above, so that no exception has this one, which may hold a secret, as its context.
        if outcome is None:
            outcome = failed_exchange(call, request, cast("Exception", failure), self.transport)
        log_attempt(call, outcome, started)
        return outcome

    def _exchange(
        self, http: httpx.Client, request: httpx.Request, send: Send, started: float
    ) -> httpx.Response | APIConnectionError:
        response = http.send(request, stream=True, follow_redirects=False)
        while (following := redirect_request(send.call, response)) is not None:
            # The body is not read: it is not needed, and may be endless.
            response.close()
            history = redirect_history(response)
            # `redirect_request` has kept only the credentials that may be sent to the new address.
            response = http.send(following, stream=True, follow_redirects=False, auth=httpx.Auth())
            response.history = history
        return response if send.stream and response.is_success else self._read(response, send, started)

    def _read(self, response: httpx.Response, send: Send, started: float) -> httpx.Response | APIConnectionError:
        body, limit = ResponseBody(send.call, response), time_limit(send)
        try:
            if limit is None and body.is_small():
                body.keep()
                response.read()
                return response
            for piece in pieces(response):
                body.add(piece)
                # A body that arrives byte by byte never exceeds the timeout of a single read.
                check_time(limit, started, response.request)
            return body.whole()
        except Exception as error:  # noqa: BLE001 - only the transport's code runs here, and httpx's
            return body.broken(error)
        finally:
            response.close()

    def _save(self, save: Save) -> APIConnectionError | None:
        response = save.response
        body = pieces(response, in_memory=False)
        try:
            while True:
                try:
                    piece = next(body, None)
                except Exception as error:  # noqa: BLE001 - only the transport's code runs here, and httpx's
                    return broken_body_error(error, response)
                if piece is None:
                    return None
                # Exceptions of these are not the transport's, and are raised unchanged.
                save.write(piece)
                _call_back(save.progress)
        finally:
            response.close()

    def _close(self, close: Close) -> httpx.Response | APIConnectionError:
        beginning = b""
        body = pieces(close.response, in_memory=False)
        try:
            while len(beginning) < close.most and (piece := next(body, None)) is not None:
                beginning += piece
        except Exception as error:  # noqa: BLE001 - only the transport's code runs here, and httpx's
            return broken_body_error(error, close.response)
        finally:
            close.response.close()
        return with_content(close.response, beginning[: close.most])

    def _gather(self, gather: Gather) -> list[Any]:
        """Run flows in threads of their own; an exception that is not the SDK's ends all of them."""
        results: list[Any] = [None] * len(gather.flows)
        waiting = deque(enumerate(gather.flows))
        failures: list[BaseException] = []
        driver = SyncDriver(self.transport, self.sleep)

        def work() -> None:
            while not driver.stopped.is_set():
                try:
                    index, flow = waiting.popleft()
                except IndexError:
                    return
                try:
                    results[index] = driver.run(flow)
                except OpenVideosError as error:
                    results[index] = error
                except BaseException as error:  # noqa: BLE001 - raised by the caller's thread
                    failures.append(error)
                    driver.stopped.set()

        # After Ctrl-C, a thread ends at its next effect. A request may take minutes, so nothing waits for the threads.
        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True, name="openvideos")
            for _ in range(min(gather.limit, len(gather.flows)))
        ]
        try:
            for thread in _begun(threads):
                thread.join()
        finally:
            driver.stopped.set()
            while waiting:
                with contextlib.suppress(IndexError):  # a thread was quicker
                    waiting.popleft()[1].close()
        if failures:
            raise failures[0]
        return results


def _begun(threads: list[threading.Thread]) -> list[threading.Thread]:
    """Start threads, or as many of them as the system has, and return those that run."""
    for number, thread in enumerate(threads):
        try:
            thread.start()
        except RuntimeError:
            if number == 0:
                raise
            return threads[:number]
    return threads


class _StoppedError(Exception):
    """Ends a flow of a Gather that was given up."""


def _call_back(callback: Callable[..., Any], *arguments: Any) -> None:
    """Call a caller's callback.

    Raises:
        RuntimeError: The callback raised StopIteration, which would end the flow, a generator, without an error.
        InvalidArgumentError: The callback is async, which a blocking client cannot await.
    """
    try:
        result = callback(*arguments)
    except StopIteration as stop:
        raise RuntimeError("the callback raised StopIteration") from stop
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise InvalidArgumentError(
            "The callback is async; pass a plain function to OpenVideos, or use AsyncOpenVideos."
        )
