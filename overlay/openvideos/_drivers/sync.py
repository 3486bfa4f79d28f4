"""Run flows blocking.

The driver decides nothing. Every exception of an effect is raised inside the flow, so that the flow can add the job.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

from .._errors import APIConnectionError, InvalidArgumentError, OpenVideosError
from .._flows.effects import CarriedError, Close, Do, Effect, Emit, Flow, Gather, Notify, Save, Send, Sleep
from .attempt import (
    TRANSPORT_ERRORS,
    broken_body_error,
    build,
    failed_attempt_error,
    log_attempt,
    redirect_history,
    redirect_request,
)
from .body import ResponseBody, pieces, with_content
from .transport import SyncTransport

T = TypeVar("T")


class SyncDriver:
    """Run flows blocking."""

    def __init__(self, transport: SyncTransport, sleep: Callable[[float], None] = time.sleep) -> None:
        """Send requests over this transport; tests that control the clock replace `sleep`."""
        self.transport = transport
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
        except CarriedError as error:
            own = error.inner
        raise own

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
        match effect:
            case Send():
                return self._send(effect)
            case Sleep():
                self.sleep(effect.seconds)
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
        call, started = send.call, time.perf_counter()
        http = self.transport.client()
        request = build(http, send)
        outcome: httpx.Response | APIConnectionError
        try:
            if send.within is None:
                outcome = self._exchange(http, request, send, started)
            else:
                from .deadline import within  # imported late, because it imports httpcore

                with within(send.within):
                    outcome = self._exchange(http, request, send, started)
        except TRANSPORT_ERRORS as error:
            outcome = failed_attempt_error(call, request, error)
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
        body = ResponseBody(send.call, response)
        try:
            if send.within is None and body.is_small():
                response.read()
                return response
            for piece in pieces(response):
                body.add(piece)
                if send.within is not None and time.perf_counter() - started > send.within:
                    # A body that arrives byte by byte never exceeds the timeout of a single read.
                    raise httpx.ReadTimeout("the response took too long", request=response.request)
            return body.whole()
        except TRANSPORT_ERRORS as error:
            return body.broken(error)
        finally:
            response.close()

    def _save(self, save: Save) -> APIConnectionError | None:
        response = save.response
        body = pieces(response, bounded=True)
        try:
            while True:
                try:
                    piece = next(body, None)
                except TRANSPORT_ERRORS as error:
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
        body = pieces(close.response, bounded=True)
        try:
            while len(beginning) < close.most and (piece := next(body, None)) is not None:
                beginning += piece
        except TRANSPORT_ERRORS as error:
            return broken_body_error(error, close.response)
        finally:
            close.response.close()
        return with_content(close.response, beginning[: close.most])

    def _gather(self, gather: Gather) -> list[Any]:
        with ThreadPoolExecutor(max_workers=gather.limit, thread_name_prefix="openvideos") as pool:
            return list(pool.map(self._result, gather.flows))

    def _result(self, flow: Flow[Any]) -> Any:
        try:
            return self.run(flow)
        except OpenVideosError as error:
            return error


def _call_back(callback: Callable[..., Any], *arguments: Any) -> None:
    """Call a caller's callback.

    Raises:
        CarriedError: The callback raised StopIteration.
        InvalidArgumentError: The callback is async, which a blocking client cannot await.
    """
    try:
        result = callback(*arguments)
    except StopIteration as stop:
        raise CarriedError(stop) from stop
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise InvalidArgumentError(
            "The callback is async; pass a plain function to OpenVideos, or use AsyncOpenVideos."
        )
