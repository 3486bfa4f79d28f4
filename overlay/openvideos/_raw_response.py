"""Send the calls of `with_streaming_response`, and declare the types of its methods and of `with_raw_response`.

Each is a method of a subclass of `Videos` whose `_call` returns the response, so that the methods are not implemented
twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from ._responses.api_response import APIResponse, AsyncAPIResponse

P = ParamSpec("P")
T = TypeVar("T")


class ResponseContextManager(Generic[T]):
    """A prepared streamed call: entering the block sends it, leaving the block closes the response."""

    def __init__(self, send: Callable[[], APIResponse[T]]) -> None:
        """Store the function that sends the call."""
        self._send = send
        self._response: APIResponse[T] | None = None

    def __enter__(self) -> APIResponse[T]:
        """Send the call, and return its response, whose body is not read yet."""
        self._response = self._send()
        return self._response

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the response."""
        if self._response is not None:
            self._response.close()


class AsyncResponseContextManager(Generic[T]):
    """A prepared streamed asynchronous call: entering the block sends it, leaving the block closes the response."""

    def __init__(self, send: Callable[[], Any]) -> None:
        """Store the function that sends the call."""
        self._send = send
        self._response: AsyncAPIResponse[T] | None = None

    async def __aenter__(self) -> AsyncAPIResponse[T]:
        """Send the call, and return its response, whose body is not read yet."""
        response: AsyncAPIResponse[T] = await self._send()
        self._response = response
        return response

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the response."""
        if self._response is not None:
            await self._response.close()


def raw(method: Callable[P, T]) -> Callable[P, APIResponse[T]]:
    """Declare the type of a method whose `_call` returns the response."""
    return cast("Callable[P, APIResponse[T]]", method)


def streamed(method: Callable[P, T]) -> Callable[P, ResponseContextManager[T]]:
    """Declare the type of a method whose `_call` returns a context manager."""
    return cast("Callable[P, ResponseContextManager[T]]", method)


def raw_async(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[APIResponse[T]]]:
    """Declare the type of an async method whose `_call` returns the response."""
    return cast("Callable[P, Awaitable[APIResponse[T]]]", method)


def streamed_async(method: Callable[P, Awaitable[T]]) -> Callable[P, AsyncResponseContextManager[T]]:
    """Convert an async method whose `_call` returns a context manager to one that returns it without `await`."""

    # The methods are coroutine functions that return the result of `_call`, so they are awaited when it is entered.
    @wraps(method)
    def prepare(*args: P.args, **kwargs: P.kwargs) -> AsyncResponseContextManager[T]:
        return AsyncResponseContextManager(lambda: _entered(method(*args, **kwargs)))

    return prepare


async def _entered(prepared: Awaitable[Any]) -> Any:
    return await (await prepared).__aenter__()
