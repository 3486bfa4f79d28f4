"""Run flows asynchronously, on asyncio or trio, by the same rules as `sync.py` runs them blocking."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar, cast

import anyio
import httpx

from .._errors import APIConnectionError, OpenVideosError
from .._flows.effects import Close, Do, Effect, Emit, Flow, Gather, Notify, Save, Send, Sleep
from .attempt import (
    authorized_async,
    broken_body_error,
    build,
    failed_attempt_error,
    failed_exchange,
    late,
    log_attempt,
    redirect_history,
    redirect_request,
    time_limit,
    watch_async,
)
from .background_writer import BackgroundWriter, await_if_needed
from .body import ResponseBody, pieces_async, with_content
from .threads import in_thread
from .transport import AsyncTransport

T = TypeVar("T")


def _deadline(limit: float | None) -> float:
    return math.inf if limit is None else anyio.current_time() + limit


class AsyncDriver:
    """Run flows asynchronously, on asyncio or trio."""

    def __init__(self, transport: AsyncTransport, sleep: Callable[[float], Awaitable[None]] = anyio.sleep) -> None:
        """Send requests over this transport; tests that control the clock replace `sleep`."""
        self.transport = transport
        self.sleep = sleep

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end, and return its result."""
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = await self.perform(effect)
                except BaseException as error:  # noqa: BLE001 - the flow adds the job and raises it again
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            flow.close()

    async def iterate(self, flow: Flow[Any]) -> AsyncGenerator[Any]:
        """Run a flow, and yield the items that it emits."""
        try:
            effect = next(flow)
            while True:
                try:
                    if isinstance(effect, Emit):
                        yield effect.item
                        outcome = None
                    else:
                        outcome = await self.perform(effect)
                except BaseException as error:  # noqa: BLE001 - the flow adds the job and raises it again
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration:
            return
        finally:
            flow.close()

    async def perform(self, effect: Effect) -> Any:  # noqa: PLR0911 - one return for each effect
        """Carry out one effect, and return its outcome."""
        match effect:
            case Send():
                return await self._send(effect)
            case Sleep():
                return await self.sleep(effect.seconds)
            case Do():
                return await in_thread(effect.function)
            case Notify():
                # A callback's StopIteration leaves this coroutine as a RuntimeError (PEP 479), which flows can raise.
                return await await_if_needed(effect.function(*effect.arguments))
            case Save():
                return await self._save(effect)
            case Close():
                return await self._close(effect)
            case Gather():
                return await self._gather(effect)
            case Emit():
                raise AssertionError("a flow emitted an item outside of iterate()")

    async def _send(self, send: Send) -> httpx.Response | APIConnectionError:
        send = await authorized_async(send)
        call, started = send.call, time.perf_counter()
        http = await self.transport.client()
        request = build(http, send)
        if call.is_post:
            watch_async(request)
        body: ResponseBody | None = None
        failure: Exception | None = None
        outcome: httpx.Response | APIConnectionError | None = None
        limit = time_limit(send)
        try:
            with call.closing(), anyio.CancelScope(deadline=_deadline(limit)):
                response = await self._exchange(http, request, send)
                body = ResponseBody(call, response)
                outcome = response if send.stream and response.is_success else await self._read(response, body)
        except Exception as error:  # noqa: BLE001 - raised again if it is not about the exchange
            failure = error
        # Outside of the block above, so that no exception has this one, which may hold a secret, as its context.
        if failure is not None:
            outcome = failed_exchange(call, request, failure, self.transport)
        elif body is None:
            outcome = failed_attempt_error(call, request, late(request))
        elif outcome is None:
            outcome = body.broken(late(request))
        log_attempt(call, outcome, started)
        return outcome

    async def _exchange(self, http: httpx.AsyncClient, request: httpx.Request, send: Send) -> httpx.Response:
        """Return the response to a request, after redirects; its body is not read."""
        response = await http.send(request, stream=True, follow_redirects=False)
        while (following := redirect_request(send.call, response)) is not None:
            # The body is not read: it is not needed, and may be endless.
            await response.aclose()
            history = redirect_history(response)
            # `redirect_request` has kept only the credentials that may be sent to the new address.
            response = await http.send(following, stream=True, follow_redirects=False, auth=httpx.Auth())
            response.history = history
        return response

    async def _read(self, response: httpx.Response, body: ResponseBody) -> httpx.Response | APIConnectionError:
        try:
            if body.is_small():
                body.keep()
                await response.aread()
                return response
            async with aclosing(pieces_async(response)) as pieces:
                async for piece in pieces:
                    body.add(piece)
            return body.whole()
        except Exception as error:  # noqa: BLE001 - only the transport's code runs here, and httpx's
            return body.broken(error)
        finally:
            if not response.is_closed:
                with anyio.CancelScope(shield=True):
                    await response.aclose()

    async def _save(self, save: Save) -> APIConnectionError | None:
        broken: APIConnectionError | None = None
        async with aclosing(pieces_async(save.response, in_memory=False)) as pieces, BackgroundWriter(save) as writing:
            while True:
                try:
                    piece = await anext(pieces, None)
                except Exception as error:  # noqa: BLE001 - only the transport's code runs here, and httpx's
                    broken = broken_body_error(error, save.response)
                    break
                if piece is None:
                    break
                await writing.add(piece)
            await writing.finish()
        return broken

    async def _close(self, close: Close) -> httpx.Response | APIConnectionError:
        beginning = b""
        async with aclosing(pieces_async(close.response, in_memory=False)) as body:
            try:
                while len(beginning) < close.most and (piece := await anext(body, None)) is not None:
                    beginning += piece
            except Exception as error:  # noqa: BLE001 - only the transport's code runs here, and httpx's
                return broken_body_error(error, close.response)
        await close.response.aclose()
        return with_content(close.response, beginning[: close.most])

    async def _gather(self, gather: Gather) -> list[Any]:
        """Run flows in tasks of their own; an exception that is not the SDK's ends all of them."""
        results: list[Any] = [None] * len(gather.flows)
        failures: list[BaseException] = []
        limiter = anyio.CapacityLimiter(gather.limit)

        async def one(index: int, flow: Flow[Any]) -> None:
            async with limiter:
                try:
                    results[index] = await self.run(flow)
                except OpenVideosError as error:
                    results[index] = error
                except anyio.get_cancelled_exc_class():
                    raise
                except BaseException as error:  # noqa: BLE001 - raised below, for a group would wrap it
                    failures.append(error)
                    group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for index, flow in enumerate(gather.flows):
                group.start_soon(one, index, flow)
        if failures:
            raise failures[0]
        return results
