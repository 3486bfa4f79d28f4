"""Carry out what flows ask for: the blocking driver and its async twin. All I/O of the SDK is here.

The drivers decide nothing. Whatever an effect raises is raised inside the flow, so that the flow can add what it knows.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar, cast

import anyio
import anyio.to_thread
import httpx

from ._answers import connection_error
from ._calls import Call
from ._effects import Close, Do, Effect, Emit, Flow, Gather, Save, Send, Sleep, Tell
from ._errors import APIConnectionError, InvalidArgumentError, OpenVideosError
from ._part_file import PIECE
from ._transports import AsyncTransport, SyncTransport

T = TypeVar("T")

logger = logging.getLogger("openvideos")

# What httpx raises of its own, and what it lets through: OSError from custom transports, ValueError from odd headers and URLs.
FOREIGN: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict, OSError, ValueError)

FOREIGN_ASYNC: Final = (*FOREIGN, anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)


def clamped(timeout: float | httpx.Timeout | None, within: float | None) -> httpx.Timeout:
    """Return a timeout none of whose phases is longer than `within` seconds."""
    base = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
    if within is None:
        return base
    phases = {name: within if value is None else min(value, within) for name, value in base.as_dict().items()}
    return httpx.Timeout(**phases)


def build(http: httpx.Client | httpx.AsyncClient, send: Send) -> httpx.Request:
    """Return the request of one attempt."""
    call = send.call
    try:
        return http.build_request(
            call.method,
            call.url,
            headers=call.headers,
            params=call.query,
            json=call.json,
            files=call.files,
            timeout=clamped(call.timeout, send.within),
        )
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InvalidArgumentError(f"The address of {call.operation} cannot be written: {error}.") from error


def _follows(call: Call[Any]) -> bool:
    """Tell whether redirects are followed: never with a POST, which would be repeated or turned into a GET."""
    return not call.is_post


def _too_large(call: Call[Any], request: httpx.Request) -> APIConnectionError:
    return connection_error(
        httpx.DecodingError(f"the body is larger than {call.largest} bytes", request=request), request, call.secrets
    )


def _is_small(response: httpx.Response, call: Call[Any]) -> bool:
    """Tell whether a body may be read at once, because its length is known and within the limit."""
    if call.largest is None:
        return True
    length = response.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= call.largest and "content-encoding" not in response.headers


def _reread(response: httpx.Response, content: bytes) -> httpx.Response:
    """Return a response like the one given, with a body that was read in pieces."""
    hidden = {"content-encoding", "transfer-encoding", "content-length"}
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in hidden]
    return httpx.Response(
        response.status_code,
        headers=headers,
        content=content,
        request=response.request,
        extensions=response.extensions,
        history=response.history,
    )


def _log(call: Call[Any], outcome: httpx.Response | APIConnectionError, started: float) -> None:
    if not logger.isEnabledFor(logging.DEBUG):
        return
    what = (
        f"{outcome.status_code} (request id {outcome.headers.get('x-request-id')})"
        if isinstance(outcome, httpx.Response)
        else type(outcome).__name__
    )
    about = f" {call.video_id}" if call.video_id else ""
    logger.debug("%s%s: %s after %.0f ms", call.operation, about, what, (time.perf_counter() - started) * 1000)


class SyncDriver:
    """Run flows by blocking."""

    def __init__(self, transport: SyncTransport, sleep: Callable[[float], None] = time.sleep) -> None:
        """Keep where requests go; `sleep` is given by tests that own the clock."""
        self.transport = transport
        self.sleep = sleep

    def run(self, flow: Flow[T]) -> T:
        """Return a flow's result."""
        items = self.iterate(flow)
        while True:
            try:
                next(items)
            except StopIteration as stop:
                return cast("T", stop.value)

    def iterate(self, flow: Flow[T]) -> Iterator[Any]:
        """Yield what a flow emits; the generator's return value is the flow's result."""
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = (yield effect.item) if isinstance(effect, Emit) else self.perform(effect)
                except GeneratorExit:
                    raise
                except BaseException as error:  # noqa: BLE001 - the flow adds what it knows and raises it again
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as stop:
            return stop.value
        finally:
            flow.close()

    def perform(self, effect: Effect) -> Any:
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
                _told(effect.function(*effect.arguments))
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
            response = http.send(request, stream=True, follow_redirects=_follows(call))
            outcome = response if send.stream and response.is_success else self._read(response, send, started)
        except FOREIGN as error:
            outcome = connection_error(error, request, call.secrets)
            outcome.__cause__ = error
        _log(call, outcome, started)
        return outcome

    def _read(self, response: httpx.Response, send: Send, started: float) -> httpx.Response | APIConnectionError:
        call = send.call
        try:
            if send.within is None and _is_small(response, call):
                response.read()
                return response
            pieces, size = list[bytes](), 0
            for piece in response.iter_bytes():
                size += len(piece)
                pieces.append(piece)
                if call.largest is not None and size > call.largest:
                    return _too_large(call, response.request)
                if send.within is not None and time.perf_counter() - started > send.within:
                    # A body that drips never trips the timeout of a single read.
                    raise httpx.ReadTimeout("the answer came too slowly", request=response.request)
            return _reread(response, b"".join(pieces))
        finally:
            response.close()

    def _save(self, save: Save) -> APIConnectionError | None:
        response = save.response
        try:
            for piece in response.iter_bytes():
                try:
                    save.write(piece)
                    _told(save.progress())
                except FOREIGN as error:
                    raise _NotOurs(error) from error
        except _NotOurs as error:
            raise error.inner from None
        except FOREIGN as error:
            return _cut_off(error, response)
        finally:
            response.close()
        return None

    def _gather(self, gather: Gather) -> list[Any]:
        with ThreadPoolExecutor(max_workers=gather.limit, thread_name_prefix="openvideos") as pool:
            return list(pool.map(self._result, gather.flows))

    def _result(self, flow: Flow[Any]) -> Any:
        try:
            return self.run(flow)
        except OpenVideosError as error:
            return error


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

    async def perform(self, effect: Effect) -> Any:
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
                response = await http.send(request, stream=True, follow_redirects=_follows(call))
                outcome = response if send.stream and response.is_success else await self._read(response, send)
        except TimeoutError as error:
            late = httpx.ReadTimeout("the answer came too slowly", request=request)
            outcome = connection_error(late, request, call.secrets)
            outcome.__cause__ = error
        except FOREIGN_ASYNC as error:
            outcome = connection_error(error, request, call.secrets)
            outcome.__cause__ = error
        _log(call, outcome, started)
        return outcome

    async def _read(self, response: httpx.Response, send: Send) -> httpx.Response | APIConnectionError:
        call = send.call
        try:
            if _is_small(response, call):
                await response.aread()
                return response
            pieces, size = list[bytes](), 0
            async for piece in response.aiter_bytes():
                size += len(piece)
                pieces.append(piece)
                if call.largest is not None and size > call.largest:
                    return _too_large(call, response.request)
            return _reread(response, b"".join(pieces))
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
                    broken = _cut_off(error, response)
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


class _NotOurs(Exception):
    """Carries a callback's or the disk's exception past the translation of the transport's."""

    def __init__(self, inner: BaseException) -> None:
        super().__init__()
        self.inner = inner


def _cut_off(error: Exception, response: httpx.Response) -> APIConnectionError:
    result = connection_error(error, response.request, ())
    result.__cause__ = error
    return result


def _told(result: Any) -> None:
    """Refuse what a blocking client cannot wait for."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise InvalidArgumentError(
            "The callback is async; give one to AsyncOpenVideos, and a plain function to OpenVideos."
        )


async def _awaited(result: Any) -> None:
    if inspect.isawaitable(result):
        await result
