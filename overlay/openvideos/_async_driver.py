"""Carry out what flows ask for by awaiting, on asyncio or trio: the twin of `_sync_driver`, with the same rules."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar, cast

import anyio
import anyio.to_thread
import httpx

from ._answers import connection_error
from ._attempts import FOREIGN_ASYNC, build, cut_off, follows, is_small, log_attempt, reread, too_large
from ._effects import Close, Do, Effect, Emit, Flow, Gather, Save, Send, Sleep, Tell
from ._errors import APIConnectionError, OpenVideosError
from ._part_file import PIECE
from ._transports import AsyncTransport

T = TypeVar("T")


class AsyncDriver:
    """Run flows by awaiting, on asyncio or trio."""

    def __init__(self, transport: AsyncTransport, sleep: Callable[[float], Awaitable[None]] = anyio.sleep) -> None:
        """Keep where requests go; `sleep` is given by tests that own the clock."""
        self.transport = transport
        self.sleep = sleep

    async def run(self, flow: Flow[T]) -> T:
        """Return a flow's result."""
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = await self.perform(effect)
                except BaseException as error:  # noqa: BLE001 - the flow adds what it knows and raises it again
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            flow.close()

    async def iterate(self, flow: Flow[Any]) -> AsyncIterator[Any]:
        """Yield what a flow emits."""
        try:
            effect = next(flow)
            while True:
                try:
                    if isinstance(effect, Emit):
                        yield effect.item
                        outcome = None
                    else:
                        outcome = await self.perform(effect)
                except GeneratorExit:
                    raise
                except BaseException as error:  # noqa: BLE001 - the flow adds what it knows and raises it again
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration:
            return
        finally:
            flow.close()

    async def perform(self, effect: Effect) -> Any:  # noqa: PLR0911 - an outcome per effect
        """Carry one effect out and return its outcome."""
        match effect:
            case Send():
                return await self._send(effect)
            case Sleep():
                return await self.sleep(effect.seconds)
            case Do():
                return await anyio.to_thread.run_sync(effect.function)
            case Tell():
                return await _awaited(effect.function(*effect.arguments))
            case Save():
                return await self._save(effect)
            case Close():
                return await effect.response.aclose()
            case Gather():
                return await self._gather(effect)
            case Emit():
                raise AssertionError("emitted outside an iteration")

    async def _send(self, send: Send) -> httpx.Response | APIConnectionError:
        call, started = send.call, time.perf_counter()
        http = self.transport.client()
        request = build(http, send)
        outcome: httpx.Response | APIConnectionError
        try:
            with anyio.fail_after(send.within):
                response = await http.send(request, stream=True, follow_redirects=follows(call))
                outcome = response if send.stream and response.is_success else await self._read(response, send)
        except TimeoutError as error:
            late = httpx.ReadTimeout("the answer came too slowly", request=request)
            outcome = connection_error(late, request, call.secrets)
            outcome.__cause__ = error
        except FOREIGN_ASYNC as error:
            outcome = connection_error(error, request, call.secrets)
            outcome.__cause__ = error
        log_attempt(call, outcome, started)
        return outcome

    async def _read(self, response: httpx.Response, send: Send) -> httpx.Response | APIConnectionError:
        call = send.call
        try:
            if is_small(response, call):
                await response.aread()
                return response
            pieces, size = list[bytes](), 0
            async for piece in response.aiter_bytes():
                size += len(piece)
                pieces.append(piece)
                if call.largest is not None and size > call.largest:
                    return too_large(call, response.request)
            return reread(response, b"".join(pieces))
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()

    async def _save(self, save: Save) -> APIConnectionError | None:
        response = save.response
        batch = bytearray()

        async def flush() -> None:
            # Few large writes in a thread: the loop never waits for the disk, and a thread's cost is spread.
            data = bytes(batch)
            batch.clear()
            await anyio.to_thread.run_sync(save.write, data)
            await _awaited(save.progress())

        try:
            pieces = response.aiter_bytes()
            broken: APIConnectionError | None = None
            while True:
                try:
                    piece = await anext(pieces, None)
                except FOREIGN_ASYNC as error:
                    broken = cut_off(error, response)
                    break
                if piece is None:
                    break
                batch += piece
                if len(batch) >= PIECE:
                    await flush()
            if batch:
                await flush()
            return broken
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()

    async def _gather(self, gather: Gather) -> list[Any]:
        results: list[Any] = [None] * len(gather.flows)
        limiter = anyio.CapacityLimiter(gather.limit)

        async def one(index: int, flow: Flow[Any]) -> None:
            async with limiter:
                try:
                    results[index] = await self.run(flow)
                except OpenVideosError as error:
                    results[index] = error

        async with anyio.create_task_group() as group:
            for index, flow in enumerate(gather.flows):
                group.start_soon(one, index, flow)
        return results


async def _awaited(result: Any) -> None:
    if inspect.isawaitable(result):
        await result
