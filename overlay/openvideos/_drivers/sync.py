"""Carry out what flows ask for by blocking.

The driver decides nothing. Whatever an effect raises is raised inside the flow, so that the flow can add what it knows.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

from .._errors import APIConnectionError, InvalidArgumentError, OpenVideosError
from .._flows.effects import CarriedError, Close, Do, Effect, Emit, Flow, Gather, Save, Send, Sleep, Tell
from .attempt import FOREIGN, attempt_failed, build, cut_off, log_attempt, redirected, way
from .body import Body, pieces
from .transport import SyncTransport

T = TypeVar("T")


class SyncDriver:
    """Run flows by blocking."""

    def __init__(self, transport: SyncTransport, sleep: Callable[[float], None] = time.sleep) -> None:
        """Keep where requests go; `sleep` is given by tests that own the clock."""
        self.transport = transport
        self.sleep = sleep

    def run(self, flow: Flow[T]) -> T:
        """Return a flow's result."""
        items = self.iterate(flow)
        try:
            while True:
                next(items)
        except StopIteration as stop:
            value: T = stop.value
            return value
        except CarriedError as error:
            callbacks_own = error.inner
        raise callbacks_own

    def iterate(self, flow: Flow[T]) -> Generator[Any, Any, T]:
        """Yield what a flow emits; the generator's return value is the flow's result."""
        try:
            effect = next(flow)
            while True:
                try:
                    if isinstance(effect, Emit):
                        outcome = yield effect.item
                    else:
                        outcome = self.perform(effect)
                except BaseException as error:  # noqa: BLE001 - the flow adds what it knows and raises it again
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            flow.close()

    def perform(self, effect: Effect) -> Any:  # noqa: PLR0911 - an outcome per effect
        """Carry one effect out and return its outcome."""
        match effect:
            case Send():
                return self._send(effect)
            case Sleep():
                self.sleep(effect.seconds)
                return None
            case Do():
                return effect.function()
            case Tell():
                _tell(effect.function, *effect.arguments)
                return None
            case Save():
                return self._save(effect)
            case Close():
                effect.response.close()
                return None
            case Gather():
                return self._gather(effect)
            case Emit():
                raise AssertionError("emitted outside an iteration")

    def _send(self, send: Send) -> httpx.Response | APIConnectionError:
        call, started = send.call, time.perf_counter()
        http = self.transport.client()
        request = build(http, send)
        outcome: httpx.Response | APIConnectionError
        try:
            if send.within is None:
                outcome = self._exchange(http, request, send, started)
            else:
                from .deadline import within  # only httpx's own transport needs it, and brings what it imports

                with within(send.within):
                    outcome = self._exchange(http, request, send, started)
        except FOREIGN as error:
            outcome = attempt_failed(call, request, error)
        log_attempt(call, outcome, started)
        return outcome

    def _exchange(
        self, http: httpx.Client, request: httpx.Request, send: Send, started: float
    ) -> httpx.Response | APIConnectionError:
        response = http.send(request, stream=True, follow_redirects=False)
        while (following := redirected(send.call, response)) is not None:
            # Unread: nobody needs the body of a redirect, and it may have no end.
            response.close()
            history = way(response)
            # What may go on of the credentials is in the request already.
            response = http.send(following, stream=True, follow_redirects=False, auth=httpx.Auth())
            response.history = history
        return response if send.stream and response.is_success else self._read(response, send, started)

    def _read(self, response: httpx.Response, send: Send, started: float) -> httpx.Response | APIConnectionError:
        body = Body(send.call, response)
        try:
            if send.within is None and body.is_small():
                response.read()
                return response
            for piece in pieces(response):
                body.add(piece)
                if send.within is not None and time.perf_counter() - started > send.within:
                    # A body that drips never trips the timeout of a single read.
                    raise httpx.ReadTimeout("the answer came too slowly", request=response.request)
            return body.whole()
        except FOREIGN as error:
            return body.broken(error)
        finally:
            response.close()

    def _save(self, save: Save) -> APIConnectionError | None:
        response = save.response
        body = pieces(response)
        try:
            while True:
                try:
                    piece = next(body, None)
                except FOREIGN as error:
                    return cut_off(error, response)
                if piece is None:
                    return None
                # What these raise is not the transport's, and stays as it is.
                save.write(piece)
                _tell(save.progress)
        finally:
            response.close()

    def _gather(self, gather: Gather) -> list[Any]:
        with ThreadPoolExecutor(max_workers=gather.limit, thread_name_prefix="openvideos") as pool:
            return list(pool.map(self._result, gather.flows))

    def _result(self, flow: Flow[Any]) -> Any:
        try:
            return self.run(flow)
        except OpenVideosError as error:
            return error


def _tell(callback: Callable[..., Any], *arguments: Any) -> None:
    """Call a caller's callback, and refuse what a blocking client cannot wait for."""
    try:
        result = callback(*arguments)
    except StopIteration as stop:
        raise CarriedError(stop) from stop
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise InvalidArgumentError(
            "The callback is async; give one to AsyncOpenVideos, and a plain function to OpenVideos."
        )
